-- An application for certification on a pledge, and what became of it. `ended_on`: the day on which it was declined or revoked.
CREATE TABLE certifications (
    id BLOB PRIMARY KEY NOT NULL,
    agency_id BLOB NOT NULL REFERENCES agencies (id),
    pledge_id BLOB NOT NULL REFERENCES pledges (id),
    state TEXT NOT NULL,
    number TEXT UNIQUE,
    applied_on TEXT NOT NULL,
    awarded_on TEXT,
    ended_on TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE INDEX certifications_by_agency ON certifications (agency_id);
CREATE INDEX certifications_by_pledge ON certifications (pledge_id);
CREATE INDEX certifications_by_state ON certifications (state, id);

-- What was done with an application: by whom, when, why, and what the agency's evaluation was.
CREATE TABLE certification_steps (
    certification_id BLOB NOT NULL REFERENCES certifications (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    step TEXT NOT NULL,
    note TEXT,
    client_id BLOB NOT NULL,
    evaluation TEXT,
    taken_at INTEGER NOT NULL,
    PRIMARY KEY (certification_id, position)
);

-- How many certificates were numbered in a year. Whoever draws a number holds the row until it is awarded, so that there are no gaps.
CREATE TABLE certificate_numbers (
    year INTEGER PRIMARY KEY NOT NULL,
    last INTEGER NOT NULL
);
