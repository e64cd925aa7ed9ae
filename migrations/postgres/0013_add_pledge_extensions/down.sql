DROP TABLE pledge_extensions;
ALTER TABLE pledges DROP COLUMN extended_to;
