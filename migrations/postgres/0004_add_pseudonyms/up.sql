-- When staff put a pseudonym in the place of who somebody is, and why; and whose records hold no more than that since then.
ALTER TABLE officers ADD COLUMN pseudonymized_at TIMESTAMPTZ;
ALTER TABLE officers ADD COLUMN pseudonymization_reason TEXT COLLATE "C";
ALTER TABLE completions ADD COLUMN reduced BOOLEAN NOT NULL DEFAULT FALSE;
