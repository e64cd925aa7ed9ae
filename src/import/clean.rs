//! Text files as other systems write them: without byte order mark, and with every line ended by one line feed.

use std::io::{self, Cursor, Read};

/// The most that one row may hold; more means a quotation mark that is never closed, or no text file at all.
pub const LONGEST_ROW: usize = 4 * 1024 * 1024;

const UTF8_MARK: [u8; 3] = [0xEF, 0xBB, 0xBF];

/// A reader that drops the byte order mark, turns CR LF and CR into LF, and ends the last line.
pub struct Clean<R> {
    inner: io::Chain<Cursor<Vec<u8>>, R>,
    after_return: bool,
    last: Option<u8>,
    taken: u64,
    since_row: usize,
}

impl<R: Read> Clean<R> {
    /// Looks at the first bytes.
    ///
    /// # Errors
    /// The reader's own, and a file in UTF-16.
    pub fn new(mut inner: R) -> io::Result<Self> {
        let mut head = Vec::with_capacity(3);
        inner.by_ref().take(3).read_to_end(&mut head)?;
        if head.starts_with(&[0xFF, 0xFE]) || head.starts_with(&[0xFE, 0xFF]) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "is written in UTF-16: save it as UTF-8"));
        }
        if head == UTF8_MARK {
            head.clear();
        }
        Ok(Self { inner: Cursor::new(head).chain(inner), after_return: false, last: None, taken: 0, since_row: 0 })
    }

    /// How many bytes were taken from the file.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Says that a row was complete here.
    pub fn mark_row(&mut self) {
        self.since_row = 0;
    }

    fn rewrite(&mut self, bytes: &mut [u8]) -> usize {
        let mut kept = 0;
        for at in 0..bytes.len() {
            let byte = bytes[at];
            let second_half = byte == b'\n' && self.after_return;
            self.after_return = byte == b'\r';
            if !second_half {
                bytes[kept] = if byte == b'\r' { b'\n' } else { byte };
                kept += 1;
            }
        }
        kept
    }
}

impl<R: Read> Read for Clean<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.since_row > LONGEST_ROW {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "holds a row of more than 4 MiB: is a quotation mark left open?"));
        }
        loop {
            let read = self.inner.read(buffer)?;
            if read == 0 {
                let open = self.last.is_some_and(|byte| byte != b'\n');
                self.last = None;
                if open {
                    buffer[0] = b'\n';
                }
                return Ok(usize::from(open));
            }
            self.taken += read as u64;
            let kept = self.rewrite(&mut buffer[..read]);
            if kept > 0 {
                self.last = Some(buffer[kept - 1]);
                self.since_row += kept;
                return Ok(kept);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    /// Gives one byte at a time.
    struct Drip<'a>(&'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let Some((first, rest)) = self.0.split_first() else {
                return Ok(0);
            };
            buffer[0] = *first;
            self.0 = rest;
            Ok(1)
        }
    }

    fn cleaned(reader: impl Read) -> Vec<u8> {
        let mut out = Vec::new();
        Clean::new(reader).unwrap().read_to_end(&mut out).unwrap();
        out
    }

    #[rstest]
    #[case(b"a\r\nb", b"a\nb\n")]
    #[case(b"a\rb\r", b"a\nb\n")]
    #[case(b"a\n\n\r\nb\n", b"a\n\n\nb\n")]
    #[case(b"\xEF\xBB\xBFa", b"a\n")]
    #[case(b"\xEF\xBB\xBF", b"")]
    #[case(b"", b"")]
    #[case(b"a", b"a\n")]
    fn lines_end_alike(#[case] text: &[u8], #[case] expected: &[u8]) {
        assert_eq!(cleaned(text), expected);
        assert_eq!(cleaned(Drip(text)), expected);
    }

    #[test]
    fn utf_16_is_refused_by_name() {
        let refusal = Clean::new(&b"\xFF\xFEa\0"[..]).err().unwrap();
        assert!(refusal.to_string().contains("UTF-16"));
    }

    #[test]
    fn a_row_without_end_is_refused_before_it_fills_the_memory() {
        let mut clean = Clean::new(io::repeat(b'x')).unwrap();
        let mut taken = 0;
        let mut buffer = vec![0; 64 * 1024];
        let refusal = loop {
            match clean.read(&mut buffer) {
                Ok(read) => taken += read,
                Err(error) => break error,
            }
        };
        assert!(refusal.to_string().contains("quotation mark"));
        assert!(taken <= LONGEST_ROW + buffer.len());
    }

    proptest! {
        #[test]
        fn the_size_of_the_pieces_changes_nothing(text in prop::collection::vec(prop::sample::select(b"a\r\n\"\xEF\xBB\xBF".to_vec()), 0..40)) {
            prop_assert_eq!(cleaned(&text[..]), cleaned(Drip(&text)));
        }
    }
}
