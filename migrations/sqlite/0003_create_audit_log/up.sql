-- Who did what, and who looked at people's data. Rows are added and never changed; each is sealed onto the one before it in its lane.

CREATE TABLE audit_log (
    id BLOB PRIMARY KEY NOT NULL,
    lane INTEGER NOT NULL,
    sequence BIGINT NOT NULL,
    at INTEGER NOT NULL,
    client_id BLOB,
    subject TEXT,
    operation TEXT NOT NULL,
    outcome TEXT NOT NULL,
    status INTEGER NOT NULL,
    resource TEXT,
    resource_id TEXT,
    agency_id BLOB,
    request_id BLOB,
    address TEXT,
    -- Names of members, separated by commas.
    fields TEXT,
    -- JSON, as it was sealed to the letter.
    detail TEXT,
    -- Of a change to many: `outcome:id,id;outcome:id`, ids without hyphens.
    ids TEXT,
    key_name TEXT NOT NULL,
    hash BLOB NOT NULL,
    UNIQUE (lane, sequence)
);
CREATE INDEX audit_log_by_client ON audit_log (client_id, id);
CREATE INDEX audit_log_by_resource ON audit_log (resource_id, id);
CREATE INDEX audit_log_of_many ON audit_log (id) WHERE ids IS NOT NULL;

-- The end of each chain, and where it begins since it was last pruned.
CREATE TABLE audit_lanes (
    lane INTEGER PRIMARY KEY NOT NULL,
    sequence BIGINT NOT NULL,
    hash BLOB NOT NULL,
    pruned_sequence BIGINT NOT NULL,
    pruned_hash BLOB NOT NULL,
    key_name TEXT,
    seal BLOB
);

WITH RECURSIVE lanes (lane) AS (SELECT 0 UNION ALL SELECT lane + 1 FROM lanes WHERE lane < 63)
INSERT INTO audit_lanes (lane, sequence, hash, pruned_sequence, pruned_hash)
    SELECT lane, 0, zeroblob(32), 0, zeroblob(32) FROM lanes;

CREATE TRIGGER audit_log_not_changed BEFORE UPDATE ON audit_log BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER audit_log_not_shortened BEFORE DELETE ON audit_log
WHEN NOT EXISTS (SELECT 1 FROM audit_lanes AS l WHERE l.lane = OLD.lane AND OLD.sequence <= l.pruned_sequence) BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER audit_lanes_only_grow BEFORE UPDATE ON audit_lanes
WHEN NEW.lane <> OLD.lane OR NEW.sequence < OLD.sequence OR NEW.pruned_sequence NOT BETWEEN OLD.pruned_sequence AND NEW.sequence BEGIN
    SELECT RAISE(ABORT, 'the lanes of the audit log only grow');
END;
CREATE TRIGGER audit_lanes_not_deleted BEFORE DELETE ON audit_lanes BEGIN
    SELECT RAISE(ABORT, 'the lanes of the audit log only grow');
END;
