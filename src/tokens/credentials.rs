//! The keys that sign credentials: RSA, since that is what every verifier of Open Badges 3.0 has to understand; one a file, named by the second
//! from which it signs. Each stays published for as long as its file is there, since what it signed is kept for years.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::Value;
use zeroize::Zeroizing;

use super::keys::{FOLDER, KeyError, REFRESH, at, write_once};

/// What the files are called, beside those of the keys of access tokens.
const EXTENSION: &str = "pem";

/// One key pair.
pub struct CredentialKey {
    /// Its name: a digest of the public key.
    pub kid: String,
    /// The instant from which it signs.
    pub signs_from: Timestamp,
    /// The modulus, as a JSON Web Key has it (RFC 7518 §6.3).
    pub n: String,
    /// The exponent.
    pub e: String,
    jwk: Jwk,
    encoding: EncodingKey,
}

/// The keys of a data folder, read when they are asked for first (`onemind serve` does so at its start). Every process that shares the folder sees
/// a new key within [`REFRESH`].
pub struct CredentialKeys {
    folder: PathBuf,
    held: Mutex<Option<Held>>,
}

struct Held {
    keys: Arc<[CredentialKey]>,
    /// Absent where it is to be read again.
    read_at: Option<Instant>,
}

/// Why nothing is signed.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// There is no key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The key that is asked for is not there.
    #[error("there is no such key")]
    NoSuchKey,
    /// The signature.
    #[error("the credential could not be signed: {0}")]
    Signature(#[from] jsonwebtoken::errors::Error),
}

impl CredentialKeys {
    /// The keys under `data_dir`, which nobody looks at yet.
    pub fn in_folder(data_dir: &Path) -> Self {
        Self { folder: data_dir.join(FOLDER), held: Mutex::new(None) }
    }

    /// Every key, in the order in which they sign; one is made where there is none, which takes a good part of a second.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn published(&self) -> Result<Arc<[CredentialKey]>, KeyError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = held.as_ref().filter(|held| held.read_at.is_some_and(|at| at.elapsed() <= REFRESH)) {
            return Ok(held.keys.clone());
        }
        let keys = match held.as_ref().map(|before| (read_all(&self.folder), before)) {
            None => self.first()?,
            Some((Ok(keys), _)) if !keys.is_empty() => keys.into(),
            Some((found, before)) => {
                let error = found.err().map_or_else(|| "the folder has none".to_owned(), |error| error.to_string());
                tracing::error!(error, "the keys of credentials could not be read again: those in memory go on");
                before.keys.clone()
            }
        };
        *held = Some(Held { keys: keys.clone(), read_at: Some(Instant::now()) });
        Ok(keys)
    }

    fn first(&self) -> Result<Arc<[CredentialKey]>, KeyError> {
        crate::private::make_folder(&self.folder).map_err(at(&self.folder))?;
        let mut keys = read_all(&self.folder)?;
        if keys.is_empty() {
            make(&self.folder, Timestamp::UNIX_EPOCH)?;
            keys = read_all(&self.folder)?;
        }
        if keys.is_empty() {
            return Err(KeyError::NotACredentialKey { path: self.folder.clone() });
        }
        Ok(keys.into())
    }

    /// Makes a key that signs from an instant on, and answers its name.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn add(&self, signs_from: Timestamp) -> Result<String, KeyError> {
        // The first is there before it, or there would be none until it signs.
        self.published()?;
        let kid = make(&self.folder, signs_from)?;
        self.read_again_next();
        Ok(kid)
    }

    /// Lets the folder be read when the keys are asked for next.
    fn read_again_next(&self) {
        if let Some(held) = self.held.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            held.read_at = None;
        }
    }

    /// The name of the key that signs at an instant.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn signing(&self, at: Timestamp) -> Result<String, KeyError> {
        Ok(of_instant(&self.published()?, at).kid.clone())
    }

    /// Signs claims by the key of a name, with the public key in the header: the same claims make the same JWT.
    ///
    /// # Errors
    /// [`CredentialError`].
    pub fn sign(&self, claims: &Value, kid: &str) -> Result<String, CredentialError> {
        let keys = self.published()?;
        let key = keys.iter().find(|key| key.kid == kid).ok_or(CredentialError::NoSuchKey)?;
        let header = Header { kid: Some(key.kid.clone()), jwk: Some(key.jwk.clone()), ..Header::new(Algorithm::RS256) };
        Ok(jsonwebtoken::encode(&header, claims, &key.encoding)?)
    }
}

/// The last key that has begun to sign by an instant; where all of before are gone, the first that is left. There is always one.
fn of_instant(keys: &[CredentialKey], at: Timestamp) -> &CredentialKey {
    keys.iter().rev().find(|key| key.signs_from <= at).unwrap_or(&keys[0])
}

fn read_all(folder: &Path) -> Result<Vec<CredentialKey>, KeyError> {
    let entries = fs::read_dir(folder).map_err(at(folder))?;
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let of_credentials = paths.filter(|path| path.extension().is_some_and(|extension| extension == EXTENSION));
    let mut keys = of_credentials.map(|path| read(&path)).collect::<Result<Vec<_>, _>>()?;
    keys.sort_by(|a, b| (a.signs_from, &a.kid).cmp(&(b.signs_from, &b.kid)));
    Ok(keys)
}

fn read(path: &Path) -> Result<CredentialKey, KeyError> {
    let not_a_key = || KeyError::NotACredentialKey { path: path.to_owned() };
    let pem = Zeroizing::new(fs::read(path).map_err(at(path))?);
    let seconds = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse::<i64>().ok()).ok_or_else(not_a_key)?;
    let encoding = EncodingKey::from_rsa_pem(&pem).map_err(|_| not_a_key())?;
    let mut jwk = Jwk::from_encoding_key(&encoding, Algorithm::RS256).map_err(|_| not_a_key())?;
    let AlgorithmParameters::RSA(public) = &jwk.algorithm else { return Err(not_a_key()) };
    let (n, e) = (public.n.clone(), public.e.clone());
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, n.as_bytes());
    let kid = URL_SAFE_NO_PAD.encode(&digest.as_ref()[..12]);
    jwk.common.key_id = Some(kid.clone());
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    Ok(CredentialKey { kid, signs_from: Timestamp::from_second(seconds).map_err(|_| not_a_key())?, n, e, jwk, encoding })
}

/// Writes a key that signs from an instant on, and answers its name.
fn make(folder: &Path, signs_from: Timestamp) -> Result<String, KeyError> {
    let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::NoRandomness)?;
    let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| KeyError::NoRandomness)?;
    let base64 = Zeroizing::new(STANDARD.encode(der.as_ref()));
    let mut pem = Zeroizing::new(String::with_capacity(base64.len() + base64.len() / 64 + 64));
    pem.push_str("-----BEGIN PRIVATE KEY-----\n");
    for (index, letter) in base64.chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            pem.push('\n');
        }
        pem.push(letter);
    }
    pem.push_str("\n-----END PRIVATE KEY-----\n");
    let target = folder.join(format!("{:010}.{EXTENSION}", signs_from.as_second()));
    write_once(folder, &target, pem.as_bytes())?;
    Ok(read(&target)?.kid)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_new_key_signs_what_is_awarded_from_its_instant_on_and_what_was_before_stays_as_it_was() {
        let folder = tempfile::TempDir::new().unwrap();
        let keys = CredentialKeys::in_folder(folder.path());
        let claims = json!({"nbf": 1});
        let other = CredentialKeys::in_folder(folder.path());
        let signed_of = |keys: &CredentialKeys, text: &str| keys.sign(&claims, &keys.signing(at(text)).unwrap()).unwrap();
        let before = signed_of(&keys, "2026-01-01T00:00:00Z");
        assert_eq!(signed_of(&other, "2026-01-01T00:00:00Z"), before);
        let second = keys.add(at("2026-06-01T12:00:00Z")).unwrap();
        assert_eq!(keys.published().unwrap().len(), 2, "it is published before it signs");
        assert_ne!(keys.signing(at("2026-06-01T11:59:59Z")).unwrap(), second);
        assert_eq!(keys.signing(at("2026-06-01T12:00:00Z")).unwrap(), second);
        assert_eq!(signed_of(&keys, "2026-01-01T00:00:00Z"), before);
        assert_ne!(signed_of(&keys, "2026-06-01T12:00:00Z"), before);
        // A process that runs sees it when what it has read is old.
        assert_eq!(other.published().unwrap().len(), 1);
        other.read_again_next();
        assert_eq!(other.signing(at("2026-06-01T12:00:00Z")).unwrap(), second);

        // A key that somebody else got hold of is taken away: the other signs all from then on.
        fs::remove_file(folder.path().join(FOLDER).join("0000000000.pem")).unwrap();
        other.read_again_next();
        assert_eq!(other.signing(at("2026-01-01T00:00:00Z")).unwrap(), second);

        // Where the folder is away for a while, those in memory go on, and none is made in its place.
        fs::rename(folder.path().join(FOLDER), folder.path().join("away")).unwrap();
        for of_nothing in [false, true] {
            if of_nothing {
                fs::create_dir(folder.path().join(FOLDER)).unwrap();
            }
            other.read_again_next();
            assert_eq!(other.signing(at("2026-01-01T00:00:00Z")).unwrap(), second);
        }
        assert_eq!(fs::read_dir(folder.path().join(FOLDER)).unwrap().count(), 0);
    }

    #[test]
    fn what_is_signed_is_verified_by_what_is_published_and_by_another_process() {
        let folder = tempfile::TempDir::new().unwrap();
        let keys = CredentialKeys::in_folder(folder.path());
        let claims = json!({"iss": "https://registry.example.org", "nbf": 1});
        let kid = keys.signing(at("2026-01-01T00:00:00Z")).unwrap();
        let signed = keys.sign(&claims, &kid).unwrap();
        assert!(matches!(keys.sign(&claims, "another"), Err(CredentialError::NoSuchKey)));
        let other = CredentialKeys::in_folder(folder.path());
        assert_eq!(other.sign(&claims, &kid).unwrap(), signed);
        let published = other.published().unwrap();
        let key = jsonwebtoken::DecodingKey::from_rsa_components(&published[0].n, &published[0].e).unwrap();
        let mut validation = jsonwebtoken::Validation::new(Algorithm::RS256);
        validation.required_spec_claims.clear();
        assert_eq!(jsonwebtoken::decode::<Value>(&signed, &key, &validation).unwrap().claims, claims);
        assert_eq!(jsonwebtoken::decode_header(&signed).unwrap().kid.as_ref(), Some(&published[0].kid));
    }

    #[test]
    fn a_file_that_is_no_key_is_named() {
        let folder = tempfile::TempDir::new().unwrap();
        fs::create_dir(folder.path().join(FOLDER)).unwrap();
        fs::write(folder.path().join(FOLDER).join("1.pem"), b"nonsense").unwrap();
        assert!(CredentialKeys::in_folder(folder.path()).published().is_err_and(|error| error.to_string().contains("1.pem")));
    }
}
