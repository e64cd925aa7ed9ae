//! JSON in which no object has a name twice, and nothing nests deeper than anybody needs. RFC 8259 leaves open which of two names counts; a
//! registry must not guess.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Reads a value.
///
/// # Errors
/// Why the bytes are not such JSON, with line and column.
pub fn from_slice(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Unique { depth: 0 }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// How deep arrays and objects stand in each other at the most. No body that is taken has more than six.
pub const DEPTH_LIMIT: usize = 32;

#[derive(Clone, Copy)]
struct Unique {
    /// How many arrays and objects this stands in.
    depth: usize,
}

impl Unique {
    /// What stands in this.
    fn within<E: Error>(self) -> Result<Self, E> {
        if self.depth == DEPTH_LIMIT {
            return Err(E::custom(format_args!("arrays and objects nest deeper than {DEPTH_LIMIT} levels")));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Unique {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number is finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let (mut array, within) = (Vec::new(), self.within()?);
        while let Some(item) = items.next_element_seed(within)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let (mut object, within) = (Map::new(), self.within()?);
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom(format_args!("the name `{name}` comes twice in an object")));
            }
            object.insert(name, members.next_value_seed(within)?);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_serde_json_reads() {
        let text = r#"{"a": [1, -2, 2.5, 18446744073709551615, true, null, "\u00e9", {"b": {}, "c": []}], "d": 1e3}"#;
        assert_eq!(from_slice(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(text).unwrap());
        for bad in ["", "{", "{} x", "1e400", r#""\ud800""#, "[1,]", "nul"] {
            let (ours, theirs) = (from_slice(bad.as_bytes()).unwrap_err(), serde_json::from_str::<Value>(bad).unwrap_err());
            assert_eq!(ours.to_string(), theirs.to_string(), "{bad}");
        }
    }

    #[test]
    fn a_name_that_comes_twice_is_told_with_its_place() {
        let fault = from_slice(b"{\n  \"a\": {\"b\": 1, \"b\": 2}}").unwrap_err();
        assert!(fault.to_string().starts_with("the name `b` comes twice in an object at line 2 column "), "{fault}");
    }

    #[test]
    fn what_nests_too_deep_is_told_with_its_place() {
        let nested = |depth: usize| format!("\n{}{}", "[{\"a\":".repeat(depth / 2), "0").into_bytes();
        let closed = |depth: usize| [nested(depth), "}]".repeat(depth / 2).into_bytes()].concat();
        assert!(from_slice(&closed(DEPTH_LIMIT)).is_ok());
        for deep in [closed(DEPTH_LIMIT + 2), nested(1_000_000)] {
            let fault = from_slice(&deep).unwrap_err().to_string();
            assert!(fault.starts_with("arrays and objects nest deeper than 32 levels at line 2 column "), "{fault}");
        }
    }
}
