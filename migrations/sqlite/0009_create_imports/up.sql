-- Batches that are taken later: what was sent, how far it is, and who works on it until when.
CREATE TABLE imports (
    id BLOB PRIMARY KEY NOT NULL,
    client_id BLOB NOT NULL,
    subject TEXT NOT NULL,
    registered BOOLEAN NOT NULL,
    agencies TEXT,
    media_type TEXT NOT NULL,
    layout TEXT NOT NULL,
    minimal BOOLEAN NOT NULL,
    state TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    bytes_read INTEGER NOT NULL,
    summary TEXT NOT NULL,
    outcome_pieces INTEGER NOT NULL,
    problem TEXT,
    attempts INTEGER NOT NULL,
    claim BLOB,
    claimed_until INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER
);
CREATE INDEX imports_by_client ON imports (client_id, id);
CREATE INDEX imports_to_do ON imports (id) WHERE state IN ('receiving', 'queued', 'running');

-- The body of an import, until it was taken.
CREATE TABLE import_bodies (
    import_id BLOB NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
    piece INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (import_id, piece)
);

-- What became of its records: lines of JSON.
CREATE TABLE import_outcomes (
    import_id BLOB NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
    piece INTEGER NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (import_id, piece)
);
