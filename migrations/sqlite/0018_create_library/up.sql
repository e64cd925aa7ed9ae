-- The library: what agencies are offered to learn from.
CREATE TABLE resources (
    id BLOB PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    summary TEXT NOT NULL,
    link TEXT NOT NULL,
    publisher TEXT NOT NULL,
    published_on TEXT NOT NULL,
    language TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);

CREATE TABLE resource_topics (
    topic TEXT NOT NULL,
    resource_id BLOB NOT NULL REFERENCES resources (id) ON DELETE CASCADE,
    PRIMARY KEY (topic, resource_id)
);
CREATE INDEX resource_topics_by_resource ON resource_topics (resource_id);

-- The words of each entry as they are searched, folded: so that either database finds the same.
CREATE TABLE resource_words (
    word TEXT NOT NULL,
    resource_id BLOB NOT NULL REFERENCES resources (id) ON DELETE CASCADE,
    PRIMARY KEY (word, resource_id)
);
CREATE INDEX resource_words_by_resource ON resource_words (resource_id);

-- What agencies ask the IACP for, and the thread of notes on it. A note with a state is a step to that state.
CREATE TABLE assistance_requests (
    id BLOB PRIMARY KEY NOT NULL,
    agency_id BLOB NOT NULL REFERENCES agencies (id),
    kind TEXT NOT NULL,
    topic TEXT NOT NULL,
    question TEXT NOT NULL,
    contact_name TEXT NOT NULL,
    contact_email TEXT NOT NULL,
    state TEXT NOT NULL,
    peer_agency_id BLOB REFERENCES agencies (id),
    client_id BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE INDEX assistance_requests_by_agency ON assistance_requests (agency_id, id);
CREATE INDEX assistance_requests_by_state ON assistance_requests (state, id);

CREATE TABLE assistance_notes (
    request_id BLOB NOT NULL REFERENCES assistance_requests (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    note TEXT,
    state TEXT,
    client_id BLOB NOT NULL,
    written_at INTEGER NOT NULL,
    PRIMARY KEY (request_id, position)
);
