//! The body of a request to a model, in any dialect.
//!
//! The dialects use few names for the same thing and hardly one name for two, so that one reader takes
//! all: a body that pretends to be of another dialect is read no worse. It also tells a dialect by its
//! shape, where host and path say nothing.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess};
use serde_json::value::RawValue;

use super::prompt::{Content, Length, Prompt};
use super::tools::{Entry, ToolKind, Tools, name};
use super::usage::Includes;
use crate::Dialect;
use crate::json::{Count, Each, Fields, Object, One, Word, refuse};

/// What it says.
#[derive(Debug, Default)]
pub(crate) struct Body {
    pub(crate) models: Vec<String>,
    pub(crate) stream: Option<bool>,
    pub(crate) includes_usage: bool,
    pub(crate) prompt: Prompt,
    pub(super) tools: Tools,
    pub(crate) max_output_tokens: Option<u64>,
    pub(crate) continues: bool,
    shape: Shape,
}

/// Which of the names that tell dialects apart are there.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one name")]
struct Shape {
    messages: bool,
    contents: bool,
    input: bool,
    prompt: bool,
    max_tokens: bool,
    converse: bool,
}

/// Most models that one request may name.
const MODELS: usize = 64;

impl Body {
    pub(crate) fn new(tools: usize) -> Self {
        Self { tools: Tools { tools: Vec::new(), most: tools }, ..Self::default() }
    }

    pub(crate) fn into_tools(self) -> Vec<super::Tool> {
        self.tools.tools
    }

    /// By shape alone. Whether the `anthropic-version` header is there is the head's to know.
    pub(crate) fn dialect(&self, is_anthropic: bool) -> Dialect {
        let has_model = !self.models.is_empty();
        match &self.shape {
            Shape { contents: true, .. } => Dialect::GenerateContent,
            Shape { messages: true, max_tokens: true, .. } if is_anthropic => Dialect::Messages,
            Shape { messages: true, converse: true, .. } if !has_model => Dialect::Converse,
            Shape { messages: true, .. } if has_model => Dialect::Chat,
            Shape { input: true, .. } if has_model => Dialect::Responses,
            Shape { prompt: true, .. } if has_model => Dialect::Completions,
            _ => Dialect::Other,
        }
    }

    fn model<E: Error>(&mut self, name: String) -> Result<(), E> {
        if name.is_empty() || self.models.contains(&name) {
            return Ok(());
        }
        if self.models.len() >= MODELS {
            return Err(refuse(format_args!("there are more than {MODELS} models")));
        }
        self.models.push(name);
        Ok(())
    }
}

impl<'de> Object<'de> for Body {
    const KEYS: &'static [&'static str] = &[
        "model",
        "models",
        "agent_id",
        "agent",
        "stream",
        "stream_options",
        // Prompts.
        "messages",
        "message",
        "chat_history",
        "prompt",
        "suffix",
        "input",
        "inputs",
        "instructions",
        "system",
        "contents",
        "content",
        "systemInstruction",
        "system_instruction",
        "texts",
        "query",
        "documents",
        "images",
        // What holds another body.
        "requests",
        "params",
        "body",
        "generateContentRequest",
        // Tools.
        "tools",
        "functions",
        "toolConfig",
        "mcp_servers",
        "web_search_options",
        "connectors",
        // Bounds.
        "max_tokens",
        "max_completion_tokens",
        "max_output_tokens",
        "max_tokens_to_sample",
        "inferenceConfig",
        "generationConfig",
        "generation_config",
        "options",
        // What the provider keeps.
        "previous_response_id",
        "conversation",
        "cachedContent",
        "cached_content",
    ];

    fn entry<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "model" | "agent_id" => {
                let name = name(map)?;
                self.model(name)?;
            }
            "agent" => {
                // Gemini's, a name; others mean other things by it.
                let Word(name) = map.next_value()?;
                self.model(name.into_owned())?;
            }
            "models" => map.next_value_seed(Each(Model(self)))?,
            "stream" => {
                let raw: &RawValue = map.next_value()?;
                self.stream = match raw.get() {
                    "true" => Some(true),
                    "false" => Some(false),
                    "null" => None,
                    // Servers disagree about 1 and "true".
                    _ => return Err(refuse("`stream` is neither true nor false")),
                };
            }
            "stream_options" => {
                let mut includes = Includes(false);
                map.next_value_seed(Fields(&mut includes))?;
                self.includes_usage = includes.0;
            }
            "requests" => map.next_value_seed(Each(Inner(self)))?,
            "params" | "body" | "generateContentRequest" => {
                map.next_value_seed(Fields(self))?;
            }
            "tools" | "functions" | "mcp_servers" | "connectors" => {
                map.next_value_seed(Each(Entry(&mut self.tools)))?;
            }
            "toolConfig" => {
                let mut config = ToolConfig(&mut self.tools);
                map.next_value_seed(Fields(&mut config))?;
                self.shape.converse = true;
            }
            "web_search_options" => {
                let raw: &RawValue = map.next_value()?;
                if raw.get() != "null" {
                    self.tools.add("web_search".to_owned(), ToolKind::Hosted)?;
                }
            }
            "max_tokens"
            | "max_completion_tokens"
            | "max_output_tokens"
            | "max_tokens_to_sample" => {
                let Count(count) = map.next_value()?;
                self.shape.max_tokens = true;
                self.max_output_tokens = self.max_output_tokens.max(count);
            }
            "inferenceConfig" | "generationConfig" | "generation_config" | "options" => {
                let mut bound = Bound(None);
                map.next_value_seed(Fields(&mut bound))?;
                self.shape.converse |= key == "inferenceConfig";
                self.max_output_tokens = self.max_output_tokens.max(bound.0);
            }
            "previous_response_id" | "conversation" | "cachedContent" | "cached_content" => {
                let raw: &RawValue = map.next_value()?;
                self.continues |= raw.get() != "null";
            }
            "images" => {
                let count = map.next_value_seed(Length)?;
                self.prompt.images = self.prompt.images.saturating_add(count);
            }
            prompt => {
                match prompt {
                    "messages" => self.shape.messages = true,
                    "contents" => self.shape.contents = true,
                    "input" => self.shape.input = true,
                    "prompt" => self.shape.prompt = true,
                    _ => {}
                }
                map.next_value_seed(Content(&mut self.prompt))?;
            }
        }
        Ok(())
    }
}

/// A body within another: of a batch.
struct Inner<'a>(&'a mut Body);

impl<'de> One<'de> for Inner<'_> {
    fn one<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        Fields(&mut *self.0).deserialize(deserializer).map(drop)
    }
}

struct Model<'a>(&'a mut Body);

impl<'de> One<'de> for Model<'_> {
    fn one<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        let Word(name) = serde::Deserialize::deserialize(deserializer)?;
        if name.len() > crate::limits::NAME {
            return Err(refuse("a model's name is too long"));
        }
        self.0.model(name.into_owned())
    }
}

/// Bedrock's.
struct ToolConfig<'a>(&'a mut Tools);

impl<'de> Object<'de> for ToolConfig<'_> {
    const KEYS: &'static [&'static str] = &["tools"];

    fn entry<A: MapAccess<'de>>(&mut self, _: &str, map: &mut A) -> Result<(), A::Error> {
        map.next_value_seed(Each(Entry(self.0)))
    }
}

/// Of an object of settings: Bedrock's, Gemini's, Ollama's.
struct Bound(Option<u64>);

impl<'de> Object<'de> for Bound {
    const KEYS: &'static [&'static str] =
        &["maxTokens", "max_new_tokens", "maxOutputTokens", "max_output_tokens", "num_predict"];

    fn entry<A: MapAccess<'de>>(&mut self, _: &str, map: &mut A) -> Result<(), A::Error> {
        let Count(count) = map.next_value()?;
        self.0 = self.0.max(count);
        Ok(())
    }
}
