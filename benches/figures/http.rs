//! A lean HTTP/1.1 client: it shares the processors with the service that it measures, so it must cost little.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::Outcome;

/// The longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection that is kept open, and the last answer on it.
pub struct Connection {
    stream: BufReader<TcpStream>,
    line: String,
    body: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::with_capacity(64 * 1024, stream), line: String::new(), body: Vec::new() })
    }

    /// Sends a request, as [`request`] writes one, and reads the whole answer; answers its status.
    pub fn send(&mut self, request: &[u8]) -> io::Result<u16> {
        self.stream.get_mut().write_all(request)?;
        let status = self.header_line()?.split(' ').nth(1).and_then(|word| word.parse().ok()).ok_or_else(|| strange("no status"))?;
        let mut length = None;
        loop {
            let line = self.header_line()?;
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().ok();
            }
        }
        self.body.resize(length.ok_or_else(|| strange("no content-length"))?, 0);
        self.stream.read_exact(&mut self.body)?;
        Ok(status)
    }

    fn header_line(&mut self) -> io::Result<&str> {
        self.line.clear();
        if self.stream.read_line(&mut self.line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(self.line.trim_end())
    }

    /// Sends a request and reads the JSON of the answer, which must have this status.
    pub fn expect(&mut self, request: &[u8], status: u16) -> Outcome<Value> {
        let answered = self.send(request)?;
        self.check(request, answered, status)?;
        Ok(if self.body.is_empty() { Value::Null } else { serde_json::from_slice(&self.body)? })
    }

    /// An error that shows the answer, where its status is another than this.
    pub fn check(&self, request: &[u8], answered: u16, status: u16) -> Outcome<()> {
        if answered == status {
            return Ok(());
        }
        let asked = String::from_utf8_lossy(request);
        Err(format!("{} answered {answered}: {}", asked.lines().next().unwrap_or_default(), String::from_utf8_lossy(&self.body)).into())
    }
}

/// The bytes of a request.
pub fn request(method: &str, path: &str, token: Option<&str>, body: &str) -> Vec<u8> {
    let authorization = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    let content = if body.is_empty() { String::new() } else { format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len()) };
    format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{authorization}{content}\r\n{body}").into_bytes()
}

fn strange(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the answer has {what}"))
}
