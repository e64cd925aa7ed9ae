-- What happened. `ordinal`: in which order it was written; `position`: in which order it is read, given when it was committed, so that nothing
-- comes before what was read already. `client_id`: whose record it is about, who hears of it whatever its grants are. Neither agency nor
-- client: it is everybody's.
CREATE TABLE events (
    id UUID PRIMARY KEY,
    ordinal BIGSERIAL NOT NULL,
    position BIGINT,
    kind TEXT COLLATE "C" NOT NULL,
    agency_id UUID,
    client_id UUID,
    data JSONB NOT NULL,
    occurred_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX events_by_position ON events (position);
CREATE INDEX events_without_position ON events (ordinal) WHERE position IS NULL;
CREATE INDEX events_by_agency ON events (agency_id, position);
CREATE INDEX events_by_client ON events (client_id, position);

-- Where an agency stood when that was last told of, and the day on which it changes by itself.
CREATE TABLE agency_standings (
    agency_id UUID PRIMARY KEY REFERENCES agencies (id),
    version BIGINT NOT NULL,
    standards BIGINT NOT NULL,
    on_day DATE NOT NULL,
    standing JSONB NOT NULL,
    changes_on DATE
);
CREATE INDEX agency_standings_by_change ON agency_standings (changes_on);
