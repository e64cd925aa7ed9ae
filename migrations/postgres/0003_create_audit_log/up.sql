-- Who did what, and who looked at people's data. Rows are added and never changed; each is sealed onto the one before it in its lane.

CREATE TABLE audit_log (
    id UUID PRIMARY KEY,
    lane INTEGER NOT NULL,
    sequence BIGINT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    client_id UUID,
    subject TEXT COLLATE "C",
    operation TEXT COLLATE "C" NOT NULL,
    outcome TEXT COLLATE "C" NOT NULL,
    status INTEGER NOT NULL,
    resource TEXT COLLATE "C",
    resource_id TEXT COLLATE "C",
    agency_id UUID,
    request_id UUID,
    address TEXT COLLATE "C",
    -- Names of members, separated by commas.
    fields TEXT COLLATE "C",
    -- JSON, as it was sealed to the letter.
    detail TEXT COLLATE "C",
    -- Of a change to many: `outcome:id,id;outcome:id`, ids without hyphens.
    ids TEXT COLLATE "C",
    key_name TEXT COLLATE "C" NOT NULL,
    hash BYTEA NOT NULL,
    UNIQUE (lane, sequence)
);
CREATE INDEX audit_log_by_client ON audit_log (client_id, id);
CREATE INDEX audit_log_by_resource ON audit_log (resource_id, id);
CREATE INDEX audit_log_of_many ON audit_log (id) WHERE ids IS NOT NULL;

-- The end of each chain, and where it begins since it was last pruned. Few lanes a page: each is written often.
CREATE TABLE audit_lanes (
    lane INTEGER PRIMARY KEY,
    sequence BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    pruned_sequence BIGINT NOT NULL,
    pruned_hash BYTEA NOT NULL,
    key_name TEXT COLLATE "C",
    seal BYTEA
) WITH (fillfactor = 10);

INSERT INTO audit_lanes (lane, sequence, hash, pruned_sequence, pruned_hash)
    SELECT lane, 0, decode(repeat('00', 32), 'hex'), 0, decode(repeat('00', 32), 'hex') FROM generate_series(0, 63) AS lane;

CREATE FUNCTION audit_log_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND EXISTS (SELECT 1 FROM audit_lanes AS l WHERE l.lane = OLD.lane AND OLD.sequence <= l.pruned_sequence) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the audit log is append-only';
END $$;
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON audit_log FOR EACH ROW EXECUTE FUNCTION audit_log_is_kept();
CREATE TRIGGER audit_log_not_emptied BEFORE TRUNCATE ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_kept();

CREATE FUNCTION audit_lanes_grow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.lane = OLD.lane AND NEW.sequence >= OLD.sequence AND NEW.pruned_sequence BETWEEN OLD.pruned_sequence AND NEW.sequence THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the lanes of the audit log only grow';
END $$;
CREATE TRIGGER audit_lanes_only_grow BEFORE UPDATE OR DELETE ON audit_lanes FOR EACH ROW EXECUTE FUNCTION audit_lanes_grow();
CREATE TRIGGER audit_lanes_not_emptied BEFORE TRUNCATE ON audit_lanes FOR EACH STATEMENT EXECUTE FUNCTION audit_lanes_grow();
