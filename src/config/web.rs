//! The settings of how the service meets browsers, and of TLS.

use std::path::PathBuf;
use std::str::FromStr;

use super::Settings;

/// An origin (RFC 6454): scheme, host, and port unless it is the scheme's own. As a browser writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// Such as `https://tools.example.org`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url = reqwest::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        match url {
            Some(url) if url.origin().ascii_serialization() == text => Ok(Self(text.to_owned())),
            _ => Err("an origin is written as browsers do: https://tools.example.org, with its port where that isn't 443, and no path".to_owned()),
        }
    }
}

/// The files of the certificate that the service shows.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The certificate chain, in PEM.
    pub certificate: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
}

/// How the service meets browsers, and TLS.
#[derive(Debug, Clone, Default)]
pub struct Web {
    /// Whose pages may call the service.
    pub cors_origins: Vec<Origin>,
    /// The service speaks TLS itself.
    pub tls: Option<TlsFiles>,
    /// It is reached by `https` alone: it speaks TLS itself, or its issuer says so.
    pub https_only: bool,
}

/// Joins flags and environment with the file.
///
/// # Errors
/// A sentence, where a certificate comes without its key or a key without its certificate.
pub(super) fn read(settings: &Settings, file: &Settings, issuer: &str) -> Result<Web, String> {
    let certificate = settings.tls_certificate.clone().or(file.tls_certificate.clone());
    let key = settings.tls_key.clone().or(file.tls_key.clone());
    let tls = match (certificate, key) {
        (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
        (None, None) => None,
        (Some(_), None) => return Err("tls_certificate needs tls_key beside it".to_owned()),
        (None, Some(_)) => return Err("tls_key needs tls_certificate beside it".to_owned()),
    };
    Ok(Web {
        cors_origins: settings.cors_origins.clone().or(file.cors_origins.clone()).unwrap_or_default(),
        https_only: tls.is_some() || issuer.starts_with("https://"),
        tls,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_what_browsers_send() {
        for good in ["https://tools.example.org", "http://localhost:3000", "https://[2001:db8::1]:8443"] {
            assert_eq!(good.parse::<Origin>().unwrap().as_str(), good);
        }
        for bad in [
            "*",
            "null",
            "tools.example.org",
            "https://tools.example.org/",
            "https://tools.example.org:443",
            "HTTPS://a.example",
            "ftp://a.example",
            "https://a.example/x",
        ] {
            assert!(bad.parse::<Origin>().is_err(), "{bad}");
        }
    }
}
