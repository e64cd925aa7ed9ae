//! The keys of the data folder that the audit log is sealed with, and the one that secrets of webhooks follow from: 32 random bytes a file, made at the first start.

use std::fs;
use std::path::{Path, PathBuf};

use super::keys::{FOLDER, KeyError, at, write_once};
use crate::domain::audit::SEAL;
use crate::private;
use crate::service::audit::{Key, Keys};
use crate::service::webhooks::SecretKey;

/// The key that seals.
const CURRENT: &str = "audit.key";

/// What the secrets of webhooks follow from.
const WEBHOOKS: &str = "webhooks.key";

/// Reads `audit.key` under `data_dir`, and makes it where there is none; and every `audit-*.key` beside it, with which was sealed before.
///
/// # Errors
/// [`KeyError`].
pub fn audit_keys(data_dir: &Path) -> Result<Keys, KeyError> {
    let folder = data_dir.join(FOLDER);
    let path = made(&folder, CURRENT)?;
    let entries = fs::read_dir(&folder).map_err(at(&folder))?;
    let mut former: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    let is_former = |path: &PathBuf| {
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        path.extension().is_some_and(|extension| extension == "key") && stem.is_some_and(|stem| stem.starts_with("audit-"))
    };
    former.retain(is_former);
    former.sort();
    Ok(Keys::new(read(&path)?, former.iter().map(|path| read(path)).collect::<Result<_, _>>()?))
}

fn read(path: &Path) -> Result<Key, KeyError> {
    bytes_of(path).map(|bytes| Key::new(&bytes))
}

fn bytes_of(path: &Path) -> Result<[u8; SEAL], KeyError> {
    let bytes = fs::read(path).map_err(at(path))?;
    bytes.try_into().map_err(|_| KeyError::NotARandomKey { path: path.to_owned() })
}

/// What the secrets of webhooks follow from: `webhooks.key` under `data_dir`, made where there is none.
///
/// # Errors
/// [`KeyError`].
pub fn webhook_key(data_dir: &Path) -> Result<SecretKey, KeyError> {
    let folder = data_dir.join(FOLDER);
    let path = made(&folder, WEBHOOKS)?;
    bytes_of(&path).map(|bytes| SecretKey::new(&bytes))
}

/// The file of a key, made where there is none.
fn made(folder: &Path, name: &str) -> Result<PathBuf, KeyError> {
    private::make_folder(folder).map_err(at(folder))?;
    let path = folder.join(name);
    if !path.try_exists().map_err(at(&path))? {
        let mut bytes = [0; SEAL];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| KeyError::NoRandomness)?;
        write_once(folder, &path, &bytes)?;
    }
    Ok(path)
}
