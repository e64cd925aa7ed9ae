-- One row: how often the agencies' ORIs, the catalogue of trainings or what clients' own codes mean was changed. What a process has read of
-- them holds while it stays the same.
CREATE TABLE directory_version (
    version BIGINT NOT NULL
);
INSERT INTO directory_version (version) VALUES (1);
