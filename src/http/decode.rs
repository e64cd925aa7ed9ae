//! From JSON to the domain's types, with every fault of a body at once.

use std::ops::ControlFlow;

use deserr::{DeserializeError, Deserr, ErrorKind, IntoValue, MergeWithError, Value, ValueKind, ValuePointerRef};
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use crate::domain::invalid::Invalid;
use crate::service::Fault;

/// The faults of a body, gathered while it is read.
#[derive(Debug, Default)]
pub struct Faults(pub Vec<Fault>);

/// Reads `value` as a `T`.
///
/// # Errors
/// Every fault, each with its pointer.
pub fn decode<T: Deserr<Faults>>(value: serde_json::Value) -> Result<T, Vec<Fault>> {
    deserr::deserialize::<T, _, Faults>(value).map_err(|faults| faults.0)
}

/// The location as a JSON pointer (RFC 6901).
fn pointer(location: ValuePointerRef<'_>) -> String {
    match location {
        ValuePointerRef::Origin => String::new(),
        ValuePointerRef::Key { key, prev } => format!("{}/{}", pointer(*prev), escape(key)),
        ValuePointerRef::Index { index, prev } => format!("{}/{index}", pointer(*prev)),
    }
}

/// A token of a JSON pointer as a key.
pub fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

/// A key as a token of a JSON pointer.
pub fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn name(kind: ValueKind) -> &'static str {
    match kind {
        ValueKind::Null => "null",
        ValueKind::Boolean => "true or false",
        ValueKind::Integer => "a whole number",
        ValueKind::NegativeInteger => "a negative whole number",
        ValueKind::Float => "a number",
        ValueKind::String => "a string",
        ValueKind::Sequence => "an array",
        ValueKind::Map => "an object",
    }
}

impl Faults {
    fn with(faults: Option<Self>, fault: Fault) -> ControlFlow<Self, Self> {
        let mut all = faults.unwrap_or_default();
        all.0.push(fault);
        ControlFlow::Continue(all)
    }
}

impl MergeWithError<Faults> for Faults {
    fn merge(faults: Option<Self>, other: Faults, _: ValuePointerRef<'_>) -> ControlFlow<Self, Self> {
        let mut all = faults.unwrap_or_default();
        all.0.extend(other.0);
        ControlFlow::Continue(all)
    }
}

impl MergeWithError<Invalid> for Faults {
    fn merge(faults: Option<Self>, invalid: Invalid, location: ValuePointerRef<'_>) -> ControlFlow<Self, Self> {
        Self::with(faults, Fault::at(pointer(location), invalid))
    }
}

impl DeserializeError for Faults {
    fn error<V: IntoValue>(faults: Option<Self>, error: ErrorKind<'_, V>, location: ValuePointerRef<'_>) -> ControlFlow<Self, Self> {
        let here = pointer(location);
        let fault = match error {
            ErrorKind::IncorrectValueKind { actual, accepted } => {
                let mut names: Vec<_> = accepted.iter().map(|kind| name(*kind)).collect();
                names.dedup();
                Fault::new(here, "wrong_type", format!("this is {}, and {} is expected", name(actual.kind()), names.join(" or ")))
            }
            ErrorKind::MissingField { field } => Fault::new(format!("{here}/{}", escape(field)), "required", format!("`{field}` is required")),
            ErrorKind::UnknownKey { key, accepted } => {
                let detail = format!("`{key}` is not a field here; the fields are {}", accepted.join(", "));
                Fault::new(format!("{here}/{}", escape(key)), "unknown_field", detail)
            }
            ErrorKind::UnknownValue { value, accepted } => {
                Fault::new(here, "unknown_value", format!("`{value}` is not one of {}", accepted.join(", ")))
            }
            ErrorKind::BadSequenceLen { actual, expected } => {
                use deserr::Sequence as _;
                Fault::new(here, "wrong_length", format!("{} items, and {expected} are expected", actual.len()))
            }
            ErrorKind::Unexpected { msg } => Fault::new(here, "invalid_value", msg),
        };
        Self::with(faults, fault)
    }
}

/// Refuses what stands at `location`.
///
/// # Errors
/// Always.
pub fn refuse<T>(location: ValuePointerRef<'_>, invalid: Invalid) -> Result<T, Faults> {
    Err(Faults(vec![Fault::at(pointer(location), invalid)]))
}

/// The string at `location`.
///
/// # Errors
/// `wrong_type` where it is something else.
pub fn text_of<V: IntoValue>(value: Value<V>, location: ValuePointerRef<'_>) -> Result<String, Faults> {
    String::deserialize_from_value(value, location)
}

/// Reads a domain type by its own `parse(&str)`.
macro_rules! parsed {
    ($($type:ty),+ $(,)?) => { $(
        impl ::deserr::Deserr<$crate::http::decode::Faults> for $type {
            fn deserialize_from_value<V: ::deserr::IntoValue>(value: ::deserr::Value<V>, location: ::deserr::ValuePointerRef<'_>) -> Result<Self, $crate::http::decode::Faults> {
                let text = $crate::http::decode::text_of(value, location)?;
                <$type>::parse(&text).or_else(|invalid| $crate::http::decode::refuse(location, invalid))
            }
        }
    )+ };
}
pub(crate) use parsed;

/// A calendar date, `2026-03-06`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct Day(pub Date);

impl Deserr<Faults> for Day {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef<'_>) -> Result<Self, Faults> {
        let text = text_of(value, location)?;
        crate::domain::dates::parse_date(&text).map(Self).or_else(|invalid| refuse(location, invalid))
    }
}

/// An instant with its offset, `2026-03-06T14:00:00-06:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct Moment(pub Timestamp);

impl Deserr<Faults> for Moment {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef<'_>) -> Result<Self, Faults> {
        let text = text_of(value, location)?;
        crate::domain::dates::parse_instant(&text).map(Self).or_else(|invalid| refuse(location, invalid))
    }
}

/// Something of this registry, by its id.
#[derive(Debug, Clone, Copy, deserr::Deserr, serde::Serialize, utoipa::ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct ById {
    /// Its id.
    pub id: Ref,
}

/// An id of this registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct Ref(pub Uuid);

impl Deserr<Faults> for Ref {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef<'_>) -> Result<Self, Faults> {
        let text = text_of(value, location)?;
        match Uuid::try_parse(&text) {
            Ok(id) if text.len() == 36 => Ok(Self(id)),
            _ => refuse(location, Invalid::new("invalid_id", format!("`{text}` is not an id (a UUID such as 0199c1f0-0000-7000-8000-000000000000)"))),
        }
    }
}

/// At most `MAX` items.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct AtMost<T, const MAX: usize>(pub Vec<T>);

impl<T: Deserr<Faults>, const MAX: usize> Deserr<Faults> for AtMost<T, MAX> {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef<'_>) -> Result<Self, Faults> {
        let items = Vec::<T>::deserialize_from_value(value, location)?;
        if items.len() > MAX {
            return refuse(location, Invalid::new("too_many", format!("at most {MAX} items, and there are {}", items.len())));
        }
        Ok(Self(items))
    }
}

impl<T, const MAX: usize> Default for AtMost<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// `true` or `false` as a query parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag(pub bool);

impl Flag {
    /// # Errors
    /// `invalid_flag`.
    fn parse(text: &str) -> Result<Self, Invalid> {
        text.parse().map(Self).map_err(|_| Invalid::new("invalid_flag", "must be true or false"))
    }
}

/// A number of people, at most a million.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct Headcount(pub u32);

impl Headcount {
    /// No agency has more.
    pub const MAX: u32 = 1_000_000;
}

impl Deserr<Faults> for Headcount {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef<'_>) -> Result<Self, Faults> {
        let count = u64::deserialize_from_value(value, location)?;
        match u32::try_from(count) {
            Ok(count) if count <= Self::MAX => Ok(Self(count)),
            _ => refuse(location, Invalid::new("too_large", format!("must be at most {}", Self::MAX))),
        }
    }
}

/// Reads a domain type by its own `parse(f64)`.
macro_rules! measured {
    ($($type:ty),+ $(,)?) => { $(
        impl Deserr<Faults> for $type {
            fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef<'_>) -> Result<Self, Faults> {
                let number = f64::deserialize_from_value(value, location)?;
                <$type>::parse(number).or_else(|invalid| refuse(location, invalid))
            }
        }
    )+ };
}

measured!(crate::domain::training::Hours, crate::domain::completion::Score);

impl Deserr<Faults> for crate::domain::pledge::TermMonths {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef<'_>) -> Result<Self, Faults> {
        let months = i64::deserialize_from_value(value, location)?;
        Self::parse(months).or_else(|invalid| refuse(location, invalid))
    }
}

parsed!(
    crate::domain::agency::AgencyKind,
    crate::domain::appointment::Employment,
    crate::domain::join::JoinStatus,
    Flag,
    crate::domain::agency::Country,
    crate::domain::agency::Subdivision,
    crate::domain::agency::AgencyKey,
    crate::domain::csv_mapping::CsvKind,
    crate::domain::csv_mapping::DateFormat,
    crate::domain::csv_mapping::Delimiter,
    crate::domain::roster::RosterMode,
    crate::domain::ori::Ori,
    crate::domain::training::Program,
    crate::domain::training::Category,
    crate::domain::training::RecognitionStatus,
    crate::domain::text::Text<50>,
    crate::domain::text::Text<100>,
    crate::domain::text::Text<200>,
    crate::domain::text::Text<2000>,
    crate::domain::text::Url,
    crate::domain::text::Sha256Hex,
    crate::domain::text::Email,
    crate::domain::text::EmailSha1,
    crate::domain::placement::CompletionStatus,
    crate::domain::placement::ParkedReason,
    crate::domain::evidence::Agreement,
    crate::domain::evidence::OrganizationKind,
    crate::domain::standard_draft::StandardCode,
);
