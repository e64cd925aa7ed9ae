-- Where a client wants to be told of what happens. `granted`: the agencies that its token named, where it is no registered client. `position`:
-- up to which event deliveries were made for it. The secret is not here: it follows from a key of the data folder, the id and `secret_version`.
CREATE TABLE webhooks (
    id BLOB PRIMARY KEY NOT NULL,
    client_id BLOB NOT NULL,
    granted TEXT,
    url TEXT NOT NULL,
    event_types TEXT,
    agencies TEXT,
    state TEXT NOT NULL,
    secret_version INTEGER NOT NULL,
    former_secret_until INTEGER,
    position BIGINT NOT NULL,
    failing_since INTEGER,
    disabled_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE INDEX webhooks_by_client ON webhooks (client_id, id);

-- An event to be told to a webhook. `line`: the agency, or zeros: of a line, one after the other. `log`: each attempt.
CREATE TABLE webhook_deliveries (
    id BLOB PRIMARY KEY NOT NULL,
    webhook_id BLOB NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event_id BLOB NOT NULL REFERENCES events (id),
    position BIGINT NOT NULL,
    line BLOB NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    claimed_until INTEGER,
    log TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (webhook_id, event_id)
);
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (webhook_id, line, position) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (due_at) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_by_state ON webhook_deliveries (webhook_id, state, id);
