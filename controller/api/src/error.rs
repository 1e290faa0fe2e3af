//! The one error body.

use sark_compiler::{InputError, PlanDocument};
use sark_core::document::Diagnostic;
use serde::{Deserialize, Serialize};

/// Body of every answer that is not a success.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorDetail,
}

/// What went wrong and what to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorDetail {
    /// For programs.
    pub code: ErrorCode,
    /// For people: one sentence.
    pub message: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Mistakes in the files that were sent (`bad-input`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<DiagnosticBody>,
    /// The plan with its refusals (`refused`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "serde_json::Value")]
    pub plan: Option<Box<PlanDocument>>,
    /// Where the mark of the records is that were sent (`conflict`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
}

/// What kind of error; each has one HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorCode {
    /// 400: the request or a file in it is wrong.
    BadInput,
    /// 401: nobody says who asks, or it does not hold.
    Unauthenticated,
    /// 403: who asks may not.
    Forbidden,
    /// 404: there is no such thing.
    NotFound,
    /// 405: not this method.
    MethodNotAllowed,
    /// 408: the request or the work took too long.
    Timeout,
    /// 409: the policy set is not what the caller thought.
    Conflict,
    /// 413: the body is too large.
    TooLarge,
    /// 421: another `sarkd` on the same store leads; nothing changed.
    NotLeading,
    /// 422: the policy set is well formed and refused; nothing changed.
    Refused,
    /// 429: too much at once; the answer's `Retry-After` says when again.
    TooMany,
    /// 503: the store or the BGP speaker does not answer; nothing changed.
    Unavailable,
    /// 500: a defect.
    Internal,
    /// A code that this client does not know.
    #[serde(other)]
    Unknown,
}

impl ErrorCode {
    /// HTTP status.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::BadInput => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Timeout => 408,
            Self::Conflict => 409,
            Self::TooLarge => 413,
            Self::NotLeading => 421,
            Self::Refused => 422,
            Self::TooMany => 429,
            Self::Unavailable => 503,
            Self::Internal | Self::Unknown => 500,
        }
    }
}

impl ErrorBody {
    /// Of a code and a sentence.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            error: ErrorDetail {
                code,
                message: message.into(),
                help: None,
                diagnostics: Vec::new(),
                plan: None,
                position: None,
            },
        }
    }

    /// With what to do.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.error.help = Some(help.into());
        self
    }
}

/// A [`Diagnostic`] on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DiagnosticBody {
    /// File name as it was sent.
    pub file: String,
    /// From 1; 0 when the mistake has no place.
    pub line: u32,
    /// From 1.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// The line itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<String>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl From<Diagnostic> for DiagnosticBody {
    fn from(d: Diagnostic) -> Self {
        Self {
            file: d.file,
            line: d.line,
            column: d.column,
            message: d.message,
            excerpt: d.excerpt,
            help: d.help,
        }
    }
}

impl From<InputError> for DiagnosticBody {
    fn from(e: InputError) -> Self {
        Self {
            message: format!("policy {}: {}", e.policy, e.message),
            file: e.file,
            line: e.line,
            column: 1,
            excerpt: None,
            help: e.help,
        }
    }
}

impl From<DiagnosticBody> for Diagnostic {
    fn from(d: DiagnosticBody) -> Self {
        Self {
            file: d.file,
            line: d.line,
            column: d.column,
            message: d.message,
            excerpt: d.excerpt,
            help: d.help,
        }
    }
}
