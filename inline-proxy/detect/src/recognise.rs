//! Which model's API a request is for: by its host, its path, or its body's shape.

mod hosts;
mod paths;

use http::{HeaderMap, Method};
use sark_core::request::{Call, Operation};

use crate::asked::{self, Asked, Unreadable, UsageAsked};
use crate::grpc;
use crate::mcp::{self, Message};
use crate::{Dialect, Family, Limits};

/// What the head of a request says.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// `https` or `http`.
    pub scheme: &'a str,
    /// See the type.
    pub method: &'a Method,
    /// The name the client asks for, with or without a port.
    pub host: &'a str,
    /// Path and query, as they are sent.
    pub path: &'a str,
    /// See the type.
    pub headers: &'a HeaderMap,
}

/// By what a request was recognised, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum By {
    /// The host is a provider's.
    Host,
    /// The path is one that model servers have. Others may have it too.
    Path,
    /// A header of MCP, or what a client of its first revision accepts.
    Header,
    /// The body looks like one.
    Shape,
    /// Nothing: as far as can be seen it is for no model.
    Nothing,
}

/// What was recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognised {
    /// See the type.
    pub by: By,
    /// Slug of the provider, as in the registry, if the host is one of its names.
    pub provider: Option<&'static str>,
    /// What bodies look like.
    pub dialect: Dialect,
    /// Who reads an error.
    pub family: Family,
    /// What the path is for.
    pub operation: Operation,
    /// The model that the URL names.
    pub model: Option<String>,
    /// Whether the answer is streamed, if path or query say so; else the body does.
    pub stream: Option<bool>,
    /// Origin and path: what an MCP server is known by.
    pub server: String,
    /// Revision of MCP, as the header says.
    pub mcp_version: Option<String>,
    /// The host's own.
    home: Family,
    is_post: bool,
    /// The head does not say what it is for: the body does. Where the head does, the body has no say.
    is_open: bool,
    /// Of a call of gRPC, if its message can be read.
    grpc: Option<grpc::Method>,
}

/// Recognises a request by its head. What the head leaves open, [`Recognised::read`] fills in.
#[must_use]
pub fn recognise(head: &Head<'_>) -> Recognised {
    let (path, query) = head.path.split_once('?').unwrap_or((head.path, ""));
    let host = hosts::find(head.host);
    let found = paths::find(path, query, host.is_some());
    let header = found.is_none().then(|| mcp_header(head, path)).flatten();
    let by = match (&host, &found, header) {
        (Some(_), ..) => By::Host,
        (None, Some(_), _) => By::Path,
        (None, None, Some(_)) => By::Header,
        (None, None, None) => By::Nothing,
    };
    let mut found = found.unwrap_or_default();
    let is_grpc = grpc::is_call(head.headers);
    let grpc = grpc::method(path).filter(|_| is_grpc);
    if let Some(method) = grpc {
        (found.operation, found.stream) = (method.operation, Some(method.stream));
    }
    let dialect = if by == By::Header { Dialect::Mcp } else { found.dialect };
    let is_open = !is_grpc
        && matches!(dialect, Dialect::Mcp | Dialect::Other)
        && found.operation == Operation::Other
        && by != By::Path;
    let home = host.map_or(Family::Unknown, |host| host.family);
    let version = head.headers.get("mcp-protocol-version").and_then(|value| value.to_str().ok());
    Recognised {
        by,
        provider: host.map(|host| host.provider),
        dialect,
        family: if is_grpc { Family::Grpc } else { Family::of(dialect, home) },
        operation: found.operation,
        model: found.model,
        stream: found.stream,
        server: format!("{}://{}{path}", head.scheme, head.host.to_ascii_lowercase()),
        mcp_version: version.map(str::to_owned),
        home,
        is_post: head.method == Method::POST,
        is_open,
        grpc,
    }
}

/// A client of MCP says so, unless it speaks the first revision and only listens.
fn mcp_header(head: &Head<'_>, path: &str) -> Option<()> {
    let headers = ["mcp-protocol-version", "mcp-session-id", "mcp-method"];
    let says = headers.iter().any(|name| head.headers.contains_key(*name));
    let accepts = head.headers.get("accept").map_or(&b""[..], |value| value.as_bytes());
    let listens = head.method == Method::GET
        && accepts.starts_with(b"text/event-stream")
        && path.trim_end_matches('/').ends_with("/sse");
    (says || listens).then_some(())
}

impl Recognised {
    /// Whether its body has to be read before anything can be decided.
    #[must_use]
    pub fn wants_body(&self, headers: &HeaderMap) -> bool {
        let kind = headers.get("content-type").map_or(&b""[..], |value| value.as_bytes());
        let kind = kind.to_ascii_lowercase();
        if self.is_grpc() {
            // What is one message; of others nobody knows when they end.
            return self.is_post && self.grpc.is_some();
        }
        // Without a type, servers of models read JSON all the same; so they do with curl's default.
        let may_be_json = kind.is_empty()
            || kind.windows(4).any(|part| part == b"json")
            || kind.starts_with(b"text/plain")
            || (self.by != By::Nothing && !kind.starts_with(b"multipart/"));
        self.is_post && may_be_json
    }

    /// Reads the whole body, already decompressed. What the head left open is filled in here: the
    /// dialect by the body's shape, and with it the family.
    pub fn read(
        &mut self,
        headers: &HeaderMap,
        body: &[u8],
        limits: &Limits,
    ) -> Result<Asked, Unreadable> {
        if let Some(method) = self.grpc {
            let model = grpc::model(method, body, limits)?;
            let (operation, stream) = (method.operation, method.stream);
            let body_octets = body.len() as u64;
            return Ok(Asked { operation, model, stream, body_octets, ..Asked::default() });
        }
        if self.is_open
            && let Some(messages) = mcp::read(body, limits)?
        {
            return self.read_mcp(headers, messages, body.len());
        }
        let body_octets = body.len() as u64;
        let mut body = asked::read_body(body, limits)?;
        if self.is_open {
            self.dialect = body.dialect(headers.contains_key("anthropic-version"));
            if self.by != By::Host {
                self.by = if self.dialect == Dialect::Other { By::Nothing } else { By::Shape };
            }
            self.family = Family::of(self.dialect, self.home);
            self.operation = match self.dialect {
                Dialect::Other => Operation::Other,
                Dialect::Completions => Operation::Completion,
                _ => Operation::Chat,
            };
        }
        let mut models = std::mem::take(&mut body.models);
        if let Some(model) = &self.model {
            models.retain(|other| paths::bare(other) != model);
            models.insert(0, model.clone());
        }
        let mut models = models.into_iter();
        let stream = self.stream.or(body.stream).unwrap_or(self.dialect == Dialect::Ollama);
        let usage = match () {
            () if !stream || !asked::wants_asking(self.dialect) => UsageAsked::Always,
            () if body.includes_usage => UsageAsked::Asked,
            // It refuses fields that it does not know, and says its usage unasked.
            () if self.provider == Some("mistral") => UsageAsked::Always,
            () => UsageAsked::Missing,
        };
        Ok(Asked {
            operation: self.operation,
            model: models.next(),
            other_models: models.collect(),
            stream,
            tool_results: body.prompt.results,
            prompt_octets: body.prompt.octets,
            max_output_tokens: body.max_output_tokens,
            images: body.prompt.images,
            files: body.prompt.files,
            continues: body.continues,
            usage,
            messages: Vec::new(),
            body_octets,
            tools: body.into_tools(),
        })
    }

    fn read_mcp(
        &mut self,
        headers: &HeaderMap,
        messages: Vec<Message>,
        octets: usize,
    ) -> Result<Asked, Unreadable> {
        mcp::mirrors(headers, &messages)?;
        (self.dialect, self.family) = (Dialect::Mcp, Family::Mcp);
        if self.by == By::Nothing {
            self.by = By::Shape;
        }
        let operations = messages.iter().map(Message::operation);
        // What a batch is for is the most that one of it is for.
        let operation = operations.max_by_key(|operation| *operation != Operation::Other);
        self.operation = operation.unwrap_or_default();
        let operation = self.operation;
        Ok(Asked { operation, messages, body_octets: octets as u64, ..Asked::default() })
    }

    /// Whether it is a call of gRPC: of its body at most the model is read, and no tool or prompt.
    #[must_use]
    pub fn is_grpc(&self) -> bool {
        self.family == Family::Grpc
    }

    /// What a message calls at this MCP server. Whether its definition is approved is not known here.
    #[must_use]
    pub fn call(&self, message: &Message) -> Option<Call> {
        let name = message.name.clone()?;
        Some(Call { server: self.server.clone(), name, pinned: false })
    }

    /// Whether an answer to this message has a `resultType`.
    #[must_use]
    pub fn is_modern(&self, message: &Message) -> bool {
        let version = self.mcp_version.as_deref().or(message.version.as_deref());
        version.is_some_and(|version| version >= mcp::MODERN)
    }
}
