//! How a model is spoken to.

use sark_prices::Counting;

/// What bodies look like, of requests and of answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dialect {
    /// OpenAI's chat completions, and everybody's who speaks like it.
    Chat,
    /// OpenAI's older completions: a `prompt`, no roles.
    Completions,
    /// OpenAI's embeddings.
    Embeddings,
    /// OpenAI's responses.
    Responses,
    /// Anthropic's messages, also of Vertex and of servers that speak like it.
    Messages,
    /// Gemini's generateContent and its like.
    GenerateContent,
    /// Bedrock's converse.
    Converse,
    /// Bedrock's invoke: the body is the model's own.
    Invoke,
    /// Cohere's own API.
    Cohere,
    /// Ollama's own API, `/api/…`.
    Ollama,
    /// Model Context Protocol: JSON-RPC over HTTP.
    Mcp,
    /// None of these: other parts of a provider's API, or no model's at all.
    #[default]
    Other,
}

impl Dialect {
    /// What is inside of what in the tokens that it counts.
    #[must_use]
    pub fn counting(self) -> Counting {
        match self {
            Self::Messages | Self::Converse | Self::Invoke => Counting::Beside,
            Self::GenerateContent => Counting::Gemini,
            _ => Counting::Inside,
        }
    }
}

/// Whose client libraries read an error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Family {
    /// Azure, Groq, OpenRouter and all that speak like it too.
    OpenAi,
    Anthropic,
    /// Vertex too.
    Gemini,
    Bedrock,
    Mistral,
    Cohere,
    Ollama,
    Mcp,
    /// A status beside an empty answer, whatever is asked for by it.
    Grpc,
    /// RFC 9457.
    #[default]
    Unknown,
}

impl Family {
    /// Of a dialect at a host of this family.
    pub(crate) fn of(dialect: Dialect, host: Self) -> Self {
        match (dialect, host) {
            (Dialect::Messages, _) => Self::Anthropic,
            (Dialect::GenerateContent, _) => Self::Gemini,
            (Dialect::Converse | Dialect::Invoke, _) => Self::Bedrock,
            (Dialect::Cohere, _) => Self::Cohere,
            (Dialect::Ollama, _) => Self::Ollama,
            (Dialect::Mcp, _) => Self::Mcp,
            (Dialect::Other, host) => host,
            (_, Self::Mistral) => Self::Mistral,
            _ => Self::OpenAi,
        }
    }
}
