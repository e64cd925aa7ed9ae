//! Half-open spans of days, `[from, until)`, without end where `until` is absent.

use jiff::civil::Date;

/// The days `[from, until)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub from: Date,
    pub until: Option<Date>,
}

impl Span {
    pub fn covers(self, day: Date) -> bool {
        self.from <= day && self.until.is_none_or(|until| day < until)
    }

    pub fn is_empty(self) -> bool {
        self.until.is_some_and(|until| until <= self.from)
    }
}

/// Turns spans in any order into the same days as few spans in order, which neither overlap nor touch.
pub(super) fn unite(spans: &mut Vec<Span>) {
    spans.retain(|span| !span.is_empty());
    spans.sort_unstable_by_key(|span| span.from);
    spans.dedup_by(|next, kept| {
        let joined = kept.until.is_none_or(|until| next.from <= until);
        if joined {
            kept.until = kept.until.zip(next.until).map(|(a, b)| a.max(b));
        }
        joined
    });
}

/// The days that two united lists of spans share, in order.
pub(super) fn shared(a: &[Span], b: &[Span], mut each: impl FnMut(Span)) {
    let (mut ours, mut theirs) = (a.iter().peekable(), b.iter().peekable());
    while let (Some(one), Some(other)) = (ours.peek(), theirs.peek()) {
        let until = match (one.until, other.until) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        let span = Span { from: one.from.max(other.from), until };
        if !span.is_empty() {
            each(span);
        }
        if until.is_none() {
            return;
        }
        let (one_ends, other_ends) = (one.until == until, other.until == until);
        ours.next_if(|_| one_ends);
        theirs.next_if(|_| other_ends);
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn spans(days: &[(i8, i8)]) -> Vec<Span> {
        let day = |d: i8| date(2025, 1, d);
        days.iter().map(|&(from, until)| Span { from: day(from), until: (until > 0).then(|| day(until)) }).collect()
    }

    #[test]
    fn united_spans_neither_overlap_nor_touch() {
        for (given, united) in [
            (spans(&[]), spans(&[])),
            (spans(&[(5, 5)]), spans(&[])),
            (spans(&[(5, 9), (1, 3)]), spans(&[(1, 3), (5, 9)])),
            (spans(&[(3, 5), (1, 3)]), spans(&[(1, 5)])),
            (spans(&[(1, 9), (2, 3), (4, 12)]), spans(&[(1, 12)])),
            (spans(&[(1, 0), (2, 3), (20, 0)]), spans(&[(1, 0)])),
            (spans(&[(1, 4), (2, 0)]), spans(&[(1, 0)])),
        ] {
            let mut result = given.clone();
            unite(&mut result);
            assert_eq!(result, united, "{given:?}");
        }
    }

    #[test]
    fn shared_days_are_in_both() {
        for (a, b, both) in [
            (spans(&[(1, 5), (8, 0)]), spans(&[(3, 9), (10, 11)]), spans(&[(3, 5), (8, 9), (10, 11)])),
            (spans(&[(1, 0)]), spans(&[(4, 0)]), spans(&[(4, 0)])),
            (spans(&[(1, 3)]), spans(&[(3, 5)]), spans(&[])),
            (spans(&[(1, 5)]), spans(&[(1, 5)]), spans(&[(1, 5)])),
        ] {
            let mut result = Vec::new();
            shared(&a, &b, |span| result.push(span));
            assert_eq!(result, both, "{a:?} and {b:?}");
        }
    }
}
