//! Officers as matching looks at them (rule 7).

use std::collections::HashMap;

use uuid::Uuid;

use super::{Email, Officer, answering, by_ids, email_sha1s, fold, former_ids};
use crate::domain::matching::{Candidate, CandidateAppointment};
use crate::domain::reach::Reach;
use crate::storage::StorageError;
use crate::storage::conn::AnyConn;
use crate::storage::numbers::{self, Numbers};

/// Every officer within reach who answers to any of the lookup keys of [`crate::domain::matching`], with the appointments
/// within reach. Takes thousands of keys in a few statements.
///
/// # Errors
/// Where the database fails.
pub fn candidates(conn: &mut AnyConn, reach: &Reach, keys: &[String]) -> Result<Vec<Candidate>, StorageError> {
    let ids = answering(conn, reach, keys)?;
    let officers = by_ids(conn, reach, &ids)?;
    let appointments: Vec<Uuid> = officers.iter().flat_map(|officer| officer.appointments.iter().map(|appointment| appointment.id)).collect();
    let mut numbers = numbers::of_appointments(conn, &appointments)?;
    // Nobody can mean a former id who gives no id.
    let mut former = if keys.iter().any(|key| key.starts_with("id:")) { former_ids(conn, &ids)? } else { HashMap::new() };
    Ok(officers
        .iter()
        .map(|officer| {
            let former_ids = former.remove(&officer.id).unwrap_or_default();
            Candidate { former_ids, ..candidate(officer, |appointment| numbers.remove(&appointment).unwrap_or_default()) }
        })
        .collect())
}

fn candidate(officer: &Officer, mut numbers: impl FnMut(Uuid) -> Numbers) -> Candidate {
    let appointments = officer.appointments.iter().map(|appointment| {
        let Numbers { employee, badge } = numbers(appointment.id);
        CandidateAppointment {
            agency: appointment.agency,
            started_on: appointment.started_on,
            ended_on: appointment.ended_on,
            employee_numbers: employee,
            badge_numbers: badge,
        }
    });
    Candidate {
        officer: officer.id,
        person: officer.person,
        former_ids: Vec::new(),
        appointments: appointments.collect(),
        identifiers: officer.identifiers.iter().map(|i| (i.system.as_str().to_owned(), i.value.as_str().to_owned())).collect(),
        email: officer.email.as_ref().map(Email::folded),
        email_sha1s: officer.email.iter().flat_map(email_sha1s).collect(),
        family_name: fold(officer.family_name.as_str()),
        given_name: fold(officer.given_name.as_str()),
    }
}
