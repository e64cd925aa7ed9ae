-- What changes on a day in the numbers of people at an agency: sworn, and of these with credit in crisis intervention, in awareness, and in
-- either, while it counts and (ever) also after it lapsed. The number on a day is the sum of all rows up to it. A transaction adds to
-- the rows of its own lane, so that those that commit at once don't wait for each other.
CREATE TABLE coverage_changes (
    agency_id UUID NOT NULL REFERENCES agencies (id) ON DELETE CASCADE,
    day DATE NOT NULL,
    lane INTEGER NOT NULL,
    sworn INTEGER NOT NULL,
    crisis INTEGER NOT NULL,
    awareness INTEGER NOT NULL,
    either INTEGER NOT NULL,
    crisis_ever INTEGER NOT NULL,
    awareness_ever INTEGER NOT NULL,
    either_ever INTEGER NOT NULL,
    PRIMARY KEY (agency_id, day, lane)
);

-- How often anything was changed that an agency's status follows from: the sum over the lanes. The agency of zeros stands for the
-- standards, and is here once the rows above were filled.
CREATE TABLE agency_versions (
    agency_id UUID NOT NULL,
    lane INTEGER NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (agency_id, lane)
);

-- How many completions wait, and why, without a look at the others.
CREATE INDEX completions_waiting ON completions (parked_reason, client_id) WHERE parked_reason IS NOT NULL AND revoked_at IS NULL;
