//! Dates and times as files write them. ISO order is always understood; another order only where it was named, since `03/04/2016` is two
//! different days.

use jiff::civil::Date;

use super::convert::Misfit;
use crate::domain::csv_mapping::DateFormat;

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

/// Reads `2004-10-29`, `2004-10-29 16:00`, `2004-10-29T16:00:00.5-06:00` and the like; and `10/29/2004 4:00 PM` or `29.10.2004 16:00` where
/// that is how the file writes dates.
///
/// # Errors
/// `not_a_date`, or `ambiguous_date` for what may be several days, in words for the person who corrects the file.
pub fn parse(text: &str, format: DateFormat) -> Result<Moment, Misfit> {
    let wrong = |detail: String| Misfit { code: "not_a_date", detail };
    let (date, rest) = match text.split_at_checked(10).filter(|(day, _)| is_iso_day(day.as_bytes())) {
        Some((day, rest)) => (day.parse().ok(), rest),
        None => match (numbers(text), format) {
            (None, _) if text.len() == 4 && all_digits(text) => {
                return Err(wrong(format!("\"{text}\" is a year; a date is needed, written as 2004-10-29")));
            }
            (None, _) => return Err(wrong(format!("\"{text}\" is not a date written as 2004-10-29"))),
            (Some(_), DateFormat::Iso) => return Err(unnamed(text)),
            (Some(([_, _, year], _)), _) if year < 100 => {
                let detail = format!("\"{text}\" is not sure: its year has two digits, and four are needed");
                return Err(Misfit { code: "ambiguous_date", detail });
            }
            (Some(([month, day, year], rest)), DateFormat::MonthFirst) | (Some(([day, month, year], rest)), DateFormat::DayFirst) => {
                (civil(year, month, day), rest)
            }
        },
    };
    let date: Date = date.ok_or_else(|| wrong(format!("\"{text}\" is a day that does not exist")))?;
    if rest.is_empty() {
        return Ok(Moment { date, time: None, offset: None });
    }
    let (time, offset) = split_time(rest).ok_or_else(|| wrong(format!("\"{text}\" has a time that can't be read")))?;
    Ok(Moment { date, time: Some(time), offset })
}

/// What is said of a date in another order than ISO, where none was named.
fn unnamed(text: &str) -> Misfit {
    let may_be_two = numbers(text).is_some_and(|([one, other, _], _)| one <= 12 && other <= 12 && one != other);
    if may_be_two {
        let detail = format!("\"{text}\" may be two days: name the date format, mdy (10/29/2004) or dmy (29.10.2004)");
        return Misfit { code: "ambiguous_date", detail };
    }
    Misfit { code: "not_a_date", detail: format!("\"{text}\" is not a date written as 2004-10-29; mdy and dmy name the other orders") }
}

fn civil(year: i16, month: i16, day: i16) -> Option<Date> {
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// Three numbers apart by the same `/`, `.` or `-`, the last of two or four digits; and what follows them.
fn numbers(text: &str) -> Option<([i16; 3], &str)> {
    let separator = text.chars().find(|c| !c.is_ascii_digit()).filter(|c| matches!(c, '/' | '.' | '-'))?;
    let mut parts = text.splitn(3, separator);
    let (one, other, last) = (parts.next()?, parts.next()?, parts.next()?);
    let end = last.find(|c: char| !c.is_ascii_digit()).unwrap_or(last.len());
    let (year, rest) = last.split_at(end);
    let short = |text: &str| matches!(text.len(), 1 | 2) && all_digits(text);
    if !short(one) || !short(other) || !matches!(year.len(), 2 | 4) {
        return None;
    }
    Some(([one.parse().ok()?, other.parse().ok()?, year.parse().ok()?], rest))
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
    let (clock, rest) = rest.split_at(clock_end);
    let rest = rest.trim();
    let half = rest.get(..2).filter(|half| half.eq_ignore_ascii_case("am") || half.eq_ignore_ascii_case("pm"));
    match half {
        None => Some((clock_of(clock)?, offset_of(rest)?)),
        Some(half) => Some((clock_of(&of_half(clock, half.eq_ignore_ascii_case("pm"))?)?, offset_of(rest[2..].trim())?)),
    }
}

/// The clock of a whole day for one of half a day, whose hours are 1 to 12.
fn of_half(clock: &str, afternoon: bool) -> Option<String> {
    let (hour, rest) = clock.split_once(':')?;
    let hour = number(hour, 12).filter(|hour| *hour > 0)? % 12;
    Some(format!("{}:{rest}", if afternoon { hour + 12 } else { hour }))
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
        let moment = parse(text, DateFormat::Iso).unwrap();
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
    #[case("2004-10-29 13:00 PM", "time that can't be read")]
    #[case("2004-10-29 0:30 AM", "time that can't be read")]
    #[case("2004-10-29T16:00:00+5:00:00", "time that can't be read")]
    #[case("2004-10-29x", "time that can't be read")]
    #[case("２００４-10-29", "not a date written as")]
    fn what_is_not_sure_is_refused(#[case] text: &str, #[case] words: &str) {
        let refusal = parse(text, DateFormat::Iso).unwrap_err();
        assert!(refusal.detail.contains(words), "{refusal:?}");
    }

    #[rstest]
    #[case("10/29/2004", DateFormat::MonthFirst, "2004-10-29", None)]
    #[case("3/4/2004", DateFormat::MonthFirst, "2004-03-04", None)]
    #[case("03-04-2004", DateFormat::MonthFirst, "2004-03-04", None)]
    #[case("3/4/2004", DateFormat::DayFirst, "2004-04-03", None)]
    #[case("29.10.2004", DateFormat::DayFirst, "2004-10-29", None)]
    #[case("2004-03-04", DateFormat::DayFirst, "2004-03-04", None)]
    #[case("10/29/2004 4:05 PM", DateFormat::MonthFirst, "2004-10-29", Some("16:05:00"))]
    #[case("10/29/2004 12:05:09 am", DateFormat::MonthFirst, "2004-10-29", Some("00:05:09"))]
    #[case("29.10.2004 16:00", DateFormat::DayFirst, "2004-10-29", Some("16:00:00"))]
    fn another_order_is_understood_where_it_is_named(#[case] text: &str, #[case] format: DateFormat, #[case] day: &str, #[case] time: Option<&str>) {
        let moment = parse(text, format).unwrap();
        assert_eq!((moment.date.to_string().as_str(), moment.time.as_deref()), (day, time));
    }

    #[rstest]
    #[case("03/04/2016", DateFormat::Iso, "ambiguous_date")]
    #[case("10/29/2016", DateFormat::Iso, "not_a_date")]
    #[case("05/05/2016", DateFormat::Iso, "not_a_date")]
    #[case("3/4/16", DateFormat::MonthFirst, "ambiguous_date")]
    #[case("29/10/2004", DateFormat::MonthFirst, "not_a_date")]
    #[case("10/29/2004", DateFormat::DayFirst, "not_a_date")]
    #[case("2/30/2004", DateFormat::MonthFirst, "not_a_date")]
    #[case("10/29-2004", DateFormat::MonthFirst, "not_a_date")]
    #[case("10/29/20045", DateFormat::MonthFirst, "not_a_date")]
    fn what_may_be_two_days_is_not_guessed(#[case] text: &str, #[case] format: DateFormat, #[case] code: &str) {
        assert_eq!(parse(text, format).unwrap_err().code, code);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            for format in DateFormat::ALL {
                let _ = parse(&text, *format);
            }
        }

        #[test]
        fn every_day_comes_back_whatever_time_follows(
            days in 0_i32..40_000, hour in 0_u8..24, minute in 0_u8..60, tail in prop::sample::select(vec!["", ":00", ":00.5"]),
        ) {
            let day = date(1950, 1, 1).checked_add(jiff::Span::new().days(days)).unwrap();
            let moment = parse(&format!("{day} {hour:02}:{minute:02}{tail}"), DateFormat::Iso).unwrap();
            prop_assert_eq!(moment.date, day);
            prop_assert_eq!(moment.offset, None);
        }
    }
}
