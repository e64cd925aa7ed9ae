-- Whether a pledge is on the public register before the agency is certified on it. A certified agency is always there.
ALTER TABLE pledges ADD COLUMN listed_before_certified BOOLEAN NOT NULL DEFAULT TRUE;

-- The public register is in the order of names.
CREATE INDEX agencies_by_name ON agencies (name, id);
