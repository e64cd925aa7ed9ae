//! Employee and badge numbers as they stood (rule 7).

use jiff::civil::Date;

use super::matching::NumberSpell;
use super::words::words;

words! {
    /// Whose number.
    pub enum NumberKind else "invalid_number_kind" {
        /// The agency's payroll.
        Employee = "employee",
        /// Badge or star.
        Badge = "badge",
    }
}

/// The spells of a number within an appointment, after a change to either.
///
/// `held` are the spells until now, in the order of their days, of which the last is current when it runs until
/// `was`'s end. The number becomes `number` as of `effective`, or, without one, in correction of the current spell. The first
/// spell begins and the current one ends with the appointment; no spell reaches beyond it, and none is empty.
pub fn spells_after(
    mut held: Vec<NumberSpell>,
    was: (Date, Option<Date>),
    term: (Date, Option<Date>),
    number: Option<&str>,
    effective: Option<Date>,
) -> Vec<NumberSpell> {
    let current = held.pop_if(|last| last.until == was.1);
    let began = |spell: &NumberSpell| if spell.from == was.0 { term.0 } else { spell.from };
    let after_held = held.last().and_then(|last| last.until).unwrap_or(term.0);
    let mut from = current.as_ref().map_or(after_held, began);
    if let Some(day) = effective
        && current.as_ref().map(|spell| spell.number.as_str()) != number
    {
        held.extend(current);
        from = day;
    }
    let mut spells: Vec<NumberSpell> = Vec::with_capacity(held.len() + 1);
    for spell in held {
        let until = spell.until.map_or(from, |until| until.min(from));
        spells.push(NumberSpell { from: began(&spell), until: Some(until), number: spell.number });
    }
    spells.extend(number.map(|number| NumberSpell { number: number.to_owned(), from, until: term.1 }));
    for spell in &mut spells {
        spell.from = spell.from.max(term.0);
        spell.until = match (spell.until, term.1) {
            (Some(until), Some(end)) => Some(until.min(end)),
            (until, end) => until.or(end),
        };
    }
    spells.retain(|spell| spell.until.is_none_or(|until| spell.from < until));
    spells
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const START: Date = date(2020, 1, 1);
    const OPEN: (Date, Option<Date>) = (START, None);

    fn spell(number: &str, from: Date, until: Option<Date>) -> NumberSpell {
        NumberSpell { number: number.into(), from, until }
    }

    #[test]
    fn a_first_number_is_borne_throughout() {
        assert_eq!(spells_after(vec![], OPEN, OPEN, Some("1"), None), [spell("1", START, None)]);
        assert_eq!(spells_after(vec![], OPEN, OPEN, None, None), []);
        assert_eq!(spells_after(vec![], OPEN, (START, Some(START)), Some("1"), None), []);
    }

    #[test]
    fn a_correction_keeps_the_days_and_a_change_keeps_the_former_number() {
        let day = date(2022, 5, 1);
        let held = vec![spell("1", START, None)];
        assert_eq!(spells_after(held.clone(), OPEN, OPEN, Some("2"), None), [spell("2", START, None)]);
        let changed = spells_after(held.clone(), OPEN, OPEN, Some("2"), Some(day));
        assert_eq!(changed, [spell("1", START, Some(day)), spell("2", day, None)]);
        assert_eq!(spells_after(changed.clone(), OPEN, OPEN, Some("3"), None), [spell("1", START, Some(day)), spell("3", day, None)]);
        assert_eq!(spells_after(changed.clone(), OPEN, OPEN, Some("2"), Some(date(2023, 1, 1))), changed);
        assert_eq!(spells_after(changed, OPEN, OPEN, Some("3"), Some(START)), [spell("3", START, None)]);
        assert_eq!(spells_after(held, OPEN, OPEN, None, Some(day)), [spell("1", START, Some(day))]);
    }

    #[test]
    fn a_number_given_up_leaves_days_without_one() {
        let (gone, back) = (date(2022, 5, 1), date(2023, 1, 1));
        let held = vec![spell("1", START, Some(gone))];
        assert_eq!(spells_after(held.clone(), OPEN, OPEN, Some("2"), Some(back)), [held[0].clone(), spell("2", back, None)]);
        assert_eq!(spells_after(held.clone(), OPEN, OPEN, Some("2"), None), [held[0].clone(), spell("2", gone, None)]);
    }

    #[test]
    fn the_spells_follow_the_appointment() {
        let (day, end) = (date(2022, 5, 1), date(2024, 1, 1));
        let held = vec![spell("1", START, Some(day)), spell("2", day, None)];
        let ended = spells_after(held.clone(), OPEN, (START, Some(end)), Some("2"), None);
        assert_eq!(ended, [spell("1", START, Some(day)), spell("2", day, Some(end))]);
        assert_eq!(spells_after(ended, (START, Some(end)), OPEN, Some("2"), None), held);
        let sooner = date(2021, 1, 1);
        assert_eq!(spells_after(held.clone(), OPEN, (START, Some(sooner)), Some("2"), None), [spell("1", START, Some(sooner))]);
        let earlier = date(2019, 1, 1);
        assert_eq!(spells_after(held.clone(), OPEN, (earlier, None), Some("2"), None)[0], spell("1", earlier, Some(day)));
        assert_eq!(spells_after(held, OPEN, (end, None), Some("2"), None), [spell("2", end, None)]);
    }
}
