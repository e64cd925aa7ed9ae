//! QR codes (ISO/IEC 18004), as squares of a path.

use fast_qr::QRBuilder;
use fast_qr::qr::QRCodeError;
use krilla::geom::{Path, PathBuilder, Rect};

use super::DocumentError;

/// An address as a code whose dark squares fill a square of a side; the quiet zone around it, of four modules, is the caller's.
///
/// # Errors
/// Where the address is longer than a code holds.
pub(super) fn code(address: &str, (left, top): (f32, f32), side: f32) -> Result<Path, DocumentError> {
    let code = QRBuilder::new(address).build().map_err(|error: QRCodeError| DocumentError::Code(error.to_string()))?;
    #[expect(clippy::cast_precision_loss, reason = "a code has 177 modules a side at the most")]
    let module = side / code.size as f32;
    let mut path = PathBuilder::new();
    #[expect(clippy::cast_precision_loss, reason = "as above")]
    let place = |modules: usize| modules as f32 * module;
    for row in 0..code.size {
        // Squares that touch are one: a viewer would show a hair between them.
        let dark: Vec<bool> = code[row].iter().map(|module| module.value()).collect();
        let mut column = 0;
        for run in dark.chunk_by(|a, b| a == b) {
            if run[0]
                && let Some(bar) = Rect::from_xywh(left + place(column), top + place(row), place(run.len()), module)
            {
                path.push_rect(bar);
            }
            column += run.len();
        }
    }
    path.finish().ok_or_else(|| DocumentError::Code("it is empty".to_owned()))
}
