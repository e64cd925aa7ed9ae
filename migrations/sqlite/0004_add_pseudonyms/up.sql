-- When staff put a pseudonym in the place of who somebody is, and why; and whose records hold no more than that since then.
ALTER TABLE officers ADD COLUMN pseudonymized_at INTEGER;
ALTER TABLE officers ADD COLUMN pseudonymization_reason TEXT;
ALTER TABLE completions ADD COLUMN reduced BOOLEAN NOT NULL DEFAULT FALSE;
