//! Certification: an application on a pledge, its review, and what becomes of it.

use std::fmt;

use jiff::civil::Date;

use super::invalid::Invalid;
use super::readiness::CertificationFact;
use super::words::words;

words! {
    /// Where an application stands.
    pub enum CertificationState else "invalid_state" {
        /// It was sent, and nobody looks at it yet.
        Applied = "applied",
        /// Staff look at it.
        InReview = "in_review",
        /// It is back with the agency, with questions.
        Returned = "returned",
        /// The agency is certified.
        Awarded = "awarded",
        /// It was turned down.
        Declined = "declined",
        /// The certification was taken away.
        Revoked = "revoked",
    }
}

words! {
    /// What is done with an application.
    pub enum Step else "invalid_step" {
        /// The agency applies.
        Apply = "apply",
        /// Staff begin to look at it.
        StartReview = "start_review",
        /// Staff send it back with questions.
        Return = "return",
        /// The agency answers them.
        Resubmit = "resubmit",
        /// Staff award the certification.
        Award = "award",
        /// Staff turn it down.
        Decline = "decline",
        /// Staff take the certification away.
        Revoke = "revoke",
    }
}

words! {
    /// What staff decide.
    pub enum Decision else "invalid_decision" {
        /// To look at it.
        StartReview = "start_review",
        /// To send it back with questions.
        Return = "return",
        /// To award the certification.
        Award = "award",
        /// To turn it down.
        Decline = "decline",
        /// To take the certification away.
        Revoke = "revoke",
    }
}

impl From<Decision> for Step {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::StartReview => Self::StartReview,
            Decision::Return => Self::Return,
            Decision::Award => Self::Award,
            Decision::Decline => Self::Decline,
            Decision::Revoke => Self::Revoke,
        }
    }
}

impl Step {
    /// Whether it needs a note: what the agency is to answer, or why it doesn't get or keep what it applied for.
    pub fn needs_note(self) -> bool {
        matches!(self, Self::Return | Self::Decline | Self::Revoke)
    }
}

/// The number of a certificate, such as `OMC-2026-000123`: the year of the award, and how many were awarded in it by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CertificateNumber {
    year: i16,
    count: u32,
}

impl CertificateNumber {
    /// The certificate that is the `count`th of a year, from 1.
    pub fn new(year: i16, count: u32) -> Self {
        Self { year, count }
    }

    /// The year of the award.
    pub fn year(self) -> i16 {
        self.year
    }

    /// How many were awarded in that year by then, from 1.
    pub fn count(self) -> u32 {
        self.count
    }

    /// Reads a number as [`fmt::Display`] writes it.
    ///
    /// # Errors
    /// `invalid_number`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let read = || {
            let (year, count) = text.strip_prefix("OMC-")?.split_once('-')?;
            let number = Self { year: year.parse().ok()?, count: count.parse().ok()? };
            // One way to write each, and no other.
            (number.count > 0 && number.to_string() == text).then_some(number)
        };
        read().ok_or_else(|| Invalid::new("invalid_number", "must be a certificate number such as OMC-2026-000123"))
    }
}

impl fmt::Display for CertificateNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OMC-{:04}-{:06}", self.year, self.count)
    }
}

/// Sent by the agency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// The day.
    pub applied_on: Date,
}

/// Looked at by staff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InReview {
    /// The day of the application.
    pub applied_on: Date,
}

/// Back with the agency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Returned {
    /// The day of the application.
    pub applied_on: Date,
}

/// Turned down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Declined {
    /// The day of the application.
    pub applied_on: Date,
    /// The day on which it was turned down.
    pub declined_on: Date,
}

/// Certified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Awarded {
    /// The day of the application.
    pub applied_on: Date,
    /// The day of the award.
    pub awarded_on: Date,
    /// The number of the certificate.
    pub number: CertificateNumber,
}

/// Certified once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revoked {
    /// What it was.
    pub awarded: Awarded,
    /// The first day on which it no longer holds.
    pub revoked_on: Date,
}

impl Applied {
    /// Staff look at it.
    pub fn start_review(self) -> InReview {
        InReview { applied_on: self.applied_on }
    }
}

impl InReview {
    /// Staff have questions.
    pub fn send_back(self) -> Returned {
        Returned { applied_on: self.applied_on }
    }

    /// Staff turn it down.
    pub fn decline(self, declined_on: Date) -> Declined {
        Declined { applied_on: self.applied_on, declined_on }
    }

    /// Staff award it.
    pub fn award(self, awarded_on: Date, number: CertificateNumber) -> Awarded {
        Awarded { applied_on: self.applied_on, awarded_on, number }
    }
}

impl Returned {
    /// The agency answers.
    pub fn resubmit(self) -> InReview {
        InReview { applied_on: self.applied_on }
    }

    /// Staff turn it down: the agency didn't answer, or not so that it helped.
    pub fn decline(self, declined_on: Date) -> Declined {
        Declined { applied_on: self.applied_on, declined_on }
    }
}

impl Awarded {
    /// Staff take it away.
    pub fn revoke(self, revoked_on: Date) -> Revoked {
        Revoked { awarded: self, revoked_on }
    }
}

/// An application, wherever it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certification {
    /// Sent by the agency.
    Applied(Applied),
    /// Looked at by staff.
    InReview(InReview),
    /// Back with the agency.
    Returned(Returned),
    /// Certified.
    Awarded(Awarded),
    /// Turned down.
    Declined(Declined),
    /// Certified once.
    Revoked(Revoked),
}

/// A step that can't be taken from where an application stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the application is {state}, from where `{step}` leads nowhere; possible: {}", possible_words(*.state))]
pub struct Impossible {
    /// Where it stands.
    pub state: CertificationState,
    /// What was asked for.
    pub step: Step,
}

fn possible_words(state: CertificationState) -> String {
    let words: Vec<&str> = state.possible().iter().map(|step| step.as_str()).collect();
    if words.is_empty() { "nothing more".to_owned() } else { words.join(", ") }
}

impl CertificationState {
    /// The steps that lead on from here.
    pub fn possible(self) -> &'static [Step] {
        match self {
            Self::Applied => &[Step::StartReview],
            Self::InReview => &[Step::Return, Step::Award, Step::Decline],
            Self::Returned => &[Step::Resubmit, Step::Decline],
            Self::Awarded => &[Step::Revoke],
            Self::Declined | Self::Revoked => &[],
        }
    }

    /// Whether something is still to be decided.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Applied | Self::InReview | Self::Returned)
    }
}

impl Certification {
    /// An application of a day.
    pub fn apply(applied_on: Date) -> Self {
        Self::Applied(Applied { applied_on })
    }

    /// Where it stands, in a word.
    pub fn state(&self) -> CertificationState {
        match self {
            Self::Applied(_) => CertificationState::Applied,
            Self::InReview(_) => CertificationState::InReview,
            Self::Returned(_) => CertificationState::Returned,
            Self::Awarded(_) => CertificationState::Awarded,
            Self::Declined(_) => CertificationState::Declined,
            Self::Revoked(_) => CertificationState::Revoked,
        }
    }

    /// `Ok` where a step leads on from here.
    ///
    /// # Errors
    /// [`Impossible`], which names those that do.
    pub fn check(&self, step: Step) -> Result<(), Impossible> {
        let state = self.state();
        if state.possible().contains(&step) { Ok(()) } else { Err(Impossible { state, step }) }
    }

    /// Staff look at it.
    ///
    /// # Errors
    /// [`Impossible`].
    pub fn start_review(self) -> Result<Self, Impossible> {
        match self {
            Self::Applied(applied) => Ok(Self::InReview(applied.start_review())),
            other => Err(other.impossible(Step::StartReview)),
        }
    }

    /// Staff have questions.
    ///
    /// # Errors
    /// [`Impossible`].
    pub fn send_back(self) -> Result<Self, Impossible> {
        match self {
            Self::InReview(review) => Ok(Self::Returned(review.send_back())),
            other => Err(other.impossible(Step::Return)),
        }
    }

    /// The agency answers.
    ///
    /// # Errors
    /// [`Impossible`].
    pub fn resubmit(self) -> Result<Self, Impossible> {
        match self {
            Self::Returned(returned) => Ok(Self::InReview(returned.resubmit())),
            other => Err(other.impossible(Step::Resubmit)),
        }
    }

    /// Staff turn it down.
    ///
    /// # Errors
    /// [`Impossible`].
    pub fn decline(self, on: Date) -> Result<Self, Impossible> {
        match self {
            Self::InReview(review) => Ok(Self::Declined(review.decline(on))),
            Self::Returned(returned) => Ok(Self::Declined(returned.decline(on))),
            other => Err(other.impossible(Step::Decline)),
        }
    }

    /// Staff award it.
    ///
    /// # Errors
    /// [`Impossible`].
    pub fn award(self, on: Date, number: CertificateNumber) -> Result<Self, Impossible> {
        match self {
            Self::InReview(review) => Ok(Self::Awarded(review.award(on, number))),
            other => Err(other.impossible(Step::Award)),
        }
    }

    /// Staff take it away.
    ///
    /// # Errors
    /// [`Impossible`].
    pub fn revoke(self, on: Date) -> Result<Self, Impossible> {
        match self {
            Self::Awarded(awarded) => Ok(Self::Revoked(awarded.revoke(on))),
            other => Err(other.impossible(Step::Revoke)),
        }
    }

    fn impossible(&self, step: Step) -> Impossible {
        Impossible { state: self.state(), step }
    }

    /// The day of the application.
    pub fn applied_on(&self) -> Date {
        match self {
            Self::Applied(Applied { applied_on })
            | Self::InReview(InReview { applied_on })
            | Self::Returned(Returned { applied_on })
            | Self::Declined(Declined { applied_on, .. }) => *applied_on,
            Self::Awarded(awarded) => awarded.applied_on,
            Self::Revoked(revoked) => revoked.awarded.applied_on,
        }
    }

    /// What was awarded, whether it holds or was revoked.
    pub fn award_of(&self) -> Option<&Awarded> {
        match self {
            Self::Awarded(awarded) | Self::Revoked(Revoked { awarded, .. }) => Some(awarded),
            _ => None,
        }
    }

    /// The day on which it was turned down or taken away.
    pub fn ended_on(&self) -> Option<Date> {
        match self {
            Self::Declined(declined) => Some(declined.declined_on),
            Self::Revoked(revoked) => Some(revoked.revoked_on),
            _ => None,
        }
    }

    /// What the rules ask of it (rule 6): when it was in review, from the application to the decision, and what it came to.
    pub fn facts(&self) -> Vec<CertificationFact> {
        let since = self.applied_on();
        match *self {
            Self::Applied(_) | Self::InReview(_) | Self::Returned(_) => vec![CertificationFact::InReview { since, until: None }],
            Self::Declined(Declined { declined_on, .. }) => vec![CertificationFact::InReview { since, until: Some(declined_on) }],
            Self::Awarded(Awarded { awarded_on, .. }) => {
                vec![CertificationFact::InReview { since, until: Some(awarded_on) }, CertificationFact::Certified { awarded_on }]
            }
            Self::Revoked(Revoked { awarded: Awarded { awarded_on, .. }, revoked_on }) => {
                vec![CertificationFact::InReview { since, until: Some(awarded_on) }, CertificationFact::Revoked { awarded_on, revoked_on }]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const DAY: Date = date(2026, 11, 21);

    fn number() -> CertificateNumber {
        CertificateNumber::new(2026, 123)
    }

    /// Takes a step with what it needs.
    fn take(certification: Certification, step: Step) -> Result<Certification, Impossible> {
        match step {
            Step::Apply => Err(certification.impossible(step)),
            Step::StartReview => certification.start_review(),
            Step::Return => certification.send_back(),
            Step::Resubmit => certification.resubmit(),
            Step::Award => certification.award(DAY, number()),
            Step::Decline => certification.decline(DAY),
            Step::Revoke => certification.revoke(DAY),
        }
    }

    #[test]
    fn steps_lead_where_they_are_said_to_lead_and_nowhere_else() {
        let mut known = vec![Certification::apply(DAY)];
        let mut next = 0;
        while let Some(certification) = known.get(next).copied() {
            next += 1;
            for step in Step::ALL {
                let taken = take(certification, *step);
                assert_eq!(taken.is_ok(), certification.state().possible().contains(step), "{certification:?} {step}");
                assert_eq!(certification.check(*step).err(), taken.err(), "{certification:?} {step}");
                if let Ok(then) = taken
                    && !known.contains(&then)
                {
                    known.push(then);
                }
            }
        }
        let mut states: Vec<CertificationState> = known.iter().map(Certification::state).collect();
        states.sort_unstable();
        assert_eq!(states, CertificationState::ALL);
    }

    #[test]
    fn what_is_impossible_says_what_is_possible() {
        let refused = Certification::apply(DAY).start_review().unwrap().revoke(DAY).unwrap_err();
        assert_eq!(refused.to_string(), "the application is in_review, from where `revoke` leads nowhere; possible: return, award, decline");
        let ended = Certification::Declined(Declined { applied_on: DAY, declined_on: DAY });
        assert_eq!(
            ended.start_review().unwrap_err().to_string(),
            "the application is declined, from where `start_review` leads nowhere; possible: nothing more"
        );
    }

    #[test]
    fn a_number_is_written_in_one_way() {
        assert_eq!(number().to_string(), "OMC-2026-000123");
        for good in ["OMC-2026-000001", "OMC-2026-999999", "OMC-2026-1000000"] {
            assert_eq!(CertificateNumber::parse(good).unwrap().to_string(), good);
        }
        for bad in
            ["", "OMC-2026-123", "OMC-2026-0000123", "OMC-2026-000000", "omc-2026-000123", "OMC-26-000123", "OMC-2026-+00123", "OMC-2026-000123 "]
        {
            assert_eq!(CertificateNumber::parse(bad).unwrap_err().code, "invalid_number", "{bad}");
        }
    }
}
