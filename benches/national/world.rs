//! A country's agencies, officers and completions, the same in every run: nothing in it is of real people.

use serde_json::{Value, json};

/// Agencies of the whole country (DESIGN.md §7).
const AGENCIES: f64 = 18_000.0;
/// Sworn officers of the largest.
const LARGEST: f64 = 36_000.0;
/// Sworn officers of all.
const OFFICERS: f64 = 800_000.0;
/// Completions of all.
const COMPLETIONS: f64 = 5_000_000.0;
/// One of each category.
pub const TRAININGS: [(&str, &str, &str); 2] = [("CIT-40", "cit", "crisis_intervention"), ("MHFA-8", "mhfa", "mental_health_awareness")];
const STATES: [&str; 5] = ["CA", "IL", "NY", "TX", "WA"];

/// How large everything is.
pub struct World {
    /// How many sworn officers each agency has: the largest first, then one of ten, then the others.
    pub sizes: Vec<u32>,
    /// The number of the first officer of each agency.
    firsts: Vec<u32>,
    /// How many completions there are.
    pub completions: u32,
}

impl World {
    /// A part of the country, or all of it with 1.0. Sizes are lognormal around a median of 18, as those of US agencies are.
    pub fn new(scale: f64) -> Self {
        let agencies = whole(AGENCIES * scale).max(10);
        let mut random = Random(7);
        let mut sizes = vec![whole(LARGEST * scale).max(50), 10];
        let spread = 1.18;
        sizes.extend((2..agencies).map(|_| whole((18.0_f64.ln() + spread * random.normal()).exp()).clamp(1, 6_000)));
        // What is missing of all officers is at the large agencies after the largest.
        let missing = whole(OFFICERS * scale).saturating_sub(sizes.iter().sum());
        let large = (agencies / 100).max(1);
        sizes.iter_mut().skip(2).take(large as usize).for_each(|size| *size += missing / large);
        let mut firsts = Vec::with_capacity(sizes.len());
        let mut next = 0;
        for size in &sizes {
            firsts.push(next);
            next += size;
        }
        Self { sizes, firsts, completions: whole(COMPLETIONS * scale) }
    }

    /// How many officers there are.
    pub fn officers(&self) -> u32 {
        self.sizes.iter().sum()
    }

    /// An agency, to be put under its ORI.
    pub fn agency(number: usize) -> Value {
        let kinds = ["municipal_police", "sheriff", "county_police", "campus", "special_jurisdiction"];
        let state = STATES[number % STATES.len()];
        json!({"name": format!("{} Police", word(number as u32)), "kind": kinds[number / 7 % kinds.len()], "country": "US", "subdivision": format!("US-{state}")})
    }

    /// Everybody who serves at an agency.
    pub fn roster(&self, number: usize) -> Value {
        let officers: Vec<Value> = (0..self.sizes[number])
            .map(|place| {
                let officer = self.firsts[number] + place;
                json!({"family_name": word(officer), "given_name": word(officer % 997), "badge_number": badge(place), "sworn": true,
                    "started_on": format!("{}-{:02}-{:02}", 1996 + officer % 28, 1 + officer % 12, 1 + officer % 28), "identifiers": []})
            })
            .collect();
        json!({"as_of": "2026-01-01", "officers": officers})
    }

    /// What an LMS says of a completion, as a line: officers have their turns, so that each has some, of either training, after everybody was appointed.
    pub fn completion(&self, number: u32) -> String {
        let officer = ((u64::from(number) * 2_654_435_761) % u64::from(self.officers())) as u32;
        let agency = self.firsts.partition_point(|first| *first <= officer) - 1;
        let place = officer - self.firsts[agency];
        let training = TRAININGS[usize::from(number.is_multiple_of(3))].0;
        format!(
            "{{\"external_id\":\"rec-{number}\",\"officer\":{{\"agency\":\"{}\",\"badge_number\":\"{}\",\"family_name\":\"{}\"}},\"training\":{{\"code\":\"{training}\"}},\
             \"completed_on\":\"{}-{:02}-{:02}\",\"expires_on\":null,\"hours\":40,\"score\":0.93,\"passed\":true,\"certificate_number\":\"C-{number}\"}}\n",
            key(agency),
            badge(place),
            word(officer),
            2024 + number % 2,
            1 + number % 12,
            1 + number % 28
        )
    }
}

/// An agency's key in paths and references.
pub fn key(number: usize) -> String {
    format!("ori:{}{number:07}", STATES[number % STATES.len()])
}

fn badge(place: u32) -> String {
    (1_000 + place).to_string()
}

/// A name of letters alone, another one for each number.
fn word(number: u32) -> String {
    const SYLLABLES: [&str; 10] = ["ba", "ke", "li", "mo", "nu", "ra", "se", "ti", "vo", "za"];
    let lower: String = format!("{number:05}").bytes().map(|digit| SYLLABLES[usize::from(digit - b'0')]).collect();
    lower[..1].to_uppercase() + &lower[1..]
}

fn whole(number: f64) -> u32 {
    number.round() as u32
}

/// Numbers at random: the same ones in every run (splitmix64).
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Around 0, with a variance of 1 (Irwin-Hall).
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}
