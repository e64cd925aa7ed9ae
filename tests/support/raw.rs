//! A caller that writes its bytes by hand.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

/// What came back on the connection.
pub struct RawReply {
    pub status: u16,
    pub head: String,
}

/// Sends `head`, then `chunk` so many times while the service takes it, then `end`, and only then reads the answer: as clients do that
/// don't look up while they write.
pub async fn exchange(address: &str, head: String, chunk: Vec<u8>, times: usize, end: &'static [u8]) -> RawReply {
    let address = address.trim_start_matches("http://").to_owned();
    actix_web::rt::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let all_taken = (0..times).all(|_| stream.write_all(&chunk).is_ok());
        if all_taken && stream.write_all(end).is_ok() {
            stream.shutdown(Shutdown::Write).unwrap_or_default();
        }
        let mut answer = Vec::new();
        // A reset after the answer is no loss; one in place of it leaves nothing to parse.
        stream.read_to_end(&mut answer).unwrap_or_default();
        parse(&answer)
    })
    .await
    .unwrap()
}

fn parse(answer: &[u8]) -> RawReply {
    let split = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let split = split.unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(answer)));
    let head = String::from_utf8(answer[..split].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    RawReply { status, head }
}
