//! Why `sarkd` did not answer, or answered with an error, and what to do then.

use std::error::Error;
use std::io;

use sark_api::{ErrorCode, ErrorDetail};
use sark_core::document::Diagnostic;

use crate::exit::{Exit, Failure};
use crate::offline::Mistakes;

/// Why `sarkd` did not answer, or answered with an error.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens.
    #[error("sarkd does not answer at {place}: {what}")]
    Absent {
        /// Its socket or address.
        place: String,
        /// Short: no such socket, nobody listens there.
        what: &'static str,
    },
    /// The socket may not be opened.
    #[error("not permitted to talk to sarkd at {place}")]
    NotPermitted {
        /// Its socket or address.
        place: String,
    },
    /// No answer in time.
    #[error("sarkd at {place} did not answer within {seconds} s")]
    Timeout {
        /// Its socket or address.
        place: String,
        /// The limit.
        seconds: f64,
    },
    /// The connection broke.
    #[error("the connection to sarkd at {place} broke")]
    Broken {
        /// Its socket or address.
        place: String,
        /// Cause.
        source: Box<dyn Error + Send + Sync>,
    },
    /// It speaks, but not our language.
    #[error("cannot read what {place} answered to {path}: {what}")]
    Foreign {
        /// Its socket or address.
        place: String,
        /// What was asked.
        path: String,
        /// What is wrong with it.
        what: String,
    },
    /// It says no.
    #[error("{}", .0.message)]
    Answer(Box<ErrorDetail>),
    /// What it answered cannot be passed on.
    #[error("cannot write the answer")]
    Write(#[source] io::Error),
}

impl ClientError {
    /// The answer's error, if it was an answer.
    pub fn detail(&self) -> Option<&ErrorDetail> {
        if let Self::Answer(detail) = self { Some(detail) } else { None }
    }

    fn exit(&self) -> Exit {
        match self.detail().map(|detail| detail.code) {
            Some(ErrorCode::BadInput | ErrorCode::NotFound | ErrorCode::TooLarge) => Exit::Usage,
            Some(ErrorCode::Refused) => Exit::Refused,
            _ => Exit::Failed,
        }
    }

    /// What to do next.
    pub fn next(&self) -> String {
        match self {
            Self::Absent { place, .. } if place.starts_with("https://") => {
                "check the address (`sarkctl context show`), that sarkd runs there, and that \
                 api.https of its configuration says that it listens"
                    .to_owned()
            }
            Self::Absent { .. } => "start it (`systemctl start sarkd`, or `sarkd --config FILE`), or name its socket with \
                 --socket or SARK_SOCKET; plan, simulate, registry and policy commands also work with --offline"
                .to_owned(),
            Self::NotPermitted { .. } => "run this as root, or as a user or group that sarkd's \
                 configuration allows on its socket"
                .to_owned(),
            Self::Timeout { .. } => "see `sarkctl doctor`, and sarkd's log (`journalctl -u sarkd`); \
                 allow more time with --timeout"
                .to_owned(),
            Self::Broken { place, .. } if place.starts_with("https://") => {
                "if it is about a certificate: name its authority (`sarkctl context add … \
                 --authority FILE`), and the server as the certificate does; else see sarkd's log"
                    .to_owned()
            }
            Self::Broken { .. } => "see whether sarkd still runs, and its log (`journalctl -u sarkd`); \
                 then `sarkctl flowspec revisions` says what was done"
                .to_owned(),
            Self::Foreign { .. } => "check that --socket is sarkd's, and that sarkctl and sarkd are of \
                 one version (`sarkctl version`)"
                .to_owned(),
            Self::Write(_) => "check that there is room, and that you may write there".to_owned(),
            Self::Answer(detail) => detail.help.clone().unwrap_or_else(|| {
                match detail.code {
                    ErrorCode::BadInput => "correct the input and try again",
                    ErrorCode::Unauthenticated => "see `sarkctl context show`: a token that holds is missing",
                    ErrorCode::TooMany => "wait, then try again",
                    ErrorCode::Forbidden => "ask somebody whom sarkd's configuration allows this",
                    ErrorCode::NotFound => "list what there is (`list`, `revisions`)",
                    ErrorCode::Conflict => "somebody else changed the policies: plan again",
                    ErrorCode::Refused => "change the policy as each refusal says; nothing was changed",
                    ErrorCode::TooLarge => "send fewer or smaller files",
                    _ => "see `sarkctl doctor`, and sarkd's log (`journalctl -u sarkd`)",
                }
                .to_owned()
            }),
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let diagnostics = error.detail().map_or(&[][..], |detail| &detail.diagnostics);
        if !diagnostics.is_empty() {
            return Mistakes(diagnostics.iter().cloned().map(Diagnostic::from).collect()).into();
        }
        Self { exit: error.exit(), next: Some(error.next()), error: error.into() }
    }
}
