//! Countries and their subdivisions, as files write them.

/// The postal codes of the states, the federal district and the territories of the United States.
const US: [&str; 57] = [
    "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "DC", "FL", "GA", "HI", "ID", "IL", "IN", "IA", "KS", "KY", "LA", "ME", "MD", "MA", "MI", "MN",
    "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM", "NY", "NC", "ND", "OH", "OK", "OR", "PA", "RI", "SC", "SD", "TN", "TX", "UT", "VT", "VA", "WA",
    "WV", "WI", "WY", "AS", "GU", "MP", "PR", "UM", "VI",
];

/// Where the FBI's state code is not the postal code.
const FBI: [(&str, &str); 2] = [("NB", "NE"), ("GM", "GU")];

/// A two-letter country code, upper-cased.
///
/// # Errors
/// Says what it should be.
pub fn country(text: &str) -> Result<String, String> {
    if text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Ok(text.to_ascii_uppercase());
    }
    if ["usa", "u.s.", "u.s.a.", "united states"].contains(&text.to_lowercase().as_str()) {
        return Ok("US".to_owned());
    }
    Err(format!("\"{text}\" is not a two-letter country code such as US"))
}

/// `US-TX` from `US-TX`, or from `TX` where the country is known.
///
/// # Errors
/// Says what is missing or not known.
pub fn subdivision(text: &str, country_text: Option<&str>) -> Result<String, String> {
    let upper = text.to_ascii_uppercase();
    let (country_code, code) = match upper.split_once('-') {
        Some((prefix, code)) => (country(prefix)?, code.to_owned()),
        None => match country_text {
            Some(given) => (country(given)?, upper.clone()),
            None => {
                return Err(format!("\"{text}\" is a bare code: give the country, such as --set country=US"));
            }
        },
    };
    if !(1..=3).contains(&code.len()) || !code.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(format!("\"{text}\" is not a code such as US-TX or TX"));
    }
    if country_code != "US" {
        return Ok(format!("{country_code}-{code}"));
    }
    let postal = FBI.iter().find_map(|(fbi, postal)| (*fbi == code).then_some(*postal)).unwrap_or(&code);
    if US.contains(&postal) { Ok(format!("US-{postal}")) } else { Err(format!("\"{text}\" is not a state or territory of the United States")) }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("TX", Some("US"), "US-TX")]
    #[case("tx", Some("us"), "US-TX")]
    #[case("US-TX", None, "US-TX")]
    #[case("us-nb", None, "US-NE")]
    #[case("NB", Some("US"), "US-NE")]
    #[case("NB", Some("CA"), "CA-NB")]
    #[case("GM", Some("US"), "US-GU")]
    #[case("PR", Some("US"), "US-PR")]
    #[case("VI", Some("US"), "US-VI")]
    #[case("DC", Some("USA"), "US-DC")]
    #[case("ENG", Some("GB"), "GB-ENG")]
    fn a_subdivision_is_completed(#[case] text: &str, #[case] country: Option<&str>, #[case] code: &str) {
        assert_eq!(subdivision(text, country), Ok(code.to_owned()));
    }

    #[rstest]
    #[case("TX", None, "give the country")]
    #[case("ZZ", Some("US"), "not a state")]
    #[case("Texas", Some("US"), "not a code")]
    #[case("T X", Some("GB"), "not a code")]
    #[case("TX", Some("America"), "two-letter")]
    fn what_is_not_known_is_refused(#[case] text: &str, #[case] country: Option<&str>, #[case] words: &str) {
        let refusal = subdivision(text, country).unwrap_err();
        assert!(refusal.contains(words), "{refusal}");
    }
}
