//! Partnerships and policies: the evidence for the first two requirements.

use jiff::civil::Date;
use serde::Serialize;

use super::agency::AgencyKey;
use super::invalid::{Faults, Invalid};
use super::text::{Name, Sha256Hex, Url};
use super::words::words;

words! {
    /// What kind of paper a partnership rests on.
    pub enum Agreement else "invalid_agreement" {
        /// A memorandum of understanding.
        Mou = "mou",
        /// A contract.
        Contract = "contract",
        /// A letter.
        Letter = "letter",
        /// Any other.
        Other = "other",
    }
}

words! {
    /// What kind of organization the partner is.
    pub enum OrganizationKind else "invalid_organization_kind" {
        /// A community mental health organization.
        CommunityMentalHealth = "community_mental_health",
        /// A hospital.
        Hospital = "hospital",
        /// A crisis centre.
        CrisisCenter = "crisis_center",
        /// An organization of peers.
        PeerOrganization = "peer_organization",
        /// Any other.
        Other = "other",
    }
}

/// Where a document lies, and what it hashes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Document {
    /// Where it lies.
    pub url: Url,
    /// Its SHA-256.
    pub sha256: Sha256Hex,
}

/// The organization that an agency works with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Organization {
    /// Its name.
    pub name: Name,
    /// Its kind.
    pub kind: OrganizationKind,
}

/// A partnership as a caller describes it: in force on `[effective_on, ends_on)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartnershipDraft {
    /// Whose it is.
    pub agency: AgencyKey,
    /// With whom.
    pub organization: Organization,
    /// On what paper.
    pub agreement: Agreement,
    /// First day.
    pub effective_on: Date,
    /// The day after the last, when it is known.
    pub ends_on: Option<Date>,
    /// The paper.
    pub document: Option<Document>,
}

/// A policy as a caller describes it: in force on `[adopted_on, ends_on)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyDraft {
    /// Whose it is.
    pub agency: AgencyKey,
    /// Its title.
    pub title: Name,
    /// First day.
    pub adopted_on: Date,
    /// The day after the last, when it is known.
    pub ends_on: Option<Date>,
    /// The paper.
    pub document: Option<Document>,
}

/// The days `[from, until)` on which evidence is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InForce {
    /// First day.
    pub from: Date,
    /// The day after the last.
    pub until: Option<Date>,
}

impl PartnershipDraft {
    /// `ends_before_start` at `/ends_on`.
    pub fn check(&self) -> Faults {
        check_end("effective_on", self.effective_on, self.ends_on)
    }

    /// The days on which it is in force.
    pub fn in_force(&self) -> InForce {
        InForce { from: self.effective_on, until: self.ends_on }
    }
}

impl PolicyDraft {
    /// `ends_before_start` at `/ends_on`.
    pub fn check(&self) -> Faults {
        check_end("adopted_on", self.adopted_on, self.ends_on)
    }

    /// The days on which it is in force.
    pub fn in_force(&self) -> InForce {
        InForce { from: self.adopted_on, until: self.ends_on }
    }
}

impl InForce {
    /// Whether it is in force on a day.
    pub fn covers(&self, day: Date) -> bool {
        self.from <= day && self.until.is_none_or(|until| day < until)
    }
}

fn check_end(field: &str, from: Date, until: Option<Date>) -> Faults {
    if until.is_some_and(|until| until < from) {
        let invalid = Invalid::new("ends_before_start", format_args!("must not be before {field}"));
        vec![("/ends_on".into(), invalid)]
    } else {
        Faults::new()
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn evidence_is_in_force_from_its_first_day_to_before_its_end() {
        let d = |day| date(2025, 1, day);
        let policy = |until| PolicyDraft {
            agency: AgencyKey::parse("ori:TX2270000").unwrap(),
            title: Name::parse("Response").unwrap(),
            adopted_on: d(5),
            ends_on: until,
            document: None,
        };
        let closed = policy(Some(d(7))).in_force();
        assert_eq!([4, 5, 6, 7].map(|day| closed.covers(d(day))), [false, true, true, false]);
        assert!(policy(None).in_force().covers(date(9999, 12, 31)));
        assert!(policy(Some(d(5))).check().is_empty());
        assert!(!policy(Some(d(5))).in_force().covers(d(5)));
        assert_eq!(policy(Some(d(4))).check()[0].1.code, "ends_before_start");
    }
}
