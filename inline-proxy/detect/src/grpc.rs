//! Calls of gRPC to models: which method, and which model its one message names.
//!
//! A message is a flag, its length in four octets, and a protobuf (gRPC over HTTP/2, "Length-Prefixed
//! Message"; protobuf's wire format). Of methods that take one message the model is read; of the others, and
//! of all else in a message, nothing is.

use http::HeaderMap;
use sark_core::request::Operation;

use crate::limits::NAME;
use crate::{Limits, Unreadable};

/// A method that takes one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Method {
    /// What for.
    pub(crate) operation: Operation,
    /// Whether the answer is several messages.
    pub(crate) stream: bool,
    /// Number of the field that names the model.
    field: u64,
}

/// Services by the ends of their names, without the version, and where their messages name the model.
const SERVICES: [(&str, &str, u64); 2] = [
    ("google.ai.generativelanguage.", ".GenerativeService", 1),
    ("google.cloud.aiplatform.", ".PredictionService", 5),
];

/// Whether it is a call of gRPC; gRPC-Web is something else.
pub(crate) fn is_call(headers: &HeaderMap) -> bool {
    let kind = headers.get("content-type").map_or(&b""[..], |value| value.as_bytes());
    let kind = kind.to_ascii_lowercase();
    let rest = kind.strip_prefix(b"application/grpc");
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';' | b' ')))
}

/// The method of a path, if it takes one message that names a model.
pub(crate) fn method(path: &str) -> Option<Method> {
    let (service, method) = path.strip_prefix('/')?.split_once('/')?;
    let (.., field) = SERVICES
        .iter()
        .find(|(start, end, _)| service.starts_with(start) && service.ends_with(end))?;
    let (operation, stream) = match method {
        "GenerateContent" => (Operation::Chat, false),
        "StreamGenerateContent" => (Operation::Chat, true),
        "EmbedContent" => (Operation::Embedding, false),
        _ => return None,
    };
    Some(Method { operation, stream, field: *field })
}

/// The model that the one message names.
pub(crate) fn model(
    method: Method,
    body: &[u8],
    limits: &Limits,
) -> Result<Option<String>, Unreadable> {
    if body.len() > limits.request {
        return Err(Unreadable::TooLong(limits.request));
    }
    let message = match body {
        [0, a, b, c, d, message @ ..]
            if u32::from_be_bytes([*a, *b, *c, *d]) as usize == message.len() =>
        {
            message
        }
        [1, ..] => return Err(Unreadable::Grpc("a message of gRPC is packed")),
        _ => return Err(Unreadable::Grpc("the body is not one message of gRPC")),
    };
    let mut model = None;
    for field in Fields(message) {
        let (number, text) = field.ok_or(Unreadable::Grpc("a message is no protobuf"))?;
        if number != method.field {
            continue;
        }
        let text = text.and_then(|octets| std::str::from_utf8(octets).ok());
        let name = text.filter(|name| name.len() <= NAME);
        let name = name.ok_or(Unreadable::Grpc("the model's name is none"))?;
        // The last would count, for whoever reads it so.
        if model.replace(bare(name).to_owned()).is_some() {
            return Err(Unreadable::Grpc("the model is there twice"));
        }
    }
    Ok(model.filter(|name: &String| !name.is_empty()))
}

/// Of `models/{m}` and `projects/…/models/{m}` the last; a name of something else stays whole.
fn bare(name: &str) -> &str {
    match name.rsplit_once('/') {
        Some((before, last)) if before.ends_with("models") => last,
        _ => name,
    }
}

/// The fields of a message: number, and octets if it has a length. None for what is no protobuf.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Option<(u64, Option<&'a [u8]>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<(u64, Option<&'a [u8]>)> {
        let tag = self.varint()?;
        let octets = match tag & 7 {
            0 => {
                self.varint()?;
                None
            }
            1 => {
                self.take(8)?;
                None
            }
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Some(self.take(length)?)
            }
            5 => {
                self.take(4)?;
                None
            }
            // Groups are of no message that is meant here.
            _ => return None,
        };
        Some((tag >> 3, octets))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (&octet, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(octet & 0x7f) << shift;
            if octet & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(message: &[u8]) -> Vec<u8> {
        [&[0][..], &(message.len() as u32).to_be_bytes(), message].concat()
    }

    #[test]
    fn the_model_is_where_the_method_has_it() {
        let limits = Limits::default();
        let gemini =
            method("/google.ai.generativelanguage.v1beta.GenerativeService/GenerateContent");
        let vertex = method("/google.cloud.aiplatform.v1.PredictionService/StreamGenerateContent");
        let (gemini, vertex) = (gemini.unwrap(), vertex.unwrap());
        assert!(vertex.stream && !gemini.stream);
        // contents = 2, then model = 1 with a number of 64 bits between them.
        let message = b"\x12\x03abc\x19xxxxxxxx\x0a\x0fmodels/gemini-3";
        let found = model(gemini, &framed(message), &limits).unwrap();
        assert_eq!(found.as_deref(), Some("gemini-3"));
        assert_eq!(model(vertex, &framed(message), &limits).unwrap(), None);
        let message = b"\x2a\x31projects/p/locations/l/publishers/google/models/g";
        assert_eq!(model(vertex, &framed(message), &limits).unwrap().as_deref(), Some("g"));
        for path in [
            "/x.GenerativeService/GenerateContent",
            "/a/b",
            "",
            "/google.ai.generativelanguage.v1.GenerativeService/BidiX",
        ] {
            assert_eq!(method(path), None, "{path}");
        }
    }

    #[test]
    fn what_reads_two_ways_is_refused() {
        let (limits, path) = (
            Limits::default(),
            "/google.ai.generativelanguage.v1.GenerativeService/GenerateContent",
        );
        let method = method(path).unwrap();
        for body in [
            &b""[..],
            b"\x00\x00\x00\x00",
            &framed(b"\x0a\x01a\x0a\x01b"),
            &framed(b"\x0a\x05a"),
            &framed(b"\x0a\x01\xff"),
            &framed(b"\x08\x01"),
            &framed(b"\x0b"),
            &framed(&[0xff; 11]),
            &[framed(b"\x0a\x01a"), framed(b"\x0a\x01b")].concat(),
            b"\x01\x00\x00\x00\x03\x0a\x01a",
        ] {
            assert!(model(method, body, &limits).is_err(), "{body:?}");
        }
    }

    #[test]
    fn kinds_of_bodies() {
        for (kind, expected) in [
            ("application/grpc", true),
            ("Application/gRPC+proto", true),
            ("application/grpc;x=y", true),
            ("application/grpc-web+proto", false),
            ("application/json", false),
        ] {
            let headers =
                [(http::header::CONTENT_TYPE, kind.parse().unwrap())].into_iter().collect();
            assert_eq!(is_call(&headers), expected, "{kind}");
        }
    }
}
