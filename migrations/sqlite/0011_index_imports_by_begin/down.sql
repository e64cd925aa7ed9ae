DROP INDEX imports_by_begin;
