//! `/public/…`: what anybody may look up, without an account. Only what is public is shown, and never numbers of people.

mod badge;
mod certificates;
mod highlights;
pub(in crate::http) mod page;
mod register;

/// Every operation of this folder.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config.configure(register::routes).configure(certificates::routes).configure(badge::routes).configure(highlights::routes);
}
