//! Tools offered to a model, those that the provider runs itself among them.
//!
//! What a provider runs, no packet of it crosses a proxy: it can be governed in the request alone.

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess};

use crate::json::{Each, Fields, Object, One, Word, refuse};
use crate::limits::NAME;

/// A tool that a model may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// Its name; of one that the provider runs, its type where it has no name. It may come from
    /// anybody: data, never words to follow.
    pub name: String,
    /// Who runs it.
    pub kind: ToolKind,
}

/// Who runs a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolKind {
    /// The client.
    Function,
    /// The provider. A type that is not known counts as this.
    Hosted,
    /// An MCP server that the provider calls.
    McpServer {
        /// Where it is, or the name of the provider's connector to it.
        url: Option<String>,
        /// Whether the client is asked before a tool is called; false if it is ever not asked.
        asks: bool,
    },
}

/// The list, and how many it may hold.
#[derive(Debug, Default)]
pub(super) struct Tools {
    pub(super) tools: Vec<Tool>,
    pub(super) most: usize,
}

impl Tools {
    pub(super) fn add<E: Error>(&mut self, name: String, kind: ToolKind) -> Result<(), E> {
        if self.tools.len() >= self.most {
            return Err(refuse("there are too many tools"));
        }
        self.tools.push(Tool { name, kind });
        Ok(())
    }
}

/// One entry of `tools`, `functions` or `mcp_servers`.
pub(super) struct Entry<'a>(pub(super) &'a mut Tools);

impl<'de> One<'de> for Entry<'_> {
    fn one<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        let mut offered = Offered { tools: self.0, name: None, kind: None, url: None, asks: None };
        if !Fields(&mut offered).deserialize(deserializer)? {
            return Ok(());
        }
        let Offered { tools, name, kind, url, asks } = offered;
        let kind = kind.unwrap_or_default();
        let is_mcp = url.is_some() || matches!(&*kind, "mcp" | "mcp_toolset" | "url");
        let Some(name) = name.or_else(|| (!kind.is_empty()).then(|| kind.clone())) else {
            // It only holds others, which were added.
            return Ok(());
        };
        let kind = match () {
            () if is_mcp => ToolKind::McpServer { url, asks: asks.unwrap_or(false) },
            () if is_run_by_client(&kind) => ToolKind::Function,
            () => ToolKind::Hosted,
        };
        tools.add(name, kind)
    }
}

/// OpenAI's types, and the beginnings of Anthropic's, which end in a date.
fn is_run_by_client(kind: &str) -> bool {
    let beginnings = ["bash_", "text_editor_", "computer_", "memory_"];
    matches!(kind, "" | "function" | "custom" | "local_shell" | "apply_patch")
        || kind == "computer"
        || beginnings.iter().any(|beginning| kind.starts_with(beginning))
}

struct Offered<'a> {
    tools: &'a mut Tools,
    name: Option<String>,
    kind: Option<String>,
    url: Option<String>,
    asks: Option<bool>,
}

impl<'de> Object<'de> for Offered<'_> {
    const KEYS: &'static [&'static str] = &[
        "type",
        "name",
        "function",
        "custom",
        "toolSpec",
        "systemTool",
        "functionDeclarations",
        "function_declarations",
        "server_label",
        "mcp_server_name",
        "server_url",
        "connector_id",
        "url",
        "require_approval",
        // What Gemini runs.
        "googleSearch",
        "google_search",
        "googleSearchRetrieval",
        "google_search_retrieval",
        "codeExecution",
        "code_execution",
        "urlContext",
        "url_context",
        "googleMaps",
        "google_maps",
        "fileSearch",
        "file_search",
        "computerUse",
        "computer_use",
        "retrieval",
        "enterpriseWebSearch",
        "enterprise_web_search",
    ];

    fn entry<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "type" => self.kind = some(name(map)?),
            "name" | "server_label" | "mcp_server_name" => {
                let name = some(name(map)?);
                self.name = self.name.take().or(name);
            }
            "function" | "custom" | "toolSpec" | "systemTool" => {
                let mut named = Named(None);
                map.next_value_seed(Fields(&mut named))?;
                if let Some(name) = named.0 {
                    let kind =
                        if key == "systemTool" { ToolKind::Hosted } else { ToolKind::Function };
                    self.tools.add(name, kind)?;
                    self.kind = None;
                }
            }
            "functionDeclarations" | "function_declarations" => {
                map.next_value_seed(Each(Declaration(self.tools)))?;
            }
            "server_url" | "connector_id" | "url" => self.url = some(name(map)?),
            "require_approval" => {
                // An object says for which tools it is `never`.
                let Word(word) = map.next_value()?;
                self.asks = Some(word == "always");
            }
            hosted => {
                map.next_value::<IgnoredAny>()?;
                self.tools.add(hosted.to_owned(), ToolKind::Hosted)?;
            }
        }
        Ok(())
    }
}

struct Declaration<'a>(&'a mut Tools);

impl<'de> One<'de> for Declaration<'_> {
    fn one<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        let mut named = Named(None);
        Fields(&mut named).deserialize(deserializer)?;
        named.0.map_or(Ok(()), |name| self.0.add(name, ToolKind::Function))
    }
}

struct Named(Option<String>);

impl<'de> Object<'de> for Named {
    const KEYS: &'static [&'static str] = &["name"];

    fn entry<A: MapAccess<'de>>(&mut self, _: &str, map: &mut A) -> Result<(), A::Error> {
        self.0 = some(name(map)?);
        Ok(())
    }
}

fn some(name: String) -> Option<String> {
    (!name.is_empty()).then_some(name)
}

/// A name of a model, a tool or a server: of a length that one may have.
pub(super) fn name<'de, A: MapAccess<'de>>(map: &mut A) -> Result<String, A::Error> {
    let Word(name) = map.next_value()?;
    if name.len() > NAME {
        return Err(refuse(format_args!("a name is longer than {NAME} octets")));
    }
    Ok(name.into_owned())
}
