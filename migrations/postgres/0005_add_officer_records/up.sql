-- An officer is a record of a person. Several records may be of one person: the client that was joined by an identifier has a record
-- of its own, until staff confirm that it is the same person; credit belongs to the person. A record by itself is its own person.
ALTER TABLE officers ADD COLUMN person_id UUID NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000';
UPDATE officers SET person_id = id;
ALTER TABLE officers ALTER COLUMN person_id DROP DEFAULT;
-- Where a record was merged into another: that one stands in its place.
ALTER TABLE officers ADD COLUMN merged_into UUID REFERENCES officers (id) ON DELETE CASCADE;

-- Who was joined and not confirmed yet gets a record of its own, known by the id of the join.
INSERT INTO officers (id, given_name, family_name, given_folded, family_folded, name_key, email, email_folded, created_at, updated_at, person_id)
    SELECT j.id, j.given_name, j.family_name, o.given_folded, o.family_folded, o.name_key, j.email, lower(j.email), j.created_at, j.updated_at, o.id
    FROM officer_joins AS j JOIN officers AS o ON o.id = j.officer_id WHERE j.status = 'joined' AND j.confirmed_at IS NULL;
UPDATE appointments SET officer_id = (
        SELECT j.id FROM officer_joins AS j WHERE j.officer_id = appointments.officer_id AND j.agency_id = appointments.agency_id
            AND j.status = 'joined' AND j.confirmed_at IS NULL ORDER BY j.id DESC LIMIT 1)
    WHERE EXISTS (SELECT 1 FROM officer_joins AS j WHERE j.officer_id = appointments.officer_id AND j.agency_id = appointments.agency_id
        AND j.status = 'joined' AND j.confirmed_at IS NULL);
UPDATE officer_joins SET officer_id = id WHERE status = 'joined' AND confirmed_at IS NULL;
DELETE FROM officer_join_keys WHERE lookup NOT LIKE 'identifier:%';

CREATE INDEX officers_by_person ON officers (person_id);
CREATE INDEX officers_merged ON officers (merged_into) WHERE merged_into IS NOT NULL;

-- Two records that turned out to be of one person, and what went from the one to the other, so that it can be undone.
CREATE TABLE officer_merges (
    id UUID PRIMARY KEY,
    kept_id UUID NOT NULL REFERENCES officers (id) ON DELETE CASCADE,
    merged_id UUID NOT NULL REFERENCES officers (id) ON DELETE CASCADE,
    join_id UUID REFERENCES officer_joins (id) ON DELETE SET NULL,
    reason TEXT COLLATE "C" NOT NULL,
    moved JSONB NOT NULL,
    merged_at TIMESTAMPTZ NOT NULL,
    undone_at TIMESTAMPTZ,
    undone_reason TEXT COLLATE "C"
);
CREATE INDEX officer_merges_by_kept ON officer_merges (kept_id);
CREATE INDEX officer_merges_by_merged ON officer_merges (merged_id);
