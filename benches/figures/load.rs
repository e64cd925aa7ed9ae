//! Requests from several connections at once, and batches and files from one.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::http::Connection;
use crate::rate::{Rate, Watch};
use crate::service::Service;

/// How many connections send at once.
pub const CONNECTIONS: u32 = 8;
/// How many of them push at once where it is many who do.
pub const MANY: u32 = 32;

/// For this long, each of so many connections sends the next request when the last was answered. `request` is given the number of the
/// connection and of the request on it; every answer must have this status.
pub fn send_for<'a>(
    service: &Service,
    connections: u32,
    time: Duration,
    status: u16,
    request: impl Fn(u32, u32) -> Cow<'a, [u8]> + Sync,
) -> Outcome<Rate> {
    let connections = (0..connections).map(|number| Ok((number, Connection::open(service.address)?))).collect::<Outcome<Vec<_>>>()?;
    let watch = Watch::start(service.process());
    let deadline = Instant::now() + time;
    let counts: Outcome<Vec<u32>> = std::thread::scope(|scope| {
        let send = |number, mut connection: Connection| -> Outcome<u32> {
            let mut count = 0;
            while Instant::now() < deadline {
                let request = request(number, count);
                let answered = connection.send(&request)?;
                connection.check(&request, answered, status)?;
                count += 1;
            }
            Ok(count)
        };
        let senders: Vec<_> = connections.into_iter().map(|(number, connection)| scope.spawn(move || send(number, connection))).collect();
        senders.into_iter().map(|sender| sender.join().map_err(|_| "a sender panicked")?).collect()
    });
    Ok(watch.stop(counts?.iter().sum()))
}

/// Sends batches of `size` records, one after the other on one connection, each of which must come out whole as `outcome`.
pub fn send_batches(service: &Service, batches: &[Vec<u8>], size: u32, outcome: &str) -> Outcome<Rate> {
    let mut connection = Connection::open(service.address)?;
    let mut count = 0;
    let watch = Watch::start(service.process());
    for batch in batches {
        let summary = &connection.expect(batch, 207)?["summary"];
        if summary[outcome] != size {
            return Err(format!("a batch of {size} should be {outcome}: {summary}").into());
        }
        count += size;
    }
    Ok(watch.stop(count))
}

/// Sends a file of `records` lines on a connection of its own, each of which must come out as `outcome`, and reads what the service
/// tells of each.
pub fn send_file(service: &Service, file: &[u8], records: u32, outcome: &str) -> Outcome<Rate> {
    let mut connection = Connection::open(service.address)?;
    let watch = Watch::start(service.process());
    let last = connection.expect_lines(file, 207)?;
    let rate = watch.stop(records);
    let summary = &last["summary"];
    if summary["received"] != records || summary[outcome] != records {
        return Err(format!("a file of {records} records should be {outcome}: {last}").into());
    }
    Ok(rate)
}
