//! `/public/highlights`

use actix_web::{HttpRequest, get, web};
use askama::Template;
use serde::Serialize;
use utoipa::ToSchema;

use super::page::{day, public, rendered};
use crate::http::extract::Preconditions;
use crate::http::media::{self, ATOM, HTML, JSON, JSON_FEED};
use crate::http::problem::ApiResult;
use crate::http::registry::Registry;
use crate::http::respond;
use crate::service::ServiceError;
use crate::service::register::{self as service, Highlight};

const TITLE: &str = "One Mind Campaign: newly pledged, newly certified";
const CERTIFIED: &str = "certified";
const DESCRIPTION: &str = "Law-enforcement agencies that pledged themselves to the One Mind Campaign, and those that were certified.";

/// A feed (JSON Feed 1.1).
#[derive(Debug, Serialize, ToSchema)]
struct JsonFeed {
    #[schema(example = "https://jsonfeed.org/version/1.1")]
    version: &'static str,
    title: &'static str,
    description: &'static str,
    /// The register, as a page.
    home_page_url: String,
    /// The feed itself.
    feed_url: String,
    #[schema(example = "en")]
    language: &'static str,
    /// What is new, the latest first; 50 at the most.
    items: Vec<FeedItem>,
}

/// What is new: an agency pledged, or was certified.
#[derive(Debug, Serialize, ToSchema)]
struct FeedItem {
    /// Of the pledge or the certification.
    #[schema(example = "urn:uuid:0199c1f0-0000-7000-8000-000000000000")]
    id: String,
    url: String,
    title: String,
    content_text: String,
    /// The beginning of the day, in UTC.
    #[schema(example = "2026-03-06T00:00:00Z")]
    date_published: String,
    /// `pledged` or `certified`.
    #[schema(example = json!(["certified"]))]
    tags: [&'static str; 1],
}

#[derive(Template)]
#[template(path = "highlights.xml")]
struct AtomFeed<'a> {
    title: &'a str,
    description: &'a str,
    address: &'a str,
    register: &'a str,
    updated: &'a str,
    items: &'a [FeedItem],
}

#[derive(Template)]
#[template(path = "highlights.html")]
struct NewsPage<'a> {
    description: &'a str,
    items: &'a [FeedItem],
}

impl FeedItem {
    /// What its address leads to.
    fn link(&self) -> &'static str {
        if self.tags == [CERTIFIED] { "Certificate" } else { "On the register" }
    }

    fn of(highlight: Highlight, base: &str) -> Self {
        let (listed, on) = (highlight.listed, highlight.on);
        let (agency, standard) = (&listed.agency, &listed.standard_title);
        let place = agency.subdivision.as_ref().unwrap_or(&agency.country);
        let (title, content_text, url, tag) = match &listed.award {
            Some(award) => (
                format!("{} is One Mind Certified", agency.name),
                format!("{} ({place}) was certified on {} under the standard “{standard}”. Certificate {}.", agency.name, day(on), award.number),
                format!("{base}/public/certificates/{}", award.number),
                CERTIFIED,
            ),
            None => (
                format!("{} took the One Mind pledge", agency.name),
                format!("{} ({place}) pledged on {} to meet the standard “{standard}” by {}.", agency.name, day(on), day(listed.due_on)),
                format!("{base}/public/register?{}", serde_urlencoded::to_string([("name", &agency.name)]).unwrap_or_default()),
                "pledged",
            ),
        };
        Self { id: format!("urn:uuid:{}", listed.entry), url, title, content_text, date_published: format!("{on}T00:00:00Z"), tags: [tag] }
    }
}

/// Newly pledged, newly certified
///
/// The last 50 pledges and certifications: a feed, as Atom (RFC 4287) or JSON Feed 1.1, or a page for people, by `Accept`.
#[utoipa::path(tag = "public", security(()), responses((status = 200, description = "The feed.",
    content((String = "application/atom+xml"), (JsonFeed = "application/feed+json"), (JsonFeed = "application/json"), (String = "text/html")))))]
#[get("/public/highlights")]
async fn get_highlights(registry: web::Data<Registry>, request: HttpRequest, preconditions: Preconditions) -> ApiResult {
    let today = registry.clock.today();
    let news = registry.store.read::<_, ServiceError>(move |conn| service::highlights(conn, today)).await?;
    let base = registry.tokens.issuer().trim_end_matches('/');
    let items: Vec<FeedItem> = news.into_iter().map(|highlight| FeedItem::of(highlight, base)).collect();
    let (address, register) = (format!("{base}/public/highlights"), format!("{base}/public/register"));
    let media_type = media::preferred(&request, &[ATOM, JSON_FEED, JSON, HTML]);
    if media_type == HTML {
        return Ok(public(&preconditions, HTML, rendered(&NewsPage { description: DESCRIPTION, items: &items })?));
    }
    if media_type == ATOM {
        // A feed without entries has changed on no day that it could name.
        let updated = items.first().map_or("2016-10-01T00:00:00Z", |item| item.date_published.as_str());
        let feed = AtomFeed { title: TITLE, description: DESCRIPTION, address: &address, register: &register, updated, items: &items };
        return Ok(public(&preconditions, ATOM, rendered(&feed)?));
    }
    let feed = JsonFeed {
        version: "https://jsonfeed.org/version/1.1",
        title: TITLE,
        description: DESCRIPTION,
        home_page_url: register,
        feed_url: address,
        language: "en",
        items,
    };
    Ok(public(&preconditions, media_type, respond::json(&feed)?))
}

/// Every operation of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config.service(get_highlights);
}
