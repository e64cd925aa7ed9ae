-- How clients' CSV files are written, and which of their columns are which fields.
CREATE TABLE csv_mappings (
    id BLOB PRIMARY KEY NOT NULL,
    client_id BLOB NOT NULL,
    content TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE INDEX csv_mappings_by_client ON csv_mappings (client_id, id);

-- The day of the latest roster of an agency, whole or of changes: so that an older one that arrives late doesn't undo it.
CREATE TABLE roster_marks (
    agency_id BLOB NOT NULL REFERENCES agencies (id) ON DELETE CASCADE,
    mode TEXT NOT NULL,
    as_of TEXT NOT NULL,
    client_id BLOB NOT NULL,
    applied_at INTEGER NOT NULL,
    PRIMARY KEY (agency_id, mode)
);
