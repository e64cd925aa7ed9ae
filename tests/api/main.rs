//! Every test that goes through HTTP, in one binary: one module a resource.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

#[path = "../support/mod.rs"]
mod support;

mod agencies;
mod appointments;
mod assistance;
mod audit;
mod authorization;
mod bad_bodies;
mod bad_input;
mod bad_requests;
mod bad_tokens;
mod certifications;
mod clients;
mod completions;
mod conventions;
mod course_mappings;
mod csv;
mod directory;
mod documents;
mod doors;
mod events;
mod hardening;
mod health;
mod imports;
mod joins;
mod library;
mod limits;
mod matrix;
mod merges;
mod oauth;
mod officers;
mod out_of_reach;
mod partnerships;
mod pledges;
mod policies;
mod pseudonyms;
mod real_input;
mod register;
mod roster;
mod standards;
mod statistics;
mod status;
mod status_list;
mod story;
mod timeline;
mod together;
mod training_gaps;
mod trainings;
mod versions;
mod webhooks;
mod writers;
mod xapi;
