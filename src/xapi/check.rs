//! Walks a value by shapes, and gathers every fault with its pointer.

use serde_json::{Map, Value};

use super::{Version, child};
use crate::domain::invalid::{Faults, Invalid};

/// What is known and found while a statement is checked.
pub struct Check {
    /// The edition that the request follows.
    pub version: Version,
    /// What is wrong.
    pub faults: Faults,
}

/// What a member must be.
pub type Rule = fn(&mut Check, &str, &Value);

/// What members an object has: no others, and none is null.
pub struct Shape {
    /// Each member by its name.
    pub members: &'static [(&'static str, Rule)],
    /// Those that it must have.
    pub required: &'static [&'static str],
}

impl Check {
    /// Nothing found yet.
    pub fn new(version: Version) -> Self {
        Self { version, faults: Faults::new() }
    }

    /// Notes a fault.
    pub fn fault(&mut self, at: &str, code: &'static str, detail: impl std::fmt::Display) {
        self.faults.push((at.to_owned(), Invalid::new(code, detail)));
    }

    /// Notes what a parser said.
    pub fn note<T>(&mut self, at: &str, read: Result<T, Invalid>) -> Option<T> {
        read.map_err(|invalid| self.faults.push((at.to_owned(), invalid))).ok()
    }

    /// The members of an object; a fault where it is none.
    pub fn object<'v>(&mut self, at: &str, value: &'v Value) -> Option<&'v Map<String, Value>> {
        let object = value.as_object();
        if object.is_none() {
            self.fault(at, "wrong_type", "must be an object");
        }
        object
    }

    /// The text; a fault where it is none.
    pub fn text<'v>(&mut self, at: &str, value: &'v Value) -> Option<&'v str> {
        let text = value.as_str();
        if text.is_none() {
            self.fault(at, "wrong_type", "must be a string");
        }
        text
    }

    /// The number; a fault where it is none.
    pub fn number(&mut self, at: &str, value: &Value) -> Option<f64> {
        let number = value.as_f64().filter(|_| value.is_number());
        if number.is_none() {
            self.fault(at, "wrong_type", "must be a number");
        }
        number
    }

    /// Applies a rule to each item; a fault where it is no array.
    pub fn each(&mut self, at: &str, value: &Value, rule: Rule) {
        match value.as_array() {
            None => self.fault(at, "wrong_type", "must be an array"),
            Some(items) => items.iter().enumerate().for_each(|(index, item)| rule(self, &format!("{at}/{index}"), item)),
        }
    }

    /// Holds a value to a shape, and answers its members.
    pub fn shape<'v>(&mut self, at: &str, value: &'v Value, shape: &Shape) -> Option<&'v Map<String, Value>> {
        let object = self.object(at, value)?;
        for (name, member) in object {
            let here = child(at, name);
            match shape.members.iter().find(|(known, _)| known == name) {
                None => self.fault(&here, "unknown_field", format_args!("`{name}` is not a member here")),
                Some(_) if member.is_null() => self.fault(&here, "null", format_args!("`{name}` must not be null; leave it out")),
                Some((_, rule)) => rule(self, &here, member),
            }
        }
        for name in shape.required.iter().filter(|name| !object.contains_key(**name)) {
            self.fault(&child(at, name), "required", format_args!("`{name}` is required"));
        }
        Some(object)
    }

    /// A member that must be one of some words, where it is given.
    pub fn word(&mut self, at: &str, value: &Value, words: &[&str]) {
        if self.text(at, value).is_some_and(|text| !words.contains(&text)) {
            self.fault(at, "invalid_word", format_args!("must be one of: {}", words.join(", ")));
        }
    }
}
