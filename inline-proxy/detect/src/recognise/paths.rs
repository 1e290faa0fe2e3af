//! What a path is for.

use sark_core::request::Operation;

use crate::Dialect;
use crate::limits::NAME;
use crate::percent::decode;

/// What path and query say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) dialect: Dialect,
    pub(super) operation: Operation,
    pub(super) model: Option<String>,
    pub(super) stream: Option<bool>,
}

/// Paths by their ends. Those marked are so common that only a provider's host makes them an API's.
const ENDS: [(&str, Dialect, Operation, bool); 41] = [
    ("/chat/completions", Dialect::Chat, Operation::Chat, false),
    ("/fim/completions", Dialect::Chat, Operation::Completion, false),
    ("/agents/completions", Dialect::Chat, Operation::Chat, false),
    ("/v1/conversations", Dialect::Responses, Operation::Chat, true),
    ("/v1/completions", Dialect::Completions, Operation::Completion, false),
    ("/completions", Dialect::Completions, Operation::Completion, true),
    ("/v1/embeddings", Dialect::Embeddings, Operation::Embedding, false),
    ("/embeddings", Dialect::Embeddings, Operation::Embedding, true),
    ("/v1/responses", Dialect::Responses, Operation::Chat, false),
    ("/v1/responses/compact", Dialect::Responses, Operation::Chat, false),
    ("/v1/responses/input_tokens", Dialect::Other, Operation::Other, false),
    ("/responses", Dialect::Responses, Operation::Chat, true),
    ("/backend-api/codex/responses", Dialect::Responses, Operation::Chat, false),
    ("/v1/messages", Dialect::Messages, Operation::Chat, false),
    ("/v1/messages/count_tokens", Dialect::Messages, Operation::Other, false),
    ("/v1/messages/batches", Dialect::Messages, Operation::Batch, false),
    ("/v1/complete", Dialect::Other, Operation::Completion, false),
    ("/v2/chat", Dialect::Cohere, Operation::Chat, true),
    ("/v1/chat", Dialect::Cohere, Operation::Chat, true),
    ("/v2/embed", Dialect::Cohere, Operation::Embedding, true),
    ("/v1/embed", Dialect::Cohere, Operation::Embedding, true),
    ("/v2/rerank", Dialect::Cohere, Operation::Other, true),
    ("/v1/rerank", Dialect::Cohere, Operation::Other, true),
    ("/api/chat", Dialect::Ollama, Operation::Chat, false),
    ("/api/generate", Dialect::Ollama, Operation::Completion, false),
    ("/api/embed", Dialect::Ollama, Operation::Embedding, false),
    ("/api/embeddings", Dialect::Ollama, Operation::Embedding, false),
    ("/api/tags", Dialect::Ollama, Operation::Models, false),
    ("/v1beta/interactions", Dialect::Other, Operation::Chat, true),
    ("/images/generations", Dialect::Other, Operation::Image, false),
    ("/images/edits", Dialect::Other, Operation::Image, false),
    ("/images/variations", Dialect::Other, Operation::Image, false),
    ("/audio/speech", Dialect::Other, Operation::Audio, false),
    ("/audio/transcriptions", Dialect::Other, Operation::Audio, false),
    ("/audio/translations", Dialect::Other, Operation::Audio, false),
    ("/v1/realtime", Dialect::Other, Operation::Chat, true),
    ("/v1/batches", Dialect::Other, Operation::Batch, true),
    ("/batches", Dialect::Other, Operation::Batch, true),
    ("/files", Dialect::Other, Operation::File, true),
    ("/models", Dialect::Other, Operation::Models, true),
    ("/GenerativeService.BidiGenerateContent", Dialect::Other, Operation::Chat, true),
];

/// By the path's end, whatever a gateway put in front of it. None if it is like no model's.
pub(super) fn find(path: &str, query: &str, is_provider: bool) -> Option<Found> {
    let segments: Vec<_> = path.split('/').filter(|part| !part.is_empty()).map(decode).collect();
    let mut found = colon(&segments).or_else(|| bedrock(&segments)).or_else(|| {
        let path = format!("/{}", segments.join("/"));
        let ends = ENDS.iter().filter(|(.., is_common)| is_provider || !is_common);
        let mut ends = ends.filter(|(end, ..)| ends_with(&path, end));
        // The longest says most.
        let first = ends.next()?;
        let (_, dialect, operation, _) =
            ends.fold(first, |best, end| if end.0.len() > best.0.len() { end } else { best });
        let model = after(&segments, "deployments");
        Some(Found { dialect: *dialect, operation: *operation, model, stream: None })
    })?;
    if found.stream.is_none() && parameter(query, "alt").as_deref() == Some("sse") {
        found.stream = Some(true);
    }
    if found.model.is_none() && found.dialect == Dialect::Other {
        found.model = parameter(query, "model").filter(|model| model.len() <= NAME);
    }
    Some(found)
}

fn ends_with(path: &str, end: &str) -> bool {
    let start = path.len().checked_sub(end.len());
    let tail = start.and_then(|start| path.get(start..));
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

fn after(segments: &[impl AsRef<str>], word: &str) -> Option<String> {
    let at = segments.iter().position(|segment| segment.as_ref() == word)?;
    let name = segments.get(at + 1)?.as_ref();
    (!name.is_empty() && name.len() <= NAME).then(|| name.to_owned())
}

/// Google's custom methods: `models/{model}:generateContent`.
fn colon(segments: &[impl AsRef<str>]) -> Option<Found> {
    let (name, method) = segments.last()?.as_ref().rsplit_once(':')?;
    let (dialect, operation, stream) = match method {
        "generateContent" => (Dialect::GenerateContent, Operation::Chat, Some(false)),
        "streamGenerateContent" => (Dialect::GenerateContent, Operation::Chat, Some(true)),
        "countTokens" => (Dialect::GenerateContent, Operation::Other, Some(false)),
        "embedContent" | "batchEmbedContents" => {
            (Dialect::GenerateContent, Operation::Embedding, Some(false))
        }
        "batchGenerateContent" => (Dialect::GenerateContent, Operation::Batch, Some(false)),
        // Claude's dialect, of other publishers theirs.
        "rawPredict" | "streamRawPredict" => {
            let publisher = after(segments, "publishers");
            let dialect = match publisher.as_deref() {
                Some("anthropic") => Dialect::Messages,
                Some("mistralai" | "meta" | "deepseek-ai") => Dialect::Chat,
                _ => Dialect::Other,
            };
            let stream = (method == "streamRawPredict").then_some(true);
            (dialect, Operation::Chat, stream)
        }
        "predict" => (Dialect::Other, Operation::Other, Some(false)),
        _ => return None,
    };
    // Vertex counts Claude's tokens at a model that is none.
    let model = (!name.is_empty() && name.len() <= NAME && name != "count-tokens")
        .then(|| bare(name).to_owned());
    Some(Found { dialect, operation, model, stream })
}

/// `/model/{id}/{operation}`; the id may be an ARN, whose slash is encoded.
fn bedrock(segments: &[impl AsRef<str>]) -> Option<Found> {
    let at = segments.iter().position(|segment| segment.as_ref() == "model")?;
    let rest: Vec<_> = segments.get(at + 1..)?.iter().map(AsRef::as_ref).collect();
    let (method, model) = rest.split_last()?;
    let (dialect, operation, stream) = match *method {
        "converse" => (Dialect::Converse, Operation::Chat, Some(false)),
        "converse-stream" => (Dialect::Converse, Operation::Chat, Some(true)),
        "invoke" => (Dialect::Invoke, Operation::Chat, Some(false)),
        "invoke-with-response-stream" => (Dialect::Invoke, Operation::Chat, Some(true)),
        "invoke-with-bidirectional-stream" => (Dialect::Other, Operation::Chat, Some(true)),
        "count-tokens" => (Dialect::Converse, Operation::Other, Some(false)),
        _ => return None,
    };
    let model = model.join("/");
    let is_name = !model.is_empty() && model.len() <= NAME;
    Some(Found { dialect, operation, model: is_name.then(|| bare(&model).to_owned()), stream })
}

/// The model of a resource name. An application's own inference profile has a number for a name, which
/// says nothing without the rest.
pub(super) fn bare(name: &str) -> &str {
    let is_model = name.starts_with("models/")
        || name.starts_with("publishers/")
        || (name.starts_with("arn:")
            && (name.contains(":foundation-model/") || name.contains(":inference-profile/")));
    if is_model { name.rsplit('/').next().unwrap_or(name) } else { name }
}

fn parameter(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter(|(key, _)| decode(key) == name).map(|(_, value)| decode(value));
    values.next().filter(|value| !value.is_empty()).map(std::borrow::Cow::into_owned)
}
