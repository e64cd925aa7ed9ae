//! The catalogue of trainings, common to all clients, and the decision which of them count.

use uuid::Uuid;

use super::audit::{fields_between, fields_of};
use super::page::{PageOf, PageRequest};
use super::placement::place_waiting;
use super::{Fault, ServiceError, ServiceResult, Tx};
use crate::domain::text::Note;
use crate::domain::training::{RecognitionStatus, TrainingDraft};
use crate::storage::Constraint;
use crate::storage::dialect::{Lock, lock};
use crate::storage::trainings::{self as rows, Recognition, Training, TrainingFilter};

/// The scope that deciding on recognition needs.
pub const RECOGNIZE: &str = "trainings:recognize";

/// A training.
///
/// # Errors
/// [`ServiceError::NotFound`].
pub fn get(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<Training> {
    rows::by_id(tx.conn, id)?.ok_or(ServiceError::NotFound)
}

/// The fault of a body that names at `pointer` a training that there isn't.
///
/// # Errors
/// Where the database fails.
pub fn unknown(tx: &mut Tx<'_>, id: Uuid, pointer: &str) -> ServiceResult<Option<Fault>> {
    let unknown = rows::by_id(tx.conn, id)?.is_none();
    Ok(unknown.then(|| Fault::new(pointer, "unknown_training", format!("there is no training `{id}`"))))
}

/// A page of trainings.
///
/// # Errors
/// Where the database fails.
pub fn list(tx: &mut Tx<'_>, filter: &TrainingFilter, page: PageRequest) -> ServiceResult<PageOf<Training>> {
    let fetched = rows::list(tx.conn, filter, page.after, page.fetch())?;
    Ok(page.cut(fetched, |training| training.id))
}

/// Proposes a training, and places what waits for its code.
///
/// # Errors
/// [`ServiceError::Conflict`] where another training has the code.
pub fn create(tx: &mut Tx<'_>, draft: &TrainingDraft) -> ServiceResult<Training> {
    check(draft)?;
    lock(tx.conn, Lock::Place)?;
    let recognition = Recognition { status: RecognitionStatus::Proposed, note: None, changed_at: None };
    let training = Training { id: tx.new_id(), draft: draft.clone(), recognition, created_at: tx.now, updated_at: tx.now };
    rows::insert(tx.conn, &training).map_err(ServiceError::on(Constraint::TrainingCode, code_taken(draft)))?;
    tx.changed("training", training.id, fields_of(draft));
    place_waiting(tx, &[format!("course:{}", draft.code), format!("training:{}", training.id)])?;
    Ok(training)
}

/// Changes a training to what `edit` makes of it. `may_recognize` says whether the caller has the scope [`RECOGNIZE`].
///
/// # Errors
/// [`ServiceError::NotFound`], what `edit` says, and as [`create`]; [`ServiceError::MissingScope`] or
/// [`ServiceError::Forbidden`] where what was recognized would become something else without who may recognize it.
pub fn change(
    tx: &mut Tx<'_>,
    id: Uuid,
    may_recognize: bool,
    edit: impl FnOnce(&Training) -> ServiceResult<TrainingDraft>,
) -> ServiceResult<Training> {
    lock(tx.conn, Lock::Place)?;
    let current = get(tx, id)?;
    let draft = edit(&current)?;
    check(&draft)?;
    if draft == current.draft {
        return Ok(current);
    }
    if current.recognition.status == RecognitionStatus::Recognized && !draft.recognized_alike(&current.draft) {
        if !may_recognize {
            return Err(ServiceError::MissingScope(RECOGNIZE));
        }
        decides(tx)?;
    }
    let code_taken = code_taken(&draft);
    let renamed = draft.code != current.draft.code;
    let fields = fields_between(&current.draft, &draft);
    let training = Training { draft, updated_at: tx.now, ..current };
    rows::update(tx.conn, &mut tx.coverage, &training).map_err(ServiceError::on(Constraint::TrainingCode, code_taken))?;
    tx.changed("training", id, fields);
    if renamed {
        place_waiting(tx, &[format!("course:{}", training.draft.code)])?;
    }
    Ok(training)
}

/// Decides whether a training counts. `guard` is asked with what was decided before.
///
/// # Errors
/// [`ServiceError::Forbidden`] without a grant for all agencies, [`ServiceError::NotFound`], and what `guard` says.
pub fn recognize(
    tx: &mut Tx<'_>,
    id: Uuid,
    status: RecognitionStatus,
    note: Option<Note>,
    guard: impl FnOnce(&Recognition) -> ServiceResult<()>,
) -> ServiceResult<Recognition> {
    decides(tx)?;
    lock(tx.conn, Lock::Place)?;
    let current = get(tx, id)?;
    guard(&current.recognition)?;
    if (current.recognition.status, &current.recognition.note) == (status, &note) {
        return Ok(current.recognition);
    }
    let decided = [("recognition.status", current.recognition.status != status), ("recognition.note", current.recognition.note != note)];
    let fields = decided.iter().filter(|(_, differs)| *differs).map(|(name, _)| (*name).to_owned()).collect();
    tx.changed("training", id, fields);
    let recognition = Recognition { status, note, changed_at: Some(tx.now) };
    let training = Training { recognition, updated_at: tx.now, ..current };
    rows::update(tx.conn, &mut tx.coverage, &training)?;
    Ok(training.recognition)
}

/// Takes a training out of the catalogue. `guard` is asked with what is there.
///
/// # Errors
/// [`ServiceError::NotFound`], what `guard` says, and [`ServiceError::Conflict`] while a mapping or completion refers to it.
pub fn delete(tx: &mut Tx<'_>, id: Uuid, guard: impl FnOnce(&Training) -> ServiceResult<()>) -> ServiceResult<()> {
    lock(tx.conn, Lock::Place)?;
    guard(&get(tx, id)?)?;
    let in_use = ServiceError::conflict("training_in_use", "a course mapping or a completion refers to this training");
    tx.changed("training", id, Vec::new());
    rows::delete(tx.conn, id).map_err(ServiceError::on(Constraint::Reference, in_use))
}

fn decides(tx: &Tx<'_>) -> ServiceResult<()> {
    tx.needs_all_agencies("deciding which trainings count needs a grant for all agencies")
}

fn check(draft: &TrainingDraft) -> ServiceResult<()> {
    ServiceError::check(Fault::all(draft.check()))
}

fn code_taken(draft: &TrainingDraft) -> ServiceError {
    ServiceError::conflict("code_taken", format!("another training has the code `{}`", draft.code))
}
