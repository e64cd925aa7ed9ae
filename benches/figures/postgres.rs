//! A database of this run's own on a PostgreSQL server, and what the server does without the service. It needs `psql` and
//! `pgbench` on the path.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::Outcome;
use crate::load::CONNECTIONS;
use crate::rate::Rate;

/// What pgbench inserts in a transaction.
#[derive(Debug, Clone, Copy)]
pub enum Inserts {
    /// The row of a completion.
    Completion,
    /// What a push inserts: the row of a completion, and an entry of the audit log.
    Both,
}

/// How pgbench sends a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// As text that is parsed and planned each time: what pgbench does by default.
    Simple,
    /// Prepared once, as the service does.
    Prepared,
}

/// A fresh database; it goes when this is dropped.
pub struct Postgres {
    admin: String,
    name: String,
    folder: TempDir,
}

impl Postgres {
    /// Makes one on the server that this URL names.
    pub fn create(admin: &str) -> Outcome<Self> {
        let created = Self { admin: admin.to_owned(), name: format!("figures_{}", std::process::id()), folder: TempDir::new()? };
        psql(&created.admin, &[&format!("CREATE DATABASE {}", created.name)])?;
        Ok(created)
    }

    /// The URL of the database.
    pub fn url(&self) -> String {
        let server = self.admin.rsplit_once('/').map_or(self.admin.as_str(), |(server, _)| server);
        format!("{server}/{}", self.name)
    }

    /// Which server it is, and what it does about lost power.
    pub fn facts(&self) -> Outcome<String> {
        let shown = "SELECT format('PostgreSQL %s with fsync %s, synchronous_commit %s, full_page_writes %s', \
            current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit'), current_setting('full_page_writes'))";
        Ok(self.sql(&[shown])?.trim().to_owned())
    }

    /// Runs commands of psql, and answers what they print.
    pub fn sql(&self, commands: &[&str]) -> Outcome<String> {
        psql(&self.url(), commands)
    }

    /// Makes a table that is as `completions` is: columns, constraints, indexes, foreign keys, rows.
    pub fn twin(&self, table: &str) -> Outcome<()> {
        self.twin_of("completions", table)
    }

    /// Makes a table that is as another is.
    fn twin_of(&self, original: &str, table: &str) -> Outcome<()> {
        self.sql(&[
            &format!("CREATE TABLE {table} (LIKE {original} INCLUDING ALL)"),
            &format!(
                "DO $$ DECLARE key text; BEGIN \
                   FOR key IN SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = '{original}'::regclass AND contype = 'f' LOOP \
                     EXECUTE 'ALTER TABLE {table} ADD ' || key; \
                   END LOOP; \
                 END $$"
            ),
            &format!("INSERT INTO {table} SELECT * FROM {original} ORDER BY id"),
            &format!("ANALYZE {table}"),
        ])?;
        Ok(())
    }

    /// Copies the rows that the service made of the records named `name-…` into a twin, in one COPY.
    pub fn copy(&self, table: &str, name: &str, rows: u32) -> Outcome<Rate> {
        let file = self.folder.path().join("rows.csv");
        let file = file.display();
        let printed = self.sql(&[
            &format!("\\copy (SELECT * FROM completions WHERE external_id LIKE '{name}-%' ORDER BY id) TO '{file}' (FORMAT csv)"),
            "\\timing on",
            &format!("\\copy {table} FROM '{file}' (FORMAT csv)"),
            "\\timing off",
            &format!("SELECT count(*) FROM {table} WHERE external_id LIKE '{name}-%'"),
        ])?;
        if printed.lines().last() != Some(&rows.to_string()) {
            return Err(format!("COPY should have written {rows} rows: {printed}").into());
        }
        let milliseconds = number_after(&printed, "Time: ").ok_or_else(|| format!("psql printed no time: {printed}"))?;
        Ok(Rate::beside(f64::from(rows) * 1e3 / milliseconds))
    }

    /// Makes what [`Postgres::pgbench`] inserts: one row as the service wrote it, and officers to vary it by.
    pub fn prepare_pgbench(&self, table: &str) -> Outcome<()> {
        self.sql(&[
            "CREATE TABLE pgbench_row AS SELECT *, (SELECT array_agg(id) FROM (SELECT id FROM officers ORDER BY id LIMIT 50) AS first) AS officers \
             FROM completions ORDER BY id LIMIT 1",
            "ANALYZE pgbench_row",
        ])?;
        let columns =
            "client_id, training_id, completed_on, completed_at, expires_on, passed, content, content_hash, revision, placed_by_hand, pushed_reach";
        let script = format!(
            "\\set i :i + 1\n\
             INSERT INTO {table} (id, external_id, officer_id, created_at, updated_at, {columns}) \
             SELECT gen_random_uuid(), format('pgbench-%s-%s-%s-%s', :connections::int, :round::int, :client_id::int, :i::int), officers[1 + :i::int % 50], now(), now(), {columns} \
             FROM pgbench_row;\n"
        );
        std::fs::write(self.script(Inserts::Completion), &script)?;
        // The lane of a connection, and a number in it that no other round has.
        self.twin_of("audit_log", "audit_by_pgbench")?;
        self.sql(&["CREATE TABLE pgbench_entry AS SELECT * FROM audit_log ORDER BY id DESC LIMIT 1", "ANALYZE pgbench_entry"])?;
        let columns = "at, subject, operation, outcome, status, resource, agency_id, request_id, address, fields, detail, ids, key_name, hash";
        let entry = format!(
            "INSERT INTO audit_by_pgbench (id, lane, sequence, client_id, resource_id, {columns}) \
             SELECT gen_random_uuid(), 1000 + :client_id::int, :connections::bigint * 1000000000 + :round::bigint * 10000000 + :i::bigint, client_id, \
             gen_random_uuid()::text, {columns} FROM pgbench_entry;\n"
        );
        let other = script.replace("'pgbench-", "'both-");
        let (set, insert) = other.split_once('\n').ok_or("the script has two lines")?;
        std::fs::write(self.script(Inserts::Both), format!("{set}\nBEGIN;\n{insert}{entry}COMMIT;\n"))?;
        Ok(())
    }

    /// Lets pgbench insert rows into twins, in a transaction each time, from as many connections as the service is sent requests.
    pub fn pgbench(&self, inserts: Inserts, connections: u32, round: usize, time: Duration) -> Outcome<Rate> {
        let (of_round, of_connections) = (format!("--define=round={round}"), format!("--define=connections={connections}"));
        self.run_pgbench(&self.script(inserts), Protocol::Prepared, connections, &["--define=i=0", &of_round, &of_connections], time)
    }

    /// Lets pgbench select the row of an agency by its id, as `pgbench -S` selects one, from as many connections.
    pub fn select(&self, ori: &str, protocol: Protocol, time: Duration) -> Outcome<Rate> {
        let script = self.folder.path().join("select.sql");
        let id = self.sql(&[&format!("SELECT id FROM agencies WHERE ori = '{ori}'")])?;
        std::fs::write(&script, format!("SELECT * FROM agencies WHERE id = '{}';\n", id.trim()))?;
        self.run_pgbench(&script, protocol, CONNECTIONS, &[], time)
    }

    fn run_pgbench(&self, script: &Path, protocol: Protocol, connections: u32, defined: &[&str], time: Duration) -> Outcome<Rate> {
        let (connections, seconds) = (connections.to_string(), time.as_secs().to_string());
        let mut command = Command::new("pgbench");
        let protocol = match protocol {
            Protocol::Simple => "--protocol=simple",
            Protocol::Prepared => "--protocol=prepared",
        };
        command.args(["--no-vacuum", protocol, "--jobs=2", "--client", &connections, "--time", &seconds]);
        let printed = run(command.args(defined).arg("--file").arg(script).arg(self.url()))?;
        let rate = number_after(&printed, "tps = ").ok_or_else(|| format!("pgbench printed no rate: {printed}"))?;
        Ok(Rate::beside(rate))
    }

    fn script(&self, inserts: Inserts) -> std::path::PathBuf {
        self.folder.path().join(format!("{inserts:?}.sql"))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Err(fault) = psql(&self.admin, &[&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)]) {
            eprintln!("{} is still there: {fault}", self.name);
        }
    }
}

fn psql(url: &str, commands: &[&str]) -> Outcome<String> {
    let mut command = Command::new("psql");
    command.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", url]);
    for text in commands {
        command.args(["--command", text]);
    }
    run(&mut command)
}

fn run(command: &mut Command) -> Outcome<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|cause| format!("{program}: {cause}"))?;
    if !output.status.success() {
        return Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn number_after(text: &str, label: &str) -> Option<f64> {
    text.split_once(label)?.1.split_whitespace().next()?.parse().ok()
}
