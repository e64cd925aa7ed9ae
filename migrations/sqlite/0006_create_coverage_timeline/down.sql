DROP INDEX completions_waiting;
DROP TABLE agency_versions;
DROP TABLE coverage_changes;
