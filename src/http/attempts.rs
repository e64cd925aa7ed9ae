//! Failed authentications: who fails often waits, longer each time.
//!
//! Failures in a client's name count for the address that they come from, so nobody locks a client out from elsewhere. Failures of an
//! address count for all who authenticate from it.

use std::hash::BuildHasher as _;
use std::hash::RandomState;
use std::net::IpAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lru::LruCache;

use super::address::counted;

/// How many addresses, and clients at addresses, are remembered; those that failed longest ago are forgotten first. 40 bytes or so each.
const REMEMBERED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(65_535);

/// How many times as many failures an address has free as a client has: several clients may share it.
const SHARED_BY: u32 = 5;

/// The longest wait.
const LONGEST: Duration = Duration::from_secs(60);

/// After how long without a failure all is forgiven.
const FORGIVEN: Duration = Duration::from_secs(900);

/// How long to wait before the next attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryAfter(pub Duration);

/// The failures that are remembered.
pub struct Attempts {
    /// `None`: nothing is counted.
    free: Option<NonZeroU32>,
    hasher: RandomState,
    failures: Mutex<LruCache<Key, Failures>>,
}

/// An address, with or without the digest of a client's name: names may be anything, and long.
type Key = (IpAddr, Option<u64>);

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

impl Attempts {
    /// With so many failures free for a client at an address, and five times as many for the address.
    pub fn new(free: Option<NonZeroU32>) -> Self {
        Self { free, hasher: RandomState::new(), failures: Mutex::new(LruCache::new(REMEMBERED)) }
    }

    /// Whether an authentication may be tried from an address, in the name of a client where one is given.
    ///
    /// # Errors
    /// How long to wait.
    pub fn may_try(&self, address: IpAddr, client: Option<&str>) -> Result<(), RetryAfter> {
        self.may_try_at(address, client, Instant::now())
    }

    /// Counts a failure.
    pub fn failed(&self, address: IpAddr, client: Option<&str>) {
        self.failed_at(address, client, Instant::now());
    }

    fn may_try_at(&self, address: IpAddr, client: Option<&str>, now: Instant) -> Result<(), RetryAfter> {
        let mut failures = self.lock();
        let waits = self.counters(address, client).filter_map(|(key, free)| failures.peek_mut(&key)?.wait(free, now));
        match waits.max() {
            Some(wait) => Err(RetryAfter(wait)),
            None => Ok(()),
        }
    }

    fn failed_at(&self, address: IpAddr, client: Option<&str>, now: Instant) {
        let mut failures = self.lock();
        for (key, _) in self.counters(address, client) {
            let failures = failures.get_or_insert_mut(key, || Failures { count: 0, last: now });
            failures.count = if failures.is_forgiven(now) { 1 } else { failures.count.saturating_add(1) };
            failures.last = now;
        }
    }

    /// What counts for an attempt, and how many failures each has free.
    fn counters(&self, address: IpAddr, client: Option<&str>) -> impl Iterator<Item = (Key, u32)> {
        let address = counted(address);
        let of_client = client.map(|client| (address, Some(self.hasher.hash_one(client))));
        let free = self.free.map(NonZeroU32::get);
        let counters = [Some(((address, None), SHARED_BY)), of_client.map(|key| (key, 1))];
        counters.into_iter().flatten().filter_map(move |(key, times)| Some((key, free?.saturating_mul(times))))
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<Key, Failures>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Failures {
    /// How long to wait still: a second after the first failure beyond those that are free, twice as long after each further one.
    fn wait(&self, free: u32, now: Instant) -> Option<Duration> {
        let beyond = self.count.checked_sub(free)?.checked_sub(1)?;
        let pause = Duration::from_secs(1).saturating_mul(1_u32.checked_shl(beyond).unwrap_or(u32::MAX)).min(LONGEST);
        pause.checked_sub(now.saturating_duration_since(self.last)).filter(|wait| !wait.is_zero())
    }

    fn is_forgiven(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.last) >= FORGIVEN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const ELSEWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    fn attempts(free: u32) -> (Attempts, Instant) {
        (Attempts::new(NonZeroU32::new(free)), Instant::now())
    }

    #[test]
    fn each_failure_beyond_the_free_ones_doubles_the_wait_up_to_a_minute() {
        let (attempts, now) = attempts(3);
        for _ in 0..3 {
            attempts.failed_at(HERE, Some("lms"), now);
            assert_eq!(attempts.may_try_at(HERE, Some("lms"), now), Ok(()));
        }
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            attempts.failed_at(HERE, Some("lms"), now);
            assert_eq!(attempts.may_try_at(HERE, Some("lms"), now), Err(RetryAfter(Duration::from_secs(seconds))));
            let nearly = now + Duration::from_millis(seconds * 1000 - 1);
            assert_eq!(attempts.may_try_at(HERE, Some("lms"), nearly), Err(RetryAfter(Duration::from_millis(1))));
            assert_eq!(attempts.may_try_at(HERE, Some("lms"), now + Duration::from_secs(seconds)), Ok(()));
        }
    }

    #[test]
    fn who_fails_in_the_name_of_a_client_locks_out_nobody_elsewhere_and_no_other_client() {
        let (attempts, now) = attempts(3);
        for _ in 0..10 {
            attempts.failed_at(HERE, Some("lms"), now);
        }
        assert!(attempts.may_try_at(HERE, Some("lms"), now).is_err());
        assert_eq!(attempts.may_try_at(ELSEWHERE, Some("lms"), now), Ok(()));
        assert_eq!(attempts.may_try_at(HERE, Some("rms"), now), Ok(()));
    }

    #[test]
    fn an_address_that_tries_many_names_waits_whatever_the_next_is() {
        let (attempts, now) = attempts(3);
        for name in 0..16 {
            assert_eq!(attempts.may_try_at(HERE, Some(&name.to_string()), now), Ok(()));
            attempts.failed_at(HERE, Some(&name.to_string()), now);
        }
        assert!(attempts.may_try_at(HERE, Some("another"), now).is_err());
        assert!(attempts.may_try_at(HERE, None, now).is_err());
        assert_eq!(attempts.may_try_at(ELSEWHERE, None, now), Ok(()));
    }

    #[test]
    fn a_quarter_of_an_hour_without_a_failure_forgives_all() {
        let (attempts, now) = attempts(1);
        for _ in 0..10 {
            attempts.failed_at(HERE, Some("lms"), now);
        }
        let later = now + FORGIVEN;
        attempts.failed_at(HERE, Some("lms"), later);
        assert_eq!(attempts.may_try_at(HERE, Some("lms"), later), Ok(()));
    }

    #[test]
    fn however_many_fail_no_more_are_remembered_than_there_is_room_for() {
        let (attempts, now) = attempts(1);
        for number in 0..100_000_u32 {
            attempts.failed_at(IpAddr::V4(number.into()), Some("lms"), now);
        }
        assert_eq!(attempts.lock().len(), REMEMBERED.get());
    }

    #[test]
    fn without_a_limit_nothing_is_counted() {
        let (attempts, now) = attempts(0);
        for _ in 0..100 {
            attempts.failed_at(HERE, Some("lms"), now);
        }
        assert_eq!((attempts.may_try_at(HERE, Some("lms"), now), attempts.lock().len()), (Ok(()), 0));
    }
}
