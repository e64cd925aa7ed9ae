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
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::with_capacity(64 * 1024, stream), line: String::new(), body: Vec::new() })
    }

    /// Sends a request, as [`request`] writes one, and reads the whole answer; answers its status.
    pub fn send(&mut self, request: &[u8]) -> io::Result<u16> {
        self.stream.get_mut().write_all(request)?;
        self.read_answer()
    }

    /// The same, but reads the answer while the request is still being sent, as whoever streams a file does.
    pub fn send_and_read(&mut self, request: &[u8]) -> io::Result<u16> {
        let mut writing = self.stream.get_ref().try_clone()?;
        std::thread::scope(|scope| {
            let sender = scope.spawn(move || writing.write_all(request));
            let answered = self.read_answer()?;
            sender.join().map_err(|_| strange("a sender that panicked"))??;
            Ok(answered)
        })
    }

    fn read_answer(&mut self) -> io::Result<u16> {
        let status = self.header_line()?.split(' ').nth(1).and_then(|word| word.parse().ok()).ok_or_else(|| strange("no status"))?;
        let (mut length, mut is_chunked) = (None, false);
        loop {
            let line = self.header_line()?;
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':') {
                if name.eq_ignore_ascii_case("content-length") {
                    length = value.trim().parse().ok();
                } else if name.eq_ignore_ascii_case("transfer-encoding") {
                    is_chunked = value.trim().eq_ignore_ascii_case("chunked");
                }
            }
        }
        self.body.clear();
        if is_chunked {
            while self.read_chunk()? {}
        } else {
            self.read_more(length.ok_or_else(|| strange("neither a content-length nor chunks"))?)?;
        }
        Ok(status)
    }

    /// Reads a chunk of the body, and answers whether another one comes.
    fn read_chunk(&mut self) -> io::Result<bool> {
        let size = self.header_line()?.split(';').next().and_then(|digits| usize::from_str_radix(digits.trim(), 16).ok());
        let size = size.ok_or_else(|| strange("a chunk without a size"))?;
        self.read_more(size)?;
        // After the last one there may be header lines, of which the service sends none.
        if self.header_line()?.is_empty() { Ok(size > 0) } else { Err(strange("a chunk without an end")) }
    }

    fn read_more(&mut self, size: usize) -> io::Result<()> {
        let read = self.body.len();
        self.body.resize(read + size, 0);
        self.stream.read_exact(&mut self.body[read..])
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

    /// Sends lines and reads those of the answer, which must have this status; answers the JSON of the last one.
    pub fn expect_lines(&mut self, request: &[u8], status: u16) -> Outcome<Value> {
        let answered = self.send_and_read(request)?;
        self.check(request, answered, status)?;
        let last = self.body.trim_ascii_end().rsplit(|byte| *byte == b'\n').next();
        Ok(serde_json::from_slice(last.unwrap_or_default())?)
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

/// The bytes of a request that sends lines of JSON, and asks for lines.
pub fn request_of_lines(path: &str, token: &str, lines: &str) -> Vec<u8> {
    const NDJSON: &str = "application/x-ndjson";
    let length = lines.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\naccept: {NDJSON}\r\n\
         content-type: {NDJSON}\r\ncontent-length: {length}\r\n\r\n{lines}"
    )
    .into_bytes()
}

fn strange(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the answer has {what}"))
}
