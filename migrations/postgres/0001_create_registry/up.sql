-- What the registry holds. The words are those of the design: agencies, officers, appointments, trainings, completions, pledges.

CREATE TABLE agencies (
    id UUID PRIMARY KEY,
    ori TEXT COLLATE "C",
    name TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    country TEXT COLLATE "C" NOT NULL,
    subdivision TEXT COLLATE "C",
    sworn_count INTEGER,
    sworn_as_of DATE,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX agencies_by_subdivision ON agencies (subdivision, id);

-- Every ORI an agency goes by, the primary one among them.
CREATE TABLE agency_oris (
    ori TEXT COLLATE "C" PRIMARY KEY,
    agency_id UUID NOT NULL REFERENCES agencies (id) ON DELETE CASCADE,
    assumed BOOLEAN NOT NULL,
    is_primary BOOLEAN NOT NULL
);
CREATE INDEX agency_oris_by_agency ON agency_oris (agency_id);

CREATE TABLE officers (
    id UUID PRIMARY KEY,
    given_name TEXT COLLATE "C" NOT NULL,
    family_name TEXT COLLATE "C" NOT NULL,
    given_folded TEXT COLLATE "C" NOT NULL,
    family_folded TEXT COLLATE "C" NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    email TEXT COLLATE "C",
    email_folded TEXT COLLATE "C",
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
-- name_key is `family|given`, both folded: so that many names are looked up by one list.
CREATE INDEX officers_by_name ON officers (name_key);
CREATE INDEX officers_by_family ON officers (family_folded, id);
CREATE INDEX officers_by_email ON officers (email_folded);

CREATE TABLE officer_identifiers (
    system TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    officer_id UUID NOT NULL REFERENCES officers (id) ON DELETE CASCADE,
    PRIMARY KEY (system, value)
);
CREATE INDEX officer_identifiers_by_officer ON officer_identifiers (officer_id);

CREATE TABLE appointments (
    id UUID PRIMARY KEY,
    officer_id UUID NOT NULL REFERENCES officers (id) ON DELETE CASCADE,
    agency_id UUID NOT NULL REFERENCES agencies (id),
    sworn BOOLEAN NOT NULL,
    employment TEXT COLLATE "C" NOT NULL,
    rank TEXT COLLATE "C",
    employee_number TEXT COLLATE "C",
    badge_number TEXT COLLATE "C",
    started_on DATE NOT NULL,
    ended_on DATE,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX appointments_by_officer ON appointments (officer_id);
CREATE INDEX appointments_by_agency ON appointments (agency_id, officer_id);

-- Badge and employee numbers as they stood: each number with the days on which the appointment bore it.
CREATE TABLE number_spells (
    appointment_id UUID NOT NULL REFERENCES appointments (id) ON DELETE CASCADE,
    agency_id UUID NOT NULL REFERENCES agencies (id),
    kind TEXT COLLATE "C" NOT NULL,
    number TEXT COLLATE "C" NOT NULL,
    from_on DATE NOT NULL,
    until_on DATE,
    PRIMARY KEY (appointment_id, kind, from_on)
);
CREATE INDEX number_spells_by_number ON number_spells (kind, number, agency_id);

-- Officers whom a client described by an identifier that somebody out of its reach holds. Joined: the person is the same, and
-- until staff confirm it the client sees what it sent, which is here. Parked: the names disagree; the identifier was withheld.
CREATE TABLE officer_joins (
    id UUID PRIMARY KEY,
    officer_id UUID NOT NULL REFERENCES officers (id) ON DELETE CASCADE,
    agency_id UUID NOT NULL REFERENCES agencies (id),
    client_id UUID NOT NULL,
    given_name TEXT COLLATE "C" NOT NULL,
    family_name TEXT COLLATE "C" NOT NULL,
    email TEXT COLLATE "C",
    identifiers JSONB NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    confirmed_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX officer_joins_by_officer ON officer_joins (officer_id);
CREATE INDEX officer_joins_by_status ON officer_joins (status, id);

-- The keys by which the client that sent them finds an officer of an unconfirmed join.
CREATE TABLE officer_join_keys (
    lookup TEXT COLLATE "C" NOT NULL,
    join_id UUID NOT NULL REFERENCES officer_joins (id) ON DELETE CASCADE,
    PRIMARY KEY (lookup, join_id)
);
CREATE INDEX officer_join_keys_by_join ON officer_join_keys (join_id);

CREATE TABLE trainings (
    id UUID PRIMARY KEY,
    code TEXT COLLATE "C" NOT NULL UNIQUE,
    title TEXT COLLATE "C" NOT NULL,
    provider TEXT COLLATE "C",
    program TEXT COLLATE "C" NOT NULL,
    category TEXT COLLATE "C" NOT NULL,
    hours DOUBLE PRECISION,
    validity_months INTEGER,
    recognition TEXT COLLATE "C" NOT NULL,
    recognition_note TEXT COLLATE "C",
    recognition_changed_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE course_mappings (
    id UUID PRIMARY KEY,
    client_id UUID NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    training_id UUID NOT NULL REFERENCES trainings (id),
    effective_from DATE NOT NULL,
    effective_to DATE,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX course_mappings_by_code ON course_mappings (client_id, code);
CREATE INDEX course_mappings_by_training ON course_mappings (training_id);

-- A completion as pushed (content) and where it was placed. Parked while parked_reason is set.
CREATE TABLE completions (
    id UUID PRIMARY KEY,
    client_id UUID NOT NULL,
    external_id TEXT COLLATE "C" NOT NULL,
    officer_id UUID REFERENCES officers (id),
    training_id UUID REFERENCES trainings (id),
    parked_reason TEXT COLLATE "C",
    completed_on DATE NOT NULL,
    completed_at TIMESTAMPTZ,
    expires_on DATE,
    passed BOOLEAN NOT NULL,
    content JSONB NOT NULL,
    content_hash TEXT COLLATE "C" NOT NULL,
    revision INTEGER NOT NULL,
    sender_revision BIGINT,
    sender_updated_at TIMESTAMPTZ,
    placed_by_hand BOOLEAN NOT NULL,
    pushed_reach JSONB,
    revoked_at TIMESTAMPTZ,
    revocation_reason TEXT COLLATE "C",
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    UNIQUE (client_id, external_id)
);
CREATE INDEX completions_by_officer ON completions (officer_id);
CREATE INDEX completions_by_training ON completions (training_id);
CREATE INDEX completions_parked ON completions (id) WHERE parked_reason IS NOT NULL;

CREATE TABLE completion_revisions (
    completion_id UUID NOT NULL REFERENCES completions (id) ON DELETE CASCADE,
    revision INTEGER NOT NULL,
    content JSONB NOT NULL,
    replaced_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (completion_id, revision)
);

-- What a parked completion waits for: an officer or a course that answers to one of these keys.
CREATE TABLE waiting_keys (
    wanted TEXT COLLATE "C" NOT NULL,
    completion_id UUID NOT NULL REFERENCES completions (id) ON DELETE CASCADE,
    PRIMARY KEY (wanted, completion_id)
);
CREATE INDEX waiting_keys_by_completion ON waiting_keys (completion_id);

CREATE TABLE partnerships (
    id UUID PRIMARY KEY,
    agency_id UUID NOT NULL REFERENCES agencies (id),
    organization_name TEXT COLLATE "C" NOT NULL,
    organization_kind TEXT COLLATE "C" NOT NULL,
    agreement TEXT COLLATE "C" NOT NULL,
    effective_on DATE NOT NULL,
    ends_on DATE,
    document_url TEXT COLLATE "C",
    document_sha256 TEXT COLLATE "C",
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX partnerships_by_agency ON partnerships (agency_id);

CREATE TABLE policies (
    id UUID PRIMARY KEY,
    agency_id UUID NOT NULL REFERENCES agencies (id),
    title TEXT COLLATE "C" NOT NULL,
    adopted_on DATE NOT NULL,
    ends_on DATE,
    document_url TEXT COLLATE "C",
    document_sha256 TEXT COLLATE "C",
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX policies_by_agency ON policies (agency_id);

CREATE TABLE standards (
    id UUID PRIMARY KEY,
    code TEXT COLLATE "C" NOT NULL UNIQUE,
    title TEXT COLLATE "C" NOT NULL,
    crisis_numerator INTEGER NOT NULL,
    crisis_denominator INTEGER NOT NULL,
    crisis_counts_as_awareness BOOLEAN NOT NULL,
    lapsed_credit_counts BOOLEAN NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE pledges (
    id UUID PRIMARY KEY,
    agency_id UUID NOT NULL REFERENCES agencies (id),
    standard TEXT COLLATE "C" NOT NULL REFERENCES standards (code),
    pledged_on DATE NOT NULL,
    term_months INTEGER NOT NULL,
    due_on DATE NOT NULL,
    signatory_name TEXT COLLATE "C" NOT NULL,
    signatory_title TEXT COLLATE "C" NOT NULL,
    withdrawn_on DATE,
    withdrawal_reason TEXT COLLATE "C",
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX pledges_by_agency ON pledges (agency_id);

-- The answer that a POST with an Idempotency-Key got, kept for 24 hours.
CREATE TABLE idempotency_keys (
    client_id UUID NOT NULL,
    idempotency_key TEXT COLLATE "C" NOT NULL,
    fingerprint TEXT COLLATE "C" NOT NULL,
    status INTEGER NOT NULL,
    location TEXT COLLATE "C",
    outcome TEXT COLLATE "C",
    body TEXT COLLATE "C" NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (client_id, idempotency_key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

INSERT INTO standards (id, code, title, crisis_numerator, crisis_denominator, crisis_counts_as_awareness, lapsed_credit_counts, created_at, updated_at) VALUES
    ('01940000-0000-7000-8000-000000002016', 'one-mind-2016', 'One Mind Campaign, 2016: every sworn officer in Mental Health First Aid, at least 20 % also in crisis intervention', 1, 5, FALSE, FALSE, '2025-01-01T00:00:00Z', '2025-01-01T00:00:00Z'),
    ('01940000-0000-7000-8000-000000002020', 'one-mind', 'One Mind Campaign: every sworn officer in Mental Health First Aid or crisis intervention, at least 20 % in crisis intervention', 1, 5, TRUE, FALSE, '2025-01-01T00:00:00Z', '2025-01-01T00:00:00Z');
