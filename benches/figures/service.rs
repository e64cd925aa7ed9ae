//! The binary, serving a fresh database.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::Outcome;
use crate::http::{Connection, request};

const BINARY: &str = env!("CARGO_BIN_EXE_onemind");

/// How long it may take to be ready.
const START: Duration = Duration::from_secs(30);

/// A running service; it ends when this is dropped.
pub struct Service {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
    folder: TempDir,
}

impl Service {
    /// Starts it with its default settings, but without a limit to requests, on this database, or on SQLite; its log goes to a file.
    pub fn start(database_url: Option<&str>) -> Outcome<Self> {
        let folder = TempDir::new()?;
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let mut command = onemind(&folder);
        command.args(["--rate-limit-client", "0", "--rate-limit-address", "0"]);
        command.args(["serve", "--migrate", "--listen", &address.to_string()]);
        if let Some(url) = database_url {
            command.args(["--database-url", url]);
        }
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(folder.path().join("log"))?).spawn()?;
        let mut service = Self { address, child, folder };
        service.wait_until_ready()?;
        Ok(service)
    }

    /// What its audit log is sealed with.
    pub fn audit_keys(&self) -> Outcome<onemind::service::audit::Keys> {
        Ok(onemind::tokens::audit_keys(self.folder.path())?)
    }

    /// Its SQLite file, where it has no PostgreSQL.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("onemind.db")
    }

    fn wait_until_ready(&mut self) -> Outcome<()> {
        let deadline = Instant::now() + START;
        let ask = request("GET", "/readyz", None, "");
        loop {
            if Connection::open(self.address).and_then(|mut connection| connection.send(&ask)).is_ok_and(|status| status == 200) {
                return Ok(());
            }
            if self.child.try_wait()?.is_some() || Instant::now() > deadline {
                let log = std::fs::read_to_string(self.folder.path().join("log"))?;
                return Err(format!("the service did not start; its last words: {}", log.lines().last().unwrap_or_default()).into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// An access token for a client, with these scopes, for these agencies or for all.
    pub fn token(&self, client: &str, scope: &str, agencies: &[String]) -> Outcome<String> {
        let mut command = onemind(&self.folder);
        command.args(["token", "--minutes", "60", "--client", client, "--scope", scope]);
        if agencies.is_empty() {
            command.arg("--all-agencies");
        }
        for agency in agencies {
            command.args(["--agency", agency]);
        }
        let output = command.output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Its process id.
    pub fn process(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Its data goes with it, so there is nothing to be finished.
        if let Err(fault) = self.child.kill().and_then(|()| self.child.wait()) {
            eprintln!("the service did not end: {fault}");
        }
    }
}

/// The command with nothing from outside that could change its settings.
fn onemind(folder: &TempDir) -> Command {
    let mut command = Command::new(BINARY);
    command.env_clear().arg("--data-dir").arg(folder.path());
    command
}
