//! Bodies of `multipart/mixed` (RFC 2046): statements, and the files that they tell of. A file is held to its digest, and not kept.

use std::fmt::Write as _;

use aws_lc_rs::digest::{Algorithm, SHA224, SHA256, SHA384, SHA512, digest};
use memchr::memmem;

/// A file as the statements tell of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The SHA-2 of its content, in lower case.
    pub sha2: String,
    /// How many bytes it has.
    pub length: u64,
}

struct Part<'a> {
    headers: Vec<(String, &'a str)>,
    content: &'a [u8],
}

/// The boundary that a media type names.
pub fn boundary(content_type: &str) -> Option<String> {
    let (_, parameters) = content_type.split_once(';')?;
    let value = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.trim().split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then_some(value.trim())
    })?;
    let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    Some(value.to_owned()).filter(|value| (1..=70).contains(&value.len()))
}

/// The statements, and the files.
///
/// # Errors
/// What is wrong, in a sentence.
pub fn read<'a>(boundary: &str, body: &'a [u8]) -> Result<(&'a [u8], Vec<File>), String> {
    let mut parts = parts(boundary, body)?.into_iter();
    let statements = parts.next().filter(|part| essence(part.header("content-type")) == "application/json");
    let statements = statements.ok_or("the first part must be application/json: the statements")?;
    let files = parts.map(|part| part.file()).collect::<Result<_, _>>()?;
    Ok((statements.content, files))
}

fn essence(media_type: Option<&str>) -> String {
    media_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

impl Part<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    fn file(&self) -> Result<File, String> {
        let missing = |name: &str| format!("each part with a file has the header {name}");
        self.header("content-type").ok_or_else(|| missing("Content-Type"))?;
        let encoding = self.header("content-transfer-encoding").ok_or_else(|| missing("Content-Transfer-Encoding"))?;
        if !encoding.eq_ignore_ascii_case("binary") {
            return Err("the Content-Transfer-Encoding of a file is binary".to_owned());
        }
        let sha2 = self.header("x-experience-api-hash").ok_or_else(|| missing("X-Experience-API-Hash"))?.to_ascii_lowercase();
        let algorithm: &'static Algorithm = match sha2.len() {
            56 => &SHA224,
            64 => &SHA256,
            96 => &SHA384,
            128 => &SHA512,
            _ => return Err("the X-Experience-API-Hash of a file is a SHA-2 in hexadecimal".to_owned()),
        };
        let mut actual = String::with_capacity(sha2.len());
        for byte in digest(algorithm, self.content).as_ref() {
            // Writing to a string never fails.
            let _ = write!(actual, "{byte:02x}");
        }
        if actual != sha2 {
            return Err("the X-Experience-API-Hash of a part is not the digest of its content".to_owned());
        }
        Ok(File { sha2, length: self.content.len() as u64 })
    }
}

fn parts<'a>(boundary: &str, body: &'a [u8]) -> Result<Vec<Part<'a>>, String> {
    let broken = || "the body is not multipart/mixed with the boundary of its Content-Type".to_owned();
    let delimiter = format!("\r\n--{boundary}");
    let finder = memmem::Finder::new(&delimiter);
    let mut rest = match body.strip_prefix(&delimiter.as_bytes()[2..]) {
        Some(rest) => rest,
        None => &body[finder.find(body).ok_or_else(broken)? + delimiter.len()..],
    };
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        let line = memmem::find(rest, b"\r\n").filter(|end| rest[..*end].iter().all(|byte| matches!(byte, b' ' | b'\t'))).ok_or_else(broken)?;
        let end = finder.find(&rest[line..]).ok_or_else(broken)? + line;
        parts.push(part(&rest[line..end]).ok_or_else(broken)?);
        rest = &rest[end + delimiter.len()..];
    }
    Ok(parts)
}

/// A part, which begins with the end of the line of its delimiter.
fn part(bytes: &[u8]) -> Option<Part<'_>> {
    let end = memmem::find(bytes, b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let headers = head.split("\r\n").filter(|line| !line.is_empty()).map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.trim().to_ascii_lowercase(), value.trim()))
    });
    Some(Part { headers: headers.collect::<Option<_>>()?, content: &bytes[end + 4..] })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "Content-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\nX-Experience-API-Hash: ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\r\n\r\nabc";
    const JSON: &str = "Content-Type: application/json; charset=utf-8\r\n\r\n[]";

    fn body(parts: &[&str]) -> Vec<u8> {
        format!("--b\r\n{}\r\n--b--\r\n", parts.join("\r\n--b\r\n")).into_bytes()
    }

    #[test]
    fn statements_come_first_and_files_are_held_to_their_digests() {
        let two = body(&[JSON, FILE]);
        let (statements, files) = read("b", &two).unwrap();
        assert_eq!((statements, files.len(), files[0].length), (b"[]".as_slice(), 1, 3));
        let with_preamble = [b"hello\r\n".to_vec(), two].concat();
        assert_eq!(read("b", &with_preamble).unwrap().1, files);
        for bad in [
            body(&[FILE, JSON]),
            b"--b--\r\n".to_vec(),
            body(&[JSON, &FILE.replace("abc", "abd")]),
            body(&[JSON, &FILE.replace("binary", "base64")]),
            body(&[JSON, &FILE.replace("Content-Transfer-Encoding: binary\r\n", "")]),
            body(&[JSON, &FILE.replace("ba7816", "")]),
            b"--b\r\nContent-Type: application/json\r\n\r\n[]".to_vec(),
            b"--c--".to_vec(),
            b"--b".to_vec(),
            b"--b\r\n--b--".to_vec(),
            Vec::new(),
        ] {
            assert!(read("b", &bad).is_err(), "{}", String::from_utf8_lossy(&bad));
        }
    }

    #[test]
    fn a_boundary_is_a_parameter_quoted_or_not() {
        assert_eq!(boundary("multipart/mixed; boundary=abc").as_deref(), Some("abc"));
        assert_eq!(boundary("multipart/mixed; charset=x; Boundary=\"a b\"").as_deref(), Some("a b"));
        assert_eq!(boundary("multipart/mixed"), None);
        assert_eq!(boundary("multipart/mixed; boundary="), None);
    }
}
