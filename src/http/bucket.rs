//! A token bucket for each of many callers.

use std::hash::Hash;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::config::Rate;

/// How many callers have a bucket of their own. Where more come at once, those beyond share buckets. 100 bytes or so each.
const OWN_BUCKETS: usize = 100_000;

/// How many buckets those beyond share.
const SHARED_BUCKETS: u64 = 1024;

/// A bucket for each `K`.
pub struct Buckets<K: Hash + Eq + Clone> {
    name: &'static str,
    rate: Rate,
    /// How long it takes until one more request is allowed.
    refill: Duration,
    hasher: std::hash::RandomState,
    limiter: RateLimiter<Key<K>, DashMapStateStore<Key<K>>, DefaultClock, StateInformationMiddleware>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key<K> {
    Own(K),
    Shared(u64),
}

/// How a caller stands after a request was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    name: &'static str,
    per_minute: u32,
    remaining: u32,
    full_in: Duration,
    /// How long to wait, where the request was one too many.
    pub wait: Option<Duration>,
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    /// Full buckets under the name of the policy that they carry out.
    pub fn new(name: &'static str, rate: Rate) -> Self {
        let refill = Duration::from_secs(60) / rate.per_minute.get();
        // A rate is at most a million a second, so there is always a period.
        let quota = Quota::with_period(refill).unwrap_or(Quota::per_minute(rate.per_minute)).allow_burst(rate.burst);
        let limiter = RateLimiter::dashmap(quota).with_middleware::<StateInformationMiddleware>();
        Self { name, rate, refill, hasher: std::hash::RandomState::new(), limiter }
    }

    /// Counts a request.
    pub fn take(&self, caller: K) -> Standing {
        let (remaining, wait) = match self.limiter.check_key(&self.key(caller)) {
            Ok(state) => (state.remaining_burst_capacity(), None),
            Err(not_until) => (0, Some(not_until.wait_time_from(DefaultClock::default().now()))),
        };
        let full_in = self.refill.saturating_mul(self.rate.burst.get().saturating_sub(remaining));
        Standing { name: self.name, per_minute: self.rate.per_minute.get(), remaining, full_in, wait }
    }

    /// Forgets the buckets that are full again.
    pub fn forget_idle(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }

    fn key(&self, caller: K) -> Key<K> {
        use std::hash::BuildHasher as _;
        if self.limiter.len() < OWN_BUCKETS { Key::Own(caller) } else { Key::Shared(self.hasher.hash_one(&caller) % SHARED_BUCKETS) }
    }
}

impl Standing {
    /// The `RateLimit-Policy` header: requests, and in how many seconds (draft-ietf-httpapi-ratelimit-headers).
    pub fn policy(&self) -> String {
        format!("\"{}\";q={};w=60", self.name, self.per_minute)
    }

    /// The `RateLimit` header: how many requests may come at once now, and in how many seconds it will be as many as ever.
    pub fn state(&self) -> String {
        format!("\"{}\";r={};t={}", self.name, self.remaining, seconds(self.full_in))
    }
}

/// Whole seconds, no fewer.
pub fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(rate: &str) -> Buckets<u32> {
        Buckets::new("client", rate.parse::<crate::config::RateSetting>().unwrap().0.unwrap())
    }

    #[test]
    fn a_bucket_says_what_is_left_and_when_it_is_full_again() {
        let buckets = buckets("60:3");
        let said: Vec<_> = (0..4).map(|_| buckets.take(1)).map(|now| (now.policy(), now.state(), now.wait.is_some())).collect();
        let line = |state: &str, refused| ("\"client\";q=60;w=60".to_owned(), state.to_owned(), refused);
        assert_eq!(
            said,
            [
                line("\"client\";r=2;t=1", false),
                line("\"client\";r=1;t=2", false),
                line("\"client\";r=0;t=3", false),
                line("\"client\";r=0;t=3", true)
            ]
        );
        assert_eq!(buckets.take(2).wait, None, "another caller has a bucket of its own");
    }

    #[test]
    fn however_many_callers_come_there_are_no_more_buckets_than_there_is_room_for() {
        let buckets = buckets("60:1");
        for caller in 0..150_000 {
            buckets.take(caller);
        }
        assert!(buckets.limiter.len() <= OWN_BUCKETS + usize::try_from(SHARED_BUCKETS).unwrap(), "{}", buckets.limiter.len());
        assert!(buckets.take(200_000).wait.is_some(), "those beyond share, and are limited still");
    }

    #[test]
    fn a_full_bucket_is_forgotten_and_one_in_use_is_kept() {
        let buckets = Buckets::new("client", "60000:1".parse::<crate::config::RateSetting>().unwrap().0.unwrap());
        let slow = self::buckets("1:1");
        let _ = (buckets.take(1), slow.take(1));
        std::thread::sleep(Duration::from_millis(50));
        buckets.forget_idle();
        slow.forget_idle();
        assert_eq!((buckets.limiter.len(), slow.limiter.len()), (0, 1));
    }
}
