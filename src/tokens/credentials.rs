//! The key that signs credentials: RSA, since that is what every verifier of Open Badges 3.0 has to understand. It stays published for as long as
//! its file is there, since what it signed is kept for years.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::Value;
use zeroize::Zeroizing;

use super::keys::{FOLDER, KeyError, at, write_once};

/// What the files are called, beside those of the keys of access tokens.
const EXTENSION: &str = "pem";

/// One key pair.
pub struct CredentialKey {
    /// Its name: a digest of the public key.
    pub kid: String,
    /// The modulus, as a JSON Web Key has it (RFC 7518 §6.3).
    pub n: String,
    /// The exponent.
    pub e: String,
    jwk: Jwk,
    encoding: EncodingKey,
}

/// The keys of a data folder, read when they are asked for first (`onemind serve` does so at its start); the last by the name of its file signs, and all are published.
pub struct CredentialKeys {
    folder: PathBuf,
    held: Mutex<Option<Arc<[CredentialKey]>>>,
}

/// Why nothing is signed.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// There is no key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The signature.
    #[error("the credential could not be signed: {0}")]
    Signature(#[from] jsonwebtoken::errors::Error),
}

impl CredentialKeys {
    /// The keys under `data_dir`, which nobody looks at yet.
    pub fn in_folder(data_dir: &Path) -> Self {
        Self { folder: data_dir.join(FOLDER), held: Mutex::new(None) }
    }

    /// Every key, the one that signs at the end; one is made where there is none, which takes a good part of a second.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn published(&self) -> Result<Arc<[CredentialKey]>, KeyError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keys) = held.as_ref() {
            return Ok(keys.clone());
        }
        crate::private::make_folder(&self.folder).map_err(at(&self.folder))?;
        let mut keys = read_all(&self.folder)?;
        if keys.is_empty() {
            make(&self.folder)?;
            keys = read_all(&self.folder)?;
        }
        let keys: Arc<[CredentialKey]> = keys.into();
        *held = Some(keys.clone());
        Ok(keys)
    }

    /// Signs claims, with the public key in the header: the same claims make the same JWT.
    ///
    /// # Errors
    /// [`CredentialError`].
    pub fn sign(&self, claims: &Value) -> Result<String, CredentialError> {
        let keys = self.published()?;
        let key = keys.last().ok_or_else(|| KeyError::NotAKey { path: self.folder.clone() })?;
        let header = Header { kid: Some(key.kid.clone()), jwk: Some(key.jwk.clone()), ..Header::new(Algorithm::RS256) };
        Ok(jsonwebtoken::encode(&header, claims, &key.encoding)?)
    }
}

fn read_all(folder: &Path) -> Result<Vec<CredentialKey>, KeyError> {
    let entries = fs::read_dir(folder).map_err(at(folder))?;
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let mut paths: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|extension| extension == EXTENSION)).collect();
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> Result<CredentialKey, KeyError> {
    let not_a_key = || KeyError::NotACredentialKey { path: path.to_owned() };
    let pem = Zeroizing::new(fs::read(path).map_err(at(path))?);
    let encoding = EncodingKey::from_rsa_pem(&pem).map_err(|_| not_a_key())?;
    let mut jwk = Jwk::from_encoding_key(&encoding, Algorithm::RS256).map_err(|_| not_a_key())?;
    let AlgorithmParameters::RSA(public) = &jwk.algorithm else { return Err(not_a_key()) };
    let (n, e) = (public.n.clone(), public.e.clone());
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, n.as_bytes());
    let kid = URL_SAFE_NO_PAD.encode(&digest.as_ref()[..12]);
    jwk.common.key_id = Some(kid.clone());
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    Ok(CredentialKey { kid, n, e, jwk, encoding })
}

fn make(folder: &Path) -> Result<(), KeyError> {
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
    write_once(folder, &folder.join(format!("0000000000.{EXTENSION}")), pem.as_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_signed_is_verified_by_what_is_published_and_by_another_process() {
        let folder = tempfile::TempDir::new().unwrap();
        let keys = CredentialKeys::in_folder(folder.path());
        let claims = json!({"iss": "https://registry.example.org", "nbf": 1});
        let signed = keys.sign(&claims).unwrap();
        let other = CredentialKeys::in_folder(folder.path());
        assert_eq!(other.sign(&claims).unwrap(), signed);
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
