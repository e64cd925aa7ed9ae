//! CSV and NDJSON files as rows that know where they stand.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use csv::ByteRecord;
use serde_json::{Map, Value};

use super::{args::Format, clean::Clean, convert::Misfit, fields::IDENTIFIERS};

/// One row of a file.
#[derive(Debug)]
pub struct Row {
    /// The number that a spreadsheet shows beside it (the header is 1), or the line of an NDJSON file.
    pub line: u64,
    /// How far into the file reading was when it was found, in bytes.
    pub offset: u64,
    /// What it holds.
    pub cells: Cells,
}

/// What a row holds.
#[derive(Debug)]
pub enum Cells {
    /// The cells, and how many columns the header has.
    Csv(ByteRecord, usize),
    /// The object, and its scalars by dotted name.
    Json(Map<String, Value>, BTreeMap<String, String>),
    /// A line that is no JSON object, and why.
    Unreadable(String, String),
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name in the header, or the dotted name in the object.
    pub name: String,
    /// Its place, in CSV.
    pub index: usize,
}

impl Row {
    /// The trimmed text of a cell; `None` where it is blank.
    ///
    /// # Errors
    /// Where the text isn't UTF-8.
    pub fn cell(&self, column: &Column) -> Result<Option<Cow<'_, str>>, Misfit> {
        let text = match &self.cells {
            Cells::Csv(record, _) => {
                let bytes = record.get(column.index).unwrap_or_default();
                std::str::from_utf8(bytes).map_err(|_| Misfit {
                    code: "not_utf8",
                    detail: format!("\"{}\" is not UTF-8: save the file as UTF-8", String::from_utf8_lossy(bytes)),
                })?
            }
            Cells::Json(_, flat) => flat.get(&column.name).map_or("", String::as_str),
            Cells::Unreadable(..) => "",
        };
        let text = text.trim();
        Ok((!text.is_empty()).then_some(Cow::Borrowed(text)))
    }

    /// What is wrong with the row as a whole.
    pub fn misfit(&self) -> Option<Misfit> {
        match &self.cells {
            Cells::Csv(record, width) if record.len() != *width => Some(Misfit {
                code: "wrong_width",
                detail: format!("has {} cells where the header has {width}{}", record.len(), surplus(record, *width)),
            }),
            Cells::Unreadable(_, why) => Some(Misfit { code: "malformed_json", detail: why.clone() }),
            _ => None,
        }
    }
}

/// The cells beyond the header, which have no column to stand in.
fn surplus(record: &ByteRecord, width: usize) -> String {
    let cells: Vec<_> = record.iter().skip(width).map(String::from_utf8_lossy).collect();
    if cells.is_empty() { String::new() } else { format!(" (beyond it: {})", cells.join(", ")) }
}

type Input = Clean<Box<dyn Read + Send>>;

/// An open file.
pub enum Source {
    /// CSV, and its header.
    Csv(CsvSource),
    /// NDJSON.
    Ndjson(BufReader<Input>, u64),
}

/// An open CSV file.
pub struct CsvSource {
    reader: csv::Reader<Input>,
    header: Vec<String>,
    inner_breaks: u64,
}

impl Source {
    /// Opens a file, or standard input where there is no path; of CSV, reads the header.
    ///
    /// # Errors
    /// Where it can't be read, or has no header row.
    pub fn open(path: Option<&Path>, format: Format) -> io::Result<Self> {
        let raw: Box<dyn Read + Send> = match path {
            Some(path) => Box::new(File::open(path)?),
            None => Box::new(io::stdin()),
        };
        Self::new(raw, format)
    }

    /// The same from any reader.
    ///
    /// # Errors
    /// As of `open`.
    pub fn new(raw: Box<dyn Read + Send>, format: Format) -> io::Result<Self> {
        let input = Clean::new(raw)?;
        if format == Format::Ndjson {
            return Ok(Self::Ndjson(BufReader::with_capacity(64 * 1024, input), 0));
        }
        let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(input);
        let mut source = CsvSource { reader, header: Vec::new(), inner_breaks: 0 };
        let Some((record, _)) = source.next_record()? else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "is empty: a header row was expected"));
        };
        source.header = record.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect();
        Ok(Self::Csv(source))
    }

    /// The names of the columns, where the file says them once for all.
    pub fn header(&self) -> Option<&[String]> {
        match self {
            Self::Csv(source) => Some(&source.header),
            Self::Ndjson(..) => None,
        }
    }

    /// The next row that holds anything.
    ///
    /// # Errors
    /// Where the file can't be read on.
    pub fn next_row(&mut self) -> io::Result<Option<Row>> {
        match self {
            Self::Csv(source) => source.next_row(),
            Self::Ndjson(reader, line) => next_object(reader, line),
        }
    }
}

impl CsvSource {
    fn next_row(&mut self) -> io::Result<Option<Row>> {
        while let Some((record, line)) = self.next_record()? {
            let blank = record.iter().all(|cell| cell.trim_ascii().is_empty());
            if !blank {
                return Ok(Some(Row { line, offset: self.reader.get_ref().taken(), cells: Cells::Csv(record, self.header.len()) }));
            }
        }
        Ok(None)
    }

    /// A record and its row in a spreadsheet: lines up to its end, less those that are breaks within a cell.
    fn next_record(&mut self) -> io::Result<Option<(ByteRecord, u64)>> {
        let mut record = ByteRecord::new();
        self.reader.get_mut().mark_row();
        let found = self.reader.read_byte_record(&mut record).map_err(unwrap_csv_error)?;
        if !found {
            return Ok(None);
        }
        let breaks = record.as_slice().iter().filter(|byte| **byte == b'\n');
        self.inner_breaks += breaks.count() as u64;
        let line = self.reader.position().line() - 1 - self.inner_breaks;
        Ok(Some((record, line)))
    }
}

fn unwrap_csv_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::new(io::ErrorKind::InvalidData, format!("{other:?}")),
    }
}

fn next_object(reader: &mut BufReader<Input>, line: &mut u64) -> io::Result<Option<Row>> {
    let mut text = Vec::new();
    loop {
        text.clear();
        reader.get_mut().mark_row();
        if reader.read_until(b'\n', &mut text)? == 0 {
            return Ok(None);
        }
        *line += 1;
        let trimmed = text.trim_ascii();
        if trimmed.is_empty() {
            continue;
        }
        let cells = match serde_json::from_slice::<Map<String, Value>>(trimmed) {
            Ok(object) => {
                let mut flat = BTreeMap::new();
                for (key, value) in &object {
                    flatten(key, value, &mut flat);
                }
                Cells::Json(object, flat)
            }
            Err(error) => Cells::Unreadable(String::from_utf8_lossy(trimmed).into_owned(), format!("is not a JSON object: {error}")),
        };
        return Ok(Some(Row { line: *line, offset: reader.get_ref().taken(), cells }));
    }
}

fn flatten(path: &str, value: &Value, flat: &mut BTreeMap<String, String>) {
    let text = match value {
        Value::Null => return,
        Value::Object(object) => {
            for (key, value) in object {
                flatten(&format!("{path}.{key}"), value, flat);
            }
            return;
        }
        Value::Array(items) if format!("{path}.") == IDENTIFIERS => {
            for item in items {
                if let (Some(system), Some(value)) = (item["system"].as_str(), item.get("value")) {
                    flatten(&format!("{path}.{system}"), value, flat);
                }
            }
            return;
        }
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            texts.join(" ")
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    flat.insert(path.to_owned(), text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &'static [u8], format: Format) -> Vec<Row> {
        let mut source = Source::new(Box::new(text), format).unwrap();
        std::iter::from_fn(|| source.next_row().unwrap()).collect()
    }

    fn lines(rows: &[Row]) -> Vec<u64> {
        rows.iter().map(|row| row.line).collect()
    }

    fn column(name: &str, index: usize) -> Column {
        Column { name: name.to_owned(), index }
    }

    #[test]
    fn a_row_bears_the_number_that_a_spreadsheet_shows() {
        let unix = b"a,b\n1,\"x\ny\nz\"\n\n2,\"p\n\"\n,\n3,q";
        let windows = b"\xEF\xBB\xBFa,b\r\n1,\"x\r\ny\r\nz\"\r\n\r\n2,\"p\r\n\"\r\n,\r\n3,q\r\n";
        assert_eq!(lines(&rows(unix, Format::Csv)), [2, 4, 6]);
        assert_eq!(lines(&rows(windows, Format::Csv)), [2, 4, 6]);
    }

    #[test]
    fn a_mark_before_the_header_is_not_part_of_its_first_name() {
        let source = Source::new(Box::new(&b"\xEF\xBB\xBFname, kind \r\n"[..]), Format::Csv).unwrap();
        assert_eq!(source.header().unwrap(), ["name", "kind"]);
    }

    #[test]
    fn an_empty_file_has_no_header() {
        assert!(Source::new(Box::new(&b"\n\n"[..]), Format::Csv).is_err());
    }

    #[test]
    fn cells_are_trimmed_and_blank_is_nothing() {
        let rows = rows(b"a,b\n \" x \",  \n", Format::Csv);
        assert_eq!(rows[0].cell(&column("b", 1)), Ok(None));
        let quoted = rows[0].cell(&column("a", 0)).unwrap().unwrap();
        assert!(quoted.contains('x'));
    }

    #[test]
    fn other_encodings_and_widths_are_named_row_by_row() {
        let rows = rows(b"a,b\nJos\xE9,1\n1\n1,2,3,4\n", Format::Csv);
        assert_eq!(rows[0].cell(&column("a", 0)).unwrap_err().code, "not_utf8");
        assert_eq!(rows[0].misfit(), None);
        assert_eq!(rows[1].misfit().unwrap().code, "wrong_width");
        assert!(rows[2].misfit().unwrap().detail.contains("3, 4"));
    }

    #[test]
    fn objects_are_flattened_by_dots() {
        let text = br#"{"officer":{"badge_number":11288,"agency":null},"passed":true,"identifiers":[{"system":"post:US-IL","value":"7"}]}

nonsense
[1]
{"completed_on":" 2016-01-01 "}"#;
        let rows = rows(text, Format::Ndjson);
        assert_eq!(lines(&rows), [1, 3, 4, 5]);
        let cell = |row: usize, name: &str| rows[row].cell(&column(name, 0)).unwrap();
        assert_eq!(cell(0, "officer.badge_number").as_deref(), Some("11288"));
        assert_eq!(cell(0, "officer.agency"), None);
        assert_eq!(cell(0, "passed").as_deref(), Some("true"));
        assert_eq!(cell(0, "identifiers.post:US-IL").as_deref(), Some("7"));
        assert_eq!(rows[1].misfit().unwrap().code, "malformed_json");
        assert_eq!(rows[2].misfit().unwrap().code, "malformed_json");
        assert_eq!(cell(3, "completed_on").as_deref(), Some("2016-01-01"));
    }

    #[test]
    fn a_quotation_mark_left_open_stops_the_reading() {
        let mut text = b"a,b\n1,2\n3,\"".to_vec();
        text.resize(6 * 1024 * 1024, b'x');
        let mut source = Source::new(Box::new(io::Cursor::new(text)), Format::Csv).unwrap();
        assert!(source.next_row().unwrap().is_some());
        assert!(source.next_row().is_err());
    }
}
