//! Client secrets: 256 random bits, of which a digest is kept. Nobody chooses them, so a slow hash would protect nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use super::KeyError;

/// What a secret begins with, so that those who look for leaked ones find it.
const PREFIX: &str = "omrs_";

/// A new secret: a prefix and 256 random bits in base64url.
///
/// # Errors
/// Where the system has no random numbers.
pub fn new_secret() -> Result<SecretString, KeyError> {
    let mut bits = Zeroizing::new([0; 32]);
    aws_lc_rs::rand::fill(bits.as_mut()).map_err(|_| KeyError::NoRandomness)?;
    let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(bits.as_ref()));
    Ok(format!("{PREFIX}{}", text.as_str()).into())
}

/// What is kept of a secret: its SHA-256, in base64url.
pub fn digest_of(secret: &SecretString) -> String {
    URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, secret.expose_secret().as_bytes()))
}

/// Whether two digests are the same, in a time that tells nothing of where they differ.
pub fn same(one: &str, other: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_secret_is_new_and_has_256_bits() {
        let (one, other) = (new_secret().unwrap(), new_secret().unwrap());
        assert_ne!(one.expose_secret(), other.expose_secret());
        let bits = URL_SAFE_NO_PAD.decode(one.expose_secret().strip_prefix(PREFIX).unwrap()).unwrap();
        assert_eq!(bits.len(), 32);
        assert!(same(&digest_of(&one), &digest_of(&one)) && !same(&digest_of(&one), &digest_of(&other)));
        assert!(!format!("{one:?}").contains(&one.expose_secret()[5..]));
    }
}
