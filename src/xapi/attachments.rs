//! What statements tell of files that come beside them.

use serde_json::Value;

/// A file that a statement tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Where in the statement.
    pub pointer: String,
    /// The SHA-2 of its content, in lower case.
    pub sha2: String,
    /// How many bytes it has.
    pub length: u64,
    /// Whether it lies elsewhere too.
    pub has_url: bool,
}

/// The files that a valid statement tells of, those of a statement within it among them; pointers are under `at`.
pub fn attachments(at: &str, statement: &Value) -> Vec<Attachment> {
    let mut all = Vec::new();
    for (place, holder) in [(String::new(), Some(statement)), ("/object".to_owned(), statement.get("object"))] {
        let listed = holder.and_then(|holder| holder.get("attachments")).and_then(Value::as_array);
        for (index, item) in listed.into_iter().flatten().enumerate() {
            all.push(Attachment {
                pointer: format!("{at}{place}/attachments/{index}"),
                sha2: item.get("sha2").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase(),
                length: item.get("length").and_then(Value::as_u64).unwrap_or_default(),
                has_url: item.get("fileUrl").is_some(),
            });
        }
    }
    all
}
