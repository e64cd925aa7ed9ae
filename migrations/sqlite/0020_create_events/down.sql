DROP TABLE agency_standings;
DROP TABLE events;
