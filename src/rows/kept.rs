//! A [`Layout`] that is kept, as JSON, until the file is read.

use serde_json::{Value, json};

use super::encoding;
use super::mapping::Pair;
use super::sheet::Layout;
use crate::domain::csv_mapping::DateFormat;

/// A layout as JSON, for [`read`].
pub fn document(layout: &Layout) -> Value {
    let pairs = |pairs: &[Pair]| pairs.iter().map(|pair| json!([pair.field, pair.to])).collect::<Value>();
    json!({
        "maps": pairs(&layout.maps),
        "sets": pairs(&layout.sets),
        "delimiter": layout.delimiter,
        "encoding": layout.encoding.map(encoding_rs::Encoding::name),
        "dates": layout.dates,
        "footer": layout.footer,
    })
}

/// The layout that [`document`] was made of; `None` where the JSON is none.
pub fn read(document: &Value) -> Option<Layout> {
    let pairs = |name: &str| -> Option<Vec<Pair>> {
        let pair = |pair: &Value| Some(Pair { field: pair[0].as_str()?.to_owned(), to: pair[1].as_str()?.to_owned() });
        document[name].as_array()?.iter().map(pair).collect()
    };
    let delimiter = &document["delimiter"];
    Some(Layout {
        maps: pairs("maps")?,
        sets: pairs("sets")?,
        delimiter: if delimiter.is_null() { None } else { Some(u8::try_from(delimiter.as_u64()?).ok()?) },
        encoding: document["encoding"].as_str().map(encoding::named).transpose().ok()?,
        dates: DateFormat::parse(document["dates"].as_str()?).ok()?,
        footer: document["footer"].as_str().map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_is_read_as_it_was_written() {
        let pair = |field: &str, to: &str| Pair { field: field.into(), to: to.into() };
        let layout = Layout {
            maps: vec![pair("officer.badge_number", "Star=No"), pair("completed_on", "Day")],
            sets: vec![pair("training.code", "CIT-40")],
            delimiter: Some(b';'),
            encoding: Some(encoding_rs::WINDOWS_1252),
            dates: DateFormat::DayFirst,
            footer: Some("Total".into()),
        };
        for layout in [layout, Layout::default()] {
            assert_eq!(format!("{:?}", read(&document(&layout)).unwrap()), format!("{layout:?}"));
        }
        assert!(read(&json!({"maps": [["a"]], "sets": [], "dates": "iso"})).is_none());
    }
}
