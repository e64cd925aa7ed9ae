-- SQLite reads an officer's credit from its index alone. PostgreSQL would look at rows that are new in the table all the same, and keeps the
-- smaller index.
SELECT 1;
