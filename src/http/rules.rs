//! The faults between the fields of a body, told in one answer with those of single fields.
//!
//! Whether `ends_on` is before `effective_on` can't be asked of a body whose name is no string, since there is no value of its type
//! yet. So where a field is at fault, values that it might have had are put in its place, far apart: a date from the first and the
//! last year, a number from either end. What breaks a rule with each of them breaks it whatever the sender meant.

use deserr::Deserr;
use jiff::civil::Date;
use serde_json::Value;
use utoipa::ToSchema;

use super::decode::{self, Faults, decode};
use super::openapi::Documents;
use super::openapi::examples::{Examples, type_of};
use crate::domain::invalid::Faults as DomainFaults;
use crate::service::Fault;

/// A body, and the rules between its fields.
pub trait Rules: Deserr<Faults> + ToSchema {
    /// Whether there are any.
    const ANY: bool = true;

    /// The faults between the fields, on a day.
    fn broken(self, today: Date) -> DomainFaults;

    /// The field on which a fault rests besides the one that it points to, where that one has no two ends: a rule of equality breaks
    /// with nearly every value.
    fn rests_on(_code: &str) -> Option<&'static str> {
        None
    }
}

/// Bodies whose rules are those of the domain's type that they become.
macro_rules! ruled {
    ($($input:ty => $draft:ty),+ $(,)?) => { $(
        impl $crate::http::rules::Rules for $input {
            fn broken(self, _: jiff::civil::Date) -> $crate::domain::invalid::Faults {
                <$draft>::from(self).check()
            }
        }
    )+ };
}
pub(crate) use ruled;

/// Bodies without rules between their fields.
macro_rules! unruled {
    ($($input:ty),+ $(,)?) => { $(
        impl $crate::http::rules::Rules for $input {
            const ANY: bool = false;
            fn broken(self, _: jiff::civil::Date) -> $crate::domain::invalid::Faults {
                Vec::new()
            }
        }
    )+ };
}
pub(crate) use unruled;

/// Reads `value` as a `T`.
///
/// # Errors
/// Every fault of a single field; and where there is one, those between the others.
pub fn decode_by_rules<T: Rules>(value: Value, documents: &Documents, today: Date) -> Result<T, Vec<Fault>> {
    if !T::ANY {
        return decode(value);
    }
    let whole = value.clone();
    decode(value).map_err(|mut faults| {
        faults.extend(between::<T>(&whole, &faults, documents, today));
        faults
    })
}

/// The faults between fields of a value, some of which are at fault on their own.
fn between<T: Rules>(value: &Value, faults: &[Fault], documents: &Documents, today: Date) -> Vec<Fault> {
    let broken = |end: End| {
        let repaired = repaired::<T>(value, faults, documents, end)?;
        Some(decode::<T>(repaired).ok()?.broken(today))
    };
    let (Some(one), Some(other)) = (broken(End::Low), broken(End::High)) else { return Vec::new() };
    let own = |pointer: &str| faults.iter().any(|fault| pointer == fault.pointer || pointer.starts_with(&format!("{}/", fault.pointer)));
    let certain = |code: &str| T::rests_on(code).is_none_or(|field| !own(field));
    one.into_iter()
        .filter(|fault| other.contains(fault) && !own(&fault.0) && certain(fault.1.code))
        .map(|(pointer, invalid)| Fault::at(pointer, invalid))
        .collect()
}

/// Which of the values that a field might have had.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Low,
    High,
}

/// The value with each field that is at fault in order: an unknown one gone, another replaced.
fn repaired<T: Rules>(value: &Value, faults: &[Fault], documents: &Documents, end: End) -> Option<Value> {
    let examples = Examples(documents.value());
    let mut repaired = value.clone();
    for fault in faults {
        let (parent, token) = fault.pointer.rsplit_once('/')?;
        let key = decode::unescape(token);
        if fault.code == "unknown_field" {
            repaired.pointer_mut(parent)?.as_object_mut()?.remove(&key);
            continue;
        }
        let schema = examples.schema_at(&T::name(), &fault.pointer)?;
        let stand_in = stand_in(schema, examples.of(schema).ok()?, end);
        match repaired.pointer_mut(parent)? {
            Value::Object(members) => {
                members.insert(key, stand_in);
            }
            Value::Array(items) => *items.get_mut(key.parse::<usize>().ok()?)? = stand_in,
            _ => return None,
        }
    }
    Some(repaired)
}

/// A value of a schema, given an example: another one at either end.
fn stand_in(schema: &Value, example: Value, end: End) -> Value {
    let low = end == End::Low;
    match &example {
        Value::String(text) if text.parse::<Date>().is_ok() => (if low { "1900-01-01" } else { "9999-12-31" }).into(),
        Value::String(text) if !low && schema.get("enum").is_none() => another(text).into(),
        Value::Bool(_) => low.into(),
        Value::Number(_) if matches!(type_of(schema), Some("integer" | "number")) => {
            schema.get(if low { "minimum" } else { "maximum" }).cloned().unwrap_or(example)
        }
        _ => example,
    }
}

/// A text of the same form: its last letter or digit is the next.
fn another(text: &str) -> String {
    let Some((index, last)) = text.char_indices().rev().find(|(_, c)| c.is_ascii_alphanumeric()) else { return text.to_owned() };
    let next = match last {
        '9' => '0',
        'f' | 'z' => 'a',
        'F' | 'Z' => 'A',
        c => char::from(c as u8 + 1),
    };
    format!("{}{next}{}", &text[..index], &text[index + 1..])
}
