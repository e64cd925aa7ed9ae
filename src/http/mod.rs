//! The HTTP contract: DTOs, extractors, answers, and one file of handlers a resource.

pub mod access;
pub mod address;
pub mod agencies;
pub mod announcing;
pub mod appointments;
mod assistance;
pub mod attempts;
pub mod audit;
pub mod auth;
mod basic;
mod bucket;
mod certifications;
pub mod clients;
pub mod completions;
pub mod cors;
pub mod course_mappings;
mod csv_mappings;
pub mod decode;
pub mod docs;
mod documents;
mod doors;
mod events;
mod evidence;
pub mod extract;
pub mod fallback;
pub mod gaps;
mod grants;
mod hardening;
pub mod health;
pub mod imports;
pub mod joins;
mod library;
pub mod limits;
mod media;
pub mod merges;
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
mod public;
mod readiness;
mod readiness_plot;
pub mod registry;
pub mod respond;
pub mod roster;
pub mod routing;
mod rules;
mod schema;
mod standards;
mod statistics;
pub mod status;
mod status_page;
mod streams;
pub mod strict;
pub mod trainings;
mod transaction;
mod unique;
pub mod webhooks;
mod whoami;
mod xapi;

use actix_web::guard::fn_guard;
use utoipa_actix_web::scope::scope;
use utoipa_actix_web::service_config::ServiceConfig;

/// Operations that belong together.
type Group = fn(&mut ServiceConfig<'_>);

/// Every operation, in groups: first those that are asked for the most, since they are tried in turn.
const GROUPS: [Group; 34] = [
    status::routes,
    completions::routes,
    health::routes,
    agencies::routes,
    officers::routes,
    appointments::routes,
    roster::routes,
    joins::routes,
    merges::routes,
    imports::routes,
    readiness::routes,
    gaps::routes,
    statistics::routes,
    events::routes,
    webhooks::routes,
    trainings::routes,
    course_mappings::routes,
    csv_mappings::routes,
    partnerships::routes,
    policies::routes,
    standards::routes,
    pledges::routes,
    certifications::routes,
    documents::routes,
    library::routes,
    assistance::routes,
    clients::routes,
    grants::routes,
    oauth::routes,
    xapi::routes,
    whoami::routes,
    audit::routes,
    problems::routes,
    public::routes,
];

/// Every operation. A request is shown to the group that has its operation, and to no other.
pub fn routes(config: &mut ServiceConfig<'_>) {
    for (number, group) in GROUPS.into_iter().enumerate() {
        let guarded = scope("").guard(fn_guard(move |context| routing::is_of_group(context, number)));
        config.service(guarded.configure(group));
    }
}
