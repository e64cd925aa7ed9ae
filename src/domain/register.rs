//! The public register: which agencies it shows, and as what.

use super::words::words;

words! {
    /// As what the public register shows an agency.
    pub enum RegisterStage else "invalid_stage" {
        /// Its latest pledge holds, whether its term runs or is over, and the agency lets it be shown.
        Pledged = "pledged",
        /// A certification holds that was awarded to it.
        Certified = "certified",
    }
}
