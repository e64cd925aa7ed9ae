//! Records of NDJSON and CSV, each with its line; of CSV, faults with their column, too.

use std::borrow::Cow;
use std::io::{self, Read};

use serde_json::{Map, Value};

use crate::http::problem::ProblemError;
use crate::http::unique;
use crate::rows::encoding::decoded;
use crate::rows::fields::Table;
use crate::rows::mapping::Mapping;
use crate::rows::read::{Format, Line, Lines, Row, too_long};
use crate::rows::record::{self, derived_id};
use crate::rows::sheet::{Layout, OpenError, Rows, open};
use crate::service::Fault;

/// How many faults of a record are told at the most.
const MOST_FAULTS: usize = 20;

/// How many characters of a text of the sender are told again at the most: what is refused may be long.
const LONGEST_TEXT: usize = 300;

const EXTERNAL_ID: &str = "external_id";

/// A body on its way, by its records.
pub enum Door {
    /// NDJSON: each line is a record as JSON has it.
    Lines(Lines),
    /// CSV, and whether a record without an id gets one made of its fields.
    Sheet(Box<Rows>, bool),
}

/// A record as it could be read.
#[derive(Debug)]
pub struct Taken<T> {
    /// The line on which it begins, where the body has lines.
    pub line: Option<u64>,
    /// Its `external_id`, as far as it could be read.
    pub external_id: Option<String>,
    /// What it says, or what is wrong with it.
    pub read: Result<T, Vec<ProblemError>>,
}

impl<T> Taken<T> {
    /// The same, so short that a thousand of them fit in memory whatever was sent.
    fn bounded(mut self) -> Self {
        self.external_id.iter_mut().for_each(shorten);
        for fault in self.read.as_mut().err().into_iter().flatten() {
            shorten(&mut fault.pointer);
            shorten(&mut fault.detail);
            fault.column.iter_mut().for_each(shorten);
        }
        self
    }
}

fn shorten(text: &mut String) {
    if let Some((end, _)) = text.char_indices().nth(LONGEST_TEXT) {
        text.truncate(end);
        text.push('…');
        text.shrink_to_fit();
    }
}

impl Door {
    /// Opens a body of a format; of CSV, finds its header and binds the mapping to it.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(raw: Box<dyn Read + Send>, format: Format, table: &'static Table, layout: &Layout) -> Result<Self, OpenError> {
        if format == Format::Ndjson {
            return Ok(Self::Lines(Lines::new(decoded(raw, None)?)));
        }
        let rows = open(raw, format, table, layout)?;
        let makes_ids = table.find(EXTERNAL_ID).is_some();
        Ok(Self::Sheet(Box::new(rows), makes_ids))
    }

    /// The next record, read by `read`.
    ///
    /// # Errors
    /// Where the body can't be read on.
    pub fn take<T>(&mut self, read: &impl Fn(Value) -> Result<T, Vec<Fault>>) -> io::Result<Option<Taken<T>>> {
        match self {
            Self::Lines(lines) => Ok(lines.next_line()?.map(|(line, text)| line_of(line, &text, read).bounded())),
            Self::Sheet(rows, makes_ids) => {
                let Rows { source, mapping } = rows.as_mut();
                Ok(source.next_row()?.map(|row| row_of(&row, mapping, *makes_ids, read).bounded()))
            }
        }
    }
}

fn line_of<T>(line: u64, text: &Line, read: &impl Fn(Value) -> Result<T, Vec<Fault>>) -> Taken<T> {
    let whole =
        |code: &str, detail: String| vec![ProblemError { pointer: String::new(), code: code.to_owned(), detail, line: Some(line), column: None }];
    let refused = |faults| Taken { line: Some(line), external_id: None, read: Err(faults) };
    let text = match text {
        Line::Text(text) => text,
        Line::TooLong => return refused(whole("too_long", too_long().detail)),
    };
    match unique::from_slice(text) {
        // The line of the text is always the first: the one of the body is told beside.
        Err(cause) => refused(whole("malformed_json", cause.to_string().replace(" at line 1 column ", " at column "))),
        Ok(value) => {
            let external_id = value[EXTERNAL_ID].as_str().map(str::to_owned);
            let located = |fault: Fault| ProblemError { line: Some(line), ..fault.into() };
            let read = read(value).map_err(|faults| faults.into_iter().take(MOST_FAULTS).map(located).collect());
            Taken { line: Some(line), external_id, read }
        }
    }
}

fn row_of<T>(row: &Row, mapping: &Mapping, makes_ids: bool, read: &impl Fn(Value) -> Result<T, Vec<Fault>>) -> Taken<T> {
    let line = Some(row.begins);
    let column_at = |pointer: &str, body: &Map<String, Value>| mapping.column_at(pointer, body).map(str::to_owned);
    let mut body = match mapping.record(row) {
        Ok(body) => body,
        Err(faults) => {
            let located = |fault: record::Fault| {
                let column = column_at(&fault.pointer, &Map::new());
                ProblemError { pointer: fault.pointer, code: fault.code.into_owned(), detail: fault.detail, line, column }
            };
            let external_id = mapping.column_of(EXTERNAL_ID).and_then(|column| row.cell(column).ok().flatten().map(Cow::into_owned));
            return Taken { line, external_id, read: Err(faults.into_iter().take(MOST_FAULTS).map(located).collect()) };
        }
    };
    if makes_ids && !body.contains_key(EXTERNAL_ID) {
        body.insert(EXTERNAL_ID.to_owned(), derived_id(&body).into());
    }
    let external_id = body.get(EXTERNAL_ID).and_then(Value::as_str).map(str::to_owned);
    let read = read(Value::Object(body.clone())).map_err(|faults| {
        let located = |fault: Fault| ProblemError { line, column: column_at(&fault.pointer, &body), ..fault.into() };
        faults.into_iter().take(MOST_FAULTS).map(located).collect()
    });
    Taken { line, external_id, read }
}
