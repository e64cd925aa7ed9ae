//! How a client's CSV files are written, and which of their columns are which fields.

use serde::Serialize;

use super::text::{Name, Text};
use super::words::words;

words! {
    /// What the rows of a file are.
    pub enum CsvKind else "invalid_kind" {
        /// Completions, as a batch takes them.
        Completions = "completions",
        /// Officers, as a roster takes them.
        Roster = "roster",
    }
}

words! {
    /// What stands between cells.
    pub enum Delimiter else "invalid_delimiter" {
        /// `,`
        Comma = "comma",
        /// `;`
        Semicolon = "semicolon",
        /// A tab.
        Tab = "tab",
    }
}

words! {
    /// The order in which a file writes year, month and day.
    #[derive(Default)]
    pub enum DateFormat else "invalid_date_format" {
        /// `2004-10-29` alone.
        #[default]
        Iso = "iso",
        /// `10/29/2004` too, as in the United States.
        MonthFirst = "mdy",
        /// `29.10.2004` or `29/10/2004` too.
        DayFirst = "dmy",
    }
}

impl Delimiter {
    /// The character.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
        }
    }
}

/// A field that comes from a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MappedColumn {
    /// The dotted name of the field.
    pub field: Name,
    /// The column, as the header names it.
    pub column: Name,
}

/// A field that is the same in every row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SetValue {
    /// The dotted name of the field.
    pub field: Name,
    /// Its value, as a cell would have it.
    pub value: Name,
}

/// A mapping as its client describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CsvMappingDraft {
    /// What the client calls it.
    pub name: Name,
    /// What the rows are.
    pub kind: CsvKind,
    /// Fields that come from columns; a column named like a field needs none.
    pub map: Vec<MappedColumn>,
    /// Fields that are the same in every row.
    pub set: Vec<SetValue>,
    /// What stands between cells; found out where it isn't said.
    pub delimiter: Option<Delimiter>,
    /// What the text is written in; UTF-8 where it isn't said.
    pub encoding: Option<Text<50>>,
    /// How dates are written.
    pub date_format: DateFormat,
    /// How the first row after the last record begins.
    pub footer: Option<Name>,
}
