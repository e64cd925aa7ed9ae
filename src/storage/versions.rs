//! Versions of agencies, for all who ask at once: while a statement runs, whoever comes waits for the next, which asks for all of them. It
//! begins after the last of them came, so that nobody is told what was true before they asked; who comes alone waits for nobody. Of a database
//! that is in the process they are asked where they arise, by as many as there are connections for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Nullable, Text};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::conn::AnyConn;
use super::timelines::{STANDARDS, Version, version_of};
use super::types::{Guid, Id};
use super::{ATTEMPTS, StorageError, Store, WAIT};
use crate::domain::agency::AgencyKey;

/// How many agencies one statement asks for at the most.
const MOST: usize = 1_000;

/// How many values a list has at the least: PostgreSQL takes a list that it doesn't know to have as many, and would plan each statement
/// anew if those that it sees were shorter.
const LEAST: usize = 10;

/// How often who has answered all lets others go first, before it ends: under load they bring the next questions, and need not wake it.
const PATIENCE: usize = 3;

/// An agency and its version; `None` where there is no such agency.
pub type Versioned = Option<(Uuid, Version)>;

/// The questions of a process that wait.
#[derive(Debug, Clone, Default)]
pub struct Versions(Arc<Mutex<Queue>>);

#[derive(Debug, Default)]
struct Queue {
    waiting: Vec<Question>,
    /// Counts the questions.
    asked: u64,
    running: bool,
}

#[derive(Debug)]
struct Question {
    number: u64,
    key: AgencyKey,
    answer: oneshot::Sender<Result<Versioned, StorageError>>,
}

impl Versions {
    /// The agency that a key names, wherever it is, with its version.
    ///
    /// # Errors
    /// Where the database fails, or has no time for it.
    pub async fn of(&self, store: &Store, key: AgencyKey) -> Result<Versioned, StorageError> {
        if let Some(versioned) = store.near.ask(|conn| version_of(conn, &key)) {
            return Ok(versioned);
        }
        let (answer, mut answered) = oneshot::channel();
        let (number, running) = self.add(key, answer);
        if let Some(running) = running {
            running.begin(store);
        }
        let told = match tokio::time::timeout(WAIT, &mut answered).await {
            Ok(told) => told,
            Err(_) if self.takes_back(number) => return Err(StorageError::Busy("other questions take long".into())),
            Err(_) => answered.await,
        };
        told.unwrap_or_else(|_| Err(StorageError::Unavailable("a question was broken off".into())))
    }

    /// Lets a question wait; answers its number, and who is to run where nobody does.
    fn add(&self, key: AgencyKey, answer: oneshot::Sender<Result<Versioned, StorageError>>) -> (u64, Option<Running>) {
        let mut queue = self.held();
        queue.asked += 1;
        let number = queue.asked;
        queue.waiting.push(Question { number, key, answer });
        let idle = !std::mem::replace(&mut queue.running, true);
        (number, idle.then(|| Running { all: self.clone(), ended: false }))
    }

    /// Whether a question waits still, which it does no longer.
    fn takes_back(&self, number: u64) -> bool {
        let mut queue = self.held();
        let before = queue.waiting.len();
        queue.waiting.retain(|question| question.number != number);
        queue.waiting.len() < before
    }

    /// The questions of the next statement; none where none wait.
    fn next(&self) -> Vec<Question> {
        let mut queue = self.held();
        let rest = queue.waiting.len().min(MOST);
        let rest = queue.waiting.split_off(rest);
        std::mem::replace(&mut queue.waiting, rest)
    }

    fn held(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks until no question waits: on a thread of its own, so that nobody who waits depends on what the thread of another request does.
#[derive(Debug)]
struct Running {
    all: Versions,
    ended: bool,
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            // What still waits when this is broken off is told so: nobody would come for it.
            let mut queue = self.all.held();
            queue.running = false;
            queue.waiting.clear();
        }
    }
}

impl Running {
    fn begin(self, store: &Store) {
        let (mut running, again) = (self, store.clone());
        store.detach(move |conn| {
            match conn {
                Ok(conn) => {
                    while answer_all(conn, &running.all) {
                        if running.ends() {
                            return true;
                        }
                    }
                }
                Err(error) => tell(running.all.next(), &error),
            }
            // Who came since is asked for on another connection.
            if !running.ends() {
                running.begin(&again);
            }
            false
        });
    }

    /// Whether no question waits, and so this has ended. Both in one breath, or who came between would wait for nobody.
    fn ends(&mut self) -> bool {
        let mut queue = self.all.held();
        self.ended = queue.waiting.is_empty();
        queue.running = !self.ended;
        self.ended
    }
}

/// Answers questions on one connection until none wait, or a statement fails; answers whether none did.
fn answer_all(conn: &mut AnyConn, all: &Versions) -> bool {
    let mut idle = 0;
    while idle < PATIENCE {
        let questions = all.next();
        if questions.is_empty() {
            idle += 1;
            std::thread::yield_now();
        } else if answer(conn, questions) {
            idle = 0;
        } else {
            return false;
        }
    }
    true
}

/// Answers questions by one statement; answers whether it did not fail.
fn answer(conn: &mut AnyConn, questions: Vec<Question>) -> bool {
    let mut keys: Vec<&AgencyKey> = Vec::with_capacity(questions.len());
    for question in &questions {
        if !keys.contains(&&question.key) {
            keys.push(&question.key);
        }
    }
    let mut attempt = 1;
    let found = loop {
        match by_keys(conn, &keys) {
            Err(error) if attempt < ATTEMPTS && error.is_transient() => attempt += 1,
            found => break found,
        }
    };
    match found {
        Ok(found) => {
            for Question { key, answer, .. } in questions {
                // Whoever has gone is not answered.
                let _ = answer.send(Ok(found.get(&key).copied()));
            }
            true
        }
        Err(error) => {
            tell(questions, &error);
            false
        }
    }
}

fn tell(questions: Vec<Question>, error: &StorageError) {
    for question in questions {
        let _ = question.answer.send(Err(error.again()));
    }
}

/// The agencies that keys name, wherever they are, with their versions; those that there are none of are left out. One statement on
/// PostgreSQL; on SQLite, where a statement goes nowhere, one for each.
///
/// # Errors
/// Where the database fails.
fn by_keys(conn: &mut AnyConn, keys: &[&AgencyKey]) -> Result<HashMap<AgencyKey, (Uuid, Version)>, StorageError> {
    match conn {
        AnyConn::Postgres(conn) if keys.len() > 1 => Ok(gathered(keys, Several::of(keys).load(conn)?)),
        conn => {
            let mut found = HashMap::with_capacity(keys.len());
            for key in keys {
                if let Some(versioned) = version_of(conn, key)? {
                    found.insert((*key).clone(), versioned);
                }
            }
            Ok(found)
        }
    }
}

/// Rows of versions by agency, with the ORI by which it was found, where it was.
fn gathered(keys: &[&AgencyKey], rows: Vec<(Option<String>, Id, i64)>) -> HashMap<AgencyKey, (Uuid, Version)> {
    let mut standards = 0;
    let mut by_id: HashMap<Uuid, i64> = HashMap::new();
    let mut by_ori: HashMap<String, (Uuid, i64)> = HashMap::new();
    for (ori, Id(id), raised) in rows {
        match ori {
            Some(ori) => by_ori.entry(ori).or_insert((id, 0)).1 += raised,
            None if id == STANDARDS => standards += raised,
            None => *by_id.entry(id).or_default() += raised,
        }
    }
    let found = |key: &AgencyKey| match key {
        AgencyKey::Id(id) => by_id.get(id).map(|raised| (*id, *raised)),
        AgencyKey::Ori(ori) => by_ori.get(ori.as_str()).copied(),
    };
    keys.iter().filter_map(|key| found(key).map(|(id, agency)| ((*key).clone(), (id, Version { agency, standards })))).collect()
}

/// The versions of several agencies, by id and by ORI, and that of the standards.
#[derive(QueryId)]
struct Several {
    ids: Vec<Id>,
    oris: Vec<String>,
}

impl Several {
    fn of(keys: &[&AgencyKey]) -> Self {
        let (mut ids, mut oris) = (vec![Id(STANDARDS)], Vec::new());
        for key in keys {
            match key {
                AgencyKey::Id(id) => ids.push(Id(*id)),
                AgencyKey::Ori(ori) => oris.push(ori.as_str().to_owned()),
            }
        }
        ids.resize(ids.len().max(LEAST), Id(STANDARDS));
        // The empty text is no ORI.
        oris.resize(oris.len().max(LEAST), String::new());
        Self { ids, oris }
    }
}

impl Query for Several {
    type SqlType = (Nullable<Text>, Guid, BigInt);
}

impl diesel::RunQueryDsl<diesel::PgConnection> for Several {}

impl QueryFragment<Pg> for Several {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT NULL::text, agency_id, version FROM agency_versions WHERE agency_id = ANY(");
        out.push_bind_param::<Array<Guid>, _>(&self.ids)?;
        out.push_sql(
            ") UNION ALL SELECT named.ori, held.agency_id, held.version \
             FROM agency_oris AS named JOIN agency_versions AS held ON held.agency_id = named.agency_id WHERE named.ori = ANY(",
        );
        out.push_bind_param::<Array<Text>, _>(&self.oris)?;
        out.push_sql(")");
        Ok(())
    }
}
