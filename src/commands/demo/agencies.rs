//! The sample agencies: made up, names and ORIs alike.

/// An agency of the demo, and how far it has come.
pub struct Sample {
    /// `None` outside the United States.
    pub ori: Option<&'static str>,
    pub name: &'static str,
    pub kind: &'static str,
    pub country: &'static str,
    pub subdivision: &'static str,
    /// Sworn officers on its roster.
    pub sworn: usize,
    /// Others on its roster: dispatchers and the like.
    pub civilians: usize,
    /// Sworn officers whom it declares, and who are missing on its roster.
    pub unlisted: usize,
    pub pledge: Option<Pledge>,
    pub partnership: bool,
    pub policy: bool,
    /// How many officers completed a crisis intervention training.
    pub crisis: usize,
    /// How many other officers completed Mental Health First Aid.
    pub aware: usize,
}

/// An agency's pledge.
pub struct Pledge {
    pub standard: &'static str,
    pub months_ago: i64,
    pub term_months: u8,
    pub withdrawn: bool,
}

const fn pledged(months_ago: i64, term_months: u8) -> Pledge {
    Pledge { standard: "one-mind", months_ago, term_months, withdrawn: false }
}

const NONE: Sample = Sample {
    ori: None,
    name: "",
    kind: "municipal_police",
    country: "US",
    subdivision: "",
    sworn: 0,
    civilians: 0,
    unlisted: 0,
    pledge: None,
    partnership: false,
    policy: false,
    crisis: 0,
    aware: 0,
};

/// The agency that the demo shows; its ORI is `ori:TX9980100`.
pub const SHOWN: Sample = Sample {
    ori: Some("TX9980100"),
    name: "Hollis Bend Police Department",
    subdivision: "US-TX",
    sworn: 48,
    civilians: 5,
    pledge: Some(pledged(14, 24)),
    partnership: true,
    policy: true,
    crisis: 7,
    aware: 22,
    ..NONE
};

/// The others.
pub const OTHERS: [Sample; 11] = [
    Sample {
        ori: Some("MN9980000"),
        name: "Tamarack County Sheriff's Office",
        kind: "sheriff",
        subdivision: "US-MN",
        sworn: 112,
        civilians: 21,
        pledge: Some(pledged(20, 36)),
        partnership: true,
        policy: true,
        crisis: 31,
        aware: 81,
        ..NONE
    },
    Sample {
        ori: Some("NB9980200"),
        name: "Great Plains Highway Patrol",
        kind: "state_police",
        subdivision: "US-NE",
        sworn: 240,
        civilians: 30,
        unlisted: 12,
        pledge: Some(pledged(9, 36)),
        partnership: true,
        crisis: 22,
        aware: 118,
        ..NONE
    },
    Sample {
        ori: Some("CA9980300"),
        name: "Larkspur State University Police",
        kind: "campus",
        subdivision: "US-CA",
        sworn: 27,
        civilians: 6,
        pledge: Some(pledged(11, 12)),
        partnership: true,
        policy: true,
        crisis: 9,
        aware: 16,
        ..NONE
    },
    Sample {
        ori: Some("AZ9980400"),
        name: "Cedar Mesa Tribal Police",
        kind: "tribal",
        subdivision: "US-AZ",
        sworn: 19,
        civilians: 3,
        pledge: Some(pledged(4, 24)),
        policy: true,
        crisis: 2,
        aware: 6,
        ..NONE
    },
    Sample {
        ori: Some("MA9980500"),
        name: "Mid-Harbor Transit Police",
        kind: "special_jurisdiction",
        subdivision: "US-MA",
        sworn: 64,
        civilians: 9,
        pledge: Some(pledged(26, 24)),
        partnership: true,
        policy: true,
        crisis: 11,
        aware: 40,
        ..NONE
    },
    Sample {
        ori: Some("TX9980600"),
        name: "Wexler County Constable, Precinct 4",
        kind: "constable",
        subdivision: "US-TX",
        sworn: 12,
        civilians: 1,
        crisis: 1,
        ..NONE
    },
    Sample {
        ori: Some("MD9980700"),
        name: "Ashgrove County Police Department",
        kind: "county_police",
        subdivision: "US-MD",
        sworn: 86,
        civilians: 12,
        pledge: Some(Pledge { standard: "one-mind-2016", months_ago: 30, term_months: 36, withdrawn: false }),
        partnership: true,
        policy: true,
        crisis: 20,
        aware: 55,
        ..NONE
    },
    Sample {
        ori: Some("CO9980800"),
        name: "Juniper Flats Police Department",
        subdivision: "US-CO",
        sworn: 9,
        pledge: Some(pledged(16, 24)),
        partnership: true,
        policy: true,
        crisis: 3,
        aware: 6,
        ..NONE
    },
    Sample {
        ori: Some("WA9980900"),
        name: "Osprey Point Police Department",
        subdivision: "US-WA",
        sworn: 33,
        civilians: 4,
        pledge: Some(Pledge { standard: "one-mind", months_ago: 18, term_months: 24, withdrawn: true }),
        crisis: 4,
        aware: 3,
        ..NONE
    },
    Sample {
        ori: Some("GA9981000"),
        name: "Ferrow Police Department",
        subdivision: "US-GA",
        sworn: 21,
        civilians: 2,
        unlisted: 3,
        pledge: Some(pledged(2, 12)),
        partnership: true,
        crisis: 3,
        aware: 10,
        ..NONE
    },
    Sample {
        name: "Port Merrow Police Service",
        country: "CA",
        subdivision: "CA-NS",
        sworn: 58,
        civilians: 7,
        pledge: Some(pledged(7, 24)),
        policy: true,
        crisis: 14,
        aware: 20,
        ..NONE
    },
];

/// Of how many kinds the agencies are.
pub fn kinds() -> usize {
    let mut kinds: Vec<&str> = std::iter::once(&SHOWN).chain(&OTHERS).map(|sample| sample.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds.len()
}
