//! The HTTP contract: DTOs, extractors, answers, and one file of handlers a resource.

pub mod access;
pub mod address;
pub mod agencies;
pub mod appointments;
pub mod attempts;
pub mod audit;
pub mod auth;
mod bucket;
pub mod clients;
mod completions;
pub mod cors;
pub mod course_mappings;
pub mod decode;
pub mod docs;
mod doors;
mod evidence;
pub mod extract;
pub mod fallback;
pub mod gaps;
mod grants;
mod hardening;
pub mod health;
pub mod joins;
pub mod limits;
mod media;
pub mod middleware;
mod oauth;
pub mod officers;
pub mod once;
pub mod openapi;
mod paced;
pub mod page;
mod partnerships;
mod pledges;
mod policies;
pub mod problem;
mod problems;
mod pseudonyms;
pub mod registry;
pub mod respond;
pub mod roster;
mod rules;
mod schema;
mod standards;
pub mod status;
mod streams;
pub mod strict;
pub mod trainings;
mod unique;
mod whoami;

use utoipa_actix_web::service_config::ServiceConfig;

/// Every operation.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.configure(agencies::routes);
    config.configure(officers::routes);
    config.configure(appointments::routes);
    config.configure(roster::routes);
    config.configure(joins::routes);
    config.configure(completions::routes);
    config.configure(status::routes);
    config.configure(gaps::routes);
    config.configure(trainings::routes);
    config.configure(course_mappings::routes);
    config.configure(partnerships::routes);
    config.configure(policies::routes);
    config.configure(standards::routes);
    config.configure(pledges::routes);
    config.configure(clients::routes);
    config.configure(grants::routes);
    config.configure(oauth::routes);
    config.configure(whoami::routes);
    config.configure(audit::routes);
    config.configure(problems::routes);
    config.configure(health::routes);
}
