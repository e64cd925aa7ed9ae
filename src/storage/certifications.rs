//! Applications for certification, what was done with them, and the numbers of certificates.

use std::collections::HashMap;

use diesel::prelude::*;
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use super::StorageError;
use super::agencies::AgencyBrief;
use super::conn::AnyConn;
use super::dialect::per_backend;
use super::error::corrupt;
use super::schema::{agencies, certificate_numbers, certification_steps, certifications};
use super::types::{At, Id, Json, On};
use crate::domain::certification::{
    Applied, Awarded, CertificateNumber, Certification, CertificationState, Declined, InReview, Returned, Revoked, Step,
};
use crate::domain::frozen::Frozen;
use crate::domain::reach::Reach;
use crate::domain::text::Note;

/// An application as it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldCertification {
    /// Its id.
    pub id: Uuid,
    /// Who applied.
    pub agency: AgencyBrief,
    /// On which pledge.
    pub pledge: Uuid,
    /// Where it stands.
    pub certification: Certification,
    /// What was done with it, the first step first.
    pub steps: Vec<TakenStep>,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// When the last step was taken.
    pub updated_at: Timestamp,
}

/// A step that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenStep {
    /// What.
    pub step: Step,
    /// Why, or what is asked or answered.
    pub note: Option<Note>,
    /// By which client.
    pub client: Uuid,
    /// What the evaluation was: of an application, a resubmission and an award.
    pub evaluation: Option<Frozen>,
    /// When.
    pub taken_at: Timestamp,
}

/// Which applications a list holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CertificationFilter {
    /// Only of this agency.
    pub agency: Option<Uuid>,
    /// Only those that stand there.
    pub state: Option<CertificationState>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = certifications)]
struct Row {
    id: Id,
    agency_id: Id,
    pledge_id: Id,
    state: String,
    number: Option<String>,
    applied_on: On,
    awarded_on: Option<On>,
    ended_on: Option<On>,
    created_at: At,
    updated_at: At,
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = certifications, treat_none_as_default_value = false, treat_none_as_null = true)]
struct Values {
    state: &'static str,
    number: Option<String>,
    applied_on: On,
    awarded_on: Option<On>,
    ended_on: Option<On>,
    updated_at: At,
}

/// Where an application stands, as its columns tell.
fn certification(
    state: &str,
    number: Option<&str>,
    applied_on: Date,
    awarded_on: Option<Date>,
    ended_on: Option<Date>,
) -> Result<Certification, StorageError> {
    let state = CertificationState::parse(state).map_err(corrupt("certifications.state"))?;
    let missing = || StorageError::Corrupt(format!("a certification that is {state} lacks its number or its day"));
    let awarded = || {
        let (Some(number), Some(awarded_on)) = (number, awarded_on) else { return Err(missing()) };
        Ok(Awarded { applied_on, awarded_on, number: CertificateNumber::parse(number).map_err(corrupt("certifications.number"))? })
    };
    Ok(match state {
        CertificationState::Applied => Certification::Applied(Applied { applied_on }),
        CertificationState::InReview => Certification::InReview(InReview { applied_on }),
        CertificationState::Returned => Certification::Returned(Returned { applied_on }),
        CertificationState::Awarded => Certification::Awarded(awarded()?),
        CertificationState::Declined => Certification::Declined(Declined { applied_on, declined_on: ended_on.ok_or_else(missing)? }),
        CertificationState::Revoked => Certification::Revoked(Revoked { awarded: awarded()?, revoked_on: ended_on.ok_or_else(missing)? }),
    })
}

impl Row {
    fn into_held(self, ori: Option<String>, name: String) -> Result<HeldCertification, StorageError> {
        let (awarded_on, ended_on) = (self.awarded_on.map(|day| day.0), self.ended_on.map(|day| day.0));
        Ok(HeldCertification {
            id: self.id.0,
            agency: AgencyBrief { id: self.agency_id.0, ori, name },
            pledge: self.pledge_id.0,
            certification: certification(&self.state, self.number.as_deref(), self.applied_on.0, awarded_on, ended_on)?,
            steps: Vec::new(),
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
        })
    }
}

impl Values {
    fn of(certification: &Certification, now: Timestamp) -> Self {
        let awarded = certification.award_of();
        Self {
            state: certification.state().as_str(),
            number: awarded.map(|awarded| awarded.number.to_string()),
            applied_on: On(certification.applied_on()),
            awarded_on: awarded.map(|awarded| On(awarded.awarded_on)),
            ended_on: certification.ended_on().map(On),
            updated_at: At(now),
        }
    }
}

/// The application with this id, where it is within reach.
///
/// # Errors
/// Where the database fails.
pub fn by_id(conn: &mut AnyConn, reach: &Reach, id: Uuid) -> Result<Option<HeldCertification>, StorageError> {
    let query = certifications::table.inner_join(agencies::table.on(agencies::id.eq(certifications::agency_id)));
    let mut query = query.filter(certifications::id.eq(Id(id))).select((Row::as_select(), agencies::ori, agencies::name)).into_boxed();
    if let Some(ids) = reach.ids() {
        query = query.filter(certifications::agency_id.eq_any(ids.iter().map(|id| Id(*id)).collect::<Vec<_>>()));
    }
    let found: Option<(Row, Option<String>, String)> = query.first(conn).optional()?;
    let Some((row, ori, name)) = found else { return Ok(None) };
    let mut held = vec![row.into_held(ori, name)?];
    add_steps(conn, &mut held)?;
    Ok(held.pop())
}

/// A page of applications within reach, in the order of their ids.
///
/// # Errors
/// Where the database fails.
pub fn list(
    conn: &mut AnyConn,
    reach: &Reach,
    filter: CertificationFilter,
    after: Option<Uuid>,
    fetch: i64,
) -> Result<Vec<HeldCertification>, StorageError> {
    let mut query = certifications::table
        .inner_join(agencies::table.on(agencies::id.eq(certifications::agency_id)))
        .order(certifications::id)
        .limit(fetch)
        .select((Row::as_select(), agencies::ori, agencies::name))
        .into_boxed();
    if let Some(ids) = reach.ids() {
        query = query.filter(certifications::agency_id.eq_any(ids.iter().map(|id| Id(*id)).collect::<Vec<_>>()));
    }
    if let Some(agency) = filter.agency {
        query = query.filter(certifications::agency_id.eq(Id(agency)));
    }
    if let Some(state) = filter.state {
        query = query.filter(certifications::state.eq(state.as_str()));
    }
    if let Some(after) = after {
        query = query.filter(certifications::id.gt(Id(after)));
    }
    let rows: Vec<(Row, Option<String>, String)> = query.load(conn)?;
    let mut held = rows.into_iter().map(|(row, ori, name)| row.into_held(ori, name)).collect::<Result<Vec<_>, _>>()?;
    add_steps(conn, &mut held)?;
    Ok(held)
}

/// The applications of an agency: on which pledge, and where they stand.
///
/// # Errors
/// Where the database fails.
pub fn of_agency(conn: &mut AnyConn, agency: Uuid) -> Result<Vec<(Uuid, Certification)>, StorageError> {
    let all = of_agencies(conn, Some(&[Id(agency)]))?;
    Ok(all.into_iter().map(|(_, pledge, certification)| (pledge, certification)).collect())
}

/// The applications of some agencies, or with `None` of all: whose they are, on which pledge, and where they stand.
///
/// # Errors
/// Where the database fails.
pub(super) fn of_agencies(conn: &mut AnyConn, agencies: Option<&[Id]>) -> Result<Vec<(Uuid, Uuid, Certification)>, StorageError> {
    let mut query = certifications::table
        .order(certifications::id)
        .select((
            certifications::agency_id,
            certifications::pledge_id,
            certifications::state,
            certifications::number,
            certifications::applied_on,
            certifications::awarded_on,
            certifications::ended_on,
        ))
        .into_boxed();
    if let Some(agencies) = agencies {
        query = query.filter(certifications::agency_id.eq_any(agencies.to_vec()));
    }
    let rows: Vec<(Id, Id, String, Option<String>, On, Option<On>, Option<On>)> = query.load(conn)?;
    rows.into_iter()
        .map(|(agency, pledge, state, number, applied_on, awarded_on, ended_on)| {
            let stands = certification(&state, number.as_deref(), applied_on.0, awarded_on.map(|day| day.0), ended_on.map(|day| day.0))?;
            Ok((agency.0, pledge.0, stands))
        })
        .collect()
}

/// The day of the award that holds, by the pledge that it was awarded on.
///
/// # Errors
/// Where the database fails.
pub fn awards_on(conn: &mut AnyConn, pledges: &[Uuid]) -> Result<HashMap<Uuid, Date>, StorageError> {
    let pledges: Vec<Id> = pledges.iter().map(|id| Id(*id)).collect();
    let rows: Vec<(Id, Option<On>)> = certifications::table
        .filter(certifications::pledge_id.eq_any(pledges))
        .filter(certifications::state.eq(CertificationState::Awarded.as_str()))
        .select((certifications::pledge_id, certifications::awarded_on))
        .load(conn)?;
    Ok(rows.into_iter().filter_map(|(pledge, day)| Some((pledge.0, day?.0))).collect())
}

/// The certificates of a year that were revoked; `None` for a year in which nothing was awarded.
///
/// # Errors
/// Where the database fails.
pub fn revoked_of(conn: &mut AnyConn, year: i16) -> Result<Option<Vec<CertificateNumber>>, StorageError> {
    use certificate_numbers as numbers;
    let drawn: Option<i32> = numbers::table.filter(numbers::year.eq(i32::from(year))).select(numbers::last).first(conn).optional()?;
    if drawn.is_none() {
        return Ok(None);
    }
    let found: Vec<Option<String>> = certifications::table
        .filter(certifications::state.eq(CertificationState::Revoked.as_str()))
        .filter(certifications::number.like(format!("OMC-{year:04}-%")))
        .order(certifications::number)
        .select(certifications::number)
        .load(conn)?;
    let numbers = found.iter().flatten().map(|number| CertificateNumber::parse(number).map_err(corrupt("certifications.number")));
    numbers.collect::<Result<_, _>>().map(Some)
}

/// An evaluation as it is held.
pub(super) fn frozen(json: Json) -> Result<Frozen, StorageError> {
    serde_json::from_value(json.0).map_err(|cause| StorageError::Corrupt(format!("certification_steps.evaluation: {cause}")))
}

/// Adds what was done with each.
fn add_steps(conn: &mut AnyConn, held: &mut [HeldCertification]) -> Result<(), StorageError> {
    type StepRow = (Id, String, Option<String>, Id, Option<Json>, At);
    let ids: Vec<Id> = held.iter().map(|one| Id(one.id)).collect();
    let rows: Vec<StepRow> = certification_steps::table
        .filter(certification_steps::certification_id.eq_any(ids))
        .order((certification_steps::certification_id, certification_steps::position))
        .select((
            certification_steps::certification_id,
            certification_steps::step,
            certification_steps::note,
            certification_steps::client_id,
            certification_steps::evaluation,
            certification_steps::taken_at,
        ))
        .load(conn)?;
    let mut taken: HashMap<Uuid, Vec<TakenStep>> = HashMap::new();
    for (certification, step, note, client, evaluation, taken_at) in rows {
        taken.entry(certification.0).or_default().push(TakenStep {
            step: Step::parse(&step).map_err(corrupt("certification_steps.step"))?,
            note: note.map(|note| Note::parse(&note)).transpose().map_err(corrupt("certification_steps.note"))?,
            client: client.0,
            evaluation: evaluation.map(frozen).transpose()?,
            taken_at: taken_at.0,
        });
    }
    for one in held {
        one.steps = taken.remove(&one.id).unwrap_or_default();
    }
    Ok(())
}

/// Writes a new application on a pledge, with its first step.
///
/// # Errors
/// Where the database fails.
pub fn insert(
    conn: &mut AnyConn,
    id: Uuid,
    agency: Uuid,
    pledge: Uuid,
    certification: &Certification,
    first: &TakenStep,
) -> Result<(), StorageError> {
    let values = Values::of(certification, first.taken_at);
    diesel::insert_into(certifications::table)
        .values((
            certifications::id.eq(Id(id)),
            certifications::agency_id.eq(Id(agency)),
            certifications::pledge_id.eq(Id(pledge)),
            certifications::created_at.eq(At(first.taken_at)),
            values,
        ))
        .execute(conn)?;
    insert_step(conn, id, 1, first)
}

/// Writes where an application stands after a step more.
///
/// # Errors
/// Where the database fails.
pub fn update(conn: &mut AnyConn, id: Uuid, certification: &Certification, position: usize, step: &TakenStep) -> Result<(), StorageError> {
    let values = Values::of(certification, step.taken_at);
    diesel::update(certifications::table.filter(certifications::id.eq(Id(id)))).set(values).execute(conn)?;
    insert_step(conn, id, position, step)
}

/// `position`: from 1.
fn insert_step(conn: &mut AnyConn, id: Uuid, position: usize, step: &TakenStep) -> Result<(), StorageError> {
    let evaluation = step.evaluation.as_ref().map(serde_json::to_value).transpose().map_err(|cause| StorageError::Other(cause.to_string()))?;
    let position = i32::try_from(position).map_err(|_| StorageError::Other("too many steps".to_owned()))?;
    diesel::insert_into(certification_steps::table)
        .values((
            certification_steps::certification_id.eq(Id(id)),
            certification_steps::position.eq(position),
            certification_steps::step.eq(step.step.as_str()),
            certification_steps::note.eq(step.note.as_ref().map(Note::as_str)),
            certification_steps::client_id.eq(Id(step.client)),
            certification_steps::evaluation.eq(evaluation.map(Json)),
            certification_steps::taken_at.eq(At(step.taken_at)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Draws the next number of a year. Others who would draw one wait until the transaction ends, so that where it comes to nothing the number is
/// drawn again.
///
/// # Errors
/// Where the database fails.
pub fn next_number(conn: &mut AnyConn, year: i16) -> Result<CertificateNumber, StorageError> {
    use certificate_numbers as numbers;
    let last: i32 = per_backend!(conn, c => diesel::insert_into(numbers::table)
        .values((numbers::year.eq(i32::from(year)), numbers::last.eq(1)))
        .on_conflict(numbers::year)
        .do_update()
        .set(numbers::last.eq(numbers::last + 1))
        .returning(numbers::last)
        .get_result(c))?;
    let count = u32::try_from(last).map_err(|_| StorageError::Corrupt("certificate_numbers.last".into()))?;
    Ok(CertificateNumber::new(year, count))
}
