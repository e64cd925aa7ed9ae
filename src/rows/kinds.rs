//! The kind of an agency, from our words and from the FBI's agency type names.
//!
//! The FBI's type names say which government an agency belongs to, not what it is: `County` holds sheriffs and county police
//! alike, and in Louisiana and Alaska nearly every agency, the universities too, is filed under `Parish`, `Borough` or
//! `Census Area`, since those are what those states have in place of counties. The name of the agency says the rest:
//!
//! | type name | by its name | kind |
//! |---|---|---|
//! | City, Municipality, City and Borough, Town, Township, Village | has `Sheriff` / `Constable` / `Tribal` | `sheriff` / `constable` / `tribal` |
//! | | otherwise | `municipal_police` |
//! | County | has `Sheriff` / `Constable` / `Tribal` | `sheriff` / `constable` / `tribal` |
//! | | otherwise | `county_police` |
//! | Parish, Borough, Census Area | has `Sheriff` / `Constable` / `Tribal` | `sheriff` / `constable` / `tribal` |
//! | | has `University` or `College` | `campus` |
//! | | has `State Police`, `State Troopers` or `State Patrol` | `state_police` |
//! | | has `County` or `Parish`, or in Alaska `Borough` | `county_police` |
//! | | has `Police` | `municipal_police` |
//! | | has `Airport`, `District`, `Department`, `Port` or `Harbor` | `special_jurisdiction` |
//! | | otherwise | not understood |
//! | State Police | | `state_police` |
//! | University or College | | `campus` |
//! | Tribal | | `tribal` |
//! | Federal | | `federal` |
//! | Other State Agency | | `special_jurisdiction` |
//! | Other | has `Constable`, or `Marshal` without `Fire` | `constable` |
//! | | is a task force, a drug unit, a prosecutor or a detective | `other` |
//! | | has `School` or `Education` | `campus` |
//! | | has `Airport`, `Aviation`, `Transit`, `Transportation`, `Railroad`, `Railway`, `Amtrak`, `Port`, `Harbor` or `Park` | `special_jurisdiction` |
//! | | otherwise | `other` |
//!
//! Of a name with a colon only what stands before it counts: behind it is a place (`Union Pacific Railroad: Park County`). What the FBI files
//! under `Other State Agency` (parks, narcotics, fire marshals, state hospitals) is what the Bureau of Justice Statistics counts as special
//! jurisdiction.

use crate::domain::agency::AgencyKind;

/// The kind of an agency.
///
/// # Errors
/// What isn't understood, in words for the person who corrects the file.
pub fn parse(text: &str, name: &str, subdivision: &str) -> Result<AgencyKind, String> {
    let folded = text.to_lowercase().replace(['_', '-'], " ");
    let name = Name::of(name);
    match folded.as_str() {
        "other" => Ok(other(&name)),
        "city" | "municipality" | "city and borough" | "town" | "township" | "village" => Ok(by_office(&name).unwrap_or(AgencyKind::MunicipalPolice)),
        "county" => Ok(by_office(&name).unwrap_or(AgencyKind::CountyPolice)),
        "parish" | "borough" | "census area" => {
            let alaska = subdivision.to_ascii_uppercase().ends_with("AK");
            by_place(&name, alaska).ok_or_else(|| format!("\"{text}\" doesn't tell the kind of such an agency: write one of {}", words()))
        }
        "university or college" => Ok(AgencyKind::Campus),
        "other state agency" => Ok(AgencyKind::SpecialJurisdiction),
        // The FBI's State Police, Tribal and Federal are words of ours as well.
        _ => AgencyKind::parse(&folded.replace(' ', "_"))
            .map_err(|_| format!("\"{text}\" is neither a kind ({}) nor an FBI type name that is known", words())),
    }
}

fn words() -> String {
    let words: Vec<&str> = AgencyKind::ALL.iter().map(|kind| kind.as_str()).collect();
    words.join(", ")
}

/// The words of a name, in lower case, up to its colon.
struct Name(Vec<String>);

impl Name {
    fn of(name: &str) -> Self {
        let own = name.split(':').next().unwrap_or(name).to_lowercase();
        Self(own.split(|c: char| !c.is_alphanumeric()).map(str::to_owned).collect())
    }

    fn has(&self, words: &[&str]) -> bool {
        self.0.iter().any(|word| words.contains(&word.as_str()))
    }

    fn has_phrase(&self, first: &str, second: &str) -> bool {
        self.0.windows(2).any(|pair| pair[0] == first && pair[1] == second)
    }
}

fn by_office(name: &Name) -> Option<AgencyKind> {
    if name.has(&["sheriff", "sheriffs"]) {
        Some(AgencyKind::Sheriff)
    } else if name.has(&["constable", "constables"]) {
        Some(AgencyKind::Constable)
    } else if name.has(&["tribal"]) {
        Some(AgencyKind::Tribal)
    } else {
        None
    }
}

fn by_place(name: &Name, alaska: bool) -> Option<AgencyKind> {
    if let Some(kind) = by_office(name) {
        return Some(kind);
    }
    if name.has(&["university", "college"]) {
        Some(AgencyKind::Campus)
    } else if ["police", "troopers", "patrol"].iter().any(|word| name.has_phrase("state", word)) {
        Some(AgencyKind::StatePolice)
    } else if name.has(&["county", "parish"]) || (alaska && name.has(&["borough"])) {
        Some(AgencyKind::CountyPolice)
    } else if name.has(&["police"]) {
        Some(AgencyKind::MunicipalPolice)
    } else if name.has(&["airport", "district", "department", "port", "harbor"]) {
        Some(AgencyKind::SpecialJurisdiction)
    } else {
        None
    }
}

fn other(name: &Name) -> AgencyKind {
    let transport = ["airport", "aviation", "transit", "transportation", "railroad", "railway", "amtrak", "port", "harbor"];
    if name.has(&["constable"]) || (name.has(&["marshal"]) && !name.has(&["fire"])) {
        AgencyKind::Constable
    } else if name.has(&["task", "drug", "narcotics", "prosecutor", "detective"]) {
        AgencyKind::Other
    } else if name.has(&["school", "schools", "education"]) {
        AgencyKind::Campus
    } else if name.has(&transport) || name.has(&["park", "parks", "metropark", "metroparks"]) {
        AgencyKind::SpecialJurisdiction
    } else {
        AgencyKind::Other
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("City", "Concord", "AR", "municipal_police")]
    #[case("CITY", "Baltimore City Sheriff's Office", "MD", "sheriff")]
    #[case("city", "College Park Police Department", "GA", "municipal_police")]
    #[case("City", "Athens-Clarke County Police Department", "GA", "municipal_police")]
    #[case("Municipality", "Anchorage Police Department", "AK", "municipal_police")]
    #[case("City and Borough", "Sitka Police Department", "AK", "municipal_police")]
    #[case("County", "Travis County Sheriff's Office", "TX", "sheriff")]
    #[case("County", "Fairfax County Police Department", "VA", "county_police")]
    #[case("County", "Baltimore County", "MD", "county_police")]
    #[case("Parish", "Caddo Parish Sheriff's Office", "LA", "sheriff")]
    #[case("Parish", "Kenner Police Department", "LA", "municipal_police")]
    #[case("Parish", "Delgado Community College", "LA", "campus")]
    #[case("Parish", "Chitimacha Tribal", "LA", "tribal")]
    #[case("Parish", "State Police", "LA", "state_police")]
    #[case("Parish", "Tensas Basin Levee District", "LA", "special_jurisdiction")]
    #[case("Borough", "North Slope Borough Police Department", "AK", "county_police")]
    #[case("Borough", "North Slope Borough Police Department", "US-AK", "county_police")]
    #[case("Borough", "Haddon Heights Borough Police Department", "NJ", "municipal_police")]
    #[case("Borough", "Metlakatla Tribal Police Department", "AK", "tribal")]
    #[case("Borough", "Fairbanks International Airport", "AK", "special_jurisdiction")]
    #[case("Borough", "State Troopers", "AK", "state_police")]
    #[case("Census Area", "Nome Police Department", "AK", "municipal_police")]
    #[case("State Police", "Highway Patrol: Napa County", "CA", "state_police")]
    #[case("University or College", "Marshall University", "WV", "campus")]
    #[case("Tribal", "Pawnee Agency", "OK", "tribal")]
    #[case("Other State Agency", "State Fire Marshal", "IL", "special_jurisdiction")]
    #[case("Other", "Amtrak Police", "DC", "special_jurisdiction")]
    #[case("Other", "Union Pacific Railroad: Amador County", "CA", "special_jurisdiction")]
    #[case("Other", "Independent School District: Tyler", "TX", "campus")]
    #[case("Other", "Drug Task Force: Park County", "WY", "other")]
    #[case("Other", "Prosecutor: Hudson County", "NJ", "other")]
    #[case("Other", "Hall County Marshal", "GA", "constable")]
    #[case("Other", "Dover Fire Marshal", "DE", "other")]
    #[case("Other", "Guam", "GM", "other")]
    #[case("Other", "Lee County Constable District 3", "KY", "constable")]
    #[case("Federal", "Park Service", "", "federal")]
    #[case("special_jurisdiction", "", "", "special_jurisdiction")]
    #[case("Special Jurisdiction", "", "", "special_jurisdiction")]
    #[case("municipal-police", "", "", "municipal_police")]
    fn a_kind_comes_from_type_and_name(#[case] text: &str, #[case] name: &str, #[case] subdivision: &str, #[case] kind: &str) {
        assert_eq!(parse(text, name, subdivision).map(AgencyKind::as_str), Ok(kind));
    }

    #[test]
    fn every_word_of_ours_means_itself() {
        for kind in AgencyKind::ALL {
            assert_eq!(parse(kind.as_str(), "Nowhere Sheriff", "TX"), Ok(*kind));
        }
    }

    #[test]
    fn what_says_nothing_is_refused_by_name() {
        assert!(parse("Department", "x", "").unwrap_err().contains("Department"));
        assert!(parse("Parish", "Nowhere", "LA").unwrap_err().contains("Parish"));
    }
}
