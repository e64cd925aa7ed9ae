//! Officers with made-up names, the same at every run.

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::agencies::Sample;

/// Somebody on a roster.
pub struct Person {
    pub family_name: &'static str,
    pub given_name: &'static str,
    pub employee_number: String,
    pub badge_number: Option<String>,
    pub rank: Option<&'static str>,
    pub started_on: Date,
    identifier: (String, String),
}

/// Prime in number, and so is the other list: together they name 53 * 97 people before one name comes again.
const GIVEN_NAMES: [&str; 53] = [
    "Maria", "James", "Aaliyah", "Wei", "Carlos", "Dana", "Priya", "Thomas", "Naomi", "Omar", "Grace", "Luis", "Hannah", "Kofi", "Elena", "Marcus",
    "Linh", "Robert", "Sofia", "Daniel", "Fatima", "Kevin", "Ingrid", "Andre", "Rosa", "Patrick", "Mei", "Jamal", "Claire", "Diego", "Ruth",
    "Samuel", "Yuki", "Victor", "Amara", "Nathan", "Leila", "Peter", "Joy", "Hassan", "Teresa", "Owen", "Keisha", "Anton", "Lucia", "Brian", "Noor",
    "George", "Alma", "Isaac", "Vera", "Miguel", "Esther",
];

const FAMILY_NAMES: [&str; 97] = [
    "Rivera",
    "Novak",
    "Okafor",
    "Lindgren",
    "Castillo",
    "Bennett",
    "Nguyen",
    "Harper",
    "Delgado",
    "Whitaker",
    "Kowalski",
    "Adeyemi",
    "Foster",
    "Yazzie",
    "Brennan",
    "Salazar",
    "Hoffman",
    "Iyer",
    "Maddox",
    "Tran",
    "Ellison",
    "Vasquez",
    "Mercer",
    "Haddad",
    "Sorensen",
    "Pruitt",
    "Cho",
    "Beaumont",
    "Ortega",
    "Fitzgerald",
    "Mwangi",
    "Larkin",
    "Petrov",
    "Stone",
    "Aguilar",
    "Donnelly",
    "Singh",
    "Crawford",
    "Romero",
    "Begay",
    "Hale",
    "Yamada",
    "Quintero",
    "Barrett",
    "Osei",
    "Lund",
    "Marsh",
    "Cabrera",
    "Winslow",
    "Kaplan",
    "Reyes",
    "Tolbert",
    "Fontaine",
    "Abbas",
    "Greer",
    "Medina",
    "Holloway",
    "Park",
    "Sandoval",
    "Weiss",
    "Boyd",
    "Chavez",
    "Mackey",
    "Rossi",
    "Duarte",
    "Thornton",
    "Bakari",
    "Emerson",
    "Velez",
    "Schroeder",
    "Kim",
    "Landry",
    "Pacheco",
    "Underwood",
    "Farouk",
    "Ridley",
    "Montoya",
    "Becker",
    "Choudhury",
    "Walsh",
    "Ibarra",
    "Keller",
    "Dubois",
    "Nakai",
    "Sutton",
    "Herrera",
    "Olsen",
    "Banks",
    "Zamora",
    "Griffith",
    "Pham",
    "Carver",
    "Espinoza",
    "Mbeki",
    "Townsend",
    "Lozano",
    "Vance",
];

/// The roster of an agency: the sworn first. `before` is how many people the rosters before it hold.
pub fn roster(sample: &Sample, before: usize, today: Date) -> Vec<Person> {
    (0..sample.sworn + sample.civilians)
        .map(|place| {
            let number = before + place;
            let sworn = place < sample.sworn;
            // Everybody has served for 3 years at least, which is longer than any completion of the demo is old.
            let days = 3 * 366 + i64::try_from(number * 977 % 8_000).unwrap_or(0);
            Person {
                family_name: FAMILY_NAMES[number * 37 % FAMILY_NAMES.len()],
                given_name: GIVEN_NAMES[number * 17 % GIVEN_NAMES.len()],
                employee_number: format!("E-{}", 1001 + place),
                badge_number: sworn.then(|| (201 + place).to_string()),
                rank: sworn.then_some(match place % 12 {
                    11 => "Lieutenant",
                    5 => "Sergeant",
                    _ => "Officer",
                }),
                started_on: today.saturating_sub(days.days()),
                identifier: (format!("post:{}", sample.subdivision), format!("{}-{:04}", 2100 + number / 100, 3000 + number)),
            }
        })
        .collect()
}

impl Person {
    /// Given name and family name.
    pub fn name(&self) -> String {
        format!("{} {}", self.given_name, self.family_name)
    }

    /// As an entry of the roster.
    pub fn entry(&self) -> Value {
        let (system, value) = &self.identifier;
        json!({
            "family_name": self.family_name,
            "given_name": self.given_name,
            "employee_number": self.employee_number,
            "badge_number": self.badge_number,
            "rank": self.rank,
            "sworn": self.badge_number.is_some(),
            "started_on": self.started_on,
            "identifiers": [{"system": system, "value": value}],
        })
    }

    /// A reference in one of the ways in which systems name people; `way` chooses.
    pub fn reference(&self, agency: &str, way: usize) -> Value {
        let (system, value) = &self.identifier;
        match way % 4 {
            0 => json!({"agency": agency, "badge_number": self.badge_number, "family_name": self.family_name}),
            1 => json!({"agency": agency, "employee_number": self.employee_number}),
            2 => json!({"identifier": {"system": system, "value": value}}),
            _ => json!({"agency": agency, "family_name": self.family_name, "given_name": self.given_name, "appointed_on": self.started_on}),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use jiff::civil::date;

    use super::super::agencies::{OTHERS, SHOWN};
    use super::*;

    #[test]
    fn nobody_shares_a_name_or_an_identifier() {
        let mut before = 0;
        let mut people = Vec::new();
        for sample in std::iter::once(&SHOWN).chain(&OTHERS) {
            people.extend(roster(sample, before, date(2026, 11, 21)));
            before = people.len();
        }
        let names: HashSet<String> = people.iter().map(Person::name).collect();
        let identifiers: HashSet<&(String, String)> = people.iter().map(|person| &person.identifier).collect();
        assert!(people.len() > 700);
        assert_eq!((names.len(), identifiers.len()), (people.len(), people.len()));
    }
}
