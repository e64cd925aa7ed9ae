//! The body of a roster: the whole of it is in memory, since it is matched and written at once.

use actix_web::dev::Payload;
use actix_web::http::header::HeaderName;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use serde_json::Value;

use super::{RosterEntryInput, RosterInput};
use crate::domain::roster::RosterEntry;
use crate::http::doors::Door;
use crate::http::extract::{BATCH_LIMIT, Body, read_bytes};
use crate::http::media::{self, CSV, JSON, NDJSON};
use crate::http::problem::{ApiError, Kind, ProblemError};
use crate::http::registry::Registry;
use crate::rows::fields::ROSTER;
use crate::rows::read::Format;
use crate::rows::sheet::Layout;
use crate::service::Fault;

/// How many officers a roster has at the most.
const MAX_ENTRIES: usize = 100_000;

/// How many faults of a roster are told at the most.
const MAX_FAULTS: usize = 1000;

/// A roster by its media type.
pub enum RosterBody {
    /// With the day on which it is true.
    Json(Body<RosterInput, BATCH_LIMIT>),
    /// One officer a line or row.
    Rows(Format, Bytes),
}

impl FromRequest for RosterBody {
    type Error = ApiError;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let format = match media::expect(&request, &[JSON, NDJSON, CSV], HeaderName::from_static("accept"))? {
                JSON => return Body::from_request(&request, &mut payload).await.map(Self::Json),
                NDJSON => Format::Ndjson,
                _ => Format::Csv,
            };
            read_bytes(&request, payload, BATCH_LIMIT).await.map(|bytes| Self::Rows(format, bytes))
        })
    }
}

/// Gathers entries, each read by itself; a roster with a faulty one is refused whole, or the person whom it means would be ended.
#[derive(Default)]
struct Entries {
    read: Vec<RosterEntry>,
    faults: Vec<ProblemError>,
    seen: usize,
}

impl Entries {
    fn add(&mut self, read: Result<RosterEntry, Vec<ProblemError>>) {
        let prefix = format!("/officers/{}", self.seen);
        self.seen += 1;
        match read {
            Ok(entry) => self.read.push(entry),
            Err(faults) => {
                self.faults.extend(faults.into_iter().map(|fault| ProblemError { pointer: format!("{prefix}{}", fault.pointer), ..fault }));
            }
        }
    }

    fn finish(mut self) -> Result<Vec<RosterEntry>, ApiError> {
        if self.faults.is_empty() {
            return Ok(self.read);
        }
        let mut problem = ApiError::new(Kind::InvalidContent);
        if self.faults.len() > MAX_FAULTS {
            problem = problem.detail(format!("the roster has {} faults, of which these are the first {MAX_FAULTS}", self.faults.len()));
            self.faults.truncate(MAX_FAULTS);
        }
        Err(problem.located(self.faults))
    }
}

fn too_many(count: impl std::fmt::Display) -> ApiError {
    ApiError::new(Kind::ContentTooLarge).detail(format!("a roster has at most {MAX_ENTRIES} officers, and this one has {count}"))
}

fn entry(value: Value, registry: &Registry) -> Result<RosterEntry, Vec<Fault>> {
    let entry = RosterEntry::from(registry.decode::<RosterEntryInput>(value)?);
    let faults = Fault::all(entry.check());
    if faults.is_empty() { Ok(entry) } else { Err(faults) }
}

/// The entries of a roster in JSON.
///
/// # Errors
/// All their faults.
pub fn read_values(officers: Vec<Value>, registry: &Registry) -> Result<Vec<RosterEntry>, ApiError> {
    if officers.len() > MAX_ENTRIES {
        return Err(too_many(officers.len()));
    }
    let mut entries = Entries::default();
    for value in officers {
        entries.add(entry(value, registry).map_err(|faults| faults.into_iter().map(Into::into).collect()));
    }
    entries.finish()
}

/// The entries of a roster by its lines or rows.
///
/// # Errors
/// All their faults, each with its line.
pub fn read_rows(bytes: Bytes, format: Format, layout: &Layout, registry: &Registry) -> Result<Vec<RosterEntry>, ApiError> {
    let unreadable = |cause: &dyn std::fmt::Display| {
        ApiError::new(Kind::InvalidContent).faults(vec![Fault::new("", "invalid_csv", format!("the body can't be read as CSV: {cause}"))])
    };
    let mut door = Door::open(Box::new(std::io::Cursor::new(bytes)), format, &ROSTER, layout).map_err(|error| unreadable(&error))?;
    let mut entries = Entries::default();
    while let Some(taken) = door.take(&|value| entry(value, registry)).map_err(|error| unreadable(&error))? {
        if entries.seen == MAX_ENTRIES {
            return Err(too_many("more"));
        }
        entries.add(taken.read);
    }
    entries.finish()
}
