//! A file opened by its layout: the header is found among the lines before it, and the mapping bound to it.

use std::io::{self, BufReader, Cursor, Read};

use csv_core::ReadRecordResult;
use encoding_rs::Encoding;

use super::clean::Clean;
use super::encoding::decoded;
use super::fields::Table;
use super::mapping::{Mapping, Pair};
use super::read::{Counted, CsvSource, Format, Head, Lines, Source, line_breaks, record};
use crate::domain::csv_mapping::DateFormat;

/// Within how many bytes the header is looked for.
const HEAD_BYTES: usize = 64 * 1024;

/// Within how many lines the header is looked for.
const HEAD_LINES: usize = 100;

/// What cells may be apart by.
pub const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// How a file is to be read.
#[derive(Debug, Clone, Default)]
pub struct Layout {
    /// Fields that come from columns.
    pub maps: Vec<Pair>,
    /// Fields that are the same in every row.
    pub sets: Vec<Pair>,
    /// What stands between cells; found out where it isn't said.
    pub delimiter: Option<u8>,
    /// What the text is written in, where a byte order mark doesn't say; UTF-8 where neither does.
    pub encoding: Option<&'static Encoding>,
    /// How dates are written.
    pub dates: DateFormat,
    /// How the first row after the last record begins.
    pub footer: Option<String>,
}

/// An open file, and how its rows become records.
pub struct Rows {
    /// The rows.
    pub source: Source,
    /// How they become records.
    pub mapping: Mapping,
}

/// Why a file can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It can't be read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// It has no header row.
    #[error("is empty: a header row was expected")]
    Empty,
    /// The mapping doesn't fit it.
    #[error("{0}")]
    Mapping(String),
}

/// Opens a file. The header of CSV is the first row, of the first hundred lines, to which the mapping can be bound.
///
/// # Errors
/// [`OpenError`].
pub fn open(raw: Box<dyn Read + Send>, format: Format, table: &'static Table, layout: &Layout) -> Result<Rows, OpenError> {
    if format == Format::Ndjson {
        let mapping = bind(table, layout, None).map_err(OpenError::Mapping)?;
        return Ok(Rows { source: Source::Ndjson(Lines::new(decoded(raw, None)?)), mapping });
    }
    let (counted, taken) = Counted::new(raw);
    let mut clean = Clean::new(decoded(Box::new(counted), layout.encoding)?);
    let mut head = Vec::new();
    let mut buffer = vec![0; 8 * 1024];
    let found = loop {
        let read = clean.read(&mut buffer)?;
        head.extend_from_slice(&buffer[..read]);
        let last = read == 0 || head.len() >= HEAD_BYTES;
        if let Some(found) = find_header(&head, table, layout, last)? {
            break found;
        }
    };
    let rest = Cursor::new(head.split_off(found.end)).chain(clean);
    let input = Box::new(BufReader::with_capacity(64 * 1024, rest));
    Ok(Rows { source: Source::Csv(Box::new(CsvSource::new(input, taken, found.head, layout.footer.clone()))), mapping: found.mapping })
}

fn bind(table: &'static Table, layout: &Layout, header: Option<&[String]>) -> Result<Mapping, String> {
    let mut mapping = Mapping::new(table, &layout.maps, &layout.sets, header)?;
    mapping.dates = layout.dates;
    Ok(mapping)
}

struct Found {
    head: Head,
    mapping: Mapping,
    /// Where the first row begins.
    end: usize,
}

/// The header among the lines of `head`; `None` where more of the file is needed, which there is unless this is the `last` of it.
fn find_header(head: &[u8], table: &'static Table, layout: &Layout, last: bool) -> Result<Option<Found>, OpenError> {
    let delimiters = layout.delimiter.map_or(DELIMITERS.to_vec(), |one| vec![one]);
    let mut first: Option<(Candidate, u64)> = None;
    let mut begin = 0;
    for number in 0..HEAD_LINES {
        let Some(length) = head[begin..].iter().position(|byte| *byte == b'\n') else { break };
        let mut best: Option<(Candidate, Mapping)> = None;
        for delimiter in &delimiters {
            let candidate = match candidate(&head[begin..], *delimiter) {
                Some(candidate) => candidate,
                None if last => continue,
                None => return Ok(None),
            };
            if candidate.names.iter().all(String::is_empty) {
                continue;
            }
            if let Ok(mapping) = bind(table, layout, Some(&candidate.names))
                && mapping.columns() > best.as_ref().map_or(0, |(_, mapping)| mapping.columns())
            {
                best = Some((candidate, mapping));
            } else if first.as_ref().is_none_or(|(first, line)| *line == number as u64 && first.names.len() < candidate.names.len()) {
                first = Some((candidate, number as u64));
            }
        }
        if let Some((candidate, mapping)) = best {
            return Ok(Some(candidate.found(begin, number as u64, mapping)));
        }
        begin += length + 1;
    }
    let searched = head[begin..].contains(&b'\n');
    match first {
        // Nothing can be bound: what is wrong is said of the first row.
        Some((candidate, line)) if last || searched => {
            let mapping = bind(table, layout, Some(&candidate.names)).map_err(OpenError::Mapping)?;
            let begin = head.split_inclusive(|byte| *byte == b'\n').take(usize::try_from(line).unwrap_or(0)).map(<[u8]>::len).sum();
            Ok(Some(candidate.found(begin, line, mapping)))
        }
        None if last => Err(OpenError::Empty),
        _ => Ok(None),
    }
}

/// A row that may be the header.
struct Candidate {
    names: Vec<String>,
    delimiter: u8,
    /// How many bytes it has, with its line break.
    length: usize,
    breaks: u64,
}

impl Candidate {
    fn found(self, begin: usize, lines_before: u64, mapping: Mapping) -> Found {
        let head = Head { header: self.names, delimiter: self.delimiter, lines: lines_before + 1 + self.breaks, inner_breaks: self.breaks };
        Found { head, mapping, end: begin + self.length }
    }
}

/// The row with which `text` begins; `None` where it has no end.
fn candidate(text: &[u8], delimiter: u8) -> Option<Candidate> {
    if text.first() == Some(&b'\n') {
        return Some(Candidate { names: Vec::new(), delimiter, length: 1, breaks: 0 });
    }
    let mut core = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
    let (mut output, mut ends) = (vec![0; text.len() + 1], vec![0; text.len() + 1]);
    let (result, length, _, ended) = core.read_record(text, &mut output, &mut ends);
    let is_whole = matches!(result, ReadRecordResult::Record);
    let cells = is_whole.then(|| record(&output, &ends[..ended]))?;
    let breaks = line_breaks(cells.as_slice());
    let names = cells.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect();
    Some(Candidate { names, delimiter, length, breaks })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::fields::{COMPLETIONS, ROSTER};

    fn pairs(texts: &[&str]) -> Vec<Pair> {
        texts.iter().map(|text| Pair::parse(text).unwrap()).collect()
    }

    fn read(text: &str, layout: &Layout) -> Result<Vec<(u64, String)>, String> {
        let Rows { mut source, mapping } =
            open(Box::new(Cursor::new(text.to_owned())), Format::Csv, &COMPLETIONS, layout).map_err(|error| error.to_string())?;
        let rows = std::iter::from_fn(|| source.next_row().unwrap());
        Ok(rows.map(|row| (row.begins, serde_json::to_string(&mapping.record(&row).unwrap()).unwrap())).collect())
    }

    #[test]
    fn the_header_is_found_behind_whatever_stands_before_it() {
        let layout = Layout { maps: pairs(&["completed_on=Day", "officer.badge_number=Star"]), ..Layout::default() };
        let expected = |line| vec![(line, r#"{"officer":{"badge_number":"7"},"completed_on":"2026-01-02"}"#.to_owned())];
        for (text, line) in [
            ("Star,Day\n7,2026-01-02\n", 2),
            ("Star;Day\n7;2026-01-02\n", 2),
            ("Star\tDay\r\n7\t2026-01-02", 2),
            ("\u{feff}Training report\n\nfrom, to, \"by\nwhom\"\n\"Star\"; Day ;\n7;2026-01-02;\n", 6),
            ("Report of 2026-01-01; all, of them\nStar,Day\n7,2026-01-02\n", 3),
            ("Star,\"Day\"\n\n7,2026-01-02\n", 3),
        ] {
            assert_eq!(read(text, &layout), Ok(expected(line)), "{text:?}");
        }
        let quoted = Layout { maps: pairs(&["completed_on=Day\nof end", "officer.badge_number=Star"]), ..Layout::default() };
        assert_eq!(read("Report\nStar,\"Day\nof end\"\n7,2026-01-02\n", &quoted), Ok(expected(4)));
    }

    #[test]
    fn what_can_not_be_bound_is_said_of_the_first_row() {
        let layout = Layout { maps: pairs(&["completed_on=Day"]), ..Layout::default() };
        let refused = read("Star;Date\n7;2026-01-02\n", &layout).unwrap_err();
        assert!(refused.contains("no column \"Day\"; its columns are Star, Date"), "{refused}");
        assert!(read("", &layout).unwrap_err().contains("header row"));
        assert!(read("\n \n", &layout).unwrap_err().contains("header row"));
        let late = format!("{}Day\n2026-01-02\n", "x\n".repeat(200));
        assert!(read(&late, &layout).unwrap_err().contains("its columns are x"));
        let endless = format!("\"{}", "x".repeat(200_000));
        assert!(read(&endless, &layout).is_err());
    }

    #[test]
    fn a_delimiter_that_is_named_is_the_only_one() {
        let layout = Layout { delimiter: Some(b';'), ..Layout::default() };
        assert!(read("completed_on,hours\n2026-01-02,4\n", &layout).is_err());
        assert_eq!(read("completed_on;hours\n2026-01-02;4\n", &layout).unwrap()[0].1, r#"{"completed_on":"2026-01-02","hours":4}"#);
    }

    #[test]
    fn a_file_of_lines_needs_no_header() {
        let rows = open(Box::new(&b"\xEF\xBB\xBF{\"family_name\":\"A\"}"[..]), Format::Ndjson, &ROSTER, &Layout::default()).unwrap();
        assert!(rows.source.header().is_none());
    }
}
