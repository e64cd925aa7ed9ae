//! The keys that the audit log is sealed with.

use aws_lc_rs::{digest, hmac};

use crate::domain::audit::{Head, SEAL};
use crate::storage::audit::{Lane, Sealed};

/// A key of 32 random bytes. `Debug` shows its name alone.
pub struct Key {
    name: String,
    key: hmac::Key,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Key").field(&self.name).finish()
    }
}

impl Key {
    /// The key with these bytes; its name is a digest of them, in 16 hexadecimal digits.
    pub fn new(bytes: &[u8; SEAL]) -> Self {
        let digest = digest::digest(&digest::SHA256, &[b"onemind audit key 1".as_slice(), bytes].concat());
        let name = u64::from_be_bytes(std::array::from_fn(|at| digest.as_ref()[at]));
        Self { name: format!("{name:016x}"), key: hmac::Key::new(hmac::HMAC_SHA256, bytes) }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The seal of `bytes`.
    pub fn seal(&self, bytes: &[u8]) -> Vec<u8> {
        hmac::sign(&self.key, bytes).as_ref().to_vec()
    }

    /// Whether `seal` is that of `bytes`; in constant time.
    pub fn holds(&self, bytes: &[u8], seal: &[u8]) -> bool {
        hmac::verify(&self.key, bytes, seal).is_ok()
    }
}

/// The key that seals, and those that did before.
#[derive(Debug)]
pub struct Keys {
    current: Key,
    former: Vec<Key>,
}

impl Keys {
    /// The key that seals, and those that did before.
    pub fn new(current: Key, former: Vec<Key>) -> Self {
        Self { current, former }
    }

    /// The key that seals.
    pub fn current(&self) -> &Key {
        &self.current
    }

    /// The key with a name.
    pub fn find(&self, name: &str) -> Option<&Key> {
        std::iter::once(&self.current).chain(&self.former).find(|key| key.name == name)
    }

    /// Whether the head of a lane is sealed as it should be.
    pub fn holds(&self, lane: &Lane) -> bool {
        self.holds_head(&lane.head, lane.seal.as_ref())
    }

    fn holds_head(&self, head: &Head, seal: Option<&(String, Vec<u8>)>) -> bool {
        seal.and_then(|(name, seal)| Some((self.find(name)?, seal))).is_some_and(|(key, seal)| key.holds(&head.canonical(), seal))
    }

    /// Whether an entry is sealed onto `previous`; `None` where its key is not here.
    pub fn holds_entry(&self, sealed: &Sealed, previous: &[u8]) -> Option<bool> {
        let key = self.find(&sealed.key_name)?;
        Some(key.holds(&sealed.entry.canonical(sealed.lane, sealed.sequence, previous), &sealed.hash))
    }

    /// The seal that an entry should have after `previous`.
    pub fn seal_of(&self, sealed: &Sealed, previous: &[u8]) -> Option<Vec<u8>> {
        Some(self.find(&sealed.key_name)?.seal(&sealed.entry.canonical(sealed.lane, sealed.sequence, previous)))
    }
}
