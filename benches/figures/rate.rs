//! How often something happened in a second, and how much processor time it took, in each of several rounds.

use std::time::{Duration, Instant};

/// What `/proc` counts processor time in.
const TICK: Duration = Duration::from_millis(10);

/// One round.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// How often in a second.
    pub per_second: f64,
    /// Processor time of the service for each, in microseconds, where the system tells.
    pub service: Option<f64>,
    /// Processor time of this client for each, in microseconds, where the system tells.
    pub client: Option<f64>,
}

/// Runs while something is measured.
pub struct Watch {
    service: u32,
    started: Instant,
    before: [Option<Duration>; 2],
}

impl Watch {
    /// Starts, beside a service with this process id.
    pub fn start(service: u32) -> Self {
        Self { service, before: used(service), started: Instant::now() }
    }

    /// What happened `count` times since the start.
    pub fn stop(self, count: u32) -> Rate {
        let elapsed = self.started.elapsed();
        let after = used(self.service);
        let each = |index: usize| Some((after[index]?.checked_sub(self.before[index]?)?).as_secs_f64() * 1e6 / f64::from(count));
        Rate { per_second: f64::from(count) / elapsed.as_secs_f64(), service: each(0), client: each(1) }
    }
}

/// Processor time that the service and this process have used.
fn used(service: u32) -> [Option<Duration>; 2] {
    [service, std::process::id()].map(|process| {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // After the name, which is in parentheses and may hold spaces, `utime` and `stime` are the twelfth and thirteenth.
        let (_, numbers) = stat.rsplit_once(')')?;
        let ticks: u32 = numbers.split_whitespace().skip(11).take(2).map(|number| number.parse::<u32>().ok()).sum::<Option<u32>>()?;
        Some(TICK * ticks)
    })
}

impl Rate {
    /// A rate of something that is not the service's.
    pub fn beside(per_second: f64) -> Self {
        Self { per_second, service: None, client: None }
    }
}

/// The middle one; the mean of the two in the middle where their number is even.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    Some(if values.len() % 2 == 1 { upper } else { f64::midpoint(values[values.len() / 2 - 1], upper) })
}
