//! Dates and instants as they are sent (rule 10).

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::fmt::temporal::{Pieces, PiecesOffset};
use jiff::tz::{Offset, TimeZone};

use super::clock::whole_microseconds;
use super::invalid::Invalid;

/// Reads a calendar date, `YYYY-MM-DD`, of the years 1900 to 9999.
///
/// # Errors
/// `invalid_date` for another form, or a day that the calendar doesn't have.
pub fn parse_date(text: &str) -> Result<Date, Invalid> {
    let text = text.trim();
    let shaped = text.len() == 10 && text.bytes().enumerate().all(|(i, b)| if matches!(i, 4 | 7) { b == b'-' } else { b.is_ascii_digit() });
    if !shaped {
        return Err(Invalid::new("invalid_date", "must be a date of the form YYYY-MM-DD"));
    }
    let date: Date = text.parse().map_err(|_| Invalid::new("invalid_date", "the calendar has no such day"))?;
    within_years(date)
}

/// Reads an RFC 3339 instant, which carries an offset; kept to the microsecond.
///
/// # Errors
/// `offset_required` when it carries none, `invalid_instant` for any other fault.
pub fn parse_instant(text: &str) -> Result<Timestamp, Invalid> {
    parse_local_instant(text).map(|(_, instant)| instant)
}

/// Reads an RFC 3339 instant together with its date in the offset that the sender wrote, never shifted to UTC.
///
/// # Errors
/// `offset_required` when it carries none, `invalid_instant` or `invalid_date` for any other fault.
pub fn parse_local_instant(text: &str) -> Result<(Date, Timestamp), Invalid> {
    let invalid = || Invalid::new("invalid_instant", "must be an RFC 3339 instant, such as 2026-03-06T21:30:00-06:00");
    let pieces = Pieces::parse(text.trim()).map_err(|_| invalid())?;
    let time = pieces.time().ok_or_else(invalid)?;
    if pieces.time_zone_annotation().is_some() {
        return Err(invalid());
    }
    let offset = match pieces.offset() {
        Some(PiecesOffset::Zulu) => Offset::UTC,
        Some(PiecesOffset::Numeric(numeric)) => numeric.offset(),
        Some(_) => return Err(invalid()),
        None => {
            return Err(Invalid::new("offset_required", "an instant must carry its offset, such as Z or -06:00"));
        }
    };
    let date = within_years(pieces.date())?;
    let zoned = date.to_datetime(time).to_zoned(TimeZone::fixed(offset)).map_err(|_| invalid())?;
    Ok((date, whole_microseconds(zoned.timestamp())))
}

fn within_years(date: Date) -> Result<Date, Invalid> {
    if date.year() < 1900 {
        return Err(Invalid::new("invalid_date", "must be in the years 1900 to 9999"));
    }
    Ok(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_has_one_form_and_exists() {
        assert_eq!(parse_date("2024-02-29").unwrap().to_string(), "2024-02-29");
        for bad in
            ["2025-02-29", "2025-13-01", "2025-1-1", "20250101", "2025-01-01T00:00:00", "1899-12-31", "0000-01-01", "", "2025/01/01", "２025-01-1"]
        {
            assert_eq!(parse_date(bad).unwrap_err().code, "invalid_date", "{bad}");
        }
    }

    #[test]
    fn an_instant_carries_its_offset() {
        let (date, instant) = parse_local_instant("2026-03-06T23:30:00.1234567-06:00").unwrap();
        assert_eq!(date.to_string(), "2026-03-06");
        assert_eq!(instant.to_string(), "2026-03-07T05:30:00.123457Z");
        assert_eq!(parse_local_instant("2026-03-06T23:30:00Z").unwrap().0.to_string(), "2026-03-06");
        assert_eq!(parse_instant("2026-03-06T23:30:00").unwrap_err().code, "offset_required");
        for bad in ["", "yesterday", "2026-03-06", "2026-02-30T00:00:00Z", "2026-03-06T25:00:00Z", "2026-03-06T10:00:00-06:00[America/Chicago]"] {
            assert_eq!(parse_instant(bad).unwrap_err().code, "invalid_instant", "{bad}");
        }
    }
}
