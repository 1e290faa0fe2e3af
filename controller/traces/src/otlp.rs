//! The messages of OTLP that say spans: `opentelemetry/proto/{collector/trace,trace,resource,common}/v1`.
//!
//! Fields that are not used are left out; numbers are those of the specification, which keeps them. PyPI's
//! `opentelemetry-proto`, made of the specification's files, reads in tests what is written here.

use prost::Message;

use crate::span::{Attributes, Kind, Span, Value};

/// `ExportTraceServiceRequest`
#[derive(Clone, PartialEq, Message)]
struct Request {
    #[prost(message, repeated, tag = "1")]
    resource_spans: Vec<ResourceSpans>,
}

/// `ExportTraceServiceResponse`
#[derive(Clone, PartialEq, Message)]
struct Response {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

/// `ExportTracePartialSuccess`
#[derive(Clone, PartialEq, Message)]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    rejected_spans: i64,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    scope_spans: Vec<ScopeSpans>,
}

/// Who made the spans.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Resource {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeSpans {
    #[prost(message, optional, tag = "1")]
    scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    spans: Vec<OneSpan>,
}

/// `InstrumentationScope`
#[derive(Clone, PartialEq, Message)]
struct Scope {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    version: String,
}

/// `Span`
#[derive(Clone, PartialEq, Message)]
struct OneSpan {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    span_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(int32, tag = "6")]
    kind: i32,
    #[prost(fixed64, tag = "7")]
    start_time_unix_nano: u64,
    #[prost(fixed64, tag = "8")]
    end_time_unix_nano: u64,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<KeyValue>,
    #[prost(message, optional, tag = "15")]
    status: Option<Status>,
    #[prost(fixed32, tag = "16")]
    flags: u32,
}

#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "3")]
    code: i32,
}

#[derive(Clone, PartialEq, Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct AnyValue {
    #[prost(oneof = "AnyOf", tags = "1, 3, 5")]
    value: Option<AnyOf>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum AnyOf {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(int64, tag = "3")]
    Number(i64),
    #[prost(message, tag = "5")]
    Array(ArrayValue),
}

#[derive(Clone, PartialEq, Message)]
struct ArrayValue {
    #[prost(message, repeated, tag = "1")]
    values: Vec<AnyValue>,
}

/// `STATUS_CODE_ERROR`
const ERROR: i32 = 2;
/// `SpanFlags`: of the trace, that it is sampled; that it is known whether the parent is remote; that it is.
const SAMPLED: u32 = 0x01;
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

impl Resource {
    /// By OpenTelemetry's `service.*`.
    pub(crate) fn of(name: &str, version: &str, instance: &str) -> Self {
        let pairs = [
            ("service.name", name),
            ("service.version", version),
            ("service.instance.id", instance),
        ];
        Self { attributes: pairs.map(|(key, value)| pair(key, text(value))).into() }
    }
}

/// A request with these spans.
pub(crate) fn request(resource: &Resource, spans: &[Span]) -> Vec<u8> {
    let scope = Scope {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let scope_spans = ScopeSpans { scope: Some(scope), spans: spans.iter().map(one).collect() };
    let of_resource =
        ResourceSpans { resource: Some(resource.clone()), scope_spans: vec![scope_spans] };
    Request { resource_spans: vec![of_resource] }.encode_to_vec()
}

/// How many spans the answer says were not taken; of what is no answer none.
pub(crate) fn rejected(answer: &[u8]) -> u64 {
    let answer = Response::decode(answer).unwrap_or_default();
    let rejected = answer.partial_success.map_or(0, |partial| partial.rejected_spans);
    u64::try_from(rejected).unwrap_or(0)
}

fn one(span: &Span) -> OneSpan {
    let mut flags = HAS_IS_REMOTE;
    if span.is_sampled {
        flags |= SAMPLED;
    }
    if span.is_remote {
        flags |= IS_REMOTE;
    }
    OneSpan {
        trace_id: span.trace.octets().into(),
        span_id: span.id.octets().into(),
        parent_span_id: span.parent.map(|parent| parent.octets().into()).unwrap_or_default(),
        name: span.name.clone().into_owned(),
        kind: match span.kind {
            Kind::Internal => 1,
            Kind::Server => 2,
            Kind::Client => 3,
        },
        start_time_unix_nano: span.start,
        end_time_unix_nano: span.end,
        attributes: attributes(&span.attributes),
        status: span.attributes.has_failed.then_some(Status { code: ERROR }),
        flags,
    }
}

fn attributes(attributes: &Attributes) -> Vec<KeyValue> {
    let value = |value: &Value| match value {
        Value::Text(it) => text(it),
        Value::Number(number) => AnyValue { value: Some(AnyOf::Number(*number)) },
        Value::Texts(texts) => {
            let values = texts.iter().map(|it| text(it)).collect();
            AnyValue { value: Some(AnyOf::Array(ArrayValue { values })) }
        }
    };
    attributes.iter().map(|(key, said)| pair(key, value(said))).collect()
}

fn text(text: &str) -> AnyValue {
    AnyValue { value: Some(AnyOf::Text(text.to_owned())) }
}

fn pair(key: &str, value: AnyValue) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_taken_is_read() {
        let partial =
            |rejected_spans| Response { partial_success: Some(PartialSuccess { rejected_spans }) };
        assert_eq!(rejected(&partial(7).encode_to_vec()), 7);
        assert_eq!(rejected(&partial(-7).encode_to_vec()), 0);
        assert_eq!(rejected(b""), 0);
        assert_eq!(rejected(b"<html>"), 0);
    }
}
