-- xAPI statements as their clients sent them. `stored_at` grows with every statement of a client, in the order in which they are committed.
CREATE TABLE statements (
    id BLOB PRIMARY KEY NOT NULL,
    client_id BLOB NOT NULL,
    statement_id BLOB NOT NULL,
    stored_at INTEGER NOT NULL,
    sent_at INTEGER,
    content TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    refers_to BLOB,
    voids BOOLEAN NOT NULL,
    voided BOOLEAN NOT NULL,
    completion_id BLOB REFERENCES completions (id) ON DELETE SET NULL,
    UNIQUE (client_id, statement_id),
    UNIQUE (client_id, stored_at)
);
CREATE INDEX statements_by_reference ON statements (client_id, refers_to) WHERE refers_to IS NOT NULL;
CREATE INDEX statements_by_completion ON statements (completion_id) WHERE completion_id IS NOT NULL;

-- What a statement is found by: digests of its agents, its verb, its activities and its registration.
CREATE TABLE statement_keys (
    client_id BLOB NOT NULL,
    lookup TEXT NOT NULL,
    statement_id BLOB NOT NULL,
    PRIMARY KEY (client_id, lookup, statement_id),
    FOREIGN KEY (client_id, statement_id) REFERENCES statements (client_id, statement_id) ON DELETE CASCADE
);
CREATE INDEX statement_keys_by_statement ON statement_keys (client_id, statement_id);
CREATE INDEX statement_keys_by_lookup ON statement_keys (lookup);

-- The SHA-1 of an officer's address as a mailto URI, as it was typed and in lower case: what an xAPI actor may be named by.
ALTER TABLE officers ADD COLUMN email_sha1 TEXT;
ALTER TABLE officers ADD COLUMN email_folded_sha1 TEXT;
CREATE INDEX officers_by_email_sha1 ON officers (email_sha1) WHERE email_sha1 IS NOT NULL;
CREATE INDEX officers_by_email_folded_sha1 ON officers (email_folded_sha1) WHERE email_folded_sha1 IS NOT NULL;
