-- Until when a pledge was last extended; absent: it was not, and ends with its term.
ALTER TABLE pledges ADD COLUMN extended_to TEXT;

-- Each extension of a pledge, with the last day before it and after it.
CREATE TABLE pledge_extensions (
    id BLOB PRIMARY KEY NOT NULL,
    pledge_id BLOB NOT NULL REFERENCES pledges (id) ON DELETE CASCADE,
    former_due_on TEXT NOT NULL,
    due_on TEXT NOT NULL,
    reason TEXT NOT NULL,
    client_id BLOB NOT NULL,
    extended_at INTEGER NOT NULL
);
CREATE INDEX pledge_extensions_by_pledge ON pledge_extensions (pledge_id);
