//! The file of rows that didn't go in, made so that it can be corrected and imported again.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use csv::ByteRecord;
use serde_json::{Value, json};

use crate::rows::mapping::Mapping;
use crate::rows::read::{Cells, Row};

const OUTCOME: &str = "_outcome";
const REASON: &str = "_reason";
const LINE: &str = "_line";
const EXTERNAL_ID: &str = "external_id";

/// A file that comes into being with its first row.
pub struct Rejected {
    path: PathBuf,
    columns: Option<Columns>,
    json_id: bool,
    writer: Option<BufWriter<File>>,
}

/// The columns of a CSV file.
struct Columns {
    header: Vec<String>,
    kept: Vec<usize>,
    id: IdColumn,
}

/// Where the id that was made for a row stands: whoever corrects the row then corrects that record, and makes no second one.
#[derive(Clone, Copy)]
enum IdColumn {
    Nowhere,
    Standing(usize),
    Added,
}

impl Rejected {
    /// A file at this path, for rows of this header (none: NDJSON).
    pub fn new(path: PathBuf, header: Option<&[String]>, mapping: &Mapping, makes_ids: bool) -> Self {
        let makes_ids = makes_ids && !mapping.is_fixed(EXTERNAL_ID);
        let columns = header.map(|header| Columns {
            header: header.to_vec(),
            kept: (0..header.len()).filter(|at| ![OUTCOME, REASON, LINE].contains(&header[*at].as_str())).collect(),
            id: match mapping.column_of(EXTERNAL_ID) {
                _ if !makes_ids => IdColumn::Nowhere,
                Some(column) => IdColumn::Standing(column.index),
                None => IdColumn::Added,
            },
        });
        let own_name = mapping.column_of(EXTERNAL_ID).is_none_or(|column| column.name == EXTERNAL_ID);
        Self { path, columns, json_id: makes_ids && own_name, writer: None }
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path, where a row was written.
    pub fn written(&self) -> Option<&Path> {
        self.writer.as_ref().map(|_| self.path.as_path())
    }

    /// Writes a row, what became of it and why.
    ///
    /// # Errors
    /// Where the file can't be written.
    pub fn write(&mut self, row: &Row, outcome: &str, reason: &str, id: Option<&str>) -> io::Result<()> {
        let first = self.writer.is_none();
        let writer = match &mut self.writer {
            Some(writer) => writer,
            None => self.writer.insert(BufWriter::new(File::create(&self.path)?)),
        };
        match (&row.cells, &self.columns) {
            (Cells::Csv(record, _), Some(columns)) => {
                if first {
                    write_record(writer, &columns.head())?;
                }
                let tail = [outcome, reason, &row.line.to_string()];
                write_record(writer, &columns.row(record, tail, id))
            }
            (Cells::TooLong, Some(columns)) => {
                if first {
                    write_record(writer, &columns.head())?;
                }
                let tail = [outcome, reason, &row.line.to_string()];
                write_record(writer, &columns.row(&ByteRecord::new(), tail, id))
            }
            (cells, _) => {
                let mut object = match cells {
                    Cells::Json(object, _) => object.clone(),
                    Cells::Unreadable(text, _) => [("_text".to_owned(), json!(text))].into_iter().collect(),
                    Cells::Csv(..) | Cells::TooLong => serde_json::Map::new(),
                };
                if let Some(id) = id.filter(|_| self.json_id) {
                    object.insert(EXTERNAL_ID.to_owned(), json!(id));
                }
                object.insert(OUTCOME.to_owned(), json!(outcome));
                object.insert(REASON.to_owned(), json!(reason));
                object.insert(LINE.to_owned(), json!(row.line));
                writeln!(writer, "{}", Value::Object(object))
            }
        }
    }

    /// Sees to it that all is in the file.
    ///
    /// # Errors
    /// Where the file can't be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.writer.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Columns {
    fn head(&self) -> ByteRecord {
        let mut head: Vec<&str> = self.kept.iter().map(|at| self.header[*at].as_str()).collect();
        if matches!(self.id, IdColumn::Added) {
            head.push(EXTERNAL_ID);
        }
        head.extend([OUTCOME, REASON, LINE]);
        ByteRecord::from(head)
    }

    fn row(&self, record: &ByteRecord, tail: [&str; 3], id: Option<&str>) -> ByteRecord {
        let mut out = ByteRecord::new();
        for at in &self.kept {
            let cell = record.get(*at).unwrap_or_default();
            let blank = cell.trim_ascii().is_empty();
            match (self.id, id) {
                (IdColumn::Standing(place), Some(id)) if place == *at && blank => {
                    out.push_field(id.as_bytes());
                }
                _ => out.push_field(cell),
            }
        }
        if matches!(self.id, IdColumn::Added) {
            out.push_field(id.unwrap_or_default().as_bytes());
        }
        for cell in tail {
            out.push_field(cell.as_bytes());
        }
        out
    }
}

fn write_record(writer: &mut BufWriter<File>, record: &ByteRecord) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(writer);
    csv.write_byte_record(record).map_err(io::Error::other)?;
    csv.flush()
}
