//! Pages on the wire: `limit`, an opaque `cursor`, and what a list answers.

use actix_web::HttpRequest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::audit::PageSize;
use super::problem::{ApiError, ApiResult, Kind};
use super::respond;
use crate::domain::invalid::Invalid;
use crate::service::Fault;
use crate::service::page::{PageOf, PageRequest};

/// How many items a page has unless asked otherwise.
pub const DEFAULT_LIMIT: u16 = 50;

/// How many items a page has at the most.
pub const MAX_LIMIT: u16 = 500;

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The items, in the order in which they were created.
    pub items: Vec<T>,
    /// Give it as `cursor` for the next page; null on the last.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// `limit`, 1..=500.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(pub u16);

impl Limit {
    /// # Errors
    /// `invalid_limit`.
    fn parse(text: &str) -> Result<Self, Invalid> {
        match text.parse::<u16>() {
            Ok(limit @ 1..=MAX_LIMIT) if text.bytes().all(|b| b.is_ascii_digit()) => Ok(Self(limit)),
            _ => Err(Invalid::new("invalid_limit", format!("must be a whole number from 1 to {MAX_LIMIT}"))),
        }
    }
}

/// `cursor`, as an earlier page gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(String);

impl Cursor {
    /// # Errors
    /// None here: whether it belongs to the list is seen when it is opened.
    #[expect(clippy::unnecessary_wraps, reason = "parsers of parameters have this form")]
    fn parse(text: &str) -> Result<Self, Invalid> {
        Ok(Self(text.to_owned()))
    }
}

super::decode::parsed!(Limit, Cursor);

/// The query of a list without filters.
#[derive(Debug, deserr::Deserr)]
#[deserr(error = super::decode::Faults, deny_unknown_fields)]
pub struct PageQuery {
    /// How many items a page has.
    #[deserr(default)]
    pub limit: Option<Limit>,
    /// Where the page begins.
    #[deserr(default)]
    pub cursor: Option<Cursor>,
}

/// A digest of the list and its filters, so that a cursor is good for no other, and of the id, so that it can't be altered by accident.
fn seal(request: &HttpRequest, id: Uuid) -> [u8; 8] {
    let mut digest = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    digest.update(b"onemind cursor 1\n");
    digest.update(request.path().as_bytes());
    for (name, value) in filters(request) {
        digest.update(format!("\n{name}={value}").as_bytes());
    }
    digest.update(id.as_bytes());
    let mut seal = [0; 8];
    seal.copy_from_slice(&digest.finish().as_ref()[..8]);
    seal
}

fn filters(request: &HttpRequest) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = serde_urlencoded::from_str(request.query_string()).unwrap_or_default();
    pairs.retain(|(name, _)| !["limit", "cursor", "page"].contains(&name.as_str()));
    pairs.sort();
    pairs
}

/// The page that a request asks for.
///
/// # Errors
/// A problem of kind [`Kind::InvalidParameter`] where the cursor was not given for this list.
pub fn requested(request: &HttpRequest, limit: Option<Limit>, cursor: Option<&Cursor>) -> Result<PageRequest, ApiError> {
    let after = cursor.map(|cursor| open(request, cursor)).transpose()?;
    Ok(PageRequest { after, limit: limit.map_or(DEFAULT_LIMIT, |limit| limit.0) })
}

/// The id in a cursor; `None` where it was not given for this list and these filters.
pub(super) fn opened(request: &HttpRequest, cursor: &str) -> Option<Uuid> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (id, sealed) = bytes.split_at_checked(16)?;
    let id = Uuid::from_slice(id).ok()?;
    (sealed == seal(request, id)).then_some(id)
}

/// The cursor of the page after an id.
pub(super) fn sealed(request: &HttpRequest, id: Uuid) -> String {
    let mut bytes = id.as_bytes().to_vec();
    bytes.extend(seal(request, id));
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Where the page after an id is, of a list whose cursor is called `page`.
pub(super) fn further(request: &HttpRequest, id: Uuid, limit: usize) -> String {
    let mut pairs = filters(request);
    pairs.extend([("limit".into(), limit.to_string()), ("page".into(), sealed(request, id))]);
    format!("{}?{}", request.path(), serde_urlencoded::to_string(pairs).unwrap_or_default())
}

/// Where the page is that begins at a cursor.
pub(super) fn link_to(request: &HttpRequest, limit: u16, cursor: &str) -> String {
    let mut pairs = filters(request);
    pairs.push(("limit".into(), limit.to_string()));
    pairs.push(("cursor".into(), cursor.to_owned()));
    format!("{}?{}", request.path(), serde_urlencoded::to_string(pairs).unwrap_or_default())
}

fn open(request: &HttpRequest, cursor: &Cursor) -> Result<Uuid, ApiError> {
    opened(request, &cursor.0).ok_or_else(|| {
        let fault = Fault::new("/cursor", "invalid_cursor", "a cursor is good only as an earlier page of this list gave it, with the same filters");
        ApiError::new(Kind::InvalidParameter).faults(vec![fault])
    })
}

/// The cursor of the page after an id, where there is one.
pub(super) fn next_cursor(request: &HttpRequest, next: Option<Uuid>) -> Option<String> {
    next.map(|id| sealed(request, id))
}

/// Where the page after an id is, where there is one.
pub(super) fn next_link(request: &HttpRequest, next: Option<Uuid>, limit: u16) -> Option<String> {
    next_cursor(request, next).map(|cursor| link_to(request, limit, &cursor))
}

/// Answers a page.
///
/// # Errors
/// As [`respond::json`].
pub fn respond<T, V: Serialize>(request: &HttpRequest, page: PageOf<T>, limit: u16, view: impl FnMut(T) -> V) -> ApiResult {
    let (next_cursor, link) = (next_cursor(request, page.next), next_link(request, page.next, limit));
    let count = page.items.len();
    let mut response = respond::page(&Page { items: page.items.into_iter().map(view).collect(), next_cursor }, link)?;
    response.extensions_mut().insert(PageSize(count));
    Ok(response)
}
