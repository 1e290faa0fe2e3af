//! Bodies of errors, as each family writes them.

use serde_json::{Value, json};

use super::{Kind, Refusal, clean};
use crate::Family;

impl Refusal {
    /// Of an error in this family's shape. MCP's are [`rpc`](super::rpc)'s.
    pub(super) fn body(&self, family: Family) -> Value {
        let (message, kind) = (self.text(), self.kind);
        match family {
            Family::OpenAi => json!({ "error": {
                "message": message,
                "type": openai_type(kind),
                "param": null,
                "code": kind.code(),
            } }),
            Family::Anthropic => json!({
                "type": "error",
                "error": { "type": anthropic_type(kind), "message": message },
                "request_id": clean(&self.request_id, super::ID),
            }),
            Family::Gemini => json!({ "error": {
                "code": kind.status().as_u16(),
                "message": message,
                "status": google_status(kind),
                "details": [{
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": kind.code().to_ascii_uppercase(),
                    "domain": "sark",
                }],
            } }),
            Family::Mistral => json!({
                "object": "error",
                "message": message,
                "type": openai_type(kind),
                "param": null,
                "code": kind.code(),
            }),
            Family::Bedrock | Family::Cohere => json!({ "message": message }),
            Family::Ollama => json!({ "error": message }),
            Family::Mcp => self.rpc_error(None),
            Family::Grpc | Family::Unknown => self.problem(),
        }
    }

    /// RFC 9457 §3.
    fn problem(&self) -> Value {
        let mut problem = json!({
            "type": format!("urn:sark:{}", self.kind.code().trim_start_matches("sark_")),
            "title": self.kind.status().canonical_reason(),
            "status": self.kind.status().as_u16(),
            "detail": clean(&self.message, super::MESSAGE),
            "request_id": clean(&self.request_id, super::ID),
        });
        if let (Some(rule), Some(fields)) = (&self.rule, problem.as_object_mut()) {
            fields.insert("rule".to_owned(), clean(rule, super::ID).into());
        }
        problem
    }
}

fn openai_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Denied => "policy_violation",
        Kind::Unreadable | Kind::Mirror | Kind::TooLarge => "invalid_request_error",
        Kind::RateLimited { .. } => "rate_limit_error",
        Kind::Spent => "insufficient_quota",
        Kind::Upstream => "api_error",
        Kind::Overloaded { .. } => "server_error",
    }
}

fn anthropic_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Denied => "permission_error",
        Kind::Unreadable | Kind::Mirror => "invalid_request_error",
        Kind::TooLarge => "request_too_large",
        Kind::RateLimited { .. } | Kind::Spent => "rate_limit_error",
        Kind::Upstream => "api_error",
        Kind::Overloaded { .. } => "overloaded_error",
    }
}

/// Of google.rpc.Code.
fn google_status(kind: Kind) -> &'static str {
    match kind {
        Kind::Denied => "PERMISSION_DENIED",
        Kind::Unreadable | Kind::Mirror | Kind::TooLarge => "INVALID_ARGUMENT",
        Kind::RateLimited { .. } | Kind::Spent => "RESOURCE_EXHAUSTED",
        Kind::Upstream | Kind::Overloaded { .. } => "UNAVAILABLE",
    }
}

/// Of Bedrock's runtime.
pub(super) fn exception(kind: Kind) -> &'static str {
    match kind {
        Kind::Denied => "AccessDeniedException",
        Kind::Unreadable | Kind::Mirror | Kind::TooLarge => "ValidationException",
        Kind::RateLimited { .. } => "ThrottlingException",
        Kind::Spent => "ServiceQuotaExceededException",
        Kind::Upstream => "InternalServerException",
        Kind::Overloaded { .. } => "ServiceUnavailableException",
    }
}
