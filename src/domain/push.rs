//! What a push does to what is held of the same record (rule 9).

use std::fmt::{Display, Write};

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
        let mut text = Canonical { text: String::with_capacity(512), ..Canonical::default() };
        let officer = &self.officer;
        text.put("external_id", Some(&self.external_id));
        text.put("officer.id", officer.id.as_ref());
        text.put("officer.identifier.system", officer.identifier.as_ref().map(|i| &i.system));
        text.put("officer.identifier.value", officer.identifier.as_ref().map(|i| &i.value));
        text.put("officer.email", officer.email.as_ref());
        text.put("officer.agency", officer.agency.as_ref());
        text.put("officer.employee_number", officer.employee_number.as_ref());
        text.put("officer.badge_number", officer.badge_number.as_ref());
        text.put("officer.family_name", officer.family_name.as_ref());
        text.put("officer.given_name", officer.given_name.as_ref());
        text.put("officer.appointed_on", officer.appointed_on.as_ref());
        match &self.training {
            TrainingReference::Id(id) => text.put("training.id", Some(id)),
            TrainingReference::Code(code) => text.put("training.code", Some(code)),
        }
        text.put("completed_on", Some(&self.completed.date));
        text.put("completed_at", self.completed.instant.as_ref());
        text.put("expires_on", self.expires_on.as_ref());
        text.put("hours", self.hours.map(super::training::Hours::get).as_ref());
        text.put("score", self.score.map(super::completion::Score::get).as_ref());
        text.put("passed", Some(&self.passed));
        text.put("certificate_number", self.certificate_number.as_ref());
        text.put("evidence_url", self.evidence_url.as_ref());
        text.put("revision", self.revision.as_ref());
        text.put("updated_at", self.updated_at.as_ref());
        text.text
    }
}

/// A canonical text that is being written.
#[derive(Default)]
struct Canonical {
    text: String,
    /// The value that is being put.
    value: String,
}

impl Canonical {
    /// Appends `name=length:value` and a line break; an absent field leaves nothing.
    fn put(&mut self, name: &str, value: Option<&impl Display>) {
        if let Some(value) = value {
            self.value.clear();
            // Writing to a String cannot fail.
            let _ = write!(self.value, "{value}");
            let _ = writeln!(self.text, "{name}={}:{}", self.value.len(), self.value);
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::completion::{CompletedOn, Score};
    use super::super::matching::OfficerReference;
    use super::super::text::{Code, Email};
    use super::super::training::Hours;
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_push_is_decided_by_content_then_revision_then_time_then_arrival() {
        let held = |revision, updated_at| Held { content_hash: b"old", revision, updated_at };
        assert_eq!(decide_push(None, b"new", None, None), Push::Created);
        for (held, hash, revision, updated_at, push) in [
            (held(None, None), b"old", None, None, Push::Unchanged),
            (held(Some(5), Some(at(5))), b"old", Some(5), Some(at(5)), Push::Unchanged),
            (held(None, None), b"new", None, None, Push::Updated),
            (held(Some(5), None), b"new", Some(6), None, Push::Updated),
            (held(Some(5), None), b"new", Some(4), None, Push::Stale),
            (held(Some(5), None), b"new", Some(5), None, Push::Updated),
            (held(None, Some(at(5))), b"new", None, Some(at(6)), Push::Updated),
            (held(None, Some(at(5))), b"new", None, Some(at(4)), Push::Stale),
            (held(Some(5), Some(at(5))), b"new", Some(6), Some(at(4)), Push::Updated),
            (held(Some(5), Some(at(5))), b"new", Some(4), Some(at(6)), Push::Stale),
            (held(Some(5), Some(at(5))), b"new", Some(5), Some(at(4)), Push::Stale),
            (held(Some(5), None), b"new", None, Some(at(1)), Push::Updated),
            (held(None, Some(at(5))), b"new", Some(1), None, Push::Updated),
        ] {
            assert_eq!(decide_push(Some(&held), hash, revision, updated_at), push, "{held:?} {revision:?} {updated_at:?}");
        }
    }

    #[test]
    fn every_field_is_content() {
        let base = CompletionDraft {
            external_id: Code::parse("rec-8842").unwrap(),
            officer: OfficerReference { email: Some(Email::parse("a@b.example").unwrap()), ..OfficerReference::default() },
            training: TrainingReference::Code(Code::parse("CIT-40").unwrap()),
            completed: CompletedOn { date: date(2026, 3, 6), instant: None },
            expires_on: None,
            hours: Some(Hours::parse(40.0).unwrap()),
            score: None,
            passed: true,
            certificate_number: None,
            evidence_url: None,
            revision: None,
            updated_at: None,
        };
        assert_eq!(base.canonical(), base.clone().canonical());
        let others = [
            CompletionDraft { external_id: Code::parse("rec-8843").unwrap(), ..base.clone() },
            CompletionDraft {
                officer: OfficerReference { email: Some(Email::parse("c@b.example").unwrap()), ..OfficerReference::default() },
                ..base.clone()
            },
            CompletionDraft { training: TrainingReference::Code(Code::parse("CIT-8").unwrap()), ..base.clone() },
            CompletionDraft { completed: CompletedOn { date: date(2026, 3, 7), instant: None }, ..base.clone() },
            CompletionDraft { completed: CompletedOn { instant: Some(at(5)), ..base.completed }, ..base.clone() },
            CompletionDraft { expires_on: Some(date(2027, 1, 1)), ..base.clone() },
            CompletionDraft { hours: None, ..base.clone() },
            CompletionDraft { score: Some(Score::parse(0.5).unwrap()), ..base.clone() },
            CompletionDraft { passed: false, ..base.clone() },
            CompletionDraft { certificate_number: Some(Code::parse("C-771").unwrap()), ..base.clone() },
            CompletionDraft { revision: Some(1), ..base.clone() },
            CompletionDraft { updated_at: Some(at(5)), ..base.clone() },
        ];
        let mut texts: Vec<String> = others.iter().map(CompletionDraft::canonical).chain([base.canonical()]).collect();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), others.len() + 1);
    }

    #[test]
    fn a_value_cannot_pass_for_another_field() {
        let mut plain = Canonical::default();
        plain.put("a", Some(&"1\nb=1:2"));
        let mut two = Canonical::default();
        two.put("a", Some(&"1"));
        two.put("b", Some(&"2"));
        assert_ne!(plain.text, two.text);
    }
}
