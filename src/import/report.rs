//! What became of the rows: counts, causes, and the file of those that didn't go in.

use std::{collections::BTreeMap, io::Write};

use super::{problem::Stop, progress::Progress, rejected::Rejected};
use crate::rows::read::Row;
use crate::rows::record::Fault;

/// The order in which known outcomes are told; others follow as they came.
const ORDER: [&str; 7] = ["created", "updated", "unchanged", "ended", "parked", "rejected", "not sent"];

/// A row that didn't go in.
#[derive(Debug)]
pub struct Out {
    /// `parked`, `rejected` or `not sent`.
    pub outcome: &'static str,
    /// Why.
    pub faults: Vec<Fault>,
    /// The id under which it was sent, where one was made.
    pub id: Option<String>,
}

struct Cause {
    rows: u64,
    first_line: u64,
    example: String,
}

/// Gathers what became of the rows, in the order of the file.
pub struct Report {
    title: String,
    progress: Progress,
    rejected: Rejected,
    rows: u64,
    last_line: u64,
    counts: Vec<(String, u64)>,
    causes: BTreeMap<(&'static str, String, String), Cause>,
    remarks: Vec<String>,
}

impl Report {
    /// An empty report; the title says what of which file.
    pub fn new(title: String, progress: Progress, rejected: Rejected) -> Self {
        Self { title, progress, rejected, rows: 0, last_line: 0, counts: Vec::new(), causes: BTreeMap::new(), remarks: Vec::new() }
    }

    /// A row was dealt with.
    pub fn pass(&mut self, row: &Row) {
        self.rows += 1;
        self.last_line = row.line;
        let progress = self.progress.clone();
        progress.advance(row.offset, || self.in_short());
    }

    /// So many rows came to this end.
    pub fn count(&mut self, outcome: &str, rows: u64) {
        match self.counts.iter_mut().find(|(known, _)| known == outcome) {
            Some((_, count)) => *count += rows,
            None => self.counts.push((outcome.to_owned(), rows)),
        }
    }

    /// A row didn't go in. Its outcome is counted apart, by `count`.
    ///
    /// # Errors
    /// Where the file of such rows can't be written.
    pub fn keep(&mut self, row: &Row, out: &Out) -> Result<(), Stop> {
        for fault in &out.faults {
            let key = (out.outcome, fault.code.to_string(), fault.place.clone());
            let cause = self.causes.entry(key).or_insert_with(|| Cause { rows: 0, first_line: row.line, example: fault.detail.clone() });
            cause.rows += 1;
        }
        let reasons: Vec<String> = out.faults.iter().map(ToString::to_string).collect();
        self.rejected.write(row, out.outcome, &reasons.join("; "), out.id.as_deref()).map_err(|error| cannot_write(&self.rejected, &error))
    }

    /// Something to tell at once.
    pub fn note(&self, text: &str) {
        self.progress.note(text);
    }

    /// Something more to tell at the end.
    pub fn remark(&mut self, text: String) {
        self.remarks.push(text);
    }

    /// True where every row went in.
    pub fn is_clean(&self) -> bool {
        let mut counts = self.counts.iter();
        self.causes.is_empty() && !counts.any(|(outcome, rows)| is_fault(outcome) && *rows > 0)
    }

    /// The row that was dealt with last.
    pub fn last_line(&self) -> u64 {
        self.last_line
    }

    /// Says it all, and leaves the file of rows complete.
    ///
    /// # Errors
    /// Where the file of rows can't be written.
    pub fn finish(&mut self, out: &mut dyn Write) -> Result<(), Stop> {
        self.progress.finish();
        self.rejected.flush().map_err(|error| cannot_write(&self.rejected, &error))?;
        // A closed pipe is the reader's own wish.
        let _ = self.print(out);
        Ok(())
    }

    fn print(&self, out: &mut dyn Write) -> std::io::Result<()> {
        writeln!(out, "{}: {} rows", self.title, grouped(self.rows))?;
        for (outcome, rows) in self.in_order() {
            writeln!(out, "  {outcome:<12} {:>12}", grouped(*rows))?;
        }
        if !self.causes.is_empty() {
            writeln!(out, "why")?;
        }
        let mut causes: Vec<_> = self.causes.iter().collect();
        causes.sort_by_key(|(_, cause)| std::cmp::Reverse(cause.rows));
        for ((outcome, code, place), cause) in causes {
            let place = if place.is_empty() { String::new() } else { format!(" in {place}") };
            writeln!(out, "  {outcome:<12} {:>12}  {code}{place}, first in line {}: {}", grouped(cause.rows), cause.first_line, cause.example)?;
        }
        if let Some(path) = self.rejected.written() {
            writeln!(out, "what didn't go in, and why: {}", path.display())?;
        }
        for remark in &self.remarks {
            writeln!(out, "{remark}")?;
        }
        Ok(())
    }

    fn in_short(&self) -> String {
        let counts: Vec<String> = self.in_order().map(|(outcome, rows)| format!("{} {outcome}", grouped(*rows))).collect();
        format!("{} rows: {}", grouped(self.rows), counts.join(", "))
    }

    fn in_order(&self) -> impl Iterator<Item = &(String, u64)> {
        let mut counts: Vec<_> = self.counts.iter().collect();
        counts.sort_by_key(|(outcome, _)| {
            let place = ORDER.iter().position(|known| known == outcome);
            place.unwrap_or(ORDER.len())
        });
        counts.into_iter()
    }
}

/// True for outcomes that somebody has to look after.
pub fn is_fault(outcome: &str) -> bool {
    matches!(outcome, "parked" | "rejected" | "not sent")
}

fn cannot_write(rejected: &Rejected, error: &std::io::Error) -> Stop {
    let path = rejected.path().display();
    Stop::Unreachable(format!("can't write the file of rejected rows {path}: {error}; choose another by --rejected"))
}

/// `18459` as `18,459`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_told_apart() {
        let texts: Vec<String> = [0, 999, 1_000, 18_459, 1_234_567].map(grouped).to_vec();
        assert_eq!(texts, ["0", "999", "1,000", "18,459", "1,234,567"]);
    }
}
