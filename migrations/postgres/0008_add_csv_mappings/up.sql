-- How clients' CSV files are written, and which of their columns are which fields.
CREATE TABLE csv_mappings (
    id UUID PRIMARY KEY,
    client_id UUID NOT NULL,
    content JSONB NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX csv_mappings_by_client ON csv_mappings (client_id, id);

-- The day of the latest roster of an agency, whole or of changes: so that an older one that arrives late doesn't undo it.
CREATE TABLE roster_marks (
    agency_id UUID NOT NULL REFERENCES agencies (id) ON DELETE CASCADE,
    mode TEXT COLLATE "C" NOT NULL,
    as_of DATE NOT NULL,
    client_id UUID NOT NULL,
    applied_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (agency_id, mode)
);
