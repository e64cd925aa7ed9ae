//! Tokens whose signature was checked a moment ago: a caller asks many times with one token, and each check costs more than all
//! else of a short answer. Only digests of tokens are kept.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::Bearer;

/// For how long a signature that held is taken to hold, by the clock of the service. It is the time within which a key that was
/// taken away is out; whether a client was revoked is asked by itself.
const KEPT: SignedDuration = SignedDuration::from_secs(5);

/// How many tokens are kept at the most.
const MOST: usize = 10_000;

/// A digest of a token.
type Digest = [u8; 32];

/// The tokens that were verified of late.
#[derive(Debug, Default)]
pub(super) struct Verified(Mutex<HashMap<Digest, (Timestamp, Bearer)>>);

impl Verified {
    /// The bearer of a token that was verified a moment ago.
    pub fn find(&self, token: &str, now: Timestamp) -> Option<Bearer> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(&digest(token)?).filter(|(at, _)| is_fresh(*at, now)).map(|(_, bearer)| bearer.clone())
    }

    /// Keeps the bearer of a token.
    pub fn keep(&self, token: &str, bearer: &Bearer, now: Timestamp) {
        let Some(digest) = digest(token) else { return };
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= MOST {
            held.retain(|_, (at, _)| is_fresh(*at, now));
        }
        if held.len() < MOST {
            held.insert(digest, (now, bearer.clone()));
        }
    }
}

fn is_fresh(at: Timestamp, now: Timestamp) -> bool {
    (SignedDuration::ZERO..KEPT).contains(&now.duration_since(at))
}

fn digest(token: &str) -> Option<Digest> {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes()).as_ref().try_into().ok()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::tokens::ActsFor;

    #[test]
    fn a_token_is_known_for_seconds_and_by_all_of_it() {
        let scopes = ["status:read".to_owned()].into();
        let bearer = Bearer { client: Uuid::from_u128(1), subject: "rms".into(), scopes, agencies: ActsFor::Granted, exp: 900, nbf: None };
        let at = |second| Timestamp::from_second(second).unwrap();
        let verified = Verified::default();
        assert_eq!(verified.find("a.b.c", at(100)), None);
        verified.keep("a.b.c", &bearer, at(100));
        assert_eq!(verified.find("a.b.c", at(104)), Some(bearer));
        assert_eq!(verified.find("a.b.c", at(105)), None);
        assert_eq!(verified.find("a.b.c", at(99)), None);
        assert_eq!(verified.find("a.b.C", at(100)), None);
    }
}
