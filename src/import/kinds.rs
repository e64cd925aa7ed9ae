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
//! | County | has `Sheriff` / `Constable` | `sheriff` / `constable` |
//! | | otherwise | `county_police` |
//! | Parish, Borough, Census Area | has `Sheriff` / `Constable` / `Tribal` | `sheriff` / `constable` / `tribal` |
//! | | has `University` or `College` | `campus` |
//! | | has `State Police`, `State Troopers` or `State Patrol` | `state_police` |
//! | | has `County` or `Parish`, or in Alaska `Borough` | `county_police` |
//! | | has `Police` | `municipal_police` |
//! | | has `Airport`, `District`, `Department of`, `Port of` or `Harbor` | `special_jurisdiction` |
//! | | otherwise | not understood |
//! | State Police | | `state_police` |
//! | University or College | | `campus` |
//! | Tribal | | `tribal` |
//! | Federal | | `federal` |
//! | Other State Agency | | `special_jurisdiction` |
//! | Other | has `Constable` | `constable` |
//! | | otherwise | `other` |
//!
//! `Other State Agency` (parks, narcotics, fire marshals, state hospitals) is what the Bureau of Justice Statistics counts as special
//! jurisdiction; under `Other` the FBI files what fits nowhere, and so does this.

/// Our own words.
pub const WORDS: [&str; 10] = [
    "municipal_police",
    "county_police",
    "sheriff",
    "state_police",
    "special_jurisdiction",
    "campus",
    "tribal",
    "federal",
    "constable",
    "other",
];

/// The kind of an agency.
///
/// # Errors
/// What isn't understood, in words for the person who corrects the file.
pub fn parse(text: &str, name: &str, subdivision: &str) -> Result<&'static str, String> {
    let folded = text.to_lowercase().replace(['_', '-'], " ");
    let own = WORDS.iter().find(|word| word.replace('_', " ") == folded);
    let name = name.to_lowercase();
    match folded.as_str() {
        "other" if name.contains("constable") => Ok("constable"),
        _ if own.is_some() => Ok(own.copied().unwrap_or("other")),
        "city" | "municipality" | "city and borough" | "town" | "township" | "village" => {
            Ok(by_office(&name).unwrap_or("municipal_police"))
        }
        "county" => Ok(by_office(&name)
            .filter(|kind| *kind != "tribal")
            .unwrap_or("county_police")),
        "parish" | "borough" | "census area" => by_place(&name, subdivision).ok_or_else(|| {
            format!(
                "\"{text}\" doesn't tell the kind of \"{name}\": write one of {}",
                WORDS.join(", ")
            )
        }),
        "university or college" => Ok("campus"),
        "other state agency" => Ok("special_jurisdiction"),
        _ => Err(format!(
            "\"{text}\" is neither a kind ({}) nor an FBI type name that is known",
            WORDS.join(", ")
        )),
    }
}

fn by_office(name: &str) -> Option<&'static str> {
    [
        ("sheriff", "sheriff"),
        ("constable", "constable"),
        ("tribal", "tribal"),
    ]
    .into_iter()
    .find_map(|(word, kind)| name.contains(word).then_some(kind))
}

fn by_place(name: &str, subdivision: &str) -> Option<&'static str> {
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    let alaska = subdivision.to_ascii_uppercase().ends_with("AK");
    if let Some(kind) = by_office(name) {
        return Some(kind);
    }
    if has(&["university", "college"]) {
        Some("campus")
    } else if has(&["state police", "state troopers", "state patrol"]) {
        Some("state_police")
    } else if has(&["county", "parish"]) || (alaska && has(&["borough"])) {
        Some("county_police")
    } else if has(&["police"]) {
        Some("municipal_police")
    } else if has(&["airport", "district", "department of", "port of", "harbor"]) {
        Some("special_jurisdiction")
    } else {
        None
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
    #[case(
        "City",
        "Athens-Clarke County Police Department",
        "GA",
        "municipal_police"
    )]
    #[case(
        "Municipality",
        "Anchorage Police Department",
        "AK",
        "municipal_police"
    )]
    #[case(
        "City and Borough",
        "Sitka Police Department",
        "AK",
        "municipal_police"
    )]
    #[case("County", "Travis County Sheriff's Office", "TX", "sheriff")]
    #[case("County", "Fairfax County Police Department", "VA", "county_police")]
    #[case("County", "Baltimore County", "MD", "county_police")]
    #[case("Parish", "Caddo Parish Sheriff's Office", "LA", "sheriff")]
    #[case("Parish", "Kenner Police Department", "LA", "municipal_police")]
    #[case("Parish", "Delgado Community College", "LA", "campus")]
    #[case("Parish", "Chitimacha Tribal", "LA", "tribal")]
    #[case("Parish", "State Police", "LA", "state_police")]
    #[case("Parish", "Tensas Basin Levee District", "LA", "special_jurisdiction")]
    #[case(
        "Borough",
        "North Slope Borough Police Department",
        "AK",
        "county_police"
    )]
    #[case(
        "Borough",
        "North Slope Borough Police Department",
        "US-AK",
        "county_police"
    )]
    #[case(
        "Borough",
        "Haddon Heights Borough Police Department",
        "NJ",
        "municipal_police"
    )]
    #[case("Borough", "Metlakatla Tribal Police Department", "AK", "tribal")]
    #[case(
        "Borough",
        "Fairbanks International Airport",
        "AK",
        "special_jurisdiction"
    )]
    #[case("Borough", "State Troopers", "AK", "state_police")]
    #[case("Census Area", "Nome Police Department", "AK", "municipal_police")]
    #[case("State Police", "Highway Patrol: Napa County", "CA", "state_police")]
    #[case("University or College", "Marshall University", "WV", "campus")]
    #[case("Tribal", "Pawnee Agency", "OK", "tribal")]
    #[case(
        "Other State Agency",
        "State Fire Marshal",
        "IL",
        "special_jurisdiction"
    )]
    #[case("Other", "Amtrak Police", "DC", "other")]
    #[case("Other", "Lee County Constable District 3", "KY", "constable")]
    #[case("Federal", "Park Service", "", "federal")]
    #[case("special_jurisdiction", "", "", "special_jurisdiction")]
    #[case("Special Jurisdiction", "", "", "special_jurisdiction")]
    #[case("municipal-police", "", "", "municipal_police")]
    fn a_kind_comes_from_type_and_name(
        #[case] text: &str,
        #[case] name: &str,
        #[case] subdivision: &str,
        #[case] kind: &str,
    ) {
        assert_eq!(parse(text, name, subdivision), Ok(kind));
    }

    #[test]
    fn every_word_of_ours_means_itself() {
        for word in WORDS {
            assert_eq!(parse(word, "Nowhere Sheriff", "TX"), Ok(word));
        }
    }

    #[test]
    fn what_says_nothing_is_refused_by_name() {
        assert!(
            parse("Department", "x", "")
                .unwrap_err()
                .contains("Department")
        );
        assert!(
            parse("Parish", "Nowhere", "LA")
                .unwrap_err()
                .contains("nowhere")
        );
    }
}
