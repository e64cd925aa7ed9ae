-- Who may call: clients, their secrets, the agencies that they were granted.

CREATE TABLE clients (
    id UUID PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    -- A list of scopes, and the public keys that sign its assertions as a JSON Web Key Set.
    scopes JSONB NOT NULL,
    jwks JSONB,
    -- From when unused days are counted, where it was not used since.
    enabled_at TIMESTAMPTZ NOT NULL,
    last_used_at TIMESTAMPTZ,
    revoked_at TIMESTAMPTZ,
    revocation_reason TEXT COLLATE "C",
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);

-- A secret is stored as its SHA-256 alone.
CREATE TABLE client_secrets (
    id UUID PRIMARY KEY,
    client_id UUID NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    digest TEXT COLLATE "C" NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    last_used_at TIMESTAMPTZ
);
CREATE INDEX client_secrets_by_client ON client_secrets (client_id);

-- The assertions of a client that were used, until they expire.
CREATE TABLE client_assertions (
    client_id UUID NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    jti TEXT COLLATE "C" NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (client_id, jti)
);
CREATE INDEX client_assertions_by_expiry ON client_assertions (expires_at);

-- What a client may act for: an agency, one that is yet to be registered under an ORI, or, with neither, all of them.
CREATE TABLE grants (
    id UUID PRIMARY KEY,
    client_id UUID NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    agency_id UUID REFERENCES agencies (id),
    ori TEXT COLLATE "C",
    starts_on DATE NOT NULL,
    ends_on DATE,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX grants_by_client ON grants (client_id, id);
CREATE INDEX grants_by_agency ON grants (agency_id);
CREATE INDEX grants_by_ori ON grants (ori) WHERE ori IS NOT NULL;

-- The completions of a client that wait, for when its grants grow.
CREATE INDEX completions_parked_by_client ON completions (client_id) WHERE parked_reason IS NOT NULL;
