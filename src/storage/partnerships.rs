//! Partnerships of agencies with mental health organizations.

use diesel::prelude::*;
use jiff::Timestamp;
use uuid::Uuid;

use super::StorageError;
use super::agencies::AgencyBrief;
use super::conn::AnyConn;
use super::error::corrupt;
use super::evidence::{EvidenceFilter, document};
use super::schema::{agencies, partnerships};
use super::types::{At, Id, On};
use crate::domain::agency::AgencyKey;
use crate::domain::evidence::{Agreement, Organization, OrganizationKind, PartnershipDraft};
use crate::domain::reach::Reach;
use crate::domain::text::Name;

/// A partnership as it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partnership {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub agency: AgencyBrief,
    /// What it is; it names its agency by id.
    pub draft: PartnershipDraft,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// When it changed.
    pub updated_at: Timestamp,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = partnerships)]
struct PartnershipRow {
    id: Id,
    agency_id: Id,
    organization_name: String,
    organization_kind: String,
    agreement: String,
    effective_on: On,
    ends_on: Option<On>,
    document_url: Option<String>,
    document_sha256: Option<String>,
    created_at: At,
    updated_at: At,
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = partnerships, treat_none_as_default_value = false, treat_none_as_null = true)]
struct PartnershipValues<'a> {
    organization_name: &'a str,
    organization_kind: &'a str,
    agreement: &'a str,
    effective_on: On,
    ends_on: Option<On>,
    document_url: Option<&'a str>,
    document_sha256: Option<&'a str>,
    updated_at: At,
}

impl PartnershipRow {
    fn into_partnership(self, ori: Option<String>, name: String) -> Result<Partnership, StorageError> {
        Ok(Partnership {
            id: self.id.0,
            agency: AgencyBrief { id: self.agency_id.0, ori, name },
            draft: PartnershipDraft {
                agency: AgencyKey::Id(self.agency_id.0),
                organization: Organization {
                    name: Name::parse(&self.organization_name).map_err(corrupt("partnerships.organization_name"))?,
                    kind: OrganizationKind::parse(&self.organization_kind).map_err(corrupt("partnerships.organization_kind"))?,
                },
                agreement: Agreement::parse(&self.agreement).map_err(corrupt("partnerships.agreement"))?,
                effective_on: self.effective_on.0,
                ends_on: self.ends_on.map(|day| day.0),
                document: document(self.document_url.as_deref(), self.document_sha256.as_deref())?,
            },
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
        })
    }
}

impl<'a> PartnershipValues<'a> {
    fn of(draft: &'a PartnershipDraft, now: Timestamp) -> Self {
        Self {
            organization_name: draft.organization.name.as_str(),
            organization_kind: draft.organization.kind.as_str(),
            agreement: draft.agreement.as_str(),
            effective_on: On(draft.effective_on),
            ends_on: draft.ends_on.map(On),
            document_url: draft.document.as_ref().map(|document| document.url.as_str()),
            document_sha256: draft.document.as_ref().map(|document| document.sha256.as_str()),
            updated_at: At(now),
        }
    }
}

/// The partnership with this id, where it is within reach.
///
/// # Errors
/// Where the database fails.
pub fn by_id(conn: &mut AnyConn, reach: &Reach, id: Uuid) -> Result<Option<Partnership>, StorageError> {
    let mut query = partnerships::table
        .inner_join(agencies::table.on(agencies::id.eq(partnerships::agency_id)))
        .filter(partnerships::id.eq(Id(id)))
        .select((PartnershipRow::as_select(), agencies::ori, agencies::name))
        .into_boxed();
    if let Some(ids) = reach.ids() {
        query = query.filter(partnerships::agency_id.eq_any(ids.iter().map(|id| Id(*id)).collect::<Vec<_>>()));
    }
    let found: Option<(PartnershipRow, Option<String>, String)> = query.first(conn).optional()?;
    found.map(|(row, ori, name)| row.into_partnership(ori, name)).transpose()
}

/// A page of partnerships within reach, in the order of their ids.
///
/// # Errors
/// Where the database fails.
pub fn list(conn: &mut AnyConn, reach: &Reach, filter: &EvidenceFilter, after: Option<Uuid>, fetch: i64) -> Result<Vec<Partnership>, StorageError> {
    let mut query = partnerships::table
        .inner_join(agencies::table.on(agencies::id.eq(partnerships::agency_id)))
        .order(partnerships::id)
        .limit(fetch)
        .select((PartnershipRow::as_select(), agencies::ori, agencies::name))
        .into_boxed();
    if let Some(ids) = reach.ids() {
        query = query.filter(partnerships::agency_id.eq_any(ids.iter().map(|id| Id(*id)).collect::<Vec<_>>()));
    }
    if let Some(agency) = filter.agency {
        query = query.filter(partnerships::agency_id.eq(Id(agency)));
    }
    if let Some(day) = filter.in_force_on {
        query = query
            .filter(partnerships::effective_on.le(On(day)))
            .filter(partnerships::ends_on.is_null().or(partnerships::ends_on.assume_not_null().gt(On(day))));
    }
    if let Some(after) = after {
        query = query.filter(partnerships::id.gt(Id(after)));
    }
    let rows: Vec<(PartnershipRow, Option<String>, String)> = query.load(conn)?;
    rows.into_iter().map(|(row, ori, name)| row.into_partnership(ori, name)).collect()
}

/// Writes a new partnership of an agency.
///
/// # Errors
/// Where the database fails.
pub fn insert(conn: &mut AnyConn, id: Uuid, agency: Uuid, draft: &PartnershipDraft, now: Timestamp) -> Result<(), StorageError> {
    diesel::insert_into(partnerships::table)
        .values((
            partnerships::id.eq(Id(id)),
            partnerships::agency_id.eq(Id(agency)),
            partnerships::created_at.eq(At(now)),
            PartnershipValues::of(draft, now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Puts `draft` in the place of what a partnership was; its agency stays.
///
/// # Errors
/// Where the database fails.
pub fn update(conn: &mut AnyConn, id: Uuid, draft: &PartnershipDraft, now: Timestamp) -> Result<(), StorageError> {
    diesel::update(partnerships::table.filter(partnerships::id.eq(Id(id)))).set(PartnershipValues::of(draft, now)).execute(conn)?;
    Ok(())
}

/// Takes a partnership out.
///
/// # Errors
/// Where the database fails.
pub fn delete(conn: &mut AnyConn, id: Uuid) -> Result<(), StorageError> {
    diesel::delete(partnerships::table.filter(partnerships::id.eq(Id(id)))).execute(conn)?;
    Ok(())
}
