//! What partnerships and policies have in common.

use jiff::civil::Date;
use uuid::Uuid;

use super::StorageError;
use super::error::corrupt;
use crate::domain::evidence::Document;
use crate::domain::text::{Sha256Hex, Url};

/// Which partnerships or policies a list holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EvidenceFilter {
    /// Only of this agency.
    pub agency: Option<Uuid>,
    /// Only those that are in force on this day.
    pub in_force_on: Option<Date>,
}

/// A document from its two columns.
pub(super) fn document(url: Option<&str>, sha256: Option<&str>) -> Result<Option<Document>, StorageError> {
    match (url, sha256) {
        (None, None) => Ok(None),
        (Some(url), Some(sha256)) => Ok(Some(Document {
            url: Url::parse(url).map_err(corrupt("document_url"))?,
            sha256: Sha256Hex::parse(sha256).map_err(corrupt("document_sha256"))?,
        })),
        _ => Err(StorageError::Corrupt("a document lacks its address or its digest".into())),
    }
}
