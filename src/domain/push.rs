//! What a push does to what is held of the same record (rule 9).

use std::fmt::Write;

use jiff::Timestamp;

use super::completion::CompletionDraft;
use super::training::TrainingReference;

/// What a push did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Push {
    /// The record is new.
    Created,
    /// The same content again.
    Unchanged,
    /// Other content; the former revision is kept.
    Updated,
    /// An older revision that arrived late, and changes nothing.
    Stale,
}

/// What is held of a record, as far as it decides about a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held<'a> {
    /// The hash of the canonical content.
    pub content_hash: &'a [u8],
    /// The sender's revision.
    pub revision: Option<u64>,
    /// When the sender last changed the record.
    pub updated_at: Option<Timestamp>,
}

/// Decides about a push of `(client, external_id)` from what is held of it.
///
/// A revision decides before a timestamp, and each only when both sides give it. Where neither orders the two, what
/// arrives later is newer.
pub fn decide_push(held: Option<&Held<'_>>, content_hash: &[u8], revision: Option<u64>, updated_at: Option<Timestamp>) -> Push {
    let Some(held) = held else { return Push::Created };
    if held.content_hash == content_hash {
        return Push::Unchanged;
    }
    let by_revision = revision.zip(held.revision).map(|(new, old)| new.cmp(&old));
    let by_time = updated_at.zip(held.updated_at).map(|(new, old)| new.cmp(&old));
    let order = [by_revision, by_time].into_iter().flatten().find(|order| order.is_ne());
    if order.is_some_and(std::cmp::Ordering::is_lt) { Push::Stale } else { Push::Updated }
}

impl CompletionDraft {
    /// The whole content in one unambiguous text, whose hash tells whether a push brings anything new.
    ///
    /// Every field is in it, the revision and the timestamp too: a newer revision of the same words is an update, so
    /// that what is compared with later is the newest revision seen.
    pub fn canonical(&self) -> String {
        let mut text = String::new();
        let officer = &self.officer;
        put(&mut text, "external_id", Some(&self.external_id));
        put(&mut text, "officer.id", officer.id.as_ref());
        put(&mut text, "officer.identifier.system", officer.identifier.as_ref().map(|i| &i.system));
        put(&mut text, "officer.identifier.value", officer.identifier.as_ref().map(|i| &i.value));
        put(&mut text, "officer.email", officer.email.as_ref());
        put(&mut text, "officer.agency", officer.agency.as_ref());
        put(&mut text, "officer.employee_number", officer.employee_number.as_ref());
        put(&mut text, "officer.badge_number", officer.badge_number.as_ref());
        put(&mut text, "officer.family_name", officer.family_name.as_ref());
        put(&mut text, "officer.given_name", officer.given_name.as_ref());
        put(&mut text, "officer.appointed_on", officer.appointed_on.as_ref());
        match &self.training {
            TrainingReference::Id(id) => put(&mut text, "training.id", Some(id)),
            TrainingReference::Code(code) => put(&mut text, "training.code", Some(code)),
        }
        put(&mut text, "completed_on", Some(&self.completed.date));
        put(&mut text, "completed_at", self.completed.instant.as_ref());
        put(&mut text, "expires_on", self.expires_on.as_ref());
        put(&mut text, "hours", self.hours.map(super::training::Hours::get).as_ref());
        put(&mut text, "score", self.score.map(super::completion::Score::get).as_ref());
        put(&mut text, "passed", Some(&self.passed));
        put(&mut text, "certificate_number", self.certificate_number.as_ref());
        put(&mut text, "evidence_url", self.evidence_url.as_ref());
        put(&mut text, "revision", self.revision.as_ref());
        put(&mut text, "updated_at", self.updated_at.as_ref());
        text
    }
}

/// Appends `name=length:value` and a line break; an absent field leaves nothing.
fn put(text: &mut String, name: &str, value: Option<&impl ToString>) {
    if let Some(value) = value {
        let value = value.to_string();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name}={}:{value}", value.len());
    }
}
