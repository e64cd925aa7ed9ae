//! What partnerships, policies and pledges have in common: they are an agency's, and stay so.

use jiff::civil::Date;
use uuid::Uuid;

use super::agencies;
use super::{Fault, ServiceError, ServiceResult, Tx};
use crate::domain::agency::AgencyKey;
use crate::storage::evidence::EvidenceFilter;

/// Puts the faults of `result` to those that are known already, so that they are told together.
///
/// # Errors
/// What is no fault of the input.
pub fn gather<T>(faults: &mut Vec<Fault>, result: ServiceResult<T>) -> ServiceResult<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(ServiceError::Invalid(more)) => {
            faults.extend(more);
            Ok(None)
        }
        Err(other) => Err(other),
    }
}

/// The id of the agency that a draft names, where the draft has no faults.
///
/// # Errors
/// [`ServiceError::Invalid`] with the draft's faults, an unknown agency among them.
pub fn owner(tx: &mut Tx<'_>, key: &AgencyKey, mut faults: Vec<Fault>) -> ServiceResult<Uuid> {
    let agency = gather(&mut faults, agencies::named(tx, key, "/agency"))?;
    ServiceError::check(faults)?;
    agency.map(|agency| agency.id).ok_or(ServiceError::NotFound)
}

/// `Ok` where a draft names the agency that the record is of, and has no faults.
///
/// # Errors
/// [`ServiceError::Invalid`] with the draft's faults, `agency_fixed` among them where it names another.
pub fn same_owner(tx: &mut Tx<'_>, key: &AgencyKey, current: Uuid, mut faults: Vec<Fault>) -> ServiceResult<()> {
    if let Some(named) = gather(&mut faults, agencies::named(tx, key, "/agency"))?
        && named.id != current
    {
        faults.push(Fault::new("/agency", "agency_fixed", "the record stays with its agency: record it anew for the other, and delete this one"));
    }
    ServiceError::check(faults)
}

/// What a list is filtered by; `None` where it names an agency that is none within reach, so that the list is empty.
///
/// # Errors
/// Where the database fails.
pub fn filter(tx: &mut Tx<'_>, agency: Option<&AgencyKey>, in_force_on: Option<Date>) -> ServiceResult<Option<EvidenceFilter>> {
    let Some(key) = agency else { return Ok(Some(EvidenceFilter { agency: None, in_force_on })) };
    Ok(agencies::find(tx, key)?.map(|agency| EvidenceFilter { agency: Some(agency.id), in_force_on }))
}
