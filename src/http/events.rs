//! `/v1/events`

use actix_web::{HttpRequest, get};
use deserr::Deserr;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::agencies::AgencyBriefView;
use super::auth::{Allowed, WebhooksRead};
use super::decode::{Faults, parsed};
use super::extract::Query;
use super::page::{self, Cursor, Limit};
use super::problem::ApiResult;
use super::respond;
use crate::domain::agency::AgencyKey;
use crate::domain::event::EventType;
use crate::service::{agencies, events as service};
use crate::storage::events::{Event, EventFilter};

parsed!(EventType);

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub struct EventView {
    /// Its id: the same in the feed and in each delivery.
    pub id: Uuid,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: EventType,
    /// The agency that it is about.
    #[schema(required)]
    pub agency: Option<AgencyBriefView>,
    pub occurred_at: jiff::Timestamp,
    /// What there is to say, by the type: ids of what it is about, and the fields that were given or differ. No names of people.
    #[schema(value_type = Object, example = json!({"completions": ["0199c1f0-0000-7000-8000-000000000000"]}))]
    pub data: serde_json::Value,
}

/// A piece of the feed.
#[derive(Debug, Serialize, ToSchema)]
struct EventPage {
    /// What happened, in the order in which it was committed.
    items: Vec<EventView>,
    /// Give it as `cursor` for what is there after it; null where there is no more now.
    #[schema(required)]
    next_cursor: Option<String>,
    /// Give it as `cursor` for what comes after all of this, whether there is any yet or not.
    cursor: String,
}

/// What of the feed is asked for.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EventQuery {
    /// Only of this type.
    #[deserr(default, rename = "type")]
    #[param(inline, rename = "type")]
    kind: Option<EventType>,
    /// Only of this agency.
    #[deserr(default)]
    #[param(inline)]
    agency: Option<AgencyKey>,
    /// How many items a page has.
    #[deserr(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 500)]
    limit: Option<Limit>,
    /// Where the page begins, as an earlier one gave it.
    #[deserr(default)]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

impl From<&Event> for EventView {
    fn from(event: &Event) -> Self {
        Self {
            id: event.id,
            kind: event.kind,
            agency: event.agency.as_ref().map(AgencyBriefView::from),
            occurred_at: event.occurred_at,
            data: event.data.clone(),
        }
    }
}

/// A position as cursors hold it.
fn id_of(position: i64) -> Uuid {
    Uuid::from_u128(u128::from(position.unsigned_abs()))
}

/// Read what happened
///
/// From the beginning, or after a `cursor`, without gap or repeat: what comes later comes after what was read. Of the agencies within the
/// caller's grants, of the caller's own records, and of what all share. Keep `cursor`, and come back with it. What follows from a change (a
/// requirement that is met, a status) is told right after it; what follows from a day, as the day (UTC) begins.
#[utoipa::path(tag = "events", params(EventQuery), security(("bearer" = ["webhooks:read"])),
    responses((status = 200, description = "A piece of the feed.", body = EventPage)))]
#[get("/v1/events")]
async fn read_events(caller: Allowed<WebhooksRead>, request: HttpRequest, query: Query<EventQuery>) -> ApiResult {
    let EventQuery { kind, agency, limit, cursor } = query.0;
    let asked = page::requested(&request, limit, cursor.as_ref())?;
    let after = asked.after.map_or(0, |after| i64::try_from(after.as_u128()).unwrap_or(i64::MAX));
    service::settle(&caller.registry().store).await?;
    let piece = caller
        .read(move |tx| {
            let agencies = match &agency {
                None => None,
                Some(key) => Some(agencies::find(tx, key)?.map(|agency| agency.id).into_iter().collect()),
            };
            let filter = EventFilter { kinds: kind.into_iter().collect(), agencies };
            service::read(tx, &filter, after, i64::from(asked.limit))
        })
        .await?;
    let cursor = page::sealed(&request, id_of(piece.next));
    let link = piece.more.then(|| page::link_to(&request, asked.limit, &cursor));
    let items = piece.events.iter().map(EventView::from).collect();
    respond::page(&EventPage { items, next_cursor: piece.more.then(|| cursor.clone()), cursor }, link)
}

/// Every operation of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config.service(read_events);
}
