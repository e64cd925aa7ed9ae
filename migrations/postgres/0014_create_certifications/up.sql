-- An application for certification on a pledge, and what became of it. `ended_on`: the day on which it was declined or revoked.
CREATE TABLE certifications (
    id UUID PRIMARY KEY,
    agency_id UUID NOT NULL REFERENCES agencies (id),
    pledge_id UUID NOT NULL REFERENCES pledges (id),
    state TEXT COLLATE "C" NOT NULL,
    number TEXT COLLATE "C" UNIQUE,
    applied_on DATE NOT NULL,
    awarded_on DATE,
    ended_on DATE,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX certifications_by_agency ON certifications (agency_id);
CREATE INDEX certifications_by_pledge ON certifications (pledge_id);
CREATE INDEX certifications_by_state ON certifications (state, id);

-- What was done with an application: by whom, when, why, and what the agency's evaluation was.
CREATE TABLE certification_steps (
    certification_id UUID NOT NULL REFERENCES certifications (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    step TEXT COLLATE "C" NOT NULL,
    note TEXT COLLATE "C",
    client_id UUID NOT NULL,
    evaluation JSONB,
    taken_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (certification_id, position)
);

-- How many certificates were numbered in a year. Whoever draws a number holds the row until it is awarded, so that there are no gaps.
CREATE TABLE certificate_numbers (
    year INTEGER PRIMARY KEY,
    last INTEGER NOT NULL
);
