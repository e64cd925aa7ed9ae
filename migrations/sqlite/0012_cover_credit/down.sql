DROP INDEX completions_by_officer;
CREATE INDEX completions_by_officer ON completions (officer_id);
