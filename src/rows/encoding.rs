//! Files in other encodings, as UTF-8.

use std::io::{self, Cursor, Read};

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8};

/// The encoding of a name, such as `utf-8`, `windows-1252` or `utf-16le`.
///
/// # Errors
/// Says so where there is none.
pub fn named(name: &str) -> Result<&'static Encoding, String> {
    Encoding::for_label(name.trim().as_bytes()).ok_or_else(|| format!("\"{name}\" is no encoding that is known, such as utf-8 or windows-1252"))
}

/// The text of a file as UTF-8, without byte order mark. A mark is stronger than what was declared; without either it is UTF-8 as it is,
/// and what isn't valid in it stays so.
///
/// # Errors
/// The reader's own.
pub fn decoded(mut raw: Box<dyn Read + Send>, declared: Option<&'static Encoding>) -> io::Result<Box<dyn Read + Send>> {
    let mut head = Vec::with_capacity(3);
    raw.by_ref().take(3).read_to_end(&mut head)?;
    let (encoding, mark) = match Encoding::for_bom(&head) {
        Some((encoding, length)) => (encoding, length),
        None => (declared.unwrap_or(UTF_8), 0),
    };
    let rest = Cursor::new(head.split_off(mark)).chain(raw);
    if encoding == UTF_8 {
        return Ok(Box::new(rest));
    }
    let decoder = encoding.new_decoder_without_bom_handling();
    Ok(Box::new(Decoded { inner: rest, decoder, input: vec![0; 16 * 1024], begin: 0, end: 0, ended: false, over: Vec::new() }))
}

struct Decoded<R> {
    inner: R,
    decoder: Decoder,
    input: Vec<u8>,
    begin: usize,
    end: usize,
    ended: bool,
    /// What a buffer too small for one character had no room for.
    over: Vec<u8>,
}

impl<R: Read> Decoded<R> {
    fn decode(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.begin == self.end && !self.ended {
                self.begin = 0;
                self.end = self.inner.read(&mut self.input)?;
                self.ended = self.end == 0;
            }
            let (result, read, written, _) = self.decoder.decode_to_utf8(&self.input[self.begin..self.end], buffer, self.ended);
            self.begin += read;
            if written > 0 || (self.ended && result == CoderResult::InputEmpty) {
                return Ok(written);
            }
        }
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // The decoder wants room for a whole character.
        if self.over.is_empty() && buffer.len() < 16 {
            let mut small = [0; 64];
            let read = self.decode(&mut small)?;
            self.over.extend_from_slice(&small[..read]);
        }
        if self.over.is_empty() && buffer.len() >= 16 {
            return self.decode(buffer);
        }
        let given = buffer.len().min(self.over.len());
        buffer[..given].copy_from_slice(&self.over[..given]);
        self.over.drain(..given);
        Ok(given)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn read(bytes: &'static [u8], declared: Option<&str>) -> String {
        let mut text = String::new();
        decoded(Box::new(bytes), declared.map(|name| named(name).unwrap())).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    #[rstest]
    #[case(b"Jos\xC3\xA9", None)]
    #[case(b"\xEF\xBB\xBFJos\xC3\xA9", None)]
    #[case(b"\xEF\xBB\xBFJos\xC3\xA9", Some("windows-1252"))]
    #[case(b"Jos\xE9", Some("windows-1252"))]
    #[case(b"Jos\xE9", Some("ISO-8859-1"))]
    #[case(b"\xFF\xFEJ\0o\0s\0\xE9\0", None)]
    #[case(b"\xFE\xFF\0J\0o\0s\0\xE9", None)]
    #[case(b"J\0o\0s\0\xE9\0", Some("utf-16le"))]
    fn a_name_is_read_whatever_it_is_written_in(#[case] bytes: &'static [u8], #[case] declared: Option<&str>) {
        assert_eq!(read(bytes, declared), "José");
        let mut slowly = Vec::new();
        let mut reader = decoded(Box::new(bytes), declared.map(|name| named(name).unwrap())).unwrap();
        let mut one = [0];
        while reader.read(&mut one).unwrap() == 1 {
            slowly.push(one[0]);
        }
        assert_eq!(String::from_utf8(slowly).unwrap(), "José");
    }

    #[test]
    fn a_mark_alone_is_nothing_and_no_encoding_is_said_to_be_none() {
        assert_eq!((read(b"\xEF\xBB\xBF", None), read(b"", Some("windows-1252"))), (String::new(), String::new()));
        assert!(named("ebcdic").unwrap_err().contains("ebcdic"));
    }
}
