-- When an import of a client was begun last, of which the next to be begun follows.
CREATE INDEX imports_by_begin ON imports (client_id, started_at);
