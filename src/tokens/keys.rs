//! The signing keys of the data folder: one Ed25519 key a file, made at the first start.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, EncodingKey};

/// The folder under the data folder.
pub(super) const FOLDER: &str = "keys";

/// One key pair.
pub struct Key {
    /// Its name in a token's header: a digest of the public key.
    pub kid: String,
    /// Signs.
    pub encoding: EncodingKey,
    /// Verifies.
    pub decoding: DecodingKey,
}

/// The keys of a data folder; never empty.
pub struct KeyRing {
    signing: Key,
    others: Vec<Key>,
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
    #[error("{path}: not an Ed25519 key in PKCS#8")]
    NotAKey {
        /// The file.
        path: PathBuf,
    },
    /// A file in the folder is not a key of the audit log.
    #[error("{path}: not an audit key of 32 bytes")]
    NotAnAuditKey {
        /// The file.
        path: PathBuf,
    },
    /// No key could be made.
    #[error("the system's random numbers failed")]
    NoRandomness,
}

impl KeyRing {
    /// Reads the keys under `data_dir`, and makes one where there is none. The last by name signs.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn open(data_dir: &Path) -> Result<Self, KeyError> {
        let folder = data_dir.join(FOLDER);
        fs::create_dir_all(&folder).map_err(at(&folder))?;
        let mut keys = read_all(&folder)?;
        if keys.is_empty() {
            make(&folder)?;
            keys = read_all(&folder)?;
        }
        let signing = keys.pop().ok_or(KeyError::NotAKey { path: folder })?;
        Ok(Self { signing, others: keys })
    }

    /// The key that signs.
    pub fn signing(&self) -> &Key {
        &self.signing
    }

    /// The key with a name.
    pub fn find(&self, kid: &str) -> Option<&Key> {
        std::iter::once(&self.signing).chain(&self.others).find(|key| key.kid == kid)
    }
}

pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> KeyError {
    let path = path.to_owned();
    move |cause| KeyError::Io { path, cause }
}

fn read_all(folder: &Path) -> Result<Vec<Key>, KeyError> {
    let entries = fs::read_dir(folder).map_err(at(folder))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "pk8"));
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> Result<Key, KeyError> {
    let der = fs::read(path).map_err(at(path))?;
    let pair = Ed25519KeyPair::from_pkcs8(&der).map_err(|_| KeyError::NotAKey { path: path.to_owned() })?;
    let public = pair.public_key().as_ref();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, public);
    Ok(Key {
        kid: URL_SAFE_NO_PAD.encode(&digest.as_ref()[..12]),
        encoding: EncodingKey::from_ed_der(&der),
        decoding: DecodingKey::from_ed_der(public),
    })
}

/// Writes the first key.
fn make(folder: &Path) -> Result<(), KeyError> {
    let document = Ed25519KeyPair::generate_pkcs8v1(&aws_lc_rs::rand::SystemRandom::new()).map_err(|_| KeyError::NoRandomness)?;
    write_once(folder, &folder.join("0001.pk8"), document.as_ref())
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
