//! Which field comes from where, and the record that a row makes.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::convert::{Context, convert};
use super::fields::{Form, Table, Target};
use super::read::Column;
use crate::domain::csv_mapping::DateFormat;

/// One `map` or `set`: a field, and its column or value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The dotted name of the field.
    pub field: String,
    /// The name of a column, or a value.
    pub to: String,
}

impl Pair {
    /// Reads `field=column` or `field=value`: the field ends at the first equals sign.
    ///
    /// # Errors
    /// How to write it.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((field, to)) if !field.trim().is_empty() => Ok(Self { field: field.trim().to_owned(), to: to.trim().to_owned() }),
            _ => Err("write it as field=value".to_owned()),
        }
    }
}

/// Where the value of a field comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// From the file.
    Column(Column),
    /// From a `set`: the same in every row.
    Fixed(String),
}

/// A field and where its value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The field.
    pub target: Target,
    /// Where its value comes from.
    pub origin: Origin,
}

impl Binding {
    /// Where it stands, in words for the person who corrects the file.
    pub fn place(&self) -> String {
        let field = self.target.name();
        match &self.origin {
            Origin::Column(column) if column.name == field => format!("column \"{field}\""),
            Origin::Column(column) => format!("column \"{}\" ({field})", column.name),
            Origin::Fixed(_) => format!("set {field}"),
        }
    }
}

/// How rows become records.
#[derive(Debug)]
pub struct Mapping {
    /// The fields that there are.
    pub table: &'static Table,
    /// In the order of the table.
    pub bindings: Vec<Binding>,
    /// True where every object says its own names.
    pub open: bool,
    /// How dates are written.
    pub dates: DateFormat,
    /// Names of mapped columns that no object has borne yet.
    unseen: Mutex<BTreeSet<String>>,
}

impl Mapping {
    /// Binds fields to columns and values. Without a header (NDJSON) every field is also looked for under its own name.
    ///
    /// # Errors
    /// A field or column that there isn't, a field given twice, a required one not given, a `set` that isn't understood; in words for the user.
    pub fn new(table: &'static Table, maps: &[Pair], sets: &[Pair], header: Option<&[String]>) -> Result<Self, String> {
        let mut mapping = Self { table, bindings: Vec::new(), open: header.is_none(), dates: DateFormat::Iso, unseen: Mutex::default() };
        for pair in maps {
            let column = find_column(&pair.to, header)?;
            mapping.bind(&pair.field, Origin::Column(column))?;
            if mapping.open {
                mapping.unseen().insert(pair.to.clone());
            }
        }
        for pair in sets {
            mapping.bind(&pair.field, Origin::Fixed(pair.to.clone()))?;
        }
        mapping.bind_by_name(header)?;
        mapping.check_required(header)?;
        mapping.check_fixed()?;
        mapping.bindings.sort_by_cached_key(|binding| table.rank(&binding.target));
        Ok(mapping)
    }

    fn bind(&mut self, field: &str, origin: Origin) -> Result<(), String> {
        let target = self.table.find(field).ok_or_else(|| format!("there is no field \"{field}\"; the fields are {}", self.table.names()))?;
        if self.is_bound(&target) {
            return Err(format!("\"{field}\" is given more than once"));
        }
        self.bindings.push(Binding { target, origin });
        Ok(())
    }

    /// Names of mapped columns that no object of the file bore: of NDJSON that is known only at its end.
    pub fn unseen(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.unseen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True where something gives this field.
    pub fn is_bound(&self, target: &Target) -> bool {
        self.bindings.iter().any(|other| other.target == *target)
    }

    fn bind_by_name(&mut self, header: Option<&[String]>) -> Result<(), String> {
        let names: Vec<String> = match header {
            Some(header) => header.to_vec(),
            None => self.table.fields.iter().map(|f| f.name.to_owned()).collect(),
        };
        let explicit = self.bindings.len();
        for name in names {
            let Some(target) = self.table.find(&name) else {
                continue;
            };
            let given = self.bindings[..explicit].iter().any(|other| other.target == target);
            if !given {
                let column = find_column(&name, header)?;
                self.bind(&name, Origin::Column(column))?;
            }
        }
        Ok(())
    }

    fn check_required(&self, header: Option<&[String]>) -> Result<(), String> {
        for field in self.table.fields.iter().filter(|field| field.required) {
            if !self.is_bound(&Target::Field(field)) {
                return Err(format!(
                    "nothing gives \"{name}\": map it to a column, or set its value; the columns are {columns}",
                    name = field.name,
                    columns = header.unwrap_or_default().join(", ")
                ));
            }
        }
        Ok(())
    }

    /// A value that is the same in every row is checked once, unless it needs the row.
    fn check_fixed(&self) -> Result<(), String> {
        for binding in &self.bindings {
            if let Origin::Fixed(text) = &binding.origin
                && !text.is_empty()
                && !matches!(binding.target.form(), Form::AgencyKind | Form::Subdivision)
            {
                convert(binding.target.form(), text, Context::default()).map_err(|misfit| format!("{}: {}", binding.place(), misfit.detail))?;
            }
        }
        Ok(())
    }

    /// How many fields come from a column.
    pub fn columns(&self) -> usize {
        self.bindings.iter().filter(|binding| matches!(binding.origin, Origin::Column(_))).count()
    }

    /// The column that a field comes from.
    pub fn column_of(&self, field: &str) -> Option<&Column> {
        let binding = self.bindings.iter().find(|b| b.target.name() == field)?;
        match &binding.origin {
            Origin::Column(column) => Some(column),
            Origin::Fixed(_) => None,
        }
    }

    /// True where every row bears the same value of a field.
    pub fn is_fixed(&self, field: &str) -> bool {
        self.bindings.iter().any(|b| b.target.name() == field && matches!(b.origin, Origin::Fixed(_)))
    }
}

/// The column of this name; without a header, whatever the objects call so.
///
/// # Errors
/// Where there is none or more than one.
pub fn find_column(name: &str, header: Option<&[String]>) -> Result<Column, String> {
    let Some(header) = header else {
        return Ok(Column { name: name.to_owned(), index: 0 });
    };
    let mut places = (0..header.len()).filter(|at| header[*at] == name);
    match (places.next(), places.next()) {
        (Some(index), None) => Ok(Column { name: name.to_owned(), index }),
        (Some(_), Some(_)) => Err(format!("the file has more than one column \"{name}\"")),
        (None, _) => Err(format!("the file has no column \"{name}\"; its columns are {}", header.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::fields::{AGENCIES, COMPLETIONS};

    fn pairs(texts: &[&str]) -> Vec<Pair> {
        let split = texts.iter().map(|text| text.split_once('=').unwrap());
        split.map(|(field, to)| Pair { field: field.to_owned(), to: to.to_owned() }).collect()
    }

    #[test]
    fn what_the_flags_get_wrong_is_said_with_what_there_is() {
        let names = ["last", "last_name", "completed_on", "x", "x"].map(str::to_owned);
        let refusal = |maps: &[&str], sets: &[&str]| Mapping::new(&COMPLETIONS, &pairs(maps), &pairs(sets), Some(&names)).unwrap_err();
        assert!(refusal(&["officer.name=last"], &[]).contains("officer.family_name"));
        assert!(refusal(&["officer.family_name=lst"], &[]).contains("last_name"));
        assert!(refusal(&["officer.family_name=x"], &[]).contains("more than one column"));
        assert!(refusal(&["hours=last"], &["hours=1"]).contains("more than once"));
        assert!(refusal(&[], &["hours=many"]).contains("many"));
        let refusal = Mapping::new(&AGENCIES, &[], &[], Some(&names)).unwrap_err();
        assert!(refusal.contains("\"name\"") && refusal.contains("last_name"));
    }
}
