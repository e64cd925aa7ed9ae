//! The settings of what callers may ask of the service at once.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;

/// How many requests are answered: a minute in the long run, and at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests a minute.
    pub per_minute: NonZeroU32,
    /// Requests at once, after a pause.
    pub burst: NonZeroU32,
}

/// A [`Rate`] as a setting says it: `6000:1000`, or `0` for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateSetting(pub Option<Rate>);

impl RateSetting {
    /// Requests of one client: a batch holds 10,000 records, so nobody's night reaches this.
    pub const CLIENT: &str = "6000:1000";
    /// Requests of one address without a client.
    pub const ADDRESS: &str = "600:100";
}

impl FromStr for RateSetting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "0" {
            return Ok(Self(None));
        }
        let rate =
            text.split_once(':').and_then(|(per_minute, burst)| Some(Rate { per_minute: per_minute.parse().ok()?, burst: burst.parse().ok()? }));
        match rate {
            Some(rate) if rate.per_minute.get() <= MOST_PER_MINUTE && rate.burst <= rate.per_minute => Ok(Self(Some(rate))),
            _ => Err(format!(
                "a rate is requests a minute and requests at once, such as {}: from 1:1 to {MOST_PER_MINUTE}:{MOST_PER_MINUTE}, \
                 the second no more than the first; 0 is no limit",
                Self::CLIENT
            )),
        }
    }
}

/// A million requests a second.
const MOST_PER_MINUTE: u32 = 60_000_000;

/// How slowly a body may come.
#[derive(Debug, Clone, Copy)]
pub struct BodyPace {
    /// The longest silence.
    pub silence: Duration,
    /// How long it may come at any speed.
    pub grace: Duration,
    /// Bytes a second on average, once the grace is over.
    pub bytes_per_second: NonZeroU32,
    /// The longest that it may take altogether.
    pub total: Duration,
}

impl Default for BodyPace {
    fn default() -> Self {
        Self {
            silence: Duration::from_secs(10),
            grace: Duration::from_secs(10),
            bytes_per_second: NonZeroU32::MIN.saturating_add(8 * 1024 - 1),
            total: Duration::from_secs(600),
        }
    }
}

impl BodyPace {
    /// How long to wait for the next bytes, after so long a time and so many bytes.
    pub fn patience(&self, elapsed: Duration, bytes: usize) -> Duration {
        let earned = Duration::from_millis(bytes as u64 * 1000 / u64::from(self.bytes_per_second.get()));
        let until = self.total.min(self.grace.saturating_add(earned));
        self.silence.min(until.saturating_sub(elapsed))
    }
}

impl fmt::Display for BodyPace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { silence, grace, bytes_per_second, total } = self;
        write!(f, "a body may pause for {silence:?}, bring {bytes_per_second} bytes a second on average after {grace:?}, and take {total:?}")
    }
}

/// What callers may ask at once.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Requests of one client.
    pub client: Option<Rate>,
    /// Requests of one address without a client.
    pub address: Option<Rate>,
    /// Failed authentications of a client from an address before it is slowed down; an address has five times as many. `None`: any number.
    pub auth_failures: Option<NonZeroU32>,
    /// Requests that are worked on at once; 0: any number.
    pub max_in_flight: usize,
    /// The proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// How long the head of a request may take.
    pub head: Duration,
    /// How slowly a body may come.
    pub body: BodyPace,
    /// Bodies that are streamed at once; of one client no more than half of them. 0: none.
    pub max_streams: usize,
    /// The most bytes of a body that is streamed.
    pub stream_bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_two_numbers_or_nothing() {
        let read = |text: &str| text.parse::<RateSetting>().map(|rate| rate.0.map(|rate| (rate.per_minute.get(), rate.burst.get())));
        assert_eq!(read(RateSetting::CLIENT), Ok(Some((6000, 1000))));
        assert_eq!(read("0"), Ok(None));
        for bad in ["", "6000", "0:0", "10:0", "10:11", "-1:1", "60000001:1", "10:1:1", "ten:one"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
