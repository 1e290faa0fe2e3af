//! Saying no to a client of gRPC: a status beside an empty answer ("Trailers-Only", gRPC over HTTP/2).

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};

use super::{Kind, Refusal, put};

impl Refusal {
    pub(super) fn grpc_response(&self) -> Response<Bytes> {
        let mut response = self.with_headers(StatusCode::OK, "application/grpc", Bytes::new());
        let headers = response.headers_mut();
        put(headers, "grpc-status", Some(HeaderValue::from_static(status(self.kind))));
        put(headers, "grpc-message", HeaderValue::try_from(encoded(&self.text())).ok());
        response
    }
}

/// Of google.rpc.Code.
fn status(kind: Kind) -> &'static str {
    match kind {
        Kind::Denied => "7",
        Kind::Unreadable | Kind::Mirror => "3",
        Kind::TooLarge | Kind::RateLimited { .. } | Kind::Spent => "8",
        Kind::Upstream | Kind::Overloaded { .. } => "14",
    }
}

/// What is no printable ASCII, and the percent sign, in hexadecimal.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for octet in text.bytes() {
        match octet {
            b'%' => encoded.push_str("%25"),
            b' '..=b'~' => encoded.push(char::from(octet)),
            _ => encoded.push_str(&format!("%{octet:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Family;

    #[test]
    fn a_status_and_no_body() {
        let (kind, message) = (Kind::Denied, "gemini é is 100% not for you".to_owned());
        let refusal = Refusal { kind, message, request_id: "r1".to_owned(), rule: None };
        let response = refusal.of_family(Family::Grpc);
        assert_eq!((response.status(), response.body().len()), (StatusCode::OK, 0));
        assert_eq!(response.headers()["content-type"], "application/grpc");
        assert_eq!(response.headers()["grpc-status"], "7");
        let message = "gemini %C3%A9 is 100%25 not for you (request r1)";
        assert_eq!(response.headers()["grpc-message"], message);
    }
}
