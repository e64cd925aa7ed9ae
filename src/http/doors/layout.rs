//! How a CSV body is to be read: as the query says, else as a mapping that the client keeps says.

use crate::domain::csv_mapping::{CsvKind, DateFormat, Delimiter};
use crate::domain::invalid::Invalid;
use crate::domain::text::{Name, Text};
use crate::http::auth::Caller;
use crate::http::decode::{Ref, parsed};
use crate::http::problem::{ApiError, Kind};
use crate::rows::encoding;
use crate::rows::mapping::Pair;
use crate::rows::sheet::Layout;
use crate::service::csv_mappings::{self as service, table};
use crate::service::{Fault, ServiceError};

/// A `map` or `set` of a query: `field=column` or `field=value`.
#[derive(Debug, Clone)]
pub struct Given(Pair);

parsed!(Given);

impl Given {
    /// How many characters it has at the most.
    pub const MAX: usize = 401;

    fn parse(text: &str) -> Result<Self, Invalid> {
        if text.chars().nth(Self::MAX).is_some() {
            return Err(Invalid::new("too_long", format_args!("must be at most {} characters", Self::MAX)));
        }
        Pair::parse(text).map(Self).map_err(|detail| Invalid::new("invalid_pair", detail))
    }
}

/// What a query says of a CSV body.
#[derive(Debug, Clone, Default)]
pub struct CsvQuery {
    /// A mapping that the client keeps.
    pub mapping: Option<Ref>,
    /// Fields that come from columns.
    pub map: Vec<Given>,
    /// Fields that are the same in every row.
    pub set: Vec<Given>,
    /// What stands between cells.
    pub delimiter: Option<Delimiter>,
    /// What the body is written in.
    pub encoding: Option<Text<50>>,
    /// How dates are written.
    pub date_format: Option<DateFormat>,
    /// How the first row after the last record begins.
    pub footer: Option<Name>,
}

impl CsvQuery {
    /// Refuses what is said of CSV where the body is something else.
    ///
    /// # Errors
    /// A problem of the kind [`Kind::InvalidParameter`].
    pub fn refuse(&self) -> Result<(), ApiError> {
        let given = [
            ("mapping", self.mapping.is_some()),
            ("map", !self.map.is_empty()),
            ("set", !self.set.is_empty()),
            ("delimiter", self.delimiter.is_some()),
            ("encoding", self.encoding.is_some()),
            ("date_format", self.date_format.is_some()),
            ("footer", self.footer.is_some()),
        ];
        let fault =
            |name: &str| Fault::new(format!("/{name}"), "not_csv", format!("`{name}` says how text/csv is read, and the body is something else"));
        invalid(given.into_iter().filter(|(_, given)| *given).map(|(name, _)| fault(name)).collect())
    }
}

fn invalid(faults: Vec<Fault>) -> Result<(), ApiError> {
    if faults.is_empty() { Ok(()) } else { Err(ApiError::new(Kind::InvalidParameter).faults(faults)) }
}

/// How a CSV body of a kind is to be read. `charset` is what the media type says; the query is stronger, a mapping that is kept weaker.
///
/// # Errors
/// Problems of the kind [`Kind::InvalidParameter`].
pub async fn layout_of(caller: &Caller, query: CsvQuery, kind: CsvKind, charset: Option<String>) -> Result<Layout, ApiError> {
    let mut layout = match query.mapping {
        None => Layout::default(),
        Some(id) => kept(caller, id, kind).await?,
    };
    check(&query, kind)?;
    let given = |field: &str| query.map.iter().chain(&query.set).any(|given| given.0.field == field);
    layout.maps.retain(|pair| !given(&pair.field));
    layout.sets.retain(|pair| !given(&pair.field));
    layout.maps.extend(query.map.into_iter().map(|given| given.0));
    layout.sets.extend(query.set.into_iter().map(|given| given.0));
    layout.delimiter = query.delimiter.map(Delimiter::byte).or(layout.delimiter);
    layout.dates = query.date_format.unwrap_or(layout.dates);
    layout.footer = query.footer.map(Name::into_string).or(layout.footer);
    if let Some(name) = query.encoding.map(Text::into_string).or(charset) {
        let unknown = |detail| ApiError::new(Kind::InvalidParameter).faults(vec![Fault::new("/encoding", "unknown_encoding", detail)]);
        layout.encoding = Some(encoding::named(&name).map_err(unknown)?);
    }
    Ok(layout)
}

/// What can be said of a query before the header is known.
fn check(query: &CsvQuery, kind: CsvKind) -> Result<(), ApiError> {
    let table = table(kind);
    let mut faults = Vec::new();
    for (name, pairs) in [("map", &query.map), ("set", &query.set)] {
        for (at, Given(pair)) in pairs.iter().enumerate().filter(|(_, given)| table.find(&given.0.field).is_none()) {
            let detail = format!("there is no field `{}`; the fields are {}", pair.field, table.names());
            faults.push(Fault::new(format!("/{name}/{at}"), "unknown_field", detail));
        }
    }
    invalid(faults)
}

async fn kept(caller: &Caller, id: Ref, kind: CsvKind) -> Result<Layout, ApiError> {
    let fault = |code, detail: String| ApiError::new(Kind::InvalidParameter).faults(vec![Fault::new("/mapping", code, detail)]);
    let found = caller.read(move |tx| match service::get(tx, id.0) {
        Ok(mapping) => Ok(Some(mapping.draft)),
        Err(ServiceError::NotFound) => Ok(None),
        Err(error) => Err(error),
    });
    let draft = found.await?.ok_or_else(|| fault("unknown_mapping", format!("the client keeps no mapping `{}`", id.0)))?;
    if draft.kind != kind {
        return Err(fault("wrong_kind", format!("the mapping is for {}, and the body holds {kind}", draft.kind)));
    }
    let encoding = draft.encoding.as_ref().map(|name| encoding::named(name.as_str())).transpose();
    Ok(Layout {
        maps: draft.map.into_iter().map(|item| Pair { field: item.field.into_string(), to: item.column.into_string() }).collect(),
        sets: draft.set.into_iter().map(|item| Pair { field: item.field.into_string(), to: item.value.into_string() }).collect(),
        delimiter: draft.delimiter.map(Delimiter::byte),
        encoding: encoding.map_err(|detail| fault("unknown_encoding", detail))?,
        dates: draft.date_format,
        footer: draft.footer.map(Name::into_string),
    })
}
