-- Until when a pledge was last extended; absent: it was not, and ends with its term.
ALTER TABLE pledges ADD COLUMN extended_to DATE;

-- Each extension of a pledge, with the last day before it and after it.
CREATE TABLE pledge_extensions (
    id UUID PRIMARY KEY,
    pledge_id UUID NOT NULL REFERENCES pledges (id) ON DELETE CASCADE,
    former_due_on DATE NOT NULL,
    due_on DATE NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    client_id UUID NOT NULL,
    extended_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX pledge_extensions_by_pledge ON pledge_extensions (pledge_id);
