//! How names are compared (rule 7).

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Words at the end of a name that tell generations apart.
const SUFFIXES: [&str; 10] = ["jr", "sr", "ii", "iii", "iv", "v", "2nd", "3rd", "4th", "5th"];

/// A name as it is compared: case-folded, without accents, punctuation, spaces and generational suffixes.
///
/// Suffixes at the end are dropped, unless nothing else is left; a name without any letter or digit stands for itself.
/// Folding a folded name changes nothing.
pub fn fold(name: &str) -> String {
    let tokens: Vec<String> = name.split(|c: char| c.is_whitespace() || c == ',').map(letters).filter(|token| !token.is_empty()).collect();
    if tokens.is_empty() {
        return name.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect();
    }
    match tokens.iter().rposition(|token| !SUFFIXES.contains(&token.as_str())) {
        Some(last) => tokens[..=last].concat(),
        None => tokens.concat(),
    }
}

/// The words of a text as they are searched: case-folded, without accents and apostrophes.
pub fn words(text: &str) -> Vec<String> {
    let apart = |c: char| !c.is_alphanumeric() && !is_combining_mark(c) && !matches!(c, '\'' | '\u{2019}' | '\u{2b9}'..='\u{2ff}');
    text.split(apart).map(letters).filter(|word| !word.is_empty()).collect()
}

/// Whether every word of a question begins a word of a text.
pub fn answers(text: &str, question: &[String]) -> bool {
    let held = words(text);
    question.iter().all(|asked| held.iter().any(|word| word.starts_with(asked.as_str())))
}

/// The letters and digits of a word in lower case, without accents.
fn letters(word: &str) -> String {
    let mut folded = String::with_capacity(word.len());
    for c in word.nfkd().flat_map(char::to_lowercase).nfkd() {
        match c {
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' | 'ð' => folded.push('d'),
            'ı' => folded.push('i'),
            'ς' => folded.push('σ'),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'þ' => folded.push_str("th"),
            'ß' => folded.push_str("ss"),
            // Modifier letters count as alphabetic, and some of them are written for an apostrophe.
            '\u{2b9}'..='\u{2ff}' => {}
            c if c.is_alphanumeric() && !is_combining_mark(c) => folded.push(c),
            _ => {}
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_equal_however_they_are_written() {
        for (written, folded) in [
            ("Rivera", "rivera"),
            ("  RIVERA ", "rivera"),
            ("Núñez", "nunez"),
            ("Nu\u{301}n\u{303}ez", "nunez"),
            ("O'Brien", "obrien"),
            ("O’Brien", "obrien"),
            ("Oʼbrien", "obrien"),
            ("Smith-Jones", "smithjones"),
            ("Smith Jones", "smithjones"),
            ("De La Cruz", "delacruz"),
            ("Østergård", "ostergard"),
            ("Łukasz", "lukasz"),
            ("Đặng", "dang"),
            ("Ægir", "aegir"),
            ("Œuvre", "oeuvre"),
            ("Þór", "thor"),
            ("Guðrún", "gudrun"),
            ("Weiß", "weiss"),
            ("WEIẞ", "weiss"),
            ("İnan", "inan"),
            ("Inan", "inan"),
            ("ＡＮＡ", "ana"),
            ("ΣΩΣ", "σωσ"),
        ] {
            assert_eq!(fold(written), folded, "{written}");
        }
    }

    #[test]
    fn generational_suffixes_are_dropped_unless_nothing_is_left() {
        for (written, folded) in [
            ("Smith Jr", "smith"),
            ("Smith, Jr.", "smith"),
            ("SMITH,JR", "smith"),
            ("Smith Sr", "smith"),
            ("Smith II", "smith"),
            ("Smith III", "smith"),
            ("Smith iv", "smith"),
            ("Smith V", "smith"),
            ("Smith 3rd", "smith"),
            ("Smith Jr III", "smith"),
            ("J.R.", "jr"),
            ("Jr", "jr"),
            ("V", "v"),
            ("Jr III", "jriii"),
            ("V Smith", "vsmith"),
            ("Ivy", "ivy"),
            ("Smithiii", "smithiii"),
        ] {
            assert_eq!(fold(written), folded, "{written}");
        }
    }

    #[test]
    fn a_name_without_letters_stands_for_itself() {
        assert_eq!(fold("—"), "—");
        assert_ne!(fold("—"), fold("…"));
        assert_eq!(fold(" "), "");
    }
}
