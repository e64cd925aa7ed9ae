-- Batches that are taken later: what was sent, how far it is, and who works on it until when.
CREATE TABLE imports (
    id UUID PRIMARY KEY,
    client_id UUID NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    registered BOOLEAN NOT NULL,
    agencies JSONB,
    media_type TEXT COLLATE "C" NOT NULL,
    layout TEXT COLLATE "C" NOT NULL,
    minimal BOOLEAN NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    bytes BIGINT NOT NULL,
    bytes_read BIGINT NOT NULL,
    summary TEXT COLLATE "C" NOT NULL,
    outcome_pieces INTEGER NOT NULL,
    problem TEXT COLLATE "C",
    attempts INTEGER NOT NULL,
    claim UUID,
    claimed_until TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    started_at TIMESTAMPTZ,
    finished_at TIMESTAMPTZ
);
CREATE INDEX imports_by_client ON imports (client_id, id);
CREATE INDEX imports_to_do ON imports (id) WHERE state IN ('receiving', 'queued', 'running');

-- The body of an import, until it was taken.
CREATE TABLE import_bodies (
    import_id UUID NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
    piece INTEGER NOT NULL,
    content BYTEA NOT NULL,
    PRIMARY KEY (import_id, piece)
);

-- What became of its records: lines of JSON.
CREATE TABLE import_outcomes (
    import_id UUID NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
    piece INTEGER NOT NULL,
    content TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (import_id, piece)
);
