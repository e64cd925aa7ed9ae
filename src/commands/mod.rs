//! What the subcommands of `onemind` do.

pub mod audit;
pub mod client;
pub mod demo;
pub mod key;
pub mod migrate;
pub mod openapi;
pub mod serve;
pub mod token;
pub mod verify_readiness;

use crate::app::StartError;

/// Why a command ended without being done; each kind has an exit code.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// 1: the work has faults, which were named.
    #[error("{0}")]
    Faults(String),
    /// 2: the command line or a setting is wrong.
    #[error("{0}")]
    Usage(String),
    /// 3: something that is needed could not be reached.
    #[error("{0}")]
    Unreachable(String),
}

impl Failure {
    /// The process's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Faults(_) => 1,
            Self::Usage(_) => 2,
            Self::Unreachable(_) => 3,
        }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Unmigrated(_) => Self::Faults(error.to_string()),
            _ => Self::Unreachable(error.to_string()),
        }
    }
}
