//! What is told of a request in its trace, in the words of OpenTelemetry's semantic conventions (HTTP and
//! generative AI); ours begin with `sark.`.
//!
//! ```text
//!   chat gpt-4o (server) ─┬─ read body
//!                         ├─ decide
//!                         ├─ POST (client) ── connect
//!                         ├─ answer
//!                         ├─ decide: a tool that the answer calls
//!                         └─ session: of what became another protocol, until that is over
//! ```
//!
//! Nothing of prompts and answers, no header, and no path: webhooks and MCP servers have secrets in theirs. What
//! goes to the server is as the client wrote it, its `traceparent` too.

use std::sync::Arc;

use http::header::HeaderName;
use http::uri::Authority;
use http::{Method, Request, Response, StatusCode, Version};
use sark_core::chain;
use sark_core::decision::Decision;
use sark_core::request::Operation;
use sark_detect::{Answer, Dialect, Kind as Refused, Refusal};
use sark_traces::{
    Attributes, Exporter, Kind, Open, Pace, Parent, Service, Trace, TraceMetrics, Tracer,
    TracesError,
};

use crate::config::Config;
use crate::conversation::Conversation;
use crate::flow::Target;
use crate::upstream::LinkError;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Who traces and who sends, if the configuration says so.
pub(crate) fn wire(
    config: &Config,
    metrics: &Arc<TraceMetrics>,
) -> Result<(Tracer, Option<Exporter>), TracesError> {
    let Some(traces) = &config.traces else { return Ok((Tracer::off(), None)) };
    let (version, instance) = (env!("CARGO_PKG_VERSION"), config.name.as_str());
    let service = Service { name: "sark-proxy", version, instance };
    let secrets =
        |reference: &_| sark_program::secret::read(reference).map_err(|error| chain(&error));
    let (tracer, exporter) = traces.build(service, &secrets, Pace::default(), metrics)?;
    Ok((tracer, Some(exporter)))
}

/// Of a request that has just come.
pub(crate) fn begin<B>(own: &Conversation, request: &Request<B>, id: &str) -> Trace {
    let proxy = &own.proxy;
    if !proxy.tracer.is_on() {
        return Trace::default();
    }
    // Two of them are none.
    let mut parents = request.headers().get_all(TRACEPARENT).iter();
    let parent = parents.next().filter(|_| parents.next().is_none());
    let parent = parent.and_then(|parent| Parent::parse(parent.as_bytes()));
    let method = method(request.method());
    let trace = proxy.tracer.begin(method, parent, proxy.judge.now());
    trace.about(|span| {
        span.set("sark.request.id", id.to_owned())
            .set("http.request.method", method)
            .set("url.scheme", own.scheme.to_string())
            .maybe("network.protocol.version", version(request.version()))
            .set("client.address", own.flow.client.ip().to_canonical().to_string())
            .set("client.port", own.flow.client.port())
            .set("sark.entrance", own.flow.entrance.as_str());
    });
    trace
}

/// For whom it is.
pub(crate) fn host(trace: &Trace, host: &str, authority: &Authority) {
    trace.about(|span| {
        span.set("server.address", host.to_owned()).maybe("server.port", authority.port_u16());
    });
}

/// What is asked of a model, or of a tool.
pub(crate) fn asked(trace: &Trace, asked: &sark_core::Request, dialect: Dialect) {
    let operation = operation(asked.operation, dialect);
    trace.about(|span| {
        let provider = asked.provider.as_deref();
        let provider = provider.map(|it| provider_name(it, asked.server_name.as_deref()));
        span.maybe("gen_ai.operation.name", operation)
            .maybe("gen_ai.provider.name", provider)
            .maybe("gen_ai.request.model", asked.model.clone());
    });
    if let (Some(operation), Some(model)) = (operation, &asked.model) {
        trace.rename(|| format!("{operation} {model}"));
    }
}

/// Something that is done for it here.
pub(crate) fn part(trace: &Trace, name: &'static str) -> Open {
    trace.start(name, Kind::Internal)
}

/// Whether it may.
pub(crate) fn decision(span: &mut Attributes, decision: &Decision) {
    span.set("sark.decision.action", decision.action.as_str())
        .set("sark.rule", format!("{}/{}", decision.policy_id, decision.rule_id));
}

/// Something is refused here. That is no error where the client is who has to do something else.
pub(crate) fn refused(trace: &Trace, kind: Refused) {
    trace.keep();
    trace.about(|span| _ = span.set("sark.refusal", kind.code()));
    if kind.status().is_server_error() {
        trace.failed(kind.code());
    }
}

/// Of a server that is asked.
pub(crate) fn exchange(
    trace: &Trace,
    asked: &Method,
    target: &Target,
    authority: &Authority,
) -> Open {
    let asked = method(asked);
    let mut span = trace.start(asked, Kind::Client);
    span.about(|span| {
        span.set("http.request.method", asked)
            .set("server.address", sark_head::host(authority))
            .set("server.port", target.port());
        if let Target::Address(address) = target {
            span.set("network.peer.address", address.ip().to_canonical().to_string());
        }
    });
    span
}

/// Within it, a connection: one that is there already, or a new one.
pub(crate) async fn connect<T>(
    span: &Open,
    link: impl Future<Output = Result<T, LinkError>>,
) -> Result<T, LinkError> {
    let mut span = span.start("connect", Kind::Internal);
    let link = link.await;
    if let Err(error) = &link {
        span.about(|span| _ = span.failed(failure(error)));
    }
    link
}

/// Its answer has begun, or there is none.
pub(crate) fn exchanged<B>(span: &mut Open, answered: &Result<Response<B>, LinkError>) {
    span.about(|span| match answered {
        Ok(response) => {
            let status = response.status();
            span.set("http.response.status_code", status.as_u16())
                .maybe("network.protocol.version", version(response.version()));
            if status.is_client_error() || status.is_server_error() {
                span.failed(status.as_str().to_owned());
            }
        }
        Err(error) => _ = span.failed(failure(error)),
    });
}

/// A request that has no answer yet.
pub(crate) struct Unanswered(Trace);

/// Until it is [answered](Unanswered::answered): who drops it does so because its client went away.
pub(crate) fn unanswered(trace: &Trace) -> Unanswered {
    Unanswered(trace.clone())
}

impl Unanswered {
    /// What the client gets begins.
    pub(crate) fn answered(mut self, status: StatusCode) {
        let trace = std::mem::take(&mut self.0);
        trace.about(|span| _ = span.set("http.response.status_code", status.as_u16()));
        if status.is_server_error() {
            trace.failed(status.as_str().to_owned());
        }
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        short(&self.0, Short::ClientGone);
    }
}

/// Why an answer is not whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Short {
    /// The client went away, or took no more.
    ClientGone,
    /// The server broke off.
    BrokenOff,
}

/// Both are errors by the conventions: the answer was not sent as a whole. Only one is worth seeing whatever
/// is chosen, for the other is the client's to cause.
fn short(trace: &Trace, why: Short) {
    match why {
        Short::ClientGone => trace.about(|span| _ = span.failed("client_gone")),
        Short::BrokenOff => trace.failed("broken_off"),
    }
}

/// What an answer said, which is over; `why` it is not whole, if it is not.
pub(crate) fn told(trace: &Trace, answer: &Answer, why: Option<Short>, stopped: Option<&Refusal>) {
    trace.about(|span| {
        let usage = answer.usage().and_then(Result::ok);
        span.maybe("gen_ai.response.model", answer.model.clone())
            .maybe("gen_ai.response.finish_reasons", answer.finish.clone().map(|it| vec![it]))
            .maybe("gen_ai.usage.input_tokens", usage.as_ref().map(|usage| usage.prompt()))
            .maybe("gen_ai.usage.output_tokens", usage.as_ref().map(|usage| usage.answer()));
    });
    if let Some(failure) = answer.failure.as_ref().filter(|_| trace.is_on()) {
        trace.failed(failure.kind.clone());
    }
    match (stopped, why) {
        (Some(refusal), _) => refused(trace, refusal.kind),
        // Nothing comes after the end that its protocol has, and clients do not wait for it.
        (None, Some(Short::ClientGone)) if answer.is_complete => {}
        (None, Some(why)) => short(trace, why),
        (None, None) => {}
    }
}

/// What a request became: another protocol, whose end is the end of its trace.
#[derive(Debug)]
pub(crate) struct InSession {
    trace: Trace,
    span: Open,
}

impl InSession {
    /// It begins.
    pub(crate) fn of(trace: Trace) -> Self {
        let span = part(&trace, "session");
        Self { trace, span }
    }

    /// It is over: `closed`, `idle`, `broken`, or `stopped` with this program; of a model's also refused here.
    pub(crate) fn over(mut self, how: &'static str, refused_here: Option<Refused>) {
        self.span.about(|span| {
            span.set("sark.session.ended", how);
            if how == "broken" || refused_here.is_some_and(|kind| kind.status().is_server_error()) {
                span.failed(how);
            }
        });
        if let Some(kind) = refused_here {
            refused(&self.trace, kind);
        }
    }
}

/// A client's own word for one is as long as it likes.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::CONNECT => "CONNECT",
        Method::TRACE => "TRACE",
        _ => "_OTHER",
    }
}

fn version(version: Version) -> Option<&'static str> {
    match version {
        Version::HTTP_10 => Some("1.0"),
        Version::HTTP_11 => Some("1.1"),
        Version::HTTP_2 => Some("2"),
        _ => None,
    }
}

/// `gen_ai.operation.name`: the conventions' word where they have one.
const fn operation(operation: Operation, dialect: Dialect) -> Option<&'static str> {
    Some(match operation {
        Operation::Chat if matches!(dialect, Dialect::GenerateContent) => "generate_content",
        Operation::Chat => "chat",
        Operation::Completion => "text_completion",
        Operation::Embedding => "embeddings",
        Operation::ToolCall => "execute_tool",
        Operation::Image => "image",
        Operation::Audio => "audio",
        Operation::File => "file",
        Operation::Batch => "batch",
        Operation::Models => "models",
        Operation::ToolList => "tool_list",
        Operation::ResourceRead => "resource_read",
        Operation::PromptGet => "prompt_get",
        Operation::Sampling => "sampling",
        Operation::Elicitation => "elicitation",
        Operation::Other => return None,
    })
}

/// `gen_ai.provider.name`: the conventions' word where it is another than the registry's.
fn provider_name(provider: &str, host: Option<&str>) -> String {
    let is_vertex = host.is_some_and(|host| host.ends_with("aiplatform.googleapis.com"));
    match provider {
        "aws" => "aws.bedrock",
        "azure" => "azure.ai.openai",
        "google" if is_vertex => "gcp.vertex_ai",
        "google" => "gcp.gemini",
        "mistral" => "mistral_ai",
        "xai" => "x_ai",
        other => other,
    }
    .to_owned()
}

const fn failure(error: &LinkError) -> &'static str {
    match error {
        LinkError::Dial(_) => "connect",
        LinkError::Late(_) => "timeout",
        LinkError::Tls(_) => "tls",
        LinkError::Protocol => "protocol",
        LinkError::Http(_) => "http",
        LinkError::Closed => "closed",
    }
}
