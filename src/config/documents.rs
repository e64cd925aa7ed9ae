//! The settings of certificates and letters: who issues them, who signs, and what the letter says.

use super::Settings;
use crate::documents::{LetterText, Signer, Stationery};

/// Joins flags and environment with the file.
///
/// # Errors
/// A sentence, where the second signer lacks a name or a title, or the letter's template can't be read.
pub(super) fn read(settings: &Settings, file: &Settings) -> Result<Stationery, String> {
    let text = |given: fn(&Settings) -> &Option<String>| {
        let set = given(settings).as_ref().or(given(file).as_ref());
        set.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    let issuer = text(|settings| &settings.document_issuer).unwrap_or_else(|| "International Association of Chiefs of Police".to_owned());
    let signer = Signer {
        name: text(|settings| &settings.document_signer),
        title: text(|settings| &settings.document_signer_title).unwrap_or_else(|| "President".to_owned()),
        organization: text(|settings| &settings.document_signer_organization).unwrap_or_else(|| issuer.clone()),
    };
    let second = (text(|settings| &settings.document_second_signer), text(|settings| &settings.document_second_signer_title));
    let second_signer = match second {
        (None, None) => None,
        (Some(name), Some(title)) => Some(Signer {
            name: Some(name),
            title,
            organization: text(|settings| &settings.document_second_signer_organization).unwrap_or_else(|| issuer.clone()),
        }),
        _ => return Err("document_second_signer and document_second_signer_title need each other".to_owned()),
    };
    let letter = match settings.letter_template.as_ref().or(file.letter_template.as_ref()) {
        None => LetterText::shipped(),
        Some(path) => std::fs::read_to_string(path)
            .map_err(|cause| cause.to_string())
            .and_then(|source| LetterText::parse(&source))
            .map_err(|cause| format!("letter_template: {}: {cause}", path.display())),
    };
    Ok(Stationery { issuer, signer, second_signer, letter: letter? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_signs_is_what_the_settings_say_and_else_an_office() {
        let told = read(&Settings::default(), &Settings::default()).unwrap();
        let iacp = "International Association of Chiefs of Police";
        assert_eq!((told.issuer.as_str(), told.second_signer), (iacp, None));
        assert_eq!(told.signer, Signer { name: None, title: "President".into(), organization: iacp.into() });
        let file = Settings { document_issuer: Some("IACP".into()), document_signer: Some("A. Name".into()), ..Settings::default() };
        let flags = Settings { document_signer: Some("B. Name".into()), document_second_signer: Some("C".into()), ..Settings::default() };
        assert!(read(&flags, &file).is_err_and(|cause| cause.contains("document_second_signer_title")));
        let flags = Settings { document_second_signer_title: Some("Director".into()), ..flags };
        let told = read(&flags, &file).unwrap();
        assert_eq!(told.signer, Signer { name: Some("B. Name".into()), title: "President".into(), organization: "IACP".into() });
        assert_eq!(told.second_signer, Some(Signer { name: Some("C".into()), title: "Director".into(), organization: "IACP".into() }));
    }

    #[test]
    fn a_template_that_can_not_be_used_is_named() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("letter.txt");
        let settings = Settings { letter_template: Some(path.clone()), ..Settings::default() };
        assert!(read(&settings, &Settings::default()).is_err_and(|cause| cause.contains("letter.txt")));
        std::fs::write(&path, "Dear {{ nobody }}").unwrap();
        assert!(read(&settings, &Settings::default()).is_err_and(|cause| cause.contains("letter.txt") && cause.contains("undefined")));
        std::fs::write(&path, "Dear {{ signatory.name }}").unwrap();
        read(&settings, &Settings::default()).unwrap();
    }
}
