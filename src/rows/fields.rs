//! The fields that a file can fill, by what the file holds, named as in the JSON of the service.

/// How the text of a cell becomes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As it stands, trimmed.
    Text,
    /// An ORI, upper-cased.
    Ori,
    /// ORIs, apart by spaces, commas or semicolons.
    Oris,
    /// An agency: `ori:…`, a bare ORI, or an id.
    Agency,
    /// A kind of agency: our word, or the FBI's type name.
    AgencyKind,
    /// A two-letter country code.
    Country,
    /// `US-TX`, or a bare `TX` where the country is given.
    Subdivision,
    /// A date; of a date and time, its date.
    Date,
    /// A date, or an instant with an offset, which is kept whole.
    DateOrInstant,
    /// An instant with an offset.
    Instant,
    /// Yes or no.
    Boolean,
    /// A whole number, zero or more.
    Count,
    /// A number.
    Number,
    /// Full time, part time or reserve.
    Employment,
}

/// A field of a record.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// Its dotted name.
    pub name: &'static str,
    /// How its value is read.
    pub form: Form,
    /// True where a record is nothing without it.
    pub required: bool,
}

/// The fields of one kind of file.
#[derive(Debug)]
pub struct Table {
    /// All fields but the identifiers, in the order in which a record holds them.
    pub fields: &'static [Field],
    /// True where `identifiers.<system>` can be mapped.
    pub identifiers: bool,
    /// Objects that are null when one of their fields is blank: `(object, that field)`.
    pub hinges: &'static [(&'static str, &'static str)],
}

/// What a `--map`, a `--set` or a column speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A field of the table.
    Field(&'static Field),
    /// The identifier of this system.
    Identifier(String),
}

impl Target {
    /// The dotted name.
    pub fn name(&self) -> String {
        match self {
            Self::Field(field) => field.name.to_owned(),
            Self::Identifier(system) => format!("{IDENTIFIERS}{system}"),
        }
    }

    /// The JSON pointer to it in a record.
    pub fn pointer(&self) -> String {
        match self {
            Self::Field(field) => format!("/{}", field.name.replace('.', "/")),
            Self::Identifier(_) => "/identifiers".to_owned(),
        }
    }

    /// How the value is read.
    pub fn form(&self) -> Form {
        match self {
            Self::Field(field) => field.form,
            Self::Identifier(_) => Form::Text,
        }
    }

    /// True where a record is nothing without it.
    pub fn required(&self) -> bool {
        matches!(self, Self::Field(field) if field.required)
    }
}

/// What the names of identifier fields begin with.
pub const IDENTIFIERS: &str = "identifiers.";

impl Table {
    /// The field of this name.
    pub fn find(&self, name: &str) -> Option<Target> {
        if let Some(field) = self.fields.iter().find(|field| field.name == name) {
            return Some(Target::Field(field));
        }
        let system = name.strip_prefix(IDENTIFIERS)?;
        (self.identifiers && !system.is_empty()).then(|| Target::Identifier(system.to_owned()))
    }

    /// The names of all fields, for a message.
    pub fn names(&self) -> String {
        let mut names: Vec<&str> = self.fields.iter().map(|field| field.name).collect();
        if self.identifiers {
            names.push("identifiers.<system>");
        }
        names.join(", ")
    }

    /// The place of a target in a record, so that the order of flags changes nothing.
    pub fn rank(&self, target: &Target) -> (usize, String) {
        match target {
            Target::Field(field) => {
                let place = self.fields.iter().position(|other| other == *field);
                (place.unwrap_or(usize::MAX), String::new())
            }
            Target::Identifier(system) => (usize::MAX, system.clone()),
        }
    }
}

const fn required(name: &'static str, form: Form) -> Field {
    Field { name, form, required: true }
}

const fn optional(name: &'static str, form: Form) -> Field {
    Field { name, form, required: false }
}

/// The body of `PUT /v1/agencies/ori:…`.
pub const AGENCIES: Table = Table {
    fields: &[
        optional("ori", Form::Ori),
        optional("other_oris", Form::Oris),
        required("name", Form::Text),
        required("kind", Form::AgencyKind),
        required("country", Form::Country),
        optional("subdivision", Form::Subdivision),
        optional("sworn_strength.count", Form::Count),
        optional("sworn_strength.as_of", Form::Date),
    ],
    identifiers: false,
    hinges: &[("sworn_strength", "sworn_strength.count")],
};

/// An entry of `PUT /v1/agencies/{agency}/roster`.
pub const ROSTER: Table = Table {
    fields: &[
        required("family_name", Form::Text),
        required("given_name", Form::Text),
        optional("email", Form::Text),
        optional("employee_number", Form::Text),
        optional("badge_number", Form::Text),
        optional("rank", Form::Text),
        optional("employment", Form::Employment),
        required("sworn", Form::Boolean),
        required("started_on", Form::Date),
        optional("ended_on", Form::Date),
    ],
    identifiers: true,
    hinges: &[],
};

/// A record of `POST /v1/completions/batch`.
pub const COMPLETIONS: Table = Table {
    fields: &[
        optional("external_id", Form::Text),
        optional("officer.id", Form::Text),
        optional("officer.identifier.system", Form::Text),
        optional("officer.identifier.value", Form::Text),
        optional("officer.email", Form::Text),
        optional("officer.agency", Form::Agency),
        optional("officer.employee_number", Form::Text),
        optional("officer.badge_number", Form::Text),
        optional("officer.family_name", Form::Text),
        optional("officer.given_name", Form::Text),
        optional("officer.appointed_on", Form::Date),
        optional("training.id", Form::Text),
        optional("training.code", Form::Text),
        required("completed_on", Form::DateOrInstant),
        optional("expires_on", Form::Date),
        optional("hours", Form::Number),
        optional("score", Form::Number),
        optional("passed", Form::Boolean),
        optional("certificate_number", Form::Text),
        optional("evidence_url", Form::Text),
        optional("revision", Form::Count),
        optional("updated_at", Form::Instant),
    ],
    identifiers: false,
    hinges: &[("officer.identifier", "officer.identifier.value")],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_fields_of_a_roster_alone() {
        assert_eq!(ROSTER.find("identifiers.post:US-IL"), Some(Target::Identifier("post:US-IL".to_owned())));
        assert_eq!(ROSTER.find("identifiers."), None);
        assert_eq!(COMPLETIONS.find("identifiers.post:US-IL"), None);
    }

    #[test]
    fn a_hinge_is_a_field_of_its_object() {
        for table in [AGENCIES, ROSTER, COMPLETIONS] {
            for (object, field) in table.hinges {
                assert!(field.starts_with(&format!("{object}.")));
                assert!(table.find(field).is_some());
            }
        }
    }
}
