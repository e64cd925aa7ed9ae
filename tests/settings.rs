//! Settings as the binary takes them, and what it leaves on the disk.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use diesel::RunQueryDsl as _;
use onemind::storage::Database;
use tempfile::TempDir;

/// The binary with no settings but the data folder.
fn onemind(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_onemind"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ONEMIND_")) {
        command.env_remove(name);
    }
    command.env_remove("DATABASE_URL").env_remove("PGSSLMODE").env("ONEMIND_DATA_DIR", folder).current_dir(folder.parent().unwrap()).args(arguments);
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    onemind(folder, arguments).output().unwrap()
}

#[track_caller]
fn refused(output: &Output, code: i32, part: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(part), "{said}");
}

/// The rights of a file or folder.
fn rights(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display())).permissions().mode() & 0o777
}

/// A service that ends with the test.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn what_the_service_makes_is_for_its_own_account_whatever_the_umask_is() {
    let home = TempDir::new().unwrap();
    for first in ["serve", "token", "migrate"] {
        let data = home.path().join(first);
        if first != "serve" {
            let arguments: &[&str] = if first == "token" { &["token", "--scope", "all", "--all-agencies"] } else { &["migrate"] };
            assert!(run(&data, arguments).status.success());
            assert_eq!(rights(&data), 0o700, "{first}");
        }
        let served = Service(onemind(&data, &["serve", "--listen", "127.0.0.1:0"]).stderr(Stdio::null()).spawn().unwrap());
        let beside = data.join("onemind.db-wal");
        for _ in 0..200 {
            if beside.exists() && data.join("keys/0000000000.pk8").exists() {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        assert_eq!([rights(&data), rights(&data.join("keys"))], [0o700, 0o700], "{first}");
        assert_eq!([rights(&data.join("onemind.db")), rights(&beside), rights(&data.join("keys/0000000000.pk8"))], [0o600, 0o600, 0o600], "{first}");
        drop(served);
    }
}

#[test]
fn what_was_there_before_keeps_its_rights() {
    let home = TempDir::new().unwrap();
    let data = home.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o750)).unwrap();
    std::fs::write(data.join("onemind.db"), "").unwrap();
    std::fs::set_permissions(data.join("onemind.db"), std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(run(&data, &["migrate"]).status.success());
    assert_eq!([rights(&data), rights(&data.join("onemind.db"))], [0o750, 0o640]);
}

#[test]
fn asking_what_is_pending_makes_nothing() {
    let home = TempDir::new().unwrap();
    let data = home.path().join("data");
    refused(&run(&data, &["migrate", "--check"]), 1, "pending: 0001_");
    assert!(!data.exists());
    assert!(run(&data, &["migrate"]).status.success());
    let checked = run(&data, &["migrate", "--check"]);
    assert_eq!((checked.status.code(), String::from_utf8_lossy(&checked.stdout).as_ref()), (Some(0), "the database is up to date\n"));
}

#[test]
fn a_timeline_that_is_not_what_the_facts_come_to_is_named_and_repaired() {
    let home = TempDir::new().unwrap();
    let data = home.path().join("data");
    refused(&run(&data, &["verify-readiness"]), 3, "there is no such file");
    assert!(!data.exists());
    assert!(run(&data, &["migrate"]).status.success());
    let printed = |arguments: &[&str]| String::from_utf8(run(&data, arguments).stdout).unwrap();
    assert_eq!(printed(&["verify-readiness"]), "the timelines of 0 agencies are what the facts come to\n");
    let mut conn = Database::parse(&format!("sqlite:{}", data.join("onemind.db").display())).unwrap().connect().unwrap();
    let id = "x'0199c1f0000070008000000000000001'";
    for statement in [
        format!("INSERT INTO agencies (id, ori, name, kind, country, created_at, updated_at) VALUES ({id}, 'TX0000001', 'A', 'tribal', 'US', 0, 0)"),
        format!("INSERT INTO coverage_changes VALUES ({id}, '2026-03-01', 0, 1, 0, 0, 0, 0, 0, 0)"),
    ] {
        diesel::sql_query(statement).execute(&mut conn).unwrap();
    }
    refused(&run(&data, &["verify-readiness"]), 1, "the timelines of 1 of 1 agencies differ from the facts");
    let named = "0199c1f0-0000-7000-8000-000000000001 TX0000001: on 2026-03-01 the facts come to roster 0, trained 0, crisis intervention 0; \
        the timeline says 1, 0, 0";
    assert!(printed(&["verify-readiness"]).starts_with(named));
    let repaired = run(&data, &["verify-readiness", "--repair"]);
    assert!(repaired.status.success() && String::from_utf8_lossy(&repaired.stdout).ends_with("repaired\n"));
    assert_eq!(printed(&["verify-readiness"]), "the timelines of 1 agencies are what the facts come to\n");
}

#[test]
fn a_file_of_settings_is_held_to_what_flags_are() {
    let home = TempDir::new().unwrap();
    let (data, file) = (home.path().join("data"), home.path().join("onemind.toml"));
    for (text, part) in [
        ("pool_size = 0", "1..=500"),
        ("workers = 1000", "1..=512"),
        ("rate_limit_address = \"10\"", "6000:1000"),
        ("cors_origins = [\"https://a.example/\"]", "an origin is written as browsers do"),
        ("tls_key = \"key.pem\"", "tls_key needs tls_certificate"),
        ("nonsense = 1", "`nonsense` is not a setting"),
    ] {
        std::fs::write(&file, text).unwrap();
        refused(&run(&data, &["--config", file.to_str().unwrap(), "migrate"]), 2, part);
        assert!(!data.exists(), "{text}");
    }
    std::fs::write(&file, format!("data_dir = \"{}\"\npool_size = 500\nmax_in_flight = 0\ntrusted_proxies = [\"10.0.0.0/8\"]\n", data.display()))
        .unwrap();
    assert!(onemind(&data, &["--config", file.to_str().unwrap(), "migrate"]).env_remove("ONEMIND_DATA_DIR").status().unwrap().success());
    assert!(data.join("onemind.db").exists());
}

#[test]
fn a_certificate_that_is_not_there_keeps_the_service_from_starting() {
    let home = TempDir::new().unwrap();
    let data = home.path().join("data");
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--tls-certificate", "no-certificate.pem", "--tls-key", "no-key.pem"];
    refused(&run(&data, &arguments), 3, "no-certificate.pem");
}

/// A build with the feature is tried against a real server, by `scripts/tls-check`.
#[cfg(not(feature = "tls"))]
#[test]
fn a_build_without_tls_refuses_to_speak_to_postgresql_where_tls_is_asked_for() {
    let home = TempDir::new().unwrap();
    let data = home.path().join("data");
    for mode in ["require", "verify-ca", "verify-full"] {
        for url in [format!("postgres://x@127.0.0.1:1/x?sslmode={mode}"), format!("postgresql://x@127.0.0.1:1/x?connect_timeout=1&sslmode={mode}")] {
            refused(&onemind(&data, &["migrate"]).env("DATABASE_URL", url).output().unwrap(), 2, "--features tls");
        }
        let by_environment = onemind(&data, &["migrate"]).env("DATABASE_URL", "postgres://x@127.0.0.1:1/x").env("PGSSLMODE", mode).output().unwrap();
        refused(&by_environment, 2, "PGSSLMODE: this build speaks no TLS");
        let url_is_stronger =
            onemind(&data, &["migrate"]).env("DATABASE_URL", "postgres://x@127.0.0.1:1/x?sslmode=disable").env("PGSSLMODE", mode).output().unwrap();
        refused(&url_is_stronger, 3, "127.0.0.1");
        assert!(run(&data, &["migrate", "--check"]).status.code() == Some(1), "SQLite needs none");
    }
}
