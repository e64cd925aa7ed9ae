DROP TABLE certificate_numbers;
DROP TABLE certification_steps;
DROP TABLE certifications;
