//! What pushes refer to and what rarely changes, as it was read before: the agencies' ORIs, and what references to trainings mean.
//!
//! Whatever changes one of these raises one version, under [`Lock::Place`]. A push holds [`Lock::Match`], which excludes that: what was read
//! under a version holds for a push that finds the same version, in whichever process.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use diesel::prelude::*;
use uuid::Uuid;

use super::catalogue::{self, Catalogue, Entry, Meaning};
use super::conn::AnyConn;
use super::dialect::{Lock, lock, per_backend};
use super::schema::directory_version;
use super::{StorageError, agencies};

/// How much of each is kept: more than a country has.
const KEPT: usize = 100_000;

/// What a process knows of the directory.
#[derive(Debug, Default, Clone)]
pub struct Directory(Arc<Mutex<Known>>);

/// What was read under a version, and what was not found.
#[derive(Debug, Default)]
struct Known {
    version: i64,
    agencies: HashMap<String, Option<Uuid>>,
    ids: HashMap<Uuid, Option<Entry>>,
    codes: HashMap<String, Option<Entry>>,
    /// By client and code.
    mappings: HashMap<(Uuid, String), Arc<[Meaning]>>,
}

/// Notes that the directory is about to be changed, by a transaction that holds [`Lock::Place`] from here on.
///
/// # Errors
/// Where the database fails.
pub fn change(conn: &mut AnyConn) -> Result<(), StorageError> {
    lock(conn, Lock::Place)?;
    diesel::update(directory_version::table).set(directory_version::version.eq(directory_version::version + 1)).execute(conn)?;
    Ok(())
}

impl Directory {
    /// Forgets what may be otherwise by now. To be asked in a transaction that holds [`Lock::Match`] before anything else of this.
    ///
    /// # Errors
    /// Where the database fails.
    pub fn renew(&self, conn: &mut AnyConn) -> Result<(), StorageError> {
        let version: i64 = per_backend!(conn, c => directory_version::table.select(directory_version::version).first(c))?;
        let mut known = self.known();
        if known.version != version {
            *known = Known { version, ..Known::default() };
        }
        Ok(())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Each of `oris` that an agency has, with the agency's id.
    ///
    /// # Errors
    /// Where the database fails.
    pub fn ids_by_ori(&self, conn: &mut AnyConn, oris: &[String]) -> Result<Vec<(String, Uuid)>, StorageError> {
        let (mut found, mut unknown) = (Vec::with_capacity(oris.len()), Vec::new());
        {
            let known = self.known();
            for ori in oris {
                match known.agencies.get(ori) {
                    Some(id) => found.extend(id.map(|id| (ori.clone(), id))),
                    None => unknown.push(ori.clone()),
                }
            }
        }
        if !unknown.is_empty() {
            let read = agencies::ids_by_ori(conn, &unknown)?;
            let mut known = self.known();
            keep(&mut known.agencies, unknown.into_iter().map(|ori| (ori, None)));
            keep(&mut known.agencies, read.iter().map(|(ori, id)| (ori.clone(), Some(*id))));
            found.extend(read);
        }
        Ok(found)
    }

    /// As [`catalogue::resolve`].
    ///
    /// # Errors
    /// Where the database fails.
    pub fn resolve(&self, conn: &mut AnyConn, client: Uuid, codes: &[&str], ids: &[Uuid]) -> Result<Catalogue, StorageError> {
        let mut found = Catalogue::default();
        let (mut new_codes, mut new_ids) = (Vec::new(), Vec::new());
        {
            let known = self.known();
            for code in codes.iter().copied() {
                match (known.codes.get(code), known.mappings.get(&(client, code.to_owned()))) {
                    (Some(entry), Some(meanings)) => {
                        found.codes.extend(entry.map(|entry| (code.to_owned(), entry)));
                        found.mappings.insert(code.to_owned(), meanings.clone());
                    }
                    _ => new_codes.push(code),
                }
            }
            for id in ids.iter().copied() {
                match known.ids.get(&id) {
                    Some(entry) => found.ids.extend(entry.map(|entry| (id, entry))),
                    None => new_ids.push(id),
                }
            }
        }
        if !new_codes.is_empty() || !new_ids.is_empty() {
            let read = catalogue::resolve(conn, client, &new_codes, &new_ids)?;
            let mut known = self.known();
            keep(&mut known.ids, new_ids.iter().map(|id| (*id, read.ids.get(id).copied())));
            keep(&mut known.codes, new_codes.iter().map(|code| ((*code).to_owned(), read.codes.get(*code).copied())));
            let meanings = |code: &&str| ((client, (*code).to_owned()), read.mappings.get(*code).cloned().unwrap_or_default());
            keep(&mut known.mappings, new_codes.iter().map(meanings));
            found.ids.extend(read.ids);
            found.codes.extend(read.codes);
            found.mappings.extend(read.mappings);
        }
        Ok(found)
    }
}

/// Adds to what is known; where that would be too much, in the place of it.
fn keep<K: Eq + Hash, V>(known: &mut HashMap<K, V>, more: impl ExactSizeIterator<Item = (K, V)>) {
    if known.len() + more.len() > KEPT {
        known.clear();
    }
    known.extend(more.take(KEPT));
}
