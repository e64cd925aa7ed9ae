//! The transactions of a caller: within its reach, and told to the audit log.

use std::sync::Arc;

use uuid::Uuid;

use super::audit::{self, Asked};
use super::auth::{Authority, Caller};
use super::problem::ApiError;
use crate::service::audit::Trail;
use crate::service::{ServiceResult, Tx, reach};
use crate::storage::{AnyConn, Directory};

/// How a transaction begins that writes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Begin {
    /// With nothing.
    Writing,
    /// Under the lock of what matches completions.
    Matching,
}

impl Caller {
    /// Runs `work` in a transaction that reads, within the caller's reach.
    ///
    /// # Errors
    /// What `work` answered, or the database.
    pub async fn read<T: Send + 'static>(&self, mut work: impl FnMut(&mut Tx<'_>) -> ServiceResult<T> + Send + 'static) -> Result<T, ApiError> {
        let opener = self.opener();
        let asked = self.asked().clone();
        let read = move |conn: &mut AnyConn| {
            let mut tx = opener.open(conn, None)?;
            let told = work(&mut tx)?;
            asked.of_agency(tx.trail.agency);
            ServiceResult::Ok(told)
        };
        Ok(self.registry().store.read(read).await?)
    }

    /// Runs `work` in a transaction that may write, within the caller's reach, and tells the audit log in it what was done.
    ///
    /// # Errors
    /// What `work` answered, or the database.
    pub async fn write<T: Send + 'static>(&self, work: impl FnMut(&mut Tx<'_>) -> ServiceResult<T> + Send + 'static) -> Result<T, ApiError> {
        self.write_begun(Begin::Writing, work).await
    }

    /// As [`Self::write`], for what pushes completions: see [`crate::storage::Store::write_matching`].
    ///
    /// # Errors
    /// What `work` answered, or the database.
    pub async fn write_matching<T: Send + 'static>(&self, work: impl FnMut(&mut Tx<'_>) -> ServiceResult<T> + Send + 'static) -> Result<T, ApiError> {
        self.write_begun(Begin::Matching, work).await
    }

    /// As [`Self::write`] or [`Self::write_matching`].
    ///
    /// # Errors
    /// What `work` answered, or the database.
    pub(super) async fn write_begun<T: Send + 'static>(
        &self,
        begin: Begin,
        mut work: impl FnMut(&mut Tx<'_>) -> ServiceResult<T> + Send + 'static,
    ) -> Result<T, ApiError> {
        let opener = self.opener();
        let (asked, registry) = (self.asked().clone(), self.registry().clone());
        let mut write = move |conn: &mut AnyConn, directory: Option<&Directory>| {
            let mut tx = opener.open(conn, directory)?;
            let done = work(&mut tx)?;
            asked.write(&mut tx, &registry.audit.keys)?;
            ServiceResult::Ok((done, tx.raised))
        };
        let store = &self.registry().store;
        let (done, raised) = match begin {
            Begin::Writing => store.write(move |conn| write(conn, None)).await?,
            Begin::Matching => store.write_matching(move |conn, directory| write(conn, Some(directory))).await?,
        };
        self.asked().written();
        self.registry().announcer.note(raised);
        Ok(done)
    }

    /// As [`Self::write_matching`], for several requests of callers with the same authority: each of them is told of by itself.
    ///
    /// # Errors
    /// What `work` answered, or the database.
    pub(super) async fn write_together<T: Send + 'static>(
        &self,
        all: Vec<Arc<Asked>>,
        mut work: impl FnMut(&mut Tx<'_>) -> ServiceResult<Vec<(T, Trail)>> + Send + 'static,
    ) -> Result<Vec<T>, ApiError> {
        let (opener, registry) = (self.opener(), self.registry().clone());
        let write = move |conn: &mut AnyConn, directory: &Directory| {
            let mut tx = opener.open(conn, Some(directory))?;
            let (done, trails): (Vec<T>, Vec<Trail>) = work(&mut tx)?.into_iter().unzip();
            audit::write_all(&mut tx, &registry.audit.keys, all.iter().map(AsRef::as_ref).zip(trails))?;
            ServiceResult::Ok((done, tx.raised))
        };
        let (done, raised) = self.registry().store.write_matching(write).await?;
        self.registry().announcer.note(raised);
        Ok(done)
    }

    fn opener(&self) -> Opener {
        Opener { client: self.client, authority: self.authority.clone(), now: self.registry().clock.now() }
    }
}

/// What it takes to open a [`Tx`] on a connection.
struct Opener {
    client: Uuid,
    authority: Authority,
    now: jiff::Timestamp,
}

impl Opener {
    fn open<'a>(&self, conn: &'a mut AnyConn, directory: Option<&Directory>) -> ServiceResult<Tx<'a>> {
        let reach = match &self.authority {
            Authority::Token(keys) => reach::of(conn, directory, keys.as_deref())?,
            Authority::Client(access) => {
                let today = self.now.to_zoned(jiff::tz::TimeZone::UTC).date();
                reach::of_grants(conn, directory, self.client, &access.grants, today)?
            }
        };
        Ok(Tx { directory: directory.cloned(), ..Tx::new(conn, reach, self.client, self.now) })
    }
}
