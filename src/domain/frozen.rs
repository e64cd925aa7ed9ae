//! An evaluation that is kept as it was, and what is short of an award.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::readiness::{Evaluation, Measure};
use super::stage::PledgeView;
use super::standard::Standard;

/// An evaluation as it was on a day, kept whatever becomes of what it follows from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frozen {
    /// The agency, as it was called.
    pub agency: FrozenAgency,
    /// Who signed the pledge.
    pub signatory: FrozenSignatory,
    /// The rules that were applied.
    pub standard: Standard,
    /// The pledge.
    pub pledge: PledgeView,
    /// The numbers.
    pub evaluation: Evaluation,
    /// The partnerships in force.
    pub partnerships: Vec<FrozenPartnership>,
    /// The policies in force.
    pub policies: Vec<FrozenPolicy>,
    /// Of an award, who issued and signed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stationery: Option<FrozenStationery>,
}

/// Who issued an award, who signed it, and what the letter said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrozenStationery {
    /// Who issued it.
    pub issuer: String,
    /// Who signed the letter and the certificate.
    pub signer: Signer,
    /// Who signed the certificate, too.
    pub second_signer: Option<Signer>,
    /// The template of the letter.
    pub letter: String,
}

/// Who signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signer {
    /// Name; absent: the office alone stands under the line.
    pub name: Option<String>,
    /// Office.
    pub title: String,
    /// Of what.
    pub organization: String,
}

/// An agency as it was called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrozenAgency {
    /// Its id.
    pub id: Uuid,
    /// Its primary ORI.
    pub ori: Option<String>,
    /// Its name.
    pub name: String,
}

/// Who signed a pledge, as it was when it was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrozenSignatory {
    /// Name.
    pub name: String,
    /// Office, such as Chief of Police.
    pub title: String,
}

/// A partnership as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrozenPartnership {
    /// Its id.
    pub id: Uuid,
    /// With whom.
    pub organization: String,
    /// On what paper.
    pub agreement: String,
    /// First day.
    pub effective_on: Date,
    /// The day after the last.
    pub ends_on: Option<Date>,
    /// The paper.
    pub document: Option<FrozenDocument>,
}

/// A policy as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrozenPolicy {
    /// Its id.
    pub id: Uuid,
    /// Its title.
    pub title: String,
    /// First day.
    pub adopted_on: Date,
    /// The day after the last.
    pub ends_on: Option<Date>,
    /// The paper.
    pub document: Option<FrozenDocument>,
}

/// A document as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrozenDocument {
    /// Where it lay.
    pub url: String,
    /// Its SHA-256.
    pub sha256: String,
}

/// A requirement that isn't met: where in a status, and what is short.
pub type Shortfall = (&'static str, String);

/// Everything that is short of an award, by its place in a status.
pub fn shortfalls(evaluation: &Evaluation) -> Vec<Shortfall> {
    let mut short = Vec::new();
    let on = evaluation.as_of;
    if !evaluation.partnership.met {
        short.push(("/requirements/partnership", format!("no partnership is in force on {on}")));
    }
    if !evaluation.policy.met {
        short.push(("/requirements/policy", format!("no policy is in force on {on}")));
    }
    let training = &evaluation.training;
    if training.sworn == 0 {
        short.push(("/requirements/training/sworn", "nobody is sworn: push the roster".to_owned()));
        return short;
    }
    let roster = if training.roster_incomplete {
        format!("; {} of the {} declared are not on the roster", training.sworn - training.roster, training.sworn)
    } else {
        String::new()
    };
    let measured = |measure: &Measure, what: &str| {
        let Measure { count, needed, short, .. } = measure;
        format!("{count} of {} sworn officers {what}, {needed} are needed: {short} short{roster}", training.sworn)
    };
    if !training.trained.met {
        short.push(("/requirements/training/trained", measured(&training.trained, "are trained as the standard asks of everybody")));
    }
    if !training.crisis_intervention.met {
        short.push(("/requirements/training/crisis_intervention", measured(&training.crisis_intervention, "hold crisis intervention training")));
    }
    short
}
