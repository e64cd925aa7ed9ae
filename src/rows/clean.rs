//! Text files as other systems write them: with every line ended by one line feed.

use std::io::{self, Read};

/// A reader that turns CR LF and CR into LF, and ends the last line.
pub struct Clean<R> {
    inner: R,
    after_return: bool,
    last: Option<u8>,
}

impl<R: Read> Clean<R> {
    /// Over a text without byte order mark.
    pub fn new(inner: R) -> Self {
        Self { inner, after_return: false, last: None }
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
            let kept = self.rewrite(&mut buffer[..read]);
            if kept > 0 {
                self.last = Some(buffer[kept - 1]);
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
        Clean::new(reader).read_to_end(&mut out).unwrap();
        out
    }

    #[rstest]
    #[case(b"a\r\nb", b"a\nb\n")]
    #[case(b"a\rb\r", b"a\nb\n")]
    #[case(b"a\n\n\r\nb\n", b"a\n\n\nb\n")]
    #[case(b"", b"")]
    #[case(b"a", b"a\n")]
    fn lines_end_alike(#[case] text: &[u8], #[case] expected: &[u8]) {
        assert_eq!(cleaned(text), expected);
        assert_eq!(cleaned(Drip(text)), expected);
    }

    proptest! {
        #[test]
        fn the_size_of_the_pieces_changes_nothing(text in prop::collection::vec(prop::sample::select(b"a\r\n\"".to_vec()), 0..40)) {
            prop_assert_eq!(cleaned(&text[..]), cleaned(Drip(&text)));
        }
    }
}
