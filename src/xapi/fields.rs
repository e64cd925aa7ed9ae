//! The values that stand in statements: ids, IRIs, language maps, instants, addresses.

use serde_json::Value;

use super::check::{Check, Rule};
use super::duration::Duration;
use super::{Version, child, shapes};
use crate::domain::dates::parse_local_instant;
use crate::domain::invalid::{Faults, Invalid};

/// Any text.
pub fn text(check: &mut Check, at: &str, value: &Value) {
    check.text(at, value);
}

/// True or false.
pub fn boolean(check: &mut Check, at: &str, value: &Value) {
    if !value.is_boolean() {
        check.fault(at, "wrong_type", "must be true or false");
    }
}

/// Any number.
pub fn number(check: &mut Check, at: &str, value: &Value) {
    check.number(at, value);
}

/// A whole number of at least 0.
pub fn length(check: &mut Check, at: &str, value: &Value) {
    if !value.is_u64() {
        check.fault(at, "wrong_type", "must be a whole number of at least 0");
    }
}

/// Texts.
pub fn texts(check: &mut Check, at: &str, value: &Value) {
    check.each(at, value, text);
}

/// Whether a text is a UUID in standard form.
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}

/// A UUID in standard form.
pub fn uuid(check: &mut Check, at: &str, value: &Value) {
    if check.text(at, value).is_some_and(|text| !is_uuid(text)) {
        check.fault(at, "invalid_id", "must be a UUID, such as 0199c1f0-0000-7000-8000-000000000000");
    }
}

/// Checks an IRI as far as it needs no look at its scheme: there is one, and something after it that is printable.
///
/// # Errors
/// `invalid_iri`.
pub fn check_iri(text: &str) -> Result<(), Invalid> {
    let invalid = || Invalid::new("invalid_iri", "must be an IRI with its scheme, such as https://lms.example/courses/4711");
    let (scheme, rest) = text.split_once(':').ok_or_else(invalid)?;
    let named = scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let unfit = |c: char| c.is_control() || c.is_whitespace() || "\"<>\\^`{|}".contains(c);
    if named && !rest.is_empty() && !rest.contains(unfit) { Ok(()) } else { Err(invalid()) }
}

/// An IRI.
pub fn iri(check: &mut Check, at: &str, value: &Value) {
    if let Some(text) = check.text(at, value) {
        check.note(at, check_iri(text));
    }
}

/// IRIs, at least one.
pub fn iris(check: &mut Check, at: &str, value: &Value) {
    if value.as_array().is_some_and(Vec::is_empty) {
        check.fault(at, "empty", "must not be empty");
    }
    check.each(at, value, iri);
}

/// A `mailto:` URI.
pub fn mbox(check: &mut Check, at: &str, value: &Value) {
    let well_formed = |text: &str| {
        let address = text.strip_prefix("mailto:")?;
        let (local, domain) = address.rsplit_once('@')?;
        let unfit = |c: char| c.is_control() || c.is_whitespace();
        Some(!local.is_empty() && !domain.is_empty() && !local.contains('@') && !address.contains(unfit))
    };
    if check.text(at, value).is_some_and(|text| well_formed(text) != Some(true)) {
        check.fault(at, "invalid_mbox", "must be of the form mailto:local@domain");
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// A SHA-1 in hexadecimal.
pub fn sha1(check: &mut Check, at: &str, value: &Value) {
    if check.text(at, value).is_some_and(|text| text.len() != 40 || !is_hex(text)) {
        check.fault(at, "invalid_sha1", "must be 40 hexadecimal digits");
    }
}

/// A digest of the SHA-2 family in hexadecimal.
pub fn sha2(check: &mut Check, at: &str, value: &Value) {
    if check.text(at, value).is_some_and(|text| ![56, 64, 96, 128].contains(&text.len()) || !is_hex(text)) {
        check.fault(at, "invalid_sha2", "must be a SHA-2 in hexadecimal: 56, 64, 96 or 128 digits");
    }
}

/// A media type.
pub fn media_type(check: &mut Check, at: &str, value: &Value) {
    let token = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-*".contains(&b));
    let well_formed = |text: &str| {
        let essence = text.split(';').next().unwrap_or_default().trim();
        essence.split_once('/').is_some_and(|(kind, subtype)| token(kind) && token(subtype))
    };
    if check.text(at, value).is_some_and(|text| !well_formed(text)) {
        check.fault(at, "invalid_media_type", "must be a media type, such as application/pdf");
    }
}

/// Whether a text has the form of a language tag (RFC 5646), as far as the lengths of its parts tell.
fn is_language(text: &str) -> bool {
    let mut parts = text.split('-');
    let first = parts.next().unwrap_or_default();
    let alphabetic = first.bytes().all(|b| b.is_ascii_alphabetic());
    let private = ["x", "i"].iter().any(|word| first.eq_ignore_ascii_case(word)) && text.len() > 2;
    let named = alphabetic && ((2..=8).contains(&first.len()) || private);
    named && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// A language tag.
pub fn language(check: &mut Check, at: &str, value: &Value) {
    if check.text(at, value).is_some_and(|text| !is_language(text)) {
        check.fault(at, "invalid_language", "must be a language tag, such as en-US");
    }
}

/// A text for each language.
pub fn language_map(check: &mut Check, at: &str, value: &Value) {
    let Some(map) = check.object(at, value) else { return };
    for (tag, said) in map {
        let here = child(at, tag);
        if !is_language(tag) {
            check.fault(&here, "invalid_language", "the name of each member must be a language tag, such as en-US");
        }
        text(check, &here, said);
    }
}

/// Anything, under IRIs.
pub fn extensions(check: &mut Check, at: &str, value: &Value) {
    let Some(map) = check.object(at, value) else { return };
    for name in map.keys() {
        check.note(&child(at, name), check_iri(name));
    }
}

/// An instant with its offset.
pub fn instant(check: &mut Check, at: &str, value: &Value) {
    let Some(text) = check.text(at, value) else { return };
    if check.note(at, parse_local_instant(text)).is_some() && text.trim().ends_with("-00:00") {
        check.fault(at, "invalid_instant", "the offset -00:00 says that none is known");
    }
}

/// A length of time.
pub fn duration(check: &mut Check, at: &str, value: &Value) {
    if check.text(at, value).is_some_and(|text| Duration::parse(text).is_none()) {
        check.fault(at, "invalid_duration", "must be an ISO 8601 duration, such as PT40H or P1DT2H30M");
    }
}

/// The version that a statement says it follows.
pub fn version(check: &mut Check, at: &str, value: &Value) {
    let Some(text) = check.text(at, value) else { return };
    match Version::parse(text) {
        Some(Version::One) => {}
        Some(Version::Two) if check.version == Version::Two => {}
        _ => check.fault(at, "invalid_version", "must be 1.0.x, or 2.0.0 where the request follows 2.0"),
    }
}

/// Checks a value as an Agent, or an identified Group, that a query names.
///
/// # Errors
/// Its faults, under `at`.
pub fn check_agent(at: &str, value: &Value, version: Version) -> Result<(), Faults> {
    let mut check = Check::new(version);
    let rule: Rule = shapes::identified;
    rule(&mut check, at, value);
    if check.faults.is_empty() { Ok(()) } else { Err(check.faults) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_iri_has_a_scheme_and_nothing_unprintable() {
        for good in ["https://lms.example/c/1?a=b#c", "urn:uuid:0199", "tag:a,2020:x", "http://例え.jp/å", "mailto:a@b"] {
            assert!(check_iri(good).is_ok(), "{good}");
        }
        for bad in ["", "lms.example/c", ":x", "https:", "1a:b", "a b:c", "http://a b", "http://a\u{0}", "http://<x>", "é:x"] {
            assert_eq!(check_iri(bad).unwrap_err().code, "invalid_iri", "{bad}");
        }
    }

    #[test]
    fn a_language_tag_has_parts_of_fitting_lengths() {
        for good in ["en", "en-US", "de-CH-1996", "zh-Hant-TW", "x-ours", "cmn", "und", "es-419", "sl-rozaj-biske"] {
            assert!(is_language(good), "{good}");
        }
        for bad in ["", "e", "x", "en_US", "en-", "-en", "123", "englishlanguage", "en-verylongpart", "en US", "i-"] {
            assert!(!is_language(bad), "{bad}");
        }
    }
}
