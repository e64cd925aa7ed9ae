-- The library: what agencies are offered to learn from.
CREATE TABLE resources (
    id UUID PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    title TEXT COLLATE "C" NOT NULL,
    summary TEXT COLLATE "C" NOT NULL,
    link TEXT COLLATE "C" NOT NULL,
    publisher TEXT COLLATE "C" NOT NULL,
    published_on DATE NOT NULL,
    language TEXT COLLATE "C" NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE resource_topics (
    topic TEXT COLLATE "C" NOT NULL,
    resource_id UUID NOT NULL REFERENCES resources (id) ON DELETE CASCADE,
    PRIMARY KEY (topic, resource_id)
);
CREATE INDEX resource_topics_by_resource ON resource_topics (resource_id);

-- The words of each entry as they are searched, folded: so that either database finds the same.
CREATE TABLE resource_words (
    word TEXT COLLATE "C" NOT NULL,
    resource_id UUID NOT NULL REFERENCES resources (id) ON DELETE CASCADE,
    PRIMARY KEY (word, resource_id)
);
CREATE INDEX resource_words_by_resource ON resource_words (resource_id);

-- What agencies ask the IACP for, and the thread of notes on it. A note with a state is a step to that state.
CREATE TABLE assistance_requests (
    id UUID PRIMARY KEY,
    agency_id UUID NOT NULL REFERENCES agencies (id),
    kind TEXT COLLATE "C" NOT NULL,
    topic TEXT COLLATE "C" NOT NULL,
    question TEXT COLLATE "C" NOT NULL,
    contact_name TEXT COLLATE "C" NOT NULL,
    contact_email TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    peer_agency_id UUID REFERENCES agencies (id),
    client_id UUID NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX assistance_requests_by_agency ON assistance_requests (agency_id, id);
CREATE INDEX assistance_requests_by_state ON assistance_requests (state, id);

CREATE TABLE assistance_notes (
    request_id UUID NOT NULL REFERENCES assistance_requests (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    note TEXT COLLATE "C",
    state TEXT COLLATE "C",
    client_id UUID NOT NULL,
    written_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (request_id, position)
);
