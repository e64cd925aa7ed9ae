//! CSV and NDJSON files as rows that know where they stand. What is read of a row is bounded: one that is too long is told of, and
//! passed over without being held.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use csv::ByteRecord;
use csv_core::ReadRecordResult;
use serde_json::{Map, Value};

use super::clean::Clean;
use super::convert::Misfit;
use super::fields::IDENTIFIERS;

/// The most bytes that a line or a row has.
pub const LONGEST_ROW: usize = 1024 * 1024;

/// The most cells that a row has.
const WIDEST_ROW: usize = 4096;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Comma-separated values with a header row.
    Csv,
    /// One JSON object a line.
    Ndjson,
}

/// One row of a file.
#[derive(Debug)]
pub struct Row {
    /// The number that a spreadsheet shows beside it (the header is 1), or the line of an NDJSON file.
    pub line: u64,
    /// The line of the file on which it begins, from 1; line breaks within cells count.
    pub begins: u64,
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
    /// A row of more than [`LONGEST_ROW`] bytes, which was not kept.
    TooLong,
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
                    detail: format!("\"{}\" is not UTF-8: save the file as UTF-8, or name its encoding", String::from_utf8_lossy(bytes)),
                })?
            }
            Cells::Json(_, flat) => flat.get(&column.name).map_or("", String::as_str),
            Cells::Unreadable(..) | Cells::TooLong => "",
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
            Cells::TooLong => Some(too_long()),
            _ => None,
        }
    }
}

/// What is said of a row that was passed over.
pub fn too_long() -> Misfit {
    let detail = format!("is a row of more than {LONGEST_ROW} bytes or {WIDEST_ROW} cells: is a quotation mark left open?");
    Misfit { code: "too_long", detail }
}

/// The cells beyond the header, which have no column to stand in.
fn surplus(record: &ByteRecord, width: usize) -> String {
    let cells: Vec<_> = record.iter().skip(width).map(String::from_utf8_lossy).collect();
    if cells.is_empty() { String::new() } else { format!(" (beyond it: {})", cells.join(", ")) }
}

/// An open file.
pub enum Source {
    /// CSV, and its header.
    Csv(Box<CsvSource>),
    /// NDJSON.
    Ndjson(Lines),
}

impl Source {
    /// NDJSON, from any reader.
    pub fn lines(raw: Box<dyn Read + Send>) -> Self {
        Self::Ndjson(Lines::new(raw))
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
            Self::Ndjson(lines) => next_object(lines),
        }
    }
}

/// A reader that tells how much was taken from it.
pub struct Counted<R> {
    inner: R,
    taken: Arc<AtomicU64>,
}

impl<R> Counted<R> {
    /// Nothing taken yet; and where to look it up.
    pub fn new(inner: R) -> (Self, Arc<AtomicU64>) {
        let taken = Arc::new(AtomicU64::new(0));
        (Self { inner, taken: taken.clone() }, taken)
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.taken.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// An open CSV file, past its header.
pub struct CsvSource {
    input: Box<dyn BufRead + Send>,
    core: csv_core::Reader,
    header: Vec<String>,
    footer: Option<String>,
    taken: Arc<AtomicU64>,
    /// How many lines stand before the first row, the header among them.
    before: u64,
    inner_breaks: u64,
    output: Vec<u8>,
    ends: Vec<usize>,
    /// Whether the last row was ended by the end of the file, within a quotation mark.
    open: bool,
}

/// What a CSV file was found to be.
pub struct Head {
    /// The names of its columns.
    pub header: Vec<String>,
    /// What stands between cells.
    pub delimiter: u8,
    /// How many lines stand before the first row, the header among them.
    pub lines: u64,
    /// How many of them are breaks within a cell of the header.
    pub inner_breaks: u64,
}

impl CsvSource {
    /// The rows of `input`, which begins after the header. A row whose first cell begins with `footer` ends them.
    pub fn new(input: Box<dyn BufRead + Send>, taken: Arc<AtomicU64>, head: Head, footer: Option<String>) -> Self {
        let core = csv_core::ReaderBuilder::new().delimiter(head.delimiter).build();
        let (output, ends) = (vec![0; 4096], vec![0; 64]);
        Self { input, core, header: head.header, footer, taken, before: head.lines, inner_breaks: head.inner_breaks, output, ends, open: false }
    }

    fn next_row(&mut self) -> io::Result<Option<Row>> {
        while let Some((record, breaks)) = self.next_record()? {
            self.inner_breaks += breaks;
            let end = self.before + self.core.line() - u64::from(!self.open);
            let row = |cells| Row { line: end - self.inner_breaks, begins: end - breaks, offset: self.taken.load(Ordering::Relaxed), cells };
            let Some(record) = record else { return Ok(Some(row(Cells::TooLong))) };
            if self.footer.as_ref().is_some_and(|footer| record.get(0).unwrap_or_default().trim_ascii_start().starts_with(footer.as_bytes())) {
                return Ok(None);
            }
            if !record.iter().all(|cell| cell.trim_ascii().is_empty()) {
                return Ok(Some(row(Cells::Csv(record, self.header.len()))));
            }
        }
        Ok(None)
    }

    /// A record, unless it is too long, and how many line breaks its cells hold.
    fn next_record(&mut self) -> io::Result<Option<(Option<ByteRecord>, u64)>> {
        let (mut written, mut ended, mut too_long, mut breaks) = (0, 0, false, 0);
        loop {
            let input = self.input.fill_buf()?;
            self.open = input.is_empty();
            let (result, read, out, ends) = self.core.read_record(input, &mut self.output[written..], &mut self.ends[ended..]);
            self.input.consume(read);
            breaks += line_breaks(&self.output[written..written + out]);
            written += out;
            ended += ends;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if written < LONGEST_ROW && !too_long => self.output.resize(self.output.len() * 2, 0),
                ReadRecordResult::OutputFull => (written, too_long) = (0, true),
                ReadRecordResult::OutputEndsFull if ended < WIDEST_ROW && !too_long => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => (ended, too_long) = (0, true),
                ReadRecordResult::End => return Ok(None),
                ReadRecordResult::Record if too_long || written > LONGEST_ROW => return Ok(Some((None, breaks))),
                ReadRecordResult::Record => return Ok(Some((Some(record(&self.output, &self.ends[..ended])), breaks))),
            }
        }
    }
}

/// How many line breaks a text has.
pub fn line_breaks(text: &[u8]) -> u64 {
    text.split(|byte| *byte == b'\n').count() as u64 - 1
}

/// The cells that end at `ends`.
pub fn record(output: &[u8], ends: &[usize]) -> ByteRecord {
    let mut record = ByteRecord::with_capacity(ends.last().copied().unwrap_or(0), ends.len());
    let mut begin = 0;
    for end in ends {
        record.push_field(&output[begin..*end]);
        begin = *end;
    }
    record
}

/// A line of a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// What it holds, trimmed and not blank.
    Text(Vec<u8>),
    /// More than [`LONGEST_ROW`] bytes, which were not kept.
    TooLong,
}

/// A file by its lines.
pub struct Lines {
    reader: BufReader<Clean<Counted<Box<dyn Read + Send>>>>,
    taken: Arc<AtomicU64>,
    line: u64,
}

impl Lines {
    /// From any reader of UTF-8 without byte order mark.
    pub fn new(raw: Box<dyn Read + Send>) -> Self {
        let (counted, taken) = Counted::new(raw);
        Self { reader: BufReader::with_capacity(64 * 1024, Clean::new(counted)), taken, line: 0 }
    }

    /// The next line that isn't blank, and its number.
    ///
    /// # Errors
    /// Where the file can't be read on.
    pub fn next_line(&mut self) -> io::Result<Option<(u64, Line)>> {
        loop {
            let mut text = Vec::new();
            let mut length = 0;
            loop {
                let piece = self.reader.fill_buf()?;
                if piece.is_empty() {
                    break;
                }
                let end = piece.iter().position(|byte| *byte == b'\n');
                let own = &piece[..end.unwrap_or(piece.len())];
                length += own.len();
                if length > LONGEST_ROW {
                    text = Vec::new();
                } else {
                    text.extend_from_slice(own);
                }
                let used = end.map_or(piece.len(), |end| end + 1);
                self.reader.consume(used);
                if end.is_some() {
                    length += 1;
                    break;
                }
            }
            if length == 0 {
                return Ok(None);
            }
            self.line += 1;
            if length - 1 > LONGEST_ROW {
                return Ok(Some((self.line, Line::TooLong)));
            }
            let trimmed = text.trim_ascii();
            if !trimmed.is_empty() {
                return Ok(Some((self.line, Line::Text(trimmed.to_vec()))));
            }
        }
    }
}

fn next_object(lines: &mut Lines) -> io::Result<Option<Row>> {
    let Some((line, text)) = lines.next_line()? else { return Ok(None) };
    let cells = match text {
        Line::TooLong => Cells::TooLong,
        Line::Text(text) => match serde_json::from_slice::<Map<String, Value>>(&text) {
            Ok(object) => {
                let mut flat = BTreeMap::new();
                for (key, value) in &object {
                    flatten(key, value, &mut flat);
                }
                Cells::Json(object, flat)
            }
            Err(error) => Cells::Unreadable(String::from_utf8_lossy(&text).into_owned(), format!("is not a JSON object: {error}")),
        },
    };
    Ok(Some(Row { line, begins: line, offset: lines.taken.load(Ordering::Relaxed), cells }))
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

    use crate::rows::encoding::decoded;

    fn csv(text: Box<dyn Read + Send>, footer: Option<&str>) -> Source {
        let (counted, taken) = Counted::new(decoded(text, None).unwrap());
        let mut input: Box<dyn BufRead + Send> = Box::new(BufReader::new(Clean::new(counted)));
        let mut header = String::new();
        input.read_line(&mut header).unwrap();
        let header = header.trim().split(',').map(str::to_owned).collect();
        Source::Csv(Box::new(CsvSource::new(input, taken, Head { header, delimiter: b',', lines: 1, inner_breaks: 0 }, footer.map(str::to_owned))))
    }

    fn rows(text: &'static [u8], format: Format) -> Vec<Row> {
        let mut source = if format == Format::Csv { csv(Box::new(text), None) } else { Source::lines(Box::new(text)) };
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
    fn a_row_knows_the_line_on_which_it_begins() {
        let rows = rows(b"a,b\n1,\"x\ny\nz\"\n\n2,\"p\n\"\n,\n3,q", Format::Csv);
        assert_eq!(rows.iter().map(|row| row.begins).collect::<Vec<_>>(), [2, 6, 9]);
    }

    #[test]
    fn a_row_that_begins_as_the_footer_does_ends_the_rows() {
        let mut source = csv(Box::new(&b"a,b\n1,2\n Total rows: 1\n3,4\n"[..]), Some("Total"));
        assert_eq!(source.next_row().unwrap().unwrap().begins, 2);
        assert!(source.next_row().unwrap().is_none());
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
    fn a_quotation_mark_left_open_costs_one_row_and_no_memory() {
        let mut text = b"a,b\n1,2\n3,\"".to_vec();
        text.resize(6 * 1024 * 1024, b'x');
        let mut source = csv(Box::new(io::Cursor::new(text)), None);
        assert_eq!(source.next_row().unwrap().unwrap().begins, 2);
        let open = source.next_row().unwrap().unwrap();
        assert_eq!((open.begins, open.misfit().unwrap().code), (3, "too_long"));
        assert!(source.next_row().unwrap().is_none());
        let Source::Csv(source) = source else { panic!("not CSV") };
        assert!(source.output.len() <= 2 * LONGEST_ROW);
    }

    #[test]
    fn a_row_that_is_too_long_is_passed_over_alone() {
        let long = "x".repeat(LONGEST_ROW);
        let mut source = csv(Box::new(io::Cursor::new(format!("a,b\n{long},\"\n\"\n{}1\n3,4\n", "1,".repeat(WIDEST_ROW)))), None);
        let row = |source: &mut Source| source.next_row().unwrap().map(|row| (row.begins, row.misfit().map(|misfit| misfit.code)));
        assert_eq!(row(&mut source), Some((2, Some("too_long"))));
        assert_eq!(row(&mut source), Some((4, Some("too_long"))));
        assert_eq!(row(&mut source), Some((5, None)));
        assert_eq!(row(&mut source), None);
        let mut lines = Lines::new(Box::new(io::Cursor::new(format!("{{}}\n{long}\n{long}x\n\n[]"))));
        let line = |lines: &mut Lines| lines.next_line().unwrap().map(|(number, line)| (number, line == Line::TooLong));
        let told: Vec<_> = std::iter::from_fn(|| line(&mut lines)).collect();
        assert_eq!(told, [(1, false), (2, false), (3, true), (5, false)]);
    }
}
