DROP INDEX officers_by_email_folded_sha1;
DROP INDEX officers_by_email_sha1;
ALTER TABLE officers DROP COLUMN email_folded_sha1;
ALTER TABLE officers DROP COLUMN email_sha1;
DROP TABLE statement_keys;
DROP TABLE statements;
