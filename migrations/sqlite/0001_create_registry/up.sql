-- What the registry holds. The words are those of the design: agencies, officers, appointments, trainings, completions, pledges.

CREATE TABLE agencies (
    id BLOB PRIMARY KEY NOT NULL,
    ori TEXT,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    country TEXT NOT NULL,
    subdivision TEXT,
    sworn_count INTEGER,
    sworn_as_of TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE INDEX agencies_by_subdivision ON agencies (subdivision, id);

-- Every ORI an agency goes by, the primary one among them.
CREATE TABLE agency_oris (
    ori TEXT PRIMARY KEY NOT NULL,
    agency_id BLOB NOT NULL REFERENCES agencies (id) ON DELETE CASCADE,
    assumed BOOLEAN NOT NULL,
    is_primary BOOLEAN NOT NULL
);
CREATE INDEX agency_oris_by_agency ON agency_oris (agency_id);

CREATE TABLE officers (
    id BLOB PRIMARY KEY NOT NULL,
    given_name TEXT NOT NULL,
    family_name TEXT NOT NULL,
    given_folded TEXT NOT NULL,
    family_folded TEXT NOT NULL,
    name_key TEXT NOT NULL,
    email TEXT,
    email_folded TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
-- name_key is `family|given`, both folded: so that many names are looked up by one list.
CREATE INDEX officers_by_name ON officers (name_key);
CREATE INDEX officers_by_family ON officers (family_folded, id);
CREATE INDEX officers_by_email ON officers (email_folded);

CREATE TABLE officer_identifiers (
    system TEXT NOT NULL,
    value TEXT NOT NULL,
    officer_id BLOB NOT NULL REFERENCES officers (id) ON DELETE CASCADE,
    PRIMARY KEY (system, value)
);
CREATE INDEX officer_identifiers_by_officer ON officer_identifiers (officer_id);

CREATE TABLE appointments (
    id BLOB PRIMARY KEY NOT NULL,
    officer_id BLOB NOT NULL REFERENCES officers (id) ON DELETE CASCADE,
    agency_id BLOB NOT NULL REFERENCES agencies (id),
    sworn BOOLEAN NOT NULL,
    employment TEXT NOT NULL,
    rank TEXT,
    employee_number TEXT,
    badge_number TEXT,
    started_on TEXT NOT NULL,
    ended_on TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE INDEX appointments_by_officer ON appointments (officer_id);
CREATE INDEX appointments_by_agency ON appointments (agency_id, officer_id);

-- Badge and employee numbers as they stood: each number with the days on which the appointment bore it.
CREATE TABLE number_spells (
    appointment_id BLOB NOT NULL REFERENCES appointments (id) ON DELETE CASCADE,
    agency_id BLOB NOT NULL REFERENCES agencies (id),
    kind TEXT NOT NULL,
    number TEXT NOT NULL,
    from_on TEXT NOT NULL,
    until_on TEXT,
    PRIMARY KEY (appointment_id, kind, from_on)
);
CREATE INDEX number_spells_by_number ON number_spells (kind, number, agency_id);

-- Officers whom a client described by an identifier that somebody out of its reach holds. Joined: the person is the same, and
-- until staff confirm it the client sees what it sent, which is here. Parked: the names disagree; the identifier was withheld.
CREATE TABLE officer_joins (
    id BLOB PRIMARY KEY NOT NULL,
    officer_id BLOB NOT NULL REFERENCES officers (id) ON DELETE CASCADE,
    agency_id BLOB NOT NULL REFERENCES agencies (id),
    client_id BLOB NOT NULL,
    given_name TEXT NOT NULL,
    family_name TEXT NOT NULL,
    email TEXT,
    identifiers TEXT NOT NULL,
    status TEXT NOT NULL,
    confirmed_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE INDEX officer_joins_by_officer ON officer_joins (officer_id);
CREATE INDEX officer_joins_by_status ON officer_joins (status, id);

-- The keys by which the client that sent them finds an officer of an unconfirmed join.
CREATE TABLE officer_join_keys (
    lookup TEXT NOT NULL,
    join_id BLOB NOT NULL REFERENCES officer_joins (id) ON DELETE CASCADE,
    PRIMARY KEY (lookup, join_id)
);
CREATE INDEX officer_join_keys_by_join ON officer_join_keys (join_id);

CREATE TABLE trainings (
    id BLOB PRIMARY KEY NOT NULL,
    code TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    provider TEXT,
    program TEXT NOT NULL,
    category TEXT NOT NULL,
    hours DOUBLE,
    validity_months INTEGER,
    recognition TEXT NOT NULL,
    recognition_note TEXT,
    recognition_changed_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);

CREATE TABLE course_mappings (
    id BLOB PRIMARY KEY NOT NULL,
    client_id BLOB NOT NULL,
    code TEXT NOT NULL,
    training_id BLOB NOT NULL REFERENCES trainings (id),
    effective_from TEXT NOT NULL,
    effective_to TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE INDEX course_mappings_by_code ON course_mappings (client_id, code);
CREATE INDEX course_mappings_by_training ON course_mappings (training_id);

-- A completion as pushed (content) and where it was placed. Parked while parked_reason is set.
CREATE TABLE completions (
    id BLOB PRIMARY KEY NOT NULL,
    client_id BLOB NOT NULL,
    external_id TEXT NOT NULL,
    officer_id BLOB REFERENCES officers (id),
    training_id BLOB REFERENCES trainings (id),
    parked_reason TEXT,
    completed_on TEXT NOT NULL,
    completed_at INTEGER,
    expires_on TEXT,
    passed BOOLEAN NOT NULL,
    content TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    revision INTEGER NOT NULL,
    sender_revision BIGINT,
    sender_updated_at INTEGER,
    placed_by_hand BOOLEAN NOT NULL,
    pushed_reach TEXT,
    revoked_at INTEGER,
    revocation_reason TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (client_id, external_id)
);
CREATE INDEX completions_by_officer ON completions (officer_id);
CREATE INDEX completions_by_training ON completions (training_id);
CREATE INDEX completions_parked ON completions (id) WHERE parked_reason IS NOT NULL;

CREATE TABLE completion_revisions (
    completion_id BLOB NOT NULL REFERENCES completions (id) ON DELETE CASCADE,
    revision INTEGER NOT NULL,
    content TEXT NOT NULL,
    replaced_at INTEGER NOT NULL,
    PRIMARY KEY (completion_id, revision)
);

-- What a parked completion waits for: an officer or a course that answers to one of these keys.
CREATE TABLE waiting_keys (
    wanted TEXT NOT NULL,
    completion_id BLOB NOT NULL REFERENCES completions (id) ON DELETE CASCADE,
    PRIMARY KEY (wanted, completion_id)
);
CREATE INDEX waiting_keys_by_completion ON waiting_keys (completion_id);

CREATE TABLE partnerships (
    id BLOB PRIMARY KEY NOT NULL,
    agency_id BLOB NOT NULL REFERENCES agencies (id),
    organization_name TEXT NOT NULL,
    organization_kind TEXT NOT NULL,
    agreement TEXT NOT NULL,
    effective_on TEXT NOT NULL,
    ends_on TEXT,
    document_url TEXT,
    document_sha256 TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE INDEX partnerships_by_agency ON partnerships (agency_id);

CREATE TABLE policies (
    id BLOB PRIMARY KEY NOT NULL,
    agency_id BLOB NOT NULL REFERENCES agencies (id),
    title TEXT NOT NULL,
    adopted_on TEXT NOT NULL,
    ends_on TEXT,
    document_url TEXT,
    document_sha256 TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE INDEX policies_by_agency ON policies (agency_id);

CREATE TABLE standards (
    id BLOB PRIMARY KEY NOT NULL,
    code TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    crisis_numerator INTEGER NOT NULL,
    crisis_denominator INTEGER NOT NULL,
    crisis_counts_as_awareness BOOLEAN NOT NULL,
    lapsed_credit_counts BOOLEAN NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);

CREATE TABLE pledges (
    id BLOB PRIMARY KEY NOT NULL,
    agency_id BLOB NOT NULL REFERENCES agencies (id),
    standard TEXT NOT NULL REFERENCES standards (code),
    pledged_on TEXT NOT NULL,
    term_months INTEGER NOT NULL,
    due_on TEXT NOT NULL,
    signatory_name TEXT NOT NULL,
    signatory_title TEXT NOT NULL,
    withdrawn_on TEXT,
    withdrawal_reason TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE INDEX pledges_by_agency ON pledges (agency_id);

-- The answer that a POST with an Idempotency-Key got, kept for 24 hours.
CREATE TABLE idempotency_keys (
    client_id BLOB NOT NULL,
    idempotency_key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL,
    location TEXT,
    outcome TEXT,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (client_id, idempotency_key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

INSERT INTO standards (id, code, title, crisis_numerator, crisis_denominator, crisis_counts_as_awareness, lapsed_credit_counts, created_at, updated_at) VALUES
    (x'01940000000070008000000000002016', 'one-mind-2016', 'One Mind Campaign, 2016: every sworn officer in Mental Health First Aid, at least 20 % also in crisis intervention', 1, 5, FALSE, FALSE, 1735689600000000, 1735689600000000),
    (x'01940000000070008000000000002020', 'one-mind', 'One Mind Campaign: every sworn officer in Mental Health First Aid or crisis intervention, at least 20 % in crisis intervention', 1, 5, TRUE, FALSE, 1735689600000000, 1735689600000000);
