DROP INDEX agencies_by_name;
ALTER TABLE pledges DROP COLUMN listed_before_certified;
