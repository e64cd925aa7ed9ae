//! The public register: who pledged, who is certified. Anybody may ask, so that there is no client, no reach, and nothing to tell the audit log.

use jiff::civil::Date;
use uuid::Uuid;

use super::page::{PageOf, PageRequest};
use super::{ServiceError, ServiceResult};
use crate::domain::agency::AgencyKey;
use crate::domain::certification::CertificateNumber;
use crate::domain::names;
use crate::domain::register::RegisterStage;
use crate::storage::AnyConn;
use crate::storage::agencies::{self, AgencyFilter};
use crate::storage::register::{self as rows, Certificate, Listed, Part, RegisterFilter};

/// How many of each kind of news the feed holds.
const NEWS: i64 = 50;

/// What is new: a pledge, or with an award, a certification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Highlight {
    /// The agency, and what it did.
    pub listed: Listed,
    /// The day of the pledge or of the award.
    pub on: Date,
}

/// A page of the register as it is on a day, in the order of names.
///
/// # Errors
/// Where the database fails.
pub fn page(conn: &mut AnyConn, on: Date, stage: Option<RegisterStage>, place: &AgencyFilter, page: PageRequest) -> ServiceResult<PageOf<Listed>> {
    let after = match page.after {
        None => None,
        Some(id) => match rows::name_of(conn, id)? {
            Some(name) => Some((name, id)),
            // The agency at which the page before ended is gone: there is nothing to go on from.
            None => return Ok(PageOf { items: Vec::new(), next: None }),
        },
    };
    let mut found = listed(conn, on, stage, place, after, page.fetch())?;
    found.sort_by(|one, other| (&one.agency.name, one.agency.id).cmp(&(&other.agency.name, other.agency.id)));
    Ok(page.cut(found, |listed| listed.agency.id))
}

/// The whole register as it is on a day: first who is certified, then who pledged, each in the order of names.
///
/// # Errors
/// Where the database fails.
pub fn whole(conn: &mut AnyConn, on: Date, stage: Option<RegisterStage>, place: &AgencyFilter) -> ServiceResult<Vec<Listed>> {
    listed(conn, on, stage, place, None, i64::MAX)
}

/// The agency of a key, where it is listed.
///
/// # Errors
/// [`ServiceError::NotFound`] where there is none.
pub fn of_agency(conn: &mut AnyConn, on: Date, key: &AgencyKey) -> ServiceResult<Listed> {
    let agency = match key {
        AgencyKey::Id(id) => *id,
        AgencyKey::Ori(ori) => agencies::ids_by_ori(conn, &[ori.as_str().to_owned()])?.pop().ok_or(ServiceError::NotFound)?.1,
    };
    let filter = RegisterFilter { agency: Some(agency), ..RegisterFilter::default() };
    let part = Part::Latest(1);
    let certified = rows::certified(conn, on, &filter, &part)?.pop();
    let listed = match certified {
        Some(certified) => Some(certified),
        None => rows::pledged(conn, on, &filter, &part)?.pop(),
    };
    listed.ok_or(ServiceError::NotFound)
}

/// The certificate with a number, whether it is valid or not.
///
/// # Errors
/// [`ServiceError::NotFound`] where none has it.
pub fn certificate(conn: &mut AnyConn, number: CertificateNumber) -> ServiceResult<Certificate> {
    rows::certificate(conn, &number.to_string())?.ok_or(ServiceError::NotFound)
}

/// Who pledged and who was certified of late, the latest first.
///
/// # Errors
/// Where the database fails.
pub fn highlights(conn: &mut AnyConn, on: Date) -> ServiceResult<Vec<Highlight>> {
    let mut found = rows::certified(conn, on, &RegisterFilter::default(), &Part::Latest(NEWS))?;
    found.extend(rows::latest_pledges(conn, on, NEWS)?);
    let mut news: Vec<Highlight> =
        found.into_iter().map(|listed| Highlight { on: listed.award.as_ref().map_or(listed.pledged_on, |award| award.awarded_on), listed }).collect();
    news.sort_by_key(|highlight| std::cmp::Reverse((highlight.on, highlight.listed.entry)));
    news.truncate(usize::try_from(NEWS).unwrap_or(usize::MAX));
    Ok(news)
}

/// At most `fetch` of each stage, of which those that are certified come first.
fn listed(
    conn: &mut AnyConn,
    on: Date,
    stage: Option<RegisterStage>,
    place: &AgencyFilter,
    after: Option<(String, Uuid)>,
    fetch: i64,
) -> ServiceResult<Vec<Listed>> {
    let asked = names::words(place.name.as_deref().unwrap_or_default());
    // No database folds names as `names` does: where one is looked for, all are looked at.
    let part = Part::ByName(after, if asked.is_empty() { fetch } else { i64::MAX });
    let filter = RegisterFilter { agency: None, place: place.clone() };
    let mut found = Vec::new();
    for one in RegisterStage::ALL.iter().rev().filter(|one| stage.is_none_or(|stage| stage == **one)) {
        let some = match one {
            RegisterStage::Certified => rows::certified(conn, on, &filter, &part)?,
            RegisterStage::Pledged => rows::pledged(conn, on, &filter, &part)?,
        };
        let fitting = some.into_iter().filter(|listed| asked.is_empty() || names::answers(&listed.agency.name, &asked));
        found.extend(fitting.take(usize::try_from(fetch).unwrap_or(usize::MAX)));
    }
    Ok(found)
}
