//! Law-enforcement agencies and how they are named.

use std::collections::HashSet;
use std::fmt;

use jiff::civil::Date;
use serde::{Serialize, Serializer};
use uuid::Uuid;

use super::invalid::{Faults, Invalid};
use super::ori::Ori;
use super::text::Name;
use super::words::words;

words! {
    /// What kind of agency it is.
    pub enum AgencyKind else "invalid_kind" {
        /// The police of a municipality.
        MunicipalPolice = "municipal_police",
        /// The police of a county, other than its sheriff.
        CountyPolice = "county_police",
        /// A sheriff's office.
        Sheriff = "sheriff",
        /// State police or highway patrol.
        StatePolice = "state_police",
        /// Transit, park, airport and the like.
        SpecialJurisdiction = "special_jurisdiction",
        /// The police of a school, college or university.
        Campus = "campus",
        /// The police of a tribe.
        Tribal = "tribal",
        /// A federal agency.
        Federal = "federal",
        /// A constable or marshal.
        Constable = "constable",
        /// Any other.
        Other = "other",
    }
}

/// The form of an ISO 3166-1 alpha-2 country code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Country(String);

/// The form of an ISO 3166-2 subdivision code, such as `US-TX`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Subdivision(String);

/// An agency's own declared number of sworn officers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SwornStrength {
    /// How many.
    pub count: u32,
    /// The day on which that was so.
    pub as_of: Date,
}

/// An agency as a caller describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AgencyDraft {
    /// The primary ORI; agencies outside the United States have none.
    pub ori: Option<Ori>,
    /// Further ORIs of the same agency.
    pub other_oris: Vec<Ori>,
    /// Its name, which is not a key: a third of them repeat.
    pub name: Name,
    /// Its kind.
    pub kind: AgencyKind,
    /// Its country.
    pub country: Country,
    /// Its state, province or territory.
    pub subdivision: Option<Subdivision>,
    /// Its declared sworn strength.
    pub sworn_strength: Option<SwornStrength>,
}

/// How a caller names an agency: by id, or by ORI as `ori:TX1234567`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AgencyKey {
    /// The id that the registry gave.
    Id(Uuid),
    /// Any of its ORIs.
    Ori(Ori),
}

/// The United States and those territories that are countries of their own in ISO 3166-1.
const ORI_COUNTRIES: [&str; 7] = ["US", "PR", "GU", "VI", "AS", "MP", "UM"];

impl Country {
    /// Reads two capital letters.
    ///
    /// # Errors
    /// `invalid_country`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new("invalid_country", "must be an ISO 3166-1 alpha-2 code, such as US"))
        }
    }

    /// The two letters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Subdivision {
    /// Reads a country code, a hyphen, and 1 to 3 capital letters or digits.
    ///
    /// # Errors
    /// `invalid_subdivision`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let holds = text.split_once('-').is_some_and(|(country, part)| {
            Country::parse(country).is_ok() && (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        });
        if holds { Ok(Self(text.to_owned())) } else { Err(Invalid::new("invalid_subdivision", "must be an ISO 3166-2 code, such as US-TX")) }
    }

    /// The whole code.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The country that it belongs to.
    pub fn country(&self) -> Country {
        Country(self.0[..2].to_owned())
    }
}

impl AgencyDraft {
    /// Every fault between the fields: a subdivision of another country (`wrong_country`), an ORI where there are none
    /// (`ori_outside_us`), further ORIs without a primary one (`primary_ori_required`), an ORI twice (`duplicate_ori`).
    pub fn check(&self) -> Faults {
        let mut faults = Faults::new();
        let mut fault = |pointer: String, code, detail: &str| faults.push((pointer, Invalid::new(code, detail)));
        if self.subdivision.as_ref().is_some_and(|subdivision| subdivision.country() != self.country) {
            fault("/subdivision".into(), "wrong_country", "must be a subdivision of the country");
        }
        if !ORI_COUNTRIES.contains(&self.country.as_str()) {
            let detail = "only agencies of the United States and its territories have an ORI";
            if self.ori.is_some() {
                fault("/ori".into(), "ori_outside_us", detail);
            }
            if !self.other_oris.is_empty() {
                fault("/other_oris".into(), "ori_outside_us", detail);
            }
        }
        if self.ori.is_none() && !self.other_oris.is_empty() {
            fault("/ori".into(), "primary_ori_required", "one ORI must be the primary one");
        }
        let mut seen: HashSet<&Ori> = self.ori.iter().collect();
        for (index, ori) in self.other_oris.iter().enumerate() {
            if !seen.insert(ori) {
                fault(format!("/other_oris/{index}"), "duplicate_ori", "an ORI must not be given twice");
            }
        }
        faults
    }
}

impl AgencyKey {
    /// Reads an id in its hyphenated form, or `ori:` and an ORI.
    ///
    /// # Errors
    /// `invalid_agency`, or `invalid_ori` after `ori:`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if let Some(ori) = text.strip_prefix("ori:") {
            return Ori::parse(ori).map(Self::Ori);
        }
        match Uuid::try_parse(text) {
            Ok(id) if text.len() == 36 => Ok(Self::Id(id)),
            _ => Err(Invalid::new("invalid_agency", "must be an agency's id, or its ORI as ori:TX1234567")),
        }
    }
}

macro_rules! shown {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

shown!(Country);
shown!(Subdivision);

impl fmt::Display for AgencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "{id}"),
            Self::Ori(ori) => write!(f, "ori:{ori}"),
        }
    }
}

impl Serialize for AgencyKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(country: &str, subdivision: Option<&str>, ori: Option<&str>, others: &[&str]) -> Vec<(String, &'static str)> {
        let draft = AgencyDraft {
            ori: ori.map(|o| Ori::parse(o).unwrap()),
            other_oris: others.iter().map(|o| Ori::parse(o).unwrap()).collect(),
            name: Name::parse("Springfield").unwrap(),
            kind: AgencyKind::Sheriff,
            country: Country::parse(country).unwrap(),
            subdivision: subdivision.map(|s| Subdivision::parse(s).unwrap()),
            sworn_strength: None,
        };
        draft.check().into_iter().map(|(pointer, invalid)| (pointer, invalid.code)).collect()
    }

    #[test]
    fn a_draft_tells_all_its_faults() {
        assert_eq!(draft("US", Some("US-TX"), Some("TX2270000"), &["TX2270100"]), []);
        assert_eq!(draft("PR", Some("PR-SJ"), Some("PR0010100"), &[]), []);
        assert_eq!(draft("CA", Some("CA-ON"), None, &[]), []);
        assert_eq!(draft("US", Some("CA-ON"), None, &[]), [("/subdivision".into(), "wrong_country")]);
        assert_eq!(draft("CA", None, Some("TX2270000"), &[]), [("/ori".into(), "ori_outside_us")]);
        assert_eq!(draft("US", None, None, &["TX2270000"]), [("/ori".into(), "primary_ori_required")]);
        assert_eq!(
            draft("US", None, Some("TX2270000"), &["TX22700", "TX2270100", "TX2270100"]),
            [("/other_oris/0".into(), "duplicate_ori"), ("/other_oris/2".into(), "duplicate_ori")]
        );
    }

    #[test]
    fn the_codes_have_their_iso_forms() {
        for bad in ["", "USA", "us", "U1"] {
            assert_eq!(Country::parse(bad).unwrap_err().code, "invalid_country", "{bad}");
        }
        for bad in ["", "TX", "US-", "US-TEXA", "us-tx", "US_TX"] {
            assert_eq!(Subdivision::parse(bad).unwrap_err().code, "invalid_subdivision", "{bad}");
        }
        assert_eq!(Subdivision::parse("GB-ENG").unwrap().country().as_str(), "GB");
    }

    #[test]
    fn a_key_gives_its_form_back() {
        for form in ["ori:TX2270000", "0199f0c0-0000-7000-8000-000000000001"] {
            assert_eq!(AgencyKey::parse(form).unwrap().to_string(), form);
        }
        assert_eq!(AgencyKey::parse("ori:TX22700").unwrap().to_string(), "ori:TX2270000");
        assert_eq!(AgencyKey::parse("ori:tx").unwrap_err().code, "invalid_ori");
        for bad in ["", "TX2270000", "0199f0c0000070008000000000000001", "{0199f0c0-0000-7000-8000-000000000001}"] {
            assert_eq!(AgencyKey::parse(bad).unwrap_err().code, "invalid_agency", "{bad}");
        }
    }

    #[test]
    fn every_kind_has_one_word() {
        for kind in AgencyKind::ALL {
            assert_eq!(AgencyKind::parse(kind.as_str()).unwrap(), *kind);
        }
        let refused = AgencyKind::parse("Sheriff").unwrap_err();
        assert_eq!(refused.code, "invalid_kind");
        assert!(refused.detail.contains("sheriff"));
    }
}
