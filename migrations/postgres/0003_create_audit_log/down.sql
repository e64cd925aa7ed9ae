DROP TABLE audit_log;
DROP TABLE audit_lanes;
DROP FUNCTION audit_log_is_kept();
DROP FUNCTION audit_lanes_grow();
