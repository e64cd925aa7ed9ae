//! TLS of our own (rustls): the certificate that the service shows.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::TlsFiles;

/// Reads certificate and key. TLS 1.3 and 1.2 are spoken, and no client certificate is asked for.
///
/// # Errors
/// A sentence that names the file and what is wrong with it.
pub fn server(files: &TlsFiles) -> Result<ServerConfig, String> {
    let at = |path: &Path, cause: &dyn std::fmt::Display| format!("{}: {cause}", path.display());
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(&files.certificate).and_then(Iterator::collect).map_err(|cause| at(&files.certificate, &cause))?;
    if chain.is_empty() {
        return Err(at(&files.certificate, &"there is no certificate in it"));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|cause| at(&files.key, &cause))?;
    let wrong = |cause: rustls::Error| format!("{} and {}: {cause}", files.certificate.display(), files.key.display());
    let builder =
        ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider())).with_safe_default_protocol_versions().map_err(wrong)?;
    builder.with_no_client_auth().with_single_cert(chain, key).map_err(wrong)
}
