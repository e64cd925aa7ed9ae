-- Who may call: clients, their secrets, the agencies that they were granted.

CREATE TABLE clients (
    id BLOB PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    -- A list of scopes, and the public keys that sign its assertions as a JSON Web Key Set.
    scopes TEXT NOT NULL,
    jwks TEXT,
    -- From when unused days are counted, where it was not used since.
    enabled_at INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at INTEGER,
    revocation_reason TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);

-- A secret is stored as its SHA-256 alone.
CREATE TABLE client_secrets (
    id BLOB PRIMARY KEY NOT NULL,
    client_id BLOB NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    digest TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER
);
CREATE INDEX client_secrets_by_client ON client_secrets (client_id);

-- The assertions of a client that were used, until they expire.
CREATE TABLE client_assertions (
    client_id BLOB NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    jti TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (client_id, jti)
);
CREATE INDEX client_assertions_by_expiry ON client_assertions (expires_at);

-- What a client may act for: an agency, one that is yet to be registered under an ORI, or, with neither, all of them.
CREATE TABLE grants (
    id BLOB PRIMARY KEY NOT NULL,
    client_id BLOB NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    agency_id BLOB REFERENCES agencies (id),
    ori TEXT,
    starts_on TEXT NOT NULL,
    ends_on TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE INDEX grants_by_client ON grants (client_id, id);
CREATE INDEX grants_by_agency ON grants (agency_id);
CREATE INDEX grants_by_ori ON grants (ori) WHERE ori IS NOT NULL;

-- The completions of a client that wait, for when its grants grow.
CREATE INDEX completions_parked_by_client ON completions (client_id) WHERE parked_reason IS NOT NULL;
