DROP TABLE officer_merges;
DROP INDEX officers_merged;
DROP INDEX officers_by_person;
-- Records that are not persons by themselves become persons, and what was merged is away.
DELETE FROM officers WHERE merged_into IS NOT NULL;
ALTER TABLE officers DROP COLUMN merged_into;
ALTER TABLE officers DROP COLUMN person_id;
