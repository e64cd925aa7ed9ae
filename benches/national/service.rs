//! The binary, serving a database that outlives it.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Outcome;

/// How long it may take to be ready.
const START: Duration = Duration::from_secs(60);

/// A running service; it ends when this is dropped.
pub struct Service {
    /// `http://127.0.0.1:…`
    pub origin: String,
    /// How long it took from its start until it was ready.
    pub ready_in: Duration,
    child: Child,
}

/// Where its data is.
pub struct Place {
    /// The data folder.
    pub folder: PathBuf,
    /// PostgreSQL; SQLite in the folder without it.
    pub postgres: Option<String>,
}

impl Place {
    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_onemind"));
        command.env_clear().arg("--data-dir").arg(&self.folder);
        command
    }

    /// What the data takes on disk, in MiB.
    pub fn size(&self) -> Outcome<u64> {
        let bytes = match &self.postgres {
            Some(url) => {
                let asked = ["--no-psqlrc", "--tuples-only", "--no-align", url, "--command", "SELECT pg_database_size(current_database())"];
                String::from_utf8(Command::new("psql").args(asked).output()?.stdout)?.trim().parse::<u64>()?
            }
            // With what was written last, which is in a file of its own.
            None => {
                ["onemind.db", "onemind.db-wal"].iter().filter_map(|file| std::fs::metadata(self.folder.join(file)).ok()).map(|file| file.len()).sum()
            }
        };
        Ok(bytes / 1024 / 1024)
    }

    /// An access token of staff.
    pub fn token(&self) -> Outcome<String> {
        let output = self.command().args(["token", "--minutes", "600", "--client", "national", "--scope", "all", "--all-agencies"]).output()?;
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Starts the service with its default settings, but without a limit to requests.
    pub async fn serve(&self) -> Outcome<Service> {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let mut command = self.command();
        command.args(["--rate-limit-client", "0", "--rate-limit-address", "0", "serve", "--migrate", "--listen", &address.to_string()]);
        if let Some(url) = &self.postgres {
            command.args(["--database-url", url]);
        }
        let log = File::create(self.folder.join("log"))?;
        let began = Instant::now();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()?;
        let origin = format!("http://{address}");
        let ready = format!("{origin}/readyz");
        loop {
            if reqwest::get(&ready).await.is_ok_and(|answer| answer.status() == 200) {
                return Ok(Service { origin, ready_in: began.elapsed(), child });
            }
            if child.try_wait()?.is_some() || began.elapsed() > START {
                return Err(format!("the service did not start: {}", std::fs::read_to_string(self.folder.join("log"))?).into());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Service {
    /// Its resident memory in MiB: the most that it ever was, and now.
    pub fn memory(&self) -> Outcome<(u64, u64)> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let field = |name: &str| -> Outcome<u64> {
            let line = status.lines().find(|line| line.starts_with(name)).ok_or("no such line of /proc")?;
            Ok(line.split_whitespace().nth(1).ok_or("an empty line of /proc")?.parse::<u64>()? / 1024)
        };
        Ok((field("VmHWM:")?, field("VmRSS:")?))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Err(fault) = self.child.kill().and_then(|()| self.child.wait()) {
            eprintln!("the service did not end: {fault}");
        }
    }
}
