DROP TABLE roster_marks;
DROP TABLE csv_mappings;
