//! The audit log of the soak: whole as it is, and what is done to it behind its back is found.

use diesel::connection::SimpleConnection as _;
use onemind::domain::audit::LANES;
use onemind::service::audit::{Fault, LaneReport, verify_lane};
use onemind::storage::{AnyConn, read_once};
use onemind::tokens::audit_keys;

use crate::support::{Backend, TestApp};

fn verified(app: &TestApp) -> Vec<(i32, LaneReport)> {
    let keys = audit_keys(&app.config.data_dir).unwrap();
    let mut conn = app.config.database.connect().unwrap();
    (0..LANES).map(|lane| (lane, read_once(&mut conn, |conn| verify_lane(conn, &keys, lane)).unwrap())).collect()
}

fn faults(app: &TestApp) -> Vec<(i32, Fault)> {
    verified(app).into_iter().flat_map(|(lane, report)| report.faults.into_iter().map(move |fault| (lane, fault))).collect()
}

/// Does what the triggers of the log refuse.
fn tamper(app: &TestApp, statement: &str) {
    let mut conn = app.config.database.connect().unwrap();
    match &mut conn {
        AnyConn::Postgres(conn) => conn.batch_execute(&format!("ALTER TABLE audit_log DISABLE TRIGGER USER; {statement}")).unwrap(),
        AnyConn::Sqlite(conn) => {
            let off = "DROP TRIGGER IF EXISTS audit_log_not_changed; DROP TRIGGER IF EXISTS audit_log_not_shortened;";
            conn.batch_execute(&format!("{off} {statement}")).unwrap();
        }
    }
}

/// Verifies the log, and then with one row altered, one removed and one inserted.
pub fn check(app: &TestApp) {
    assert_eq!(faults(app), []);
    let (lane, last) = verified(app).into_iter().map(|(lane, report)| (lane, report.sequence)).max_by_key(|(_, last)| *last).unwrap();
    assert!(last > 10, "{last}");
    let id = if app.backend == Backend::Sqlite { "randomblob(16)" } else { "gen_random_uuid()" };
    let copied = "at, client_id, subject, operation, outcome, status, resource, resource_id, agency_id, request_id, address, fields, detail, ids, key_name, hash";
    tamper(app, &format!("UPDATE audit_log SET status = 299 WHERE lane = {lane} AND sequence = 2"));
    assert_eq!(faults(app), [(lane, Fault::Altered(2))]);
    tamper(app, &format!("DELETE FROM audit_log WHERE lane = {lane} AND sequence = 5"));
    assert_eq!(faults(app), [(lane, Fault::Altered(2)), (lane, Fault::Missing(5, 5))]);
    let of = format!("FROM audit_log WHERE lane = {lane} AND sequence = 3");
    tamper(app, &format!("INSERT INTO audit_log SELECT {id}, lane, {}, {copied} {of}", last + 1));
    assert_eq!(faults(app), [(lane, Fault::Altered(2)), (lane, Fault::Missing(5, 5)), (lane, Fault::Inserted(last + 1))]);
}
