//! The library: what agencies are offered to learn from.

use std::collections::BTreeSet;
use std::fmt;

use jiff::civil::Date;
use serde::Serialize;

use super::invalid::{Faults, Invalid};
use super::names;
use super::text::{Name, Note, Url, is_hyphenated};
use super::words::words;

words! {
    /// What sort of entry it is.
    pub enum ResourceKind else "invalid_kind" {
        /// A policy to adopt or adapt.
        ModelPolicy = "model_policy",
        /// A course.
        Training = "training",
        /// A talk that was or will be given online.
        Webinar = "webinar",
        /// Something to listen to.
        Podcast = "podcast",
        /// Papers, forms and checklists for a task.
        Toolkit = "toolkit",
        /// How an agency went about it.
        Spotlight = "spotlight",
        /// An agency that others may visit to learn.
        PeerLearningSite = "peer_learning_site",
    }
}

/// What something is about: words of lower-case letters and digits joined by hyphens, such as `crisis-response`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Topic(String);

/// An address that is reached by `https`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Link(Url);

/// A language and, where it matters, the country in which it is spoken so (BCP 47): `en`, `es-MX`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Language(String);

/// An entry as staff describe it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResourceDraft {
    /// What sort.
    pub kind: ResourceKind,
    /// What it is about.
    pub topics: BTreeSet<Topic>,
    /// Its title.
    pub title: Name,
    /// What it has to say.
    pub summary: Note,
    /// Where it is.
    pub link: Link,
    /// Who published it.
    pub publisher: Name,
    /// When.
    pub published_on: Date,
    /// The language that it is in.
    pub language: Language,
}

impl Topic {
    /// The most characters of a topic.
    pub const MAX: usize = 50;

    /// Checks a topic.
    ///
    /// # Errors
    /// `too_long`, `invalid_topic` for another form.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.chars().nth(Self::MAX).is_some() {
            return Err(Invalid::new("too_long", format_args!("must be at most {} characters", Self::MAX)));
        }
        if is_hyphenated(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new("invalid_topic", "must be words of lower-case letters and digits, joined by hyphens"))
        }
    }

    /// The topic.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Link {
    /// Checks an address.
    ///
    /// # Errors
    /// As [`Url::parse`], and `not_https`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let url = Url::parse(text)?;
        let https = url.as_str().get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
        if https { Ok(Self(url)) } else { Err(Invalid::new("not_https", "must be an https URL")) }
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl Language {
    /// Checks a language.
    ///
    /// # Errors
    /// `invalid_language`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let (language, region) = text.split_once('-').map_or((text, None), |(language, region)| (language, Some(region)));
        let spoken = (2..=3).contains(&language.len()) && language.bytes().all(|b| b.is_ascii_lowercase());
        let there = region.is_none_or(|region| region.len() == 2 && region.bytes().all(|b| b.is_ascii_uppercase()));
        if spoken && there { Ok(Self(text.to_owned())) } else { Err(Invalid::new("invalid_language", "must be a language such as en or es-MX")) }
    }

    /// The language.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ResourceDraft {
    /// The most topics that an entry has.
    pub const MAX_TOPICS: usize = 20;

    /// `too_many` at `/topics`.
    pub fn check(&self) -> Faults {
        if self.topics.len() <= Self::MAX_TOPICS {
            return Faults::new();
        }
        vec![("/topics".into(), Invalid::new("too_many", format_args!("must be at most {}", Self::MAX_TOPICS)))]
    }

    /// The words by which it is found: those of its title, summary, publisher, kind and topics.
    pub fn words(&self) -> BTreeSet<String> {
        let texts = [self.title.as_str(), self.summary.as_str(), self.publisher.as_str(), self.kind.as_str()];
        texts.into_iter().chain(self.topics.iter().map(Topic::as_str)).flat_map(names::words).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_links_and_languages_have_their_forms() {
        for good in ["crisis-response", "988", "a"] {
            assert_eq!(Topic::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "Crisis", "crisis_response", "-a", "a--b", "é"] {
            assert_eq!(Topic::parse(bad).unwrap_err().code, "invalid_topic", "{bad}");
        }
        assert_eq!(Topic::parse(&"a".repeat(51)).unwrap_err().code, "too_long");
        assert_eq!(Link::parse("HTTPS://example.org/x").unwrap().as_str(), "HTTPS://example.org/x");
        assert_eq!(Link::parse("http://example.org").unwrap_err().code, "not_https");
        assert_eq!(Link::parse("example").unwrap_err().code, "invalid_url");
        for (language, good) in
            [("en", true), ("es-MX", true), ("haw", true), ("EN", false), ("en-us", false), ("e", false), ("en-USA", false), ("", false)]
        {
            assert_eq!(Language::parse(language).is_ok(), good, "{language}");
        }
    }
}
