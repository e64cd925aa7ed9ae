//! Every test that goes through HTTP, in one binary: one module a resource.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

#[path = "../support/mod.rs"]
mod support;

mod agencies;
mod appointments;
mod completions;
<<<<<<< HEAD
mod real_input;
mod course_mappings;
mod status;
mod status_list;
mod training_gaps;
mod trainings;
=======
mod joins;
mod officers;
mod roster;
>>>>>>> eef6a6e (Answer officers, appointments, rosters and joins over HTTP)
