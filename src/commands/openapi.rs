//! `onemind openapi`

use std::path::PathBuf;

use super::Failure;
use crate::http::openapi::Documents;

/// Arguments of `onemind openapi`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print nothing; exit with 1 where the file differs from the document.
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
    /// Print it as OpenAPI 3.0, for generators that refuse 3.1.
    #[arg(long)]
    v3_0: bool,
}

/// Prints the document, or compares it.
///
/// # Errors
/// [`Failure::Faults`] where the file differs, [`Failure::Unreachable`] where it can't be read.
pub fn run(args: &Args) -> Result<(), Failure> {
    let documents = Documents::new();
    let document = if args.v3_0 { documents.for_3_0() } else { documents.current() };
    let Some(path) = &args.check else {
        print!("{document}");
        return Ok(());
    };
    let held = std::fs::read_to_string(path).map_err(|cause| Failure::Unreachable(format!("{}: {cause}", path.display())))?;
    if held == *document {
        return Ok(());
    }
    let line = held.lines().zip(document.lines()).position(|(a, b)| a != b).map_or(0, |index| index + 1);
    Err(Failure::Faults(format!("{} differs from the document at line {line}: write it anew with `onemind openapi > {0}`", path.display())))
}
