DROP TABLE import_outcomes;
DROP TABLE import_bodies;
DROP TABLE imports;
