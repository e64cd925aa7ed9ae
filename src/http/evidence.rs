//! What partnerships and policies have in common on the wire.

use deserr::Deserr;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::decode::{Day, Faults};
use super::page::{Cursor, Limit};
use crate::domain::agency::AgencyKey;
use crate::domain::evidence::Document;
use crate::domain::text::{Sha256Hex, Url};

/// Where a document lies, and what it hashes to.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(as = Document)]
pub struct DocumentInput {
    /// Where it lies.
    url: Url,
    /// What its bytes hash to.
    sha256: Sha256Hex,
}

/// Filters of the lists of partnerships and policies.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EvidenceQuery {
    /// Only of this agency.
    #[deserr(default)]
    #[param(inline)]
    pub agency: Option<AgencyKey>,
    /// Only those that are in force on this day.
    #[deserr(default)]
    #[param(inline)]
    pub in_force_on: Option<Day>,
    /// How many items a page has.
    #[deserr(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 500)]
    pub limit: Option<Limit>,
    /// Where the page begins, as the page before gave it.
    #[deserr(default)]
    #[param(value_type = Option<String>)]
    pub cursor: Option<Cursor>,
}

impl From<DocumentInput> for Document {
    fn from(input: DocumentInput) -> Self {
        Self { url: input.url, sha256: input.sha256 }
    }
}

impl From<&Document> for DocumentInput {
    fn from(document: &Document) -> Self {
        Self { url: document.url.clone(), sha256: document.sha256.clone() }
    }
}
