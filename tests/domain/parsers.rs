//! Parsers on arbitrary text, folding, and the order in which pushes arrive.

use jiff::Timestamp;
use onemind::domain::agency::AgencyKey;
use onemind::domain::completion::CompletedOn;
use onemind::domain::dates::parse_date;
use onemind::domain::names::fold;
use onemind::domain::ori::Ori;
use onemind::domain::push::{Held, Push, decide_push};
use onemind::domain::text::{Email, Text, Url};
use proptest::collection::vec;
use proptest::prelude::*;

proptest! {
    #[test]
    fn what_is_parsed_parses_again_to_itself(text in "\\PC{0,12}|[A-Z0-9:-]{6,12}|[a-z@.:/]{1,20}") {
        if let Ok(parsed) = Text::<8>::parse(&text) {
            prop_assert_eq!(Text::<8>::parse(parsed.as_str()), Ok(parsed.clone()));
            prop_assert!((1..=8).contains(&parsed.as_str().chars().count()));
        }
        if let Ok(email) = Email::parse(&text) {
            prop_assert_eq!(Email::parse(&email.folded()).map(|folded| folded.folded()), Ok(email.folded()));
        }
        if let Ok(url) = Url::parse(&text) {
            prop_assert_eq!(Url::parse(url.as_str()), Ok(url));
        }
        if let Ok(key) = AgencyKey::parse(&text) {
            prop_assert_eq!(AgencyKey::parse(&key.to_string()), Ok(key));
        }
    }

    #[test]
    fn an_ori_has_nine_characters(text in "[A-Z]{2}([A-Z0-9]{5}|[A-Z0-9]{7})") {
        let ori = Ori::parse(&text).unwrap();
        prop_assert_eq!(ori.as_str().len(), 9);
        prop_assert_eq!(ori.assumed(), text.len() == 7);
        prop_assert!(ori.as_str().starts_with(&text));
    }

    #[test]
    fn any_text_is_a_date_or_a_fault(text in "\\PC{0,30}|[0-9T:Z.+-]{8,30}") {
        if let Ok(date) = parse_date(&text) {
            prop_assert_eq!(date.to_string(), text.trim());
        }
        if let Ok(completed) = CompletedOn::parse(&text) {
            prop_assert!((1900..=9999).contains(&completed.date.year()));
        }
    }

    #[test]
    fn the_date_of_an_instant_is_the_one_written(
        year in 1901..9999_i16, month in 1..=12_u8, day in 1..=28_u8, hour in 0..24_u8, minute in 0..60_u8, offset in -23..=23_i8,
    ) {
        let date = format!("{year:04}-{month:02}-{day:02}");
        let completed = CompletedOn::parse(&format!("{date}T{hour:02}:{minute:02}:00{offset:+03}:00")).unwrap();
        prop_assert_eq!(completed.date.to_string(), date);
        let utc: Timestamp = completed.instant.unwrap();
        let shifted = utc.to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(offset)));
        prop_assert_eq!(shifted.date(), completed.date);
    }

    #[test]
    fn folding_a_folded_name_changes_nothing(name in "\\PC{0,16}|[A-Za-z '.,-]{0,24}|(\\p{Lu}|\\p{Ll}|\\p{M}){0,12}") {
        let folded = fold(&name);
        prop_assert_eq!(fold(&folded), folded.clone(), "{:?}", name);
        prop_assert!(!folded.contains(char::is_whitespace));
    }

    #[test]
    fn folding_doesnt_see_case_spaces_or_punctuation(name in "[A-Za-z][A-Za-z '.-]{0,16}[A-Za-z]{3}") {
        prop_assert_eq!(fold(&name), fold(&name.to_uppercase()));
        prop_assert_eq!(fold(&name), fold(&name.to_lowercase()));
        prop_assert_eq!(fold(&name), fold(&format!("{name}, Jr.")));
    }

    /// Rule 9: the newest revision is held in the end, in whatever order they arrive and however often.
    #[test]
    fn the_order_of_arrival_doesnt_matter_where_the_sender_gives_one(arrivals in vec(0..6_u64, 1..12), by_revision in any::<bool>()) {
        let revision = |n: u64| by_revision.then_some(n);
        let time = |n: u64| (!by_revision).then(|| Timestamp::from_second(i64::try_from(n).unwrap()).unwrap());
        let mut held: Option<u64> = None;
        for n in &arrivals {
            let hash = held.map(|held| [u8::try_from(held).unwrap()]);
            let before = held.zip(hash.as_ref()).map(|(held, hash)| Held { content_hash: hash, revision: revision(held), updated_at: time(held) });
            match decide_push(before.as_ref(), &[u8::try_from(*n).unwrap()], revision(*n), time(*n)) {
                Push::Created | Push::Updated => held = Some(*n),
                Push::Unchanged => prop_assert_eq!(held, Some(*n)),
                Push::Stale => prop_assert!(held > Some(*n)),
            }
        }
        prop_assert_eq!(held, arrivals.iter().max().copied());
    }
}
