ALTER TABLE officers DROP COLUMN pseudonymized_at;
ALTER TABLE officers DROP COLUMN pseudonymization_reason;
ALTER TABLE completions DROP COLUMN reduced;
