//! How far a load is, told while it runs, and whether it slows as the database fills.

use std::time::{Duration, Instant};

/// How often it is told.
const OFTEN: Duration = Duration::from_secs(5);

/// What takes less than this has no rate worth telling.
const SHORT: Duration = Duration::from_millis(50);

/// A load that is under way.
pub struct Progress<'a> {
    what: &'a str,
    rows: u32,
    done: u32,
    began: Instant,
    told: Instant,
    /// When how many rows were in.
    marks: Vec<(Duration, u32)>,
}

/// How long a load took, and how fast it was.
pub struct Took {
    /// From the first row to the last.
    pub whole: Duration,
    /// Rows a second in all of it, in the first tenth and in the last, where that took long enough to tell.
    pub rates: [Option<f64>; 3],
}

impl<'a> Progress<'a> {
    /// Starts to load so many rows.
    pub fn start(what: &'a str, rows: u32) -> Self {
        let now = Instant::now();
        Self { what, rows, done: 0, began: now, told: now, marks: vec![(Duration::ZERO, 0)] }
    }

    /// So many more are in.
    pub fn add(&mut self, rows: u32) {
        self.done += rows;
        let elapsed = self.began.elapsed();
        self.marks.push((elapsed, self.done));
        if self.told.elapsed() >= OFTEN {
            self.told = Instant::now();
            let each_second = f64::from(self.done) / elapsed.as_secs_f64();
            eprintln!("{}: {} of {} in {:.0} s, {each_second:.0} a second", self.what, self.done, self.rows, elapsed.as_secs_f64());
        }
    }

    /// All are in.
    pub fn end(self) -> Took {
        let (end, tenth) = (self.marks.len() - 1, self.rows / 10);
        let first = self.marks.iter().position(|(_, rows)| *rows >= tenth).unwrap_or(end);
        let last = self.marks.iter().rposition(|(_, rows)| *rows <= self.rows - tenth).unwrap_or(0);
        Took { whole: self.marks[end].0, rates: [(0, end), (0, first), (last, end)].map(|(from, to)| rate(self.marks[from], self.marks[to])) }
    }
}

/// Rows a second between two marks.
fn rate((began, before): (Duration, u32), (ended, after): (Duration, u32)) -> Option<f64> {
    let took = ended.saturating_sub(began);
    (took >= SHORT).then(|| f64::from(after - before) / took.as_secs_f64())
}
