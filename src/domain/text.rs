//! Texts that are fit to be stored and shown: bounded, trimmed, without control characters.

use std::fmt;

use serde::Serialize;

use super::invalid::Invalid;

/// A text of 1 to `MAX` characters, trimmed, without control characters.
///
/// Texts of 1,000 characters and more may hold line breaks and tabs; names and codes may not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Text<const MAX: usize>(String);

/// The name of a person, an organization or a rank.
pub type Name = Text<200>;
/// What somebody writes to explain a decision.
pub type Note = Text<2000>;
/// A code or record id as another system writes it.
pub type Code = Text<200>;
/// An employee or badge number.
pub type Number = Text<50>;

impl<const MAX: usize> Text<MAX> {
    const LINES: bool = MAX >= 1000;

    /// Trims and checks a text.
    ///
    /// # Errors
    /// `empty`, `too_long`, or `invalid_text` for control characters.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Invalid::new("empty", "must not be empty"));
        }
        if text.chars().any(|c| c.is_control() && !(Self::LINES && matches!(c, '\n' | '\r' | '\t'))) {
            return Err(Invalid::new("invalid_text", "must not contain control characters"));
        }
        if text.chars().nth(MAX).is_some() {
            return Err(Invalid::new("too_long", format_args!("must be at most {MAX} characters")));
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, owned.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl<const MAX: usize> fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a text is words of lower-case letters and digits, joined by hyphens.
pub fn is_hyphenated(text: &str) -> bool {
    text.split('-').all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
}

/// Declares a checked text with `as_str`, `into_string` and `Display`.
macro_rules! checked {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text, owned.
            pub fn into_string(self) -> String {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

checked! {
    /// An absolute `http` or `https` address of at most 2,000 characters, as sent.
    Url
}
checked! {
    /// A SHA-256 as 64 hexadecimal digits in lower case.
    Sha256Hex
}
checked! {
    /// An address of electronic mail, as sent.
    Email
}
checked! {
    /// The SHA-1 of an address of electronic mail as a `mailto:` URI, as 40 hexadecimal digits in lower case (xAPI).
    EmailSha1
}

impl Url {
    /// Checks an address.
    ///
    /// # Errors
    /// `too_long` beyond 2,000 characters, `invalid_url` for what isn't an absolute web address.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        if text.chars().nth(2000).is_some() {
            return Err(Invalid::new("too_long", "must be at most 2000 characters"));
        }
        let invalid = || Invalid::new("invalid_url", "must be an absolute http or https URL");
        let (scheme, rest) = text.split_once("://").ok_or_else(invalid)?;
        if !(scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")) {
            return Err(invalid());
        }
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        let named = !host.is_empty() && !host.starts_with(':');
        let printable =
            rest.chars().all(|c| !c.is_control() && !c.is_whitespace() && !matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}'));
        if named && printable { Ok(Self(text.to_owned())) } else { Err(invalid()) }
    }
}

impl Sha256Hex {
    /// Checks a digest; upper-case digits are lowered.
    ///
    /// # Errors
    /// `invalid_sha256` for what isn't 64 hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(Invalid::new("invalid_sha256", "must be 64 hexadecimal digits"))
        }
    }
}

impl EmailSha1 {
    /// Checks a digest; upper-case digits are lowered.
    ///
    /// # Errors
    /// `invalid_sha1` for what isn't 40 hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        if text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(Invalid::new("invalid_sha1", "must be 40 hexadecimal digits"))
        }
    }
}

impl Email {
    /// Checks the form `local@domain`; whether somebody reads it is not known.
    ///
    /// # Errors
    /// `too_long` beyond 254 characters, `invalid_email` otherwise.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        if text.chars().nth(254).is_some() {
            return Err(Invalid::new("too_long", "must be at most 254 characters"));
        }
        let invalid = || Invalid::new("invalid_email", "must have the form local@domain");
        let (local, domain) = text.rsplit_once('@').ok_or_else(invalid)?;
        let atom_holds = |atom: &str| !atom.is_empty() && !atom.contains(|c: char| c.is_control() || c.is_whitespace() || c == '@');
        let label_holds = |label: &str| {
            !label.is_empty() && !label.starts_with('-') && !label.ends_with('-') && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        };
        if local.split('.').all(atom_holds) && domain.split('.').all(label_holds) { Ok(Self(text.to_owned())) } else { Err(invalid()) }
    }

    /// The address as it is compared: in lower case.
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code<T>(result: Result<T, Invalid>) -> &'static str {
        result.err().map_or("ok", |invalid| invalid.code)
    }

    #[test]
    fn a_text_is_trimmed_and_bounded_in_characters_not_bytes() {
        assert_eq!(Text::<3>::parse(" äöü ").unwrap().as_str(), "äöü");
        assert_eq!(code(Text::<3>::parse("abcd")), "too_long");
        assert_eq!(code(Text::<3>::parse(" \t ")), "empty");
        assert_eq!(code(Name::parse("a\0b")), "invalid_text");
        assert_eq!(code(Name::parse("a\nb")), "invalid_text");
        assert_eq!(code(Note::parse("a\nb")), "ok");
        assert_eq!(code(Note::parse("a\0b")), "invalid_text");
        assert_eq!(code(Name::parse(&"x".repeat(10_000))), "too_long");
    }

    #[test]
    fn a_url_is_absolute_and_of_the_web() {
        for good in ["https://lms.example/c/771", "HTTP://a", "https://u@h:8443/p?q=1#f", "https://[::1]/x"] {
            assert_eq!(code(Url::parse(good)), "ok", "{good}");
        }
        for bad in ["", "lms.example", "ftp://a/b", "https://", "https:///x", "https://:80/", "https://a b", "javascript:alert(1)", "https://a/<x>"] {
            assert_eq!(code(Url::parse(bad)), "invalid_url", "{bad}");
        }
        assert_eq!(code(Url::parse(&format!("https://a/{}", "x".repeat(2000)))), "too_long");
    }

    #[test]
    fn a_digest_is_64_hexadecimal_digits_and_lowered() {
        assert_eq!(Sha256Hex::parse(&"AB".repeat(32)).unwrap().as_str(), "ab".repeat(32));
        assert_eq!(code(Sha256Hex::parse(&"g".repeat(64))), "invalid_sha256");
        assert_eq!(code(Sha256Hex::parse("ab")), "invalid_sha256");
    }

    #[test]
    fn an_email_is_compared_in_lower_case() {
        assert_eq!(Email::parse("A.Rivera@Police.Example").unwrap().folded(), "a.rivera@police.example");
        for bad in ["", "a", "@b", "a@", "a b@c", "a@b@c", "a@b..c", "a@-b.c", "a\0@b.c"] {
            assert_eq!(code(Email::parse(bad)), "invalid_email", "{bad}");
        }
    }
}
