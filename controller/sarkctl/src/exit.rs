//! How a command ends: an exit code, and for failures what happened and what to do next.

use std::error::Error;
use std::process::ExitCode;

/// Exit codes, the same for every command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// It was tried and failed.
    Failed = 1,
    /// Wrong usage or bad input; nothing was tried.
    Usage = 2,
    /// A guard refused; nothing was changed.
    Refused = 3,
    /// `plan --detailed-exitcode`: there is something to change.
    Changes = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A command that did not do what was asked.
#[derive(Debug)]
pub struct Failure {
    /// The code to end with.
    pub exit: Exit,
    /// What happened, with its causes.
    pub error: Box<dyn Error + Send + Sync>,
    /// What to do next.
    pub next: Option<String>,
}

/// What every command returns.
pub type Outcome = Result<Exit, Failure>;

impl Failure {
    /// Bad input or wrong usage.
    pub fn usage(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { exit: Exit::Usage, error: error.into(), next: None }
    }

    /// Tried and failed.
    pub fn failed(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { exit: Exit::Failed, error: error.into(), next: None }
    }

    /// With what to do next.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}

impl From<std::io::Error> for Failure {
    /// Only writing to stdout fails this way; reading has errors that name the file.
    fn from(error: std::io::Error) -> Self {
        Self::failed(format!("cannot write the output: {error}"))
    }
}
