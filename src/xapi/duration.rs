//! Durations of ISO 8601.

/// A duration as it is written, and its length where that doesn't depend on the calendar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Duration {
    /// Its length in seconds; `None` where it counts years or months.
    pub seconds: Option<f64>,
}

impl Duration {
    /// Reads `P[nY][nM][nD][T[nH][nM][nS]]` or `PnW`, with at least one part, the last of which may have a fraction.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix('P')?;
        let (days, times) = match rest.split_once('T') {
            Some((days, times)) if !times.is_empty() => (days, times),
            Some(_) => return None,
            None => (rest, ""),
        };
        let has_weeks = days.ends_with('W');
        let mut parts =
            if has_weeks { parts(days, &[('W', Some(604_800.0))])? } else { parts(days, &[('Y', None), ('M', None), ('D', Some(86_400.0))])? };
        if has_weeks && !times.is_empty() {
            return None;
        }
        parts.extend(self::parts(times, &[('H', Some(3600.0)), ('M', Some(60.0)), ('S', Some(1.0))])?);
        let fractions = parts.iter().rev().skip(1).any(|part| part.fractional);
        if parts.is_empty() || fractions {
            return None;
        }
        let seconds = parts.iter().try_fold(0.0, |sum, part| match part.unit {
            Some(unit) => Some(sum + part.count * unit),
            None if part.count == 0.0 => Some(sum),
            None => None,
        });
        Some(Self { seconds })
    }
}

struct Part {
    count: f64,
    fractional: bool,
    /// In seconds, where that is always the same.
    unit: Option<f64>,
}

/// The parts of a text, each a number and one of the letters, in their order.
fn parts(mut text: &str, letters: &[(char, Option<f64>)]) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut letters = letters.iter();
    while !text.is_empty() {
        let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ','))?;
        let (number, letter) = (&text[..end], text[end..].chars().next()?);
        let (_, unit) = letters.find(|(known, _)| *known == letter)?;
        let number = number.replace(',', ".");
        let (whole, fraction) = number.split_once('.').map_or((number.as_str(), None), |(whole, fraction)| (whole, Some(fraction)));
        if whole.is_empty() || fraction.is_some_and(|digits| digits.is_empty() || digits.contains('.')) {
            return None;
        }
        parts.push(Part { count: number.parse().ok()?, fractional: fraction.is_some(), unit: *unit });
        text = &text[end + letter.len_utf8()..];
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_length_unless_it_counts_months() {
        let seconds = |text: &str| Duration::parse(text).map(|duration| duration.seconds);
        assert_eq!(seconds("PT40H"), Some(Some(144_000.0)));
        assert_eq!(seconds("P1DT2H30M"), Some(Some(95_400.0)));
        assert_eq!(seconds("PT0.25S"), Some(Some(0.25)));
        assert_eq!(seconds("PT1,5H"), Some(Some(5400.0)));
        assert_eq!(seconds("P2W"), Some(Some(1_209_600.0)));
        assert_eq!(seconds("P1Y2M"), Some(None));
        assert_eq!(seconds("P0Y0M0DT1H0M0S"), Some(Some(3600.0)));
        for bad in [
            "", "P", "PT", "40H", "P40H", "PT1", "PT1D", "P1M1Y", "PT1S1H", "PT1.5H2M", "P1W2D", "P1WT1H", "PT-1H", "PT.5H", "PT1.H", "PT1..5H",
            "pt1h", "PT1H ", "PTé", "P1é",
        ] {
            assert_eq!(Duration::parse(bad), None, "{bad}");
        }
    }
}
