use jiff::civil::date;

use super::Assignment::{Ambiguous, Conflict, New};
use super::*;
use crate::domain::names::fold;
use crate::domain::text::Text;

/// `family given date badge employee`, a hyphen for what is absent; the year stands for the first day.
fn entry(line: &str) -> RosterEntry {
    let words: Vec<&str> = line.split_whitespace().collect();
    let number = |word: &str| (word != "-").then(|| Number::parse(word).unwrap());
    RosterEntry {
        family_name: Name::parse(words[0]).unwrap(),
        given_name: Name::parse(words[1]).unwrap(),
        email: None,
        employee_number: number(words[4]),
        badge_number: number(words[3]),
        rank: None,
        employment: Employment::FullTime,
        sworn: true,
        started_on: date(words[2].parse().unwrap(), 1, 1),
        ended_on: None,
        identifiers: Vec::new(),
    }
}

/// The member that a roster with this entry leaves behind.
fn member(n: u128, line: &str) -> Member {
    let entry = entry(line);
    Member {
        officer: Uuid::from_u128(n),
        appointment: Some(Uuid::from_u128(1000 + n)),
        family_name: fold(entry.family_name.as_str()),
        given_name: fold(entry.given_name.as_str()),
        email: None,
        identifiers: Vec::new(),
        employee_number: entry.employee_number.map(Text::into_string),
        badge_number: entry.badge_number.map(Text::into_string),
        rank: None,
        sworn: true,
        started_on: Some(entry.started_on),
        ended_on: None,
    }
}

fn is(n: u128) -> Assignment {
    Assignment::Existing { officer: Uuid::from_u128(n), appointment: Some(Uuid::from_u128(1000 + n)) }
}

fn members(lines: &[&str]) -> Vec<Member> {
    (1..).zip(lines).map(|(n, line)| member(n, line)).collect()
}

fn assigned(held: &[&str], roster: &[&str]) -> Vec<Assignment> {
    let entries: Vec<RosterEntry> = roster.iter().map(|line| entry(line)).collect();
    assign(&entries, &members(held))
}

#[test]
fn a_number_and_a_name_are_the_same_person() {
    assert_eq!(assigned(&["Rivera Ana 2001 - 5"], &["RIVERA Anna 2002 7 5"]), [is(1)]);
    assert_eq!(assigned(&["Rivera Ana 2001 - 5"], &["Jones Ana 2001 - 5"]), [is(1)]);
}

#[test]
fn a_placeholder_that_many_bear_is_no_number() {
    let held = ["Rivera Ana 2001 - 0", "Jones Bo 2002 - 0"];
    assert_eq!(assigned(&held, &["Rivera Cy 2009 - 0", "Jones Bo 2002 - 0"]), [New, is(2)]);
}

#[test]
fn names_day_and_badge_are_the_same_person_even_without_a_badge() {
    let held = ["Smith John 2010 - -", "Smith John 2010 8 -", "Smith John 2010 9 -"];
    let roster = ["Smith John 2010 9 -", "Smith John 2010 - -", "Smith John 2010 8 -"];
    assert_eq!(assigned(&held, &roster), [is(3), is(1), is(2)]);
}

#[test]
fn people_whom_nothing_tells_apart_are_as_many_as_the_entries() {
    let smith = "Smith John 2010 - -";
    assert_eq!(assigned(&[smith; 2], &[smith; 3]), [is(1), is(2), New]);
    assert_eq!(assigned(&[smith; 3], &[smith; 2]), [is(1), is(2)]);
    assert_eq!(assigned(&[], &[smith; 2]), [New, New]);
}

#[test]
fn a_badge_with_both_names_survives_a_corrected_day_and_with_the_day_a_marriage() {
    assert_eq!(assigned(&["Rivera Ana 2001 88 -"], &["Rivera Ana 2002 88 -"]), [is(1)]);
    assert_eq!(assigned(&["Rivera Ana 2001 88 -"], &["Jones Ana 2001 88 -"]), [is(1)]);
    assert_eq!(assigned(&["Rivera Ana 2001 88 -"], &["Jones Ana 2009 88 -"]), [New]);
}

#[test]
fn a_changed_number_is_believed_only_where_there_is_no_choice() {
    assert_eq!(assigned(&["Smith John 2010 8 -"], &["Smith John 2010 9 -"]), [is(1)]);
    let plan = plan(&[entry("Smith John 2010 5 -"), entry("Smith John 2010 6 -")], &members(&["Smith John 2010 7 -", "Smith John 2010 8 -"]));
    assert_eq!(plan.assignments, [Ambiguous, Ambiguous]);
    assert_eq!(plan.contested, [1, 2].map(Uuid::from_u128).into());
    assert_eq!(assigned(&["Smith John 2010 7 -", "Smith John 2010 8 -"], &["Smith John 2010 8 -", "Smith John 2010 9 -"]), [is(2), is(1)]);
}

#[test]
fn numbers_given_later_or_no_longer_are_no_contradiction() {
    let bare = "Smith John 2010 - -";
    assert_eq!(assigned(&[bare; 2], &["Smith John 2010 5 -", "Smith John 2010 6 -"]), [is(1), is(2)]);
    assert_eq!(assigned(&["Smith John 2010 5 -", "Smith John 2010 6 -"], &[bare; 2]), [is(1), is(2)]);
    assert_eq!(assigned(&["Smith John 2010 5 -", "Smith John 2010 6 -"], &[bare]), [Ambiguous]);
}

#[test]
fn a_number_under_two_other_names_is_a_conflict_since_the_same_day_and_reissued_since_another() {
    for held in ["Rivera Ana 2001 88 -", "Rivera Ana 2001 - 88"] {
        let line = held.replace("Rivera Ana", "Jones Bo");
        let plan = plan(&[entry(&line)], &members(&[held]));
        assert_eq!(plan.assignments, [Conflict]);
        assert_eq!(plan.contested, [Uuid::from_u128(1)].into());
        assert_eq!(assigned(&[held], &[&line.replace("2001", "2019")]), [New]);
        assert_eq!(assigned(&[held, &line], &[&line]), [is(2)], "names are stronger than a number");
    }
}

#[test]
fn an_identifier_is_the_person_unless_both_names_differ() {
    let post = |value: &str| Identifier { system: Text::parse("post").unwrap(), value: Text::parse(value).unwrap() };
    let with = |line: &str, value: &str| RosterEntry { identifiers: vec![post(value)], ..entry(line) };
    let mut held = members(&["Rivera Ana 2001 88 -", "Smith John 2010 - -"]);
    held[0].identifiers = vec![("post".into(), "1".into())];
    assert_eq!(assign(&[with("Jones Ana 2009 - -", "1")], &held), [is(1)], "the open appointment overlaps");
    assert_eq!(assign(&[with("Jones Bo 2001 88 -", "1")], &held), [Conflict]);
    assert_eq!(assign(&[with("Rivera Ana 2001 88 -", "1"), with("Rivera Ana 2001 88 -", "1")], &held), [Conflict, Conflict]);
    assert_eq!(assign(&[with("Rivera Ana 2001 88 -", "2")], &held), [is(1)], "a corrected key");
    assert_eq!(assign(&[with("Rivera Ana 2001 - -", "2")], &held), [New], "two keys in one system are two people");
    assert_eq!(assign(&[with("Smith John 2010 - -", "2")], &held), [is(2)]);
}

#[test]
fn an_officer_whom_a_conflict_is_about_gets_no_other_name() {
    let post = Identifier { system: Text::parse("post").unwrap(), value: Text::parse("6").unwrap() };
    let mut held = members(&["Rivera John 2010 - 7"]);
    held[0].identifiers = vec![("post".into(), "6".into())];
    let claimant = RosterEntry { identifiers: vec![post], ..entry("Smith Ana 2010 - -") };
    let renamed = plan(&[entry("Rivera Ana 2010 - 7"), claimant.clone()], &held);
    assert_eq!(renamed.assignments, [Conflict, Conflict]);
    assert_eq!(renamed.contested, [Uuid::from_u128(1)].into());
    assert_eq!(plan(&[entry("Rivera John 2010 - 7"), claimant], &held).assignments, [is(1), Conflict]);
}

#[test]
fn somebody_who_comes_back_gets_another_appointment() {
    let post = Identifier { system: Text::parse("post").unwrap(), value: Text::parse("1").unwrap() };
    let mut gone = member(1, "Rivera Ana 2001 88 -");
    gone.ended_on = Some(date(2005, 1, 1));
    gone.identifiers = vec![("post".into(), "1".into())];
    let back = RosterEntry { identifiers: vec![post], ..entry("Rivera Ana 2009 88 -") };
    let other_appointment = Assignment::Existing { officer: Uuid::from_u128(1), appointment: None };
    assert_eq!(assign(std::slice::from_ref(&back), std::slice::from_ref(&gone)), [other_appointment]);
    let elsewhere = Member { appointment: None, started_on: None, ended_on: None, badge_number: None, ..gone.clone() };
    assert_eq!(assign(&[back], &[elsewhere]), [other_appointment]);
    assert_eq!(assign(&[entry("Rivera Ana 2009 88 -")], std::slice::from_ref(&gone)), [New], "a closed spell is found by its first day");
    let ended = RosterEntry { ended_on: Some(date(2005, 1, 1)), ..entry("Rivera Ana 2001 88 -") };
    assert_eq!(assign(&[ended], &[gone]), [is(1)]);
}

#[test]
fn a_sworn_and_an_unsworn_member_may_bear_one_badge() {
    let mut held = members(&["Smith John 2010 8 -", "Smith John 2010 8 -"]);
    held[0].sworn = false;
    let civilian = RosterEntry { sworn: false, ..entry("Smith John 2010 8 -") };
    assert_eq!(assign(&[entry("Smith John 2010 8 -"), civilian], &held), [is(2), is(1)]);
}

#[test]
fn an_entry_tells_its_faults() {
    let bad = RosterEntry { ended_on: Some(date(2009, 1, 1)), ..entry("Smith John 2010 - -") };
    assert_eq!(bad.check()[0].1.code, "ends_before_start");
}
