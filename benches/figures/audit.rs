//! What an entry of the audit log costs: a transaction that appends one, beside a transaction that inserts the same row into a table without
//! chains; with one writer and with several, over all lanes and over a single one.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use diesel::prelude::*;
use onemind::domain::audit::{AuditOutcome, Entry, LANES};
use onemind::domain::clock::{Clock as _, SystemClock};
use onemind::service::audit::{Keys, append_among};
use onemind::service::{ServiceError, new_id};
use onemind::storage::types::{At, Id};
use onemind::storage::{AnyConn, Database, StorageError, write_once};

use crate::Outcome;
use crate::load::CONNECTIONS;
use crate::postgres::Postgres;
use crate::rate::Rate;
use crate::stages::{Figure, Figures, ROUNDS, keep};

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Integer, Nullable, Text};
    use onemind::storage::types::{Guid, Instant};

    audit_plain (id) {
        id -> Guid,
        lane -> Integer,
        sequence -> BigInt,
        at -> Instant,
        client_id -> Nullable<Guid>,
        subject -> Nullable<Text>,
        operation -> Text,
        outcome -> Text,
        status -> Integer,
        resource -> Nullable<Text>,
        resource_id -> Nullable<Text>,
        request_id -> Nullable<Guid>,
        address -> Nullable<Text>,
        fields -> Nullable<Text>,
        detail -> Nullable<Text>,
        key_name -> Text,
        hash -> Binary,
    }
}

/// Writes an entry as a plain row.
fn insert_plain(conn: &mut AnyConn, entry: Entry, sequence: i64) -> Result<(), ServiceError> {
    let row = (
        audit_plain::id.eq(Id(entry.id)),
        audit_plain::lane.eq(0),
        audit_plain::sequence.eq(sequence),
        audit_plain::at.eq(At(entry.at)),
        audit_plain::client_id.eq(entry.client.map(Id)),
        audit_plain::subject.eq(entry.subject),
        audit_plain::operation.eq(entry.operation),
        audit_plain::outcome.eq(entry.outcome.as_str()),
        audit_plain::status.eq(i32::from(entry.status)),
        audit_plain::resource.eq(entry.resource),
        audit_plain::resource_id.eq(entry.resource_id),
        (audit_plain::request_id.eq(entry.request.map(Id)), audit_plain::address.eq(entry.address), audit_plain::fields.eq(entry.fields)),
        audit_plain::detail.eq(entry.detail),
        audit_plain::key_name.eq("0123456789abcdef"),
        audit_plain::hash.eq(vec![7_u8; 32]),
    );
    diesel::insert_into(audit_plain::table).values(row).execute(conn).map_err(StorageError::from)?;
    Ok(())
}

/// Measures the log alone, on a database on which a service has started that has these keys.
pub fn measure(postgres: &Postgres, keys: &Keys, time: Duration, figures: &mut Figures) -> Outcome<()> {
    postgres.sql(&["CREATE TABLE audit_plain (LIKE audit_log INCLUDING ALL)"])?;
    let all: Vec<i32> = (0..LANES).collect();
    let sequence = AtomicI64::new(0);
    let append = |lanes: &[i32], conn: &mut AnyConn, writer: usize| {
        // Each writer begins elsewhere, as ids drawn at random make it.
        let mut lanes = lanes.to_vec();
        let count = lanes.len();
        lanes.rotate_left((writer * 7) % count);
        write_once(conn, |conn| append_among(conn, keys, vec![entry()], &lanes))
    };
    for round in 0..=ROUNDS {
        for (writers, figures_of) in
            [(1, [Figure::Plain1, Figure::Lanes1, Figure::Lane1]), (CONNECTIONS as usize, [Figure::Plain8, Figure::Lanes8, Figure::Lane8])]
        {
            let rates = [
                write_for(postgres, writers, time, |conn, _| {
                    write_once(conn, |conn| insert_plain(conn, entry(), sequence.fetch_add(1, Ordering::Relaxed)))
                })?,
                write_for(postgres, writers, time, |conn, writer| append(&all, conn, writer))?,
                write_for(postgres, writers, time, |conn, writer| append(&[0], conn, writer))?,
            ];
            for (figure, rate) in figures_of.into_iter().zip(rates) {
                keep(figures, round, [(figure, rate)]);
            }
        }
    }
    Ok(())
}

/// An entry of the usual length.
fn entry() -> Entry {
    Entry {
        id: new_id(),
        at: SystemClock.now(),
        client: Some(new_id()),
        subject: Some("riverside-lms".into()),
        operation: "push_completion".into(),
        outcome: AuditOutcome::Changed,
        status: 201,
        resource: Some("completion".into()),
        resource_id: Some(new_id().to_string()),
        agency: None,
        request: Some(new_id()),
        address: Some("192.0.2.7".into()),
        fields: Some("external_id,officer.agency,officer.badge_number,officer.family_name,training.code,completed_on,passed".into()),
        detail: Some("{\"created\":1}".into()),
        ids: None,
    }
}

/// Lets so many writers, each with a connection of its own, write for so long.
fn write_for(
    postgres: &Postgres,
    writers: usize,
    time: Duration,
    write: impl Fn(&mut AnyConn, usize) -> Result<(), ServiceError> + Sync,
) -> Outcome<Rate> {
    let database = Database::parse(&postgres.url())?;
    let mut conns: Vec<AnyConn> = (0..writers).map(|_| database.connect()).collect::<Result<_, _>>()?;
    for conn in &mut conns {
        diesel::sql_query("SELECT 1").execute(conn)?;
    }
    let (over, written) = (AtomicBool::new(false), AtomicU32::new(0));
    let started = Instant::now();
    let work = |writer: usize, conn: &mut AnyConn| -> Result<(), ServiceError> {
        while !over.load(Ordering::Relaxed) {
            write(conn, writer)?;
            written.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    };
    let outcome: Result<(), ServiceError> = std::thread::scope(|scope| {
        let work = &work;
        let running: Vec<_> = conns.iter_mut().enumerate().map(|(writer, conn)| scope.spawn(move || work(writer, conn))).collect();
        std::thread::sleep(time);
        over.store(true, Ordering::Relaxed);
        running.into_iter().try_for_each(|thread| thread.join().unwrap_or(Ok(())))
    });
    let elapsed = started.elapsed();
    outcome?;
    Ok(Rate::beside(f64::from(written.load(Ordering::Relaxed)) / elapsed.as_secs_f64()))
}
