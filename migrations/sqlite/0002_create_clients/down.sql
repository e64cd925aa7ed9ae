DROP INDEX completions_parked_by_client;
DROP TABLE grants;
DROP TABLE client_assertions;
DROP TABLE client_secrets;
DROP TABLE clients;
