//! Dates and times as files write them: ISO order alone, since `03/04/2016` is two different days.

use jiff::civil::Date;

/// A date, with the time and offset that stood beside it.
#[derive(Debug, PartialEq, Eq)]
pub struct Moment {
    /// The day as written, never shifted.
    pub date: Date,
    /// `16:00:00` or `16:00:00.123`.
    pub time: Option<String>,
    /// `Z` or `-06:00`.
    pub offset: Option<String>,
}

impl Moment {
    /// RFC 3339, where both a time and an offset were written.
    pub fn instant(&self) -> Option<String> {
        let (time, offset) = (self.time.as_ref()?, self.offset.as_ref()?);
        Some(format!("{}T{time}{offset}", self.date))
    }
}

/// Reads `2004-10-29`, `2004-10-29 16:00`, `2004-10-29T16:00:00.5-06:00` and the like.
///
/// # Errors
/// What is wrong with it, in words for the person who corrects the file.
pub fn parse(text: &str) -> Result<Moment, String> {
    let Some((day, rest)) = text.split_at_checked(10).filter(|(day, _)| is_iso_day(day.as_bytes())) else {
        return Err(if text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit()) {
            format!("\"{text}\" is a year; a date is needed, written as 2004-10-29")
        } else {
            format!("\"{text}\" is not a date written as 2004-10-29")
        });
    };
    let date: Date = day.parse().map_err(|_| format!("\"{text}\" is a day that does not exist"))?;
    if rest.is_empty() {
        return Ok(Moment { date, time: None, offset: None });
    }
    let (time, offset) = split_time(rest).ok_or_else(|| format!("\"{text}\" has a time that can't be read"))?;
    Ok(Moment { date, time: Some(time), offset })
}

fn is_iso_day(day: &[u8]) -> bool {
    day.iter().enumerate().all(|(at, byte)| match at {
        4 | 7 => *byte == b'-',
        _ => byte.is_ascii_digit(),
    })
}

/// Splits ` 16:00:05.5 -0600` into `16:00:05.5` and `-06:00`.
fn split_time(rest: &str) -> Option<(String, Option<String>)> {
    let rest = rest.strip_prefix(['T', 't', ' '])?.trim_start_matches(' ');
    let clock_end = rest.find(|c: char| !c.is_ascii_digit() && c != ':' && c != '.').unwrap_or(rest.len());
    let (clock, offset) = rest.split_at(clock_end);
    Some((clock_of(clock)?, offset_of(offset.trim())?))
}

fn clock_of(text: &str) -> Option<String> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let mut parts = whole.split(':');
    let hour = number(parts.next()?, 23)?;
    let minute = number(parts.next()?, 59)?;
    let second = parts.next().map(|text| number(text, 59));
    let second = match second {
        Some(read) => read?,
        None if fraction.is_some() => return None,
        None => 0,
    };
    if parts.next().is_some() {
        return None;
    }
    let clock = format!("{hour:02}:{minute:02}:{second:02}");
    match fraction {
        None => Some(clock),
        Some(digits) if (1..=9).contains(&digits.len()) && all_digits(digits) => Some(format!("{clock}.{digits}")),
        Some(_) => None,
    }
}

/// `None`: unreadable. `Some(None)`: there is none.
#[expect(clippy::option_option, reason = "an absent offset and an unreadable one are different answers")]
fn offset_of(text: &str) -> Option<Option<String>> {
    if text.is_empty() {
        return Some(None);
    }
    if text.eq_ignore_ascii_case("z") || text.eq_ignore_ascii_case("utc") {
        return Some(Some("Z".to_owned()));
    }
    let sign = text.chars().next().filter(|c| matches!(c, '+' | '-'))?;
    let digits: String = text[1..].chars().filter(|c| *c != ':').collect();
    if !all_digits(&digits) || !matches!(digits.len(), 2 | 4) {
        return None;
    }
    let hour = number(&digits[..2], 23)?;
    let minute = match &digits[2..] {
        "" => 0,
        minutes => number(minutes, 59)?,
    };
    Some(Some(format!("{sign}{hour:02}:{minute:02}")))
}

fn number(text: &str, most: u8) -> Option<u8> {
    if !matches!(text.len(), 1 | 2) || !all_digits(text) {
        return None;
    }
    text.parse().ok().filter(|number| *number <= most)
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("2004-10-29", None)]
    #[case("2004-10-29 16:00", None)]
    #[case("2004-10-29T16:00:59.999999", None)]
    #[case("2004-10-29 9:05", None)]
    #[case("2004-10-29T23:30:00-06:00", Some("2004-10-29T23:30:00-06:00"))]
    #[case("2004-10-29 23:30 -0600", Some("2004-10-29T23:30:00-06:00"))]
    #[case("2004-10-29T23:30Z", Some("2004-10-29T23:30:00Z"))]
    #[case("2004-10-29 23:30:01.25+05", Some("2004-10-29T23:30:01.25+05:00"))]
    fn the_date_is_the_one_written(#[case] text: &str, #[case] instant: Option<&str>) {
        let moment = parse(text).unwrap();
        assert_eq!(moment.date, date(2004, 10, 29));
        assert_eq!(moment.instant().as_deref(), instant);
    }

    #[rstest]
    #[case("2004-02-30", "does not exist")]
    #[case("2004-13-01", "does not exist")]
    #[case("2020", "is a year")]
    #[case("10/29/2004", "not a date written as")]
    #[case("29.10.2004", "not a date written as")]
    #[case("20041029", "not a date written as")]
    #[case("2004-10-29 25:00", "time that can't be read")]
    #[case("2004-10-29 16", "time that can't be read")]
    #[case("2004-10-29 4:00 PM", "time that can't be read")]
    #[case("2004-10-29T16:00:00+5:00:00", "time that can't be read")]
    #[case("2004-10-29x", "time that can't be read")]
    #[case("２００４-10-29", "not a date written as")]
    fn what_is_not_sure_is_refused(#[case] text: &str, #[case] words: &str) {
        let refusal = parse(text).unwrap_err();
        assert!(refusal.contains(words), "{refusal}");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            let _ = parse(&text);
        }

        #[test]
        fn every_day_comes_back_whatever_time_follows(
            days in 0_i32..40_000, hour in 0_u8..24, minute in 0_u8..60, tail in prop::sample::select(vec!["", ":00", ":00.5"]),
        ) {
            let day = date(1950, 1, 1).checked_add(jiff::Span::new().days(days)).unwrap();
            let moment = parse(&format!("{day} {hour:02}:{minute:02}{tail}")).unwrap();
            prop_assert_eq!(moment.date, day);
            prop_assert_eq!(moment.offset, None);
        }
    }
}
