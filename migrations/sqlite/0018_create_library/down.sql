DROP TABLE assistance_notes;
DROP TABLE assistance_requests;
DROP TABLE resource_words;
DROP TABLE resource_topics;
DROP TABLE resources;
