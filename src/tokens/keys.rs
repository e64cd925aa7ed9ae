//! The signing keys of the data folder: one Ed25519 key a file, named by the instant from which it signs.
//!
//! A new key is published a while before it signs, and an old one verifies until every token that it signed has expired: so a key
//! follows another without any token being refused. Every process that shares the folder sees a new key within [`REFRESH`].

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{DecodingKey, EncodingKey};
use zeroize::Zeroizing;

/// The folder under the data folder.
pub(super) const FOLDER: &str = "keys";

/// How old the keys in memory are at the most.
pub const REFRESH: Duration = Duration::from_secs(10);

/// How long a key verifies after another began to sign: longer than any token is good for.
const KEPT: SignedDuration = SignedDuration::from_hours(25);

/// One key pair.
pub struct Key {
    /// Its name in a token's header: a digest of the public key.
    pub kid: String,
    /// The instant from which it signs.
    pub signs_from: Timestamp,
    /// The public key, as a JSON Web Key has it (RFC 8037).
    pub x: String,
    /// Signs.
    pub encoding: EncodingKey,
    /// Verifies.
    pub decoding: DecodingKey,
}

/// The keys of a data folder; never empty, in the order in which they sign.
pub struct KeyRing {
    folder: PathBuf,
    held: RwLock<Held>,
}

struct Held {
    keys: Vec<Arc<Key>>,
    read_at: Instant,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The folder can't be read or written.
    #[error("{path}: {cause}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// A file in the folder is not a key.
    #[error("{path}: not an Ed25519 key in PKCS#8, named by the second from which it signs")]
    NotAKey {
        /// The file.
        path: PathBuf,
    },
    /// A file in the folder is not what the audit log is sealed with, or the secrets of webhooks follow from.
    #[error("{path}: not a key of 32 bytes")]
    NotARandomKey {
        /// The file.
        path: PathBuf,
    },
    /// A file in the folder is not a key of credentials.
    #[error("{path}: not an RSA key in PKCS#8 and PEM, named by the second from which it signs")]
    NotACredentialKey {
        /// The file.
        path: PathBuf,
    },
    /// No key could be made.
    #[error("the system's random numbers failed")]
    NoRandomness,
}

impl KeyRing {
    /// Reads the keys under `data_dir`, and makes one where there is none.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn open(data_dir: &Path) -> Result<Self, KeyError> {
        let folder = data_dir.join(FOLDER);
        crate::private::make_folder(&folder).map_err(at(&folder))?;
        let mut keys = read_all(&folder)?;
        if keys.is_empty() {
            make(&folder, Timestamp::UNIX_EPOCH)?;
            keys = read_all(&folder)?;
        }
        if keys.is_empty() {
            return Err(KeyError::NotAKey { path: folder });
        }
        Ok(Self { folder, held: RwLock::new(Held { keys, read_at: Instant::now() }) })
    }

    /// Makes a key that signs from an instant on, and answers its name.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn add(&self, signs_from: Timestamp) -> Result<String, KeyError> {
        let kid = make(&self.folder, signs_from)?;
        self.read_again()?;
        Ok(kid)
    }

    /// The keys that verify at an instant, those that are yet to sign among them.
    pub fn published(&self, now: Timestamp) -> Vec<Arc<Key>> {
        let keys = self.current();
        let superseded = |index: usize| keys.get(index + 1).is_some_and(|next: &Arc<Key>| now.duration_since(next.signs_from) > KEPT);
        keys.iter().enumerate().filter(|(index, _)| !superseded(*index)).map(|(_, key)| key.clone()).collect()
    }

    /// The key that signs at an instant: the last that has begun to.
    pub fn signing(&self, now: Timestamp) -> Arc<Key> {
        let keys = self.current();
        keys.iter().rev().find(|key| key.signs_from <= now).unwrap_or(&keys[0]).clone()
    }

    /// The key with a name that verifies at an instant.
    pub fn find(&self, kid: &str, now: Timestamp) -> Option<Arc<Key>> {
        self.published(now).into_iter().find(|key| key.kid == kid)
    }

    fn current(&self) -> Vec<Arc<Key>> {
        let stale = self.held.read().unwrap_or_else(PoisonError::into_inner).read_at.elapsed() > REFRESH;
        if stale && let Err(error) = self.read_again() {
            tracing::error!(%error, "the signing keys could not be read again: those in memory go on");
        }
        self.held.read().unwrap_or_else(PoisonError::into_inner).keys.clone()
    }

    fn read_again(&self) -> Result<(), KeyError> {
        let keys = read_all(&self.folder)?;
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.read_at = Instant::now();
        if !keys.is_empty() {
            held.keys = keys;
        }
        Ok(())
    }
}

pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> KeyError {
    let path = path.to_owned();
    move |cause| KeyError::Io { path, cause }
}

fn read_all(folder: &Path) -> Result<Vec<Arc<Key>>, KeyError> {
    let entries = fs::read_dir(folder).map_err(at(folder))?;
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let mut keys = Vec::new();
    for path in paths.filter(|path| path.extension().is_some_and(|extension| extension == "pk8")) {
        keys.push(Arc::new(read(&path)?));
    }
    keys.sort_by(|a, b| (a.signs_from, &a.kid).cmp(&(b.signs_from, &b.kid)));
    Ok(keys)
}

fn read(path: &Path) -> Result<Key, KeyError> {
    let not_a_key = || KeyError::NotAKey { path: path.to_owned() };
    let der = Zeroizing::new(fs::read(path).map_err(at(path))?);
    let pair = Ed25519KeyPair::from_pkcs8(&der).map_err(|_| not_a_key())?;
    let seconds = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse::<i64>().ok()).ok_or_else(not_a_key)?;
    let public = pair.public_key().as_ref();
    Ok(Key {
        kid: kid_of(public),
        signs_from: Timestamp::from_second(seconds).map_err(|_| not_a_key())?,
        x: URL_SAFE_NO_PAD.encode(public),
        encoding: EncodingKey::from_ed_der(&der),
        decoding: DecodingKey::from_ed_der(public),
    })
}

fn kid_of(public: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, public);
    URL_SAFE_NO_PAD.encode(&digest.as_ref()[..12])
}

/// Writes a key that signs from an instant on, and answers its name. Of two processes that make one for the same instant one wins,
/// and both read the winner's.
fn make(folder: &Path, signs_from: Timestamp) -> Result<String, KeyError> {
    let document = Ed25519KeyPair::generate_pkcs8v1(&aws_lc_rs::rand::SystemRandom::new()).map_err(|_| KeyError::NoRandomness)?;
    let target = folder.join(format!("{:010}.pk8", signs_from.as_second()));
    write_once(folder, &target, document.as_ref())?;
    Ok(read(&target)?.kid)
}

/// Writes a file of a folder that its owner alone can read. Of two processes that do so at the same time one wins, and both read the
/// winner's.
pub(super) fn write_once(folder: &Path, target: &Path, bytes: &[u8]) -> Result<(), KeyError> {
    let draft = folder.join(format!(".{}.draft", uuid::Uuid::new_v4()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft).map_err(at(&draft))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(at(&draft))?;
    let linked = fs::hard_link(&draft, target);
    fs::remove_file(&draft).map_err(at(&draft))?;
    match linked {
        Err(cause) if cause.kind() != io::ErrorKind::AlreadyExists => Err(at(target)(cause)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_published_before_it_signs_and_verifies_until_its_tokens_have_expired() {
        let folder = tempfile::TempDir::new().unwrap();
        let ring = KeyRing::open(folder.path()).unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let first = ring.signing(at("2026-01-01T00:00:00Z")).kid.clone();
        let second = ring.add(at("2026-01-01T12:00:00Z")).unwrap();
        let published = |now: &str| ring.published(at(now)).iter().map(|key| key.kid.clone()).collect::<Vec<_>>();
        assert_eq!(ring.signing(at("2026-01-01T11:59:59Z")).kid, first);
        assert_eq!(ring.signing(at("2026-01-01T12:00:00Z")).kid, second);
        assert_eq!(published("2026-01-01T00:00:00Z"), [first.clone(), second.clone()]);
        assert_eq!(published("2026-01-02T13:00:00Z"), [first.clone(), second.clone()]);
        assert_eq!(published("2026-01-02T13:00:01Z"), [second.as_str()]);
        assert!(ring.find(&first, at("2026-01-03T00:00:00Z")).is_none());
        assert!(KeyRing::open(folder.path()).unwrap().find(&second, at("2026-01-03T00:00:00Z")).is_some());
    }

    #[test]
    fn a_file_that_is_no_key_is_named() {
        let folder = tempfile::TempDir::new().unwrap();
        KeyRing::open(folder.path()).unwrap();
        std::fs::write(folder.path().join("keys/0000000001.pk8"), b"nonsense").unwrap();
        assert!(KeyRing::open(folder.path()).is_err_and(|error| error.to_string().contains("0000000001.pk8")));
    }
}
