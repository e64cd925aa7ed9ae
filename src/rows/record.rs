//! The record that a row makes, and the way back from a fault of the record to the column.

use std::borrow::Cow;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    convert::{Context, Misfit, convert},
    fields::{IDENTIFIERS, Target},
    mapping::{Binding, Mapping, Origin, find_column},
    read::{Cells, Row},
};

/// Tells ids made here from every other name-based UUID.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f6e_656d_696e_4d8a_9f21_726f_7773_6964);

/// A fault of a row, at a field or of the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// A stable word.
    pub code: Cow<'static, str>,
    /// Where in the record, as a JSON pointer; empty for the whole row.
    pub pointer: String,
    /// Where, in words: `column "star" (officer.badge_number)`; empty for the whole row.
    pub place: String,
    /// For the person who corrects the file.
    pub detail: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.place.is_empty() { formatter.write_str(&self.detail) } else { write!(formatter, "{}: {}", self.place, self.detail) }
    }
}

impl Mapping {
    /// The record of a row, without what is blank.
    ///
    /// # Errors
    /// All faults of the row.
    pub fn record(&self, row: &Row) -> Result<Map<String, Value>, Vec<Fault>> {
        if let Some(misfit) = row.misfit() {
            return Err(vec![Fault { code: misfit.code.into(), pointer: String::new(), place: String::new(), detail: misfit.detail }]);
        }
        if let Cells::Json(_, flat) = &row.cells {
            self.unseen().retain(|name| !flat.contains_key(name));
        }
        let extra = self.identifiers_by_name(row);
        let mut faults = Vec::new();
        let mut texts = Vec::new();
        for binding in self.bindings.iter().chain(&extra) {
            let text = match &binding.origin {
                Origin::Fixed(text) => Ok(Some(text.as_str().into()).filter(|_| !text.is_empty())),
                Origin::Column(column) => row.cell(column),
            };
            match text {
                Ok(text) => texts.push((binding, text)),
                Err(misfit) => faults.push(at(binding, misfit)),
            }
        }
        let text_of = |name: &str| {
            let mut found = texts.iter().filter(|(b, _)| b.target.name() == name);
            found.find_map(|(_, text)| text.as_deref())
        };
        let context = Context { name: text_of("name"), country: text_of("country"), subdivision: text_of("subdivision"), dates: self.dates };
        let is_void = |name: &str| {
            let mut hinges = self.table.hinges.iter();
            hinges.any(|(object, hinge)| name.strip_prefix(object).is_some_and(|rest| rest.starts_with('.')) && text_of(hinge).is_none())
        };
        let mut body = Map::new();
        for (binding, text) in &texts {
            let name = binding.target.name();
            match text {
                _ if is_void(&name) => {}
                Some(text) => match convert(binding.target.form(), text, context) {
                    Ok(value) => insert(&mut body, &binding.target, value),
                    Err(misfit) => faults.push(at(binding, misfit)),
                },
                None if binding.target.required() => {
                    faults.push(at(binding, Misfit { code: "required", detail: "is blank, and must not be".to_owned() }));
                }
                None => {}
            }
        }
        if faults.is_empty() { Ok(body) } else { Err(faults) }
    }

    fn identifiers_by_name(&self, row: &Row) -> Vec<Binding> {
        let Cells::Json(_, flat) = &row.cells else {
            return Vec::new();
        };
        if !(self.open && self.table.identifiers) {
            return Vec::new();
        }
        let names = flat.keys().filter(|name| name.starts_with(IDENTIFIERS));
        names
            .filter_map(|name| {
                let target = self.table.find(name)?;
                let origin = Origin::Column(find_column(name, None).ok()?);
                (!self.is_bound(&target)).then_some(Binding { target, origin })
            })
            .collect()
    }

    /// The place in the file of a JSON pointer into a record that this mapping made.
    pub fn place_of(&self, pointer: &str, body: &Map<String, Value>) -> String {
        let name = name_of(pointer, body);
        self.binding_of(&name).map_or_else(|| name.clone(), Binding::place)
    }

    /// The column that a JSON pointer into a record that this mapping made leads back to, where its value comes from one.
    pub fn column_at(&self, pointer: &str, body: &Map<String, Value>) -> Option<&str> {
        match &self.binding_of(&name_of(pointer, body))?.origin {
            Origin::Column(column) => Some(&column.name),
            Origin::Fixed(_) => None,
        }
    }

    fn binding_of(&self, name: &str) -> Option<&Binding> {
        // An item of a list stands in the cell of the list.
        let list = name.rsplit_once('.').map_or("", |(list, _)| list);
        let bound = |name: &str| self.bindings.iter().find(|b| b.target.name() == name);
        bound(name).or_else(|| bound(list))
    }
}

/// The dotted name of what a JSON pointer leads to.
fn name_of(pointer: &str, body: &Map<String, Value>) -> String {
    let path = within_record(pointer.trim_start_matches('/'));
    let mut parts = path.split('/');
    match (parts.next(), parts.next()) {
        (Some("identifiers"), Some(index)) => {
            let at = index.parse().unwrap_or(usize::MAX);
            let system = body.get("identifiers").and_then(|list| list[at]["system"].as_str());
            format!("{IDENTIFIERS}{}", system.unwrap_or(index))
        }
        _ => path.replace('/', ".").replace("~1", "/").replace("~0", "~"),
    }
}

/// A pointer into a whole request leads through the list of records.
fn within_record(path: &str) -> &str {
    let mut parts = path.splitn(3, '/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some("completions" | "officers"), Some(at), rest) if at.bytes().all(|byte| byte.is_ascii_digit()) => rest.unwrap_or_default(),
        _ => path,
    }
}

/// The same id for the same record, whatever the order of flags or columns.
pub fn derived_id(body: &Map<String, Value>) -> String {
    let text = Value::Object(body.clone()).to_string();
    Uuid::new_v5(&NAMESPACE, text.as_bytes()).to_string()
}

fn at(binding: &Binding, misfit: Misfit) -> Fault {
    Fault { code: misfit.code.into(), pointer: binding.target.pointer(), place: binding.place(), detail: misfit.detail }
}

fn insert(body: &mut Map<String, Value>, target: &Target, value: Value) {
    let mut object = body;
    let name = match target {
        Target::Field(field) => field.name,
        Target::Identifier(system) => {
            let list = object.entry("identifiers").or_insert_with(|| json!([]));
            if let Value::Array(list) = list {
                list.push(json!({"system": system, "value": value}));
            }
            return;
        }
    };
    let mut parts: Vec<&str> = name.split('.').collect();
    let last = parts.pop().unwrap_or(name);
    for part in parts {
        let inner = object.entry(part).or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(inner) = inner else { return };
        object = inner;
    }
    object.insert(last.to_owned(), value);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rows::fields::{AGENCIES, COMPLETIONS, ROSTER, Table};
    use crate::rows::mapping::Pair;
    use crate::rows::read::{Format, Source};
    use crate::rows::sheet::{Layout, Rows, open};

    fn pairs(texts: &[&str]) -> Vec<Pair> {
        let split = texts.iter().map(|text| text.split_once('=').unwrap());
        split.map(|(field, to)| Pair { field: field.to_owned(), to: to.to_owned() }).collect()
    }

    fn header(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    type Made = Result<Map<String, Value>, Vec<Fault>>;

    fn records(table: &'static Table, maps: &[&str], sets: &[&str], text: &str, format: Format) -> Vec<Made> {
        let layout = Layout { maps: pairs(maps), sets: pairs(sets), ..Layout::default() };
        let Rows { mut source, mapping } = open(Box::new(std::io::Cursor::new(text.to_owned())), format, table, &layout).unwrap();
        std::iter::from_fn(|| source.next_row().unwrap()).map(|row| mapping.record(&row)).collect()
    }

    #[test]
    fn dots_build_objects_and_blanks_are_left_out() {
        let made = records(
            &COMPLETIONS,
            &["officer.family_name=last", "officer.badge_number=star"],
            &["officer.agency=ILCPD0000", "training.code=CIT-40"],
            "last,star,completed_on,hours,unit\nRivera,11288,2004-10-29 16:00,40,7\nOrtiz, ,2004-10-30,,\n",
            Format::Csv,
        );
        assert_eq!(
            Value::Object(made[0].clone().unwrap()),
            json!({
                "officer": {"agency": "ori:ILCPD0000", "badge_number": "11288", "family_name": "Rivera"},
                "training": {"code": "CIT-40"}, "completed_on": "2004-10-29", "hours": 40
            })
        );
        assert_eq!(
            Value::Object(made[1].clone().unwrap()),
            json!({
                "officer": {"agency": "ori:ILCPD0000", "family_name": "Ortiz"},
                "training": {"code": "CIT-40"}, "completed_on": "2004-10-30"
            })
        );
    }

    #[test]
    fn identifiers_are_a_list_of_those_that_are_there() {
        let text = "family_name,given_name,sworn,started_on,post,identifiers.hr\nA,B,Y,2008-04-28,1001,\nC,D,N,2008-04-28,,77\n";
        let made = records(&ROSTER, &["identifiers.post:US-IL=post"], &[], text, Format::Csv);
        assert_eq!(made[0].clone().unwrap()["identifiers"], json!([{"system": "post:US-IL", "value": "1001"}]));
        assert_eq!(made[1].clone().unwrap()["identifiers"], json!([{"system": "hr", "value": "77"}]));
    }

    #[test]
    fn an_object_hangs_on_its_hinge() {
        let text = "ori,name,kind,n,year\nTX2270000,Travis,sheriff,,2020\nTX2270001,Lago,city,42,2025-10-31\nTX2270002,Rollo,city,3,2020\n";
        let made = records(&AGENCIES, &["sworn_strength.count=n", "sworn_strength.as_of=year"], &["country=US"], text, Format::Csv);
        assert!(!made[0].clone().unwrap().contains_key("sworn_strength"));
        assert_eq!(made[1].clone().unwrap()["sworn_strength"], json!({"count": 42, "as_of": "2025-10-31"}));
        let faults = made[2].clone().unwrap_err();
        assert_eq!(faults[0].to_string(), "column \"year\" (sworn_strength.as_of): \"2020\" is a year; a date is needed, written as 2004-10-29");
    }

    #[test]
    fn all_faults_of_a_row_are_told_at_once() {
        let made = records(&ROSTER, &[], &[], "family_name,given_name,sworn,started_on,ended_on\n,B,perhaps,28.4.2008,2009-02-30\n", Format::Csv);
        let codes: Vec<String> = made[0].clone().unwrap_err().into_iter().map(|f| f.code.into_owned()).collect();
        assert_eq!(codes, ["required", "not_yes_or_no", "not_a_date", "not_a_date"]);
    }

    #[test]
    fn what_is_set_stands_before_a_column_of_the_same_name() {
        let made = records(&COMPLETIONS, &["completed_on=done"], &["hours=8"], "completed_on,done,hours\n2001-01-01,2002-02-02,40\n", Format::Csv);
        assert_eq!(Value::Object(made[0].clone().unwrap()), json!({"completed_on": "2002-02-02", "hours": 8}));
    }

    #[test]
    fn an_object_in_the_form_of_the_service_maps_itself() {
        let record = json!({
            "family_name": "Rivera", "given_name": "Ana", "badge_number": "7", "sworn": true, "started_on": "2008-04-28",
            "identifiers": [{"system": "hr", "value": "9"}, {"system": "post:US-IL", "value": "1001"}]
        });
        let made = records(&ROSTER, &[], &[], &record.to_string(), Format::Ndjson);
        assert_eq!(Value::Object(made[0].clone().unwrap()), record);
    }

    #[test]
    fn a_pointer_leads_back_to_the_column() {
        let names = header(&["last", "given_name", "sworn", "started_on", "post"]);
        let maps = pairs(&["family_name=last", "identifiers.post:US-IL=post"]);
        let mapping = Mapping::new(&ROSTER, &maps, &[], Some(&names)).unwrap();
        let body = json!({"identifiers": [{"system": "post:US-IL", "value": "1"}]});
        let body = body.as_object().unwrap();
        let place = |pointer| mapping.place_of(pointer, body);
        assert_eq!(place("/family_name"), "column \"last\" (family_name)");
        assert_eq!(place("/officers/17/family_name"), "column \"last\" (family_name)");
        assert_eq!(place("/identifiers/0/value"), "column \"post\" (identifiers.post:US-IL)");
        assert_eq!(place("/sworn"), "column \"sworn\"");
        assert_eq!(place(""), "");
    }

    #[test]
    fn a_list_of_oris_comes_from_one_cell() {
        let text = "ori,name,kind,country,others\nTX2270000,Travis,sheriff,US,TX2270001 tx2270002\n";
        let made = records(&AGENCIES, &["other_oris=others"], &[], text, Format::Csv);
        assert_eq!(made[0].clone().unwrap()["other_oris"], json!(["TX2270001", "TX2270002"]));
        let object = Value::Object(made[0].clone().unwrap());
        let again = records(&AGENCIES, &[], &[], &object.to_string(), Format::Ndjson);
        assert_eq!(Value::Object(again[0].clone().unwrap()), object);

        let names = ["name", "kind", "country", "others"].map(str::to_owned);
        let mapping = Mapping::new(&AGENCIES, &pairs(&["other_oris=others"]), &[], Some(&names)).unwrap();
        assert_eq!(mapping.place_of("/other_oris/1", &Map::new()), "column \"others\" (other_oris)");
    }

    #[test]
    fn a_name_that_no_object_bears_is_remembered() {
        let mut source = Source::lines(Box::new(&b"{\"done\":\"2002-02-02\"}"[..]));
        let maps = pairs(&["completed_on=done", "hours=lenght"]);
        let mapping = Mapping::new(&COMPLETIONS, &maps, &[], None).unwrap();
        mapping.record(&source.next_row().unwrap().unwrap()).unwrap();
        assert_eq!(mapping.unseen().iter().collect::<Vec<_>>(), ["lenght"]);
    }

    proptest! {
        #[test]
        fn the_id_hangs_on_the_record_alone(
            last in "[A-Z]{1,8}", day in "20[0-2][0-9]-0[13-9]-[12][0-9]", swap in any::<bool>(),
        ) {
            let maps = ["officer.family_name=last", "completed_on=day"];
            let flags: Vec<&str> = if swap { maps.iter().rev().copied().collect() } else { maps.to_vec() };
            let one = records(&COMPLETIONS, &maps, &["training.code=CIT"], &format!("last,day\n{last},{day}\n"), Format::Csv);
            let other = records(&COMPLETIONS, &flags, &["training.code=CIT"], &format!("x,day,last\n1,{day} 16:00,{last}\n"), Format::Csv);
            let third = records(&COMPLETIONS, &maps, &["training.code=CIT"], &format!("last,day\n{last}X,{day}\n"), Format::Csv);
            let id = |made: &[Made]| derived_id(made[0].as_ref().unwrap());
            prop_assert_eq!(id(&one), id(&other));
            prop_assert_ne!(id(&one), id(&third));
        }
    }
}
