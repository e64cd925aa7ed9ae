-- What happened, in the order in which it was committed: one writes at a time, so the number of a row is its position. `client_id`: whose
-- record it is about, who hears of it whatever its grants are. Neither agency nor client: it is everybody's.
CREATE TABLE events (
    position INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    id BLOB NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    agency_id BLOB,
    client_id BLOB,
    data TEXT NOT NULL,
    occurred_at INTEGER NOT NULL
);
CREATE INDEX events_by_agency ON events (agency_id, position);
CREATE INDEX events_by_client ON events (client_id, position);

-- Where an agency stood when that was last told of, and the day on which it changes by itself.
CREATE TABLE agency_standings (
    agency_id BLOB PRIMARY KEY NOT NULL REFERENCES agencies (id),
    version BIGINT NOT NULL,
    standards BIGINT NOT NULL,
    on_day TEXT NOT NULL,
    standing TEXT NOT NULL,
    changes_on TEXT
);
CREATE INDEX agency_standings_by_change ON agency_standings (changes_on);
