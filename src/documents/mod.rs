//! What an award looks like on paper: the certificate and the letter, as PDF, and the words of the badge. Plain data in, bytes out; nothing here
//! asks for the time or the network, so that the same award makes the same bytes.

mod badge;
mod certificate;
mod fonts;
mod letter;
mod qr;
mod sheet;
mod text;

use jiff::civil::Date;

pub use badge::{Badge, LIST_LIFETIME, StatusList, badge_of, status_list_of};
pub use certificate::certificate;
pub use letter::{LetterText, letter};

use crate::domain::certification::Awarded;
pub use crate::domain::frozen::Signer;
use crate::domain::frozen::{Frozen, FrozenStationery};

/// Somebody with an office.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Name.
    pub name: String,
    /// Office, such as Chief of Police.
    pub title: String,
}

/// Who issues, who signs, and what the letter says.
#[derive(Debug, Clone)]
pub struct Stationery {
    /// Who issues, such as the International Association of Chiefs of Police.
    pub issuer: String,
    /// Who signs the letter and the certificate.
    pub signer: Signer,
    /// Who signs the certificate too.
    pub second_signer: Option<Signer>,
    /// What the letter says.
    pub letter: LetterText,
}

impl Stationery {
    /// As an award keeps it.
    pub fn frozen(&self) -> FrozenStationery {
        FrozenStationery {
            issuer: self.issuer.clone(),
            signer: self.signer.clone(),
            second_signer: self.second_signer.clone(),
            letter: self.letter.source().to_owned(),
        }
    }

    /// That of an award.
    ///
    /// # Errors
    /// [`DocumentError::Letter`] where the template can't be read any more.
    pub fn of(frozen: &FrozenStationery) -> Result<Self, DocumentError> {
        Ok(Self {
            issuer: frozen.issuer.clone(),
            signer: frozen.signer.clone(),
            second_signer: frozen.second_signer.clone(),
            letter: LetterText::parse(&frozen.letter).map_err(DocumentError::Letter)?,
        })
    }
}

/// What was awarded, as it was then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Award {
    /// The number of the certificate.
    pub number: String,
    /// What the agency was called.
    pub agency: String,
    /// Its primary ORI.
    pub ori: Option<String>,
    /// Who signed the pledge: to whom the letter goes.
    pub signatory: Person,
    /// The title of the standard.
    pub standard: String,
    /// The day of the pledge.
    pub pledged_on: Date,
    /// The day of the award.
    pub awarded_on: Date,
    /// The first day on which it no longer holds.
    pub revoked_on: Option<Date>,
    /// How many officers were sworn.
    pub sworn: u32,
    /// How many of them held what the standard asks of everybody.
    pub trained: u32,
    /// How many of them held crisis intervention training.
    pub crisis_trained: u32,
    /// The organizations of the partnerships in force.
    pub partners: Vec<String>,
    /// The titles of the policies in force.
    pub policies: Vec<String>,
    /// Where anybody can check the certificate.
    pub check_url: String,
}

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The PDF.
    #[error("the PDF could not be made: {0}")]
    Pdf(String),
    /// The QR code.
    #[error("the QR code could not be made: {0}")]
    Code(String),
    /// The template of the letter.
    #[error("the letter's text could not be made: {0}")]
    Letter(String),
}

impl Award {
    /// An award with what was frozen at it; `public` is the address of the service as the public knows it, without a slash at its end.
    pub fn of(awarded: &Awarded, revoked_on: Option<Date>, frozen: &Frozen, public: &str) -> Self {
        let training = &frozen.evaluation.training;
        let number = awarded.number.to_string();
        Self {
            check_url: format!("{public}/public/certificates/{number}"),
            number,
            agency: frozen.agency.name.clone(),
            ori: frozen.agency.ori.clone(),
            signatory: Person { name: frozen.signatory.name.clone(), title: frozen.signatory.title.clone() },
            standard: frozen.standard.title.clone(),
            pledged_on: frozen.pledge.pledged_on,
            awarded_on: awarded.awarded_on,
            revoked_on,
            sworn: training.sworn,
            trained: training.trained.count,
            crisis_trained: training.crisis_intervention.count,
            partners: named_once(frozen.partnerships.iter().map(|one| &one.organization)),
            policies: named_once(frozen.policies.iter().map(|one| &one.title)),
        }
    }
}

/// Each name where it comes first.
fn named_once<'a>(names: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut once: Vec<String> = Vec::new();
    for name in names {
        if !once.contains(name) {
            once.push(name.clone());
        }
    }
    once
}

/// A day in words: November 23, 2026.
fn in_words(day: Date) -> String {
    day.strftime("%B %-d, %Y").to_string()
}
