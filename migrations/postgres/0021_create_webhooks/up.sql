-- Where a client wants to be told of what happens. `granted`: the agencies that its token named, where it is no registered client. `position`:
-- up to which event deliveries were made for it. The secret is not here: it follows from a key of the data folder, the id and `secret_version`.
CREATE TABLE webhooks (
    id UUID PRIMARY KEY,
    client_id UUID NOT NULL,
    granted JSONB,
    url TEXT COLLATE "C" NOT NULL,
    event_types JSONB,
    agencies JSONB,
    state TEXT COLLATE "C" NOT NULL,
    secret_version INTEGER NOT NULL,
    former_secret_until TIMESTAMPTZ,
    position BIGINT NOT NULL,
    failing_since TIMESTAMPTZ,
    disabled_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX webhooks_by_client ON webhooks (client_id, id);

-- An event to be told to a webhook. `line`: the agency, or zeros: of a line, one after the other. `log`: each attempt.
CREATE TABLE webhook_deliveries (
    id UUID PRIMARY KEY,
    webhook_id UUID NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event_id UUID NOT NULL REFERENCES events (id),
    position BIGINT NOT NULL,
    line UUID NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    attempts INTEGER NOT NULL,
    due_at TIMESTAMPTZ NOT NULL,
    claimed_until TIMESTAMPTZ,
    log JSONB NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    UNIQUE (webhook_id, event_id)
);
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (webhook_id, line, position) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (due_at) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_by_state ON webhook_deliveries (webhook_id, state, id);
