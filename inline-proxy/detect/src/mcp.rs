//! Model Context Protocol: JSON-RPC messages of a client to a server.
//!
//! What is decided on is the body. Headers that say the same again (revision 2026-07-28: `Mcp-Method`,
//! `Mcp-Name`) have to agree with it, since a server may believe them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use sark_core::request::Operation;
use serde::de::{DeserializeSeed, Deserializer, MapAccess};
use serde_json::value::RawValue;

use crate::Limits;
use crate::asked::{Unreadable, document, text};
use crate::json::{Each, Fields, Object, One, Word, refuse};
use crate::limits::NAME;

/// The revision without handshake and sessions, whose results have a `resultType`.
pub const MODERN: &str = "2026-07-28";

/// One message of a client.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// As it is written, a text or a number; none of a notification, which is never answered.
    pub id: Option<String>,
    /// `tools/call` and the like; none of an answer to the server.
    pub method: Option<String>,
    /// The tool or prompt that is asked for, or the resource's URI.
    pub name: Option<String>,
    /// The revision that the client names in the request.
    pub version: Option<String>,
}

impl Message {
    /// What it is for.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.method.as_deref().map_or(Operation::Other, operation)
    }

    /// Whether somebody waits for an answer.
    #[must_use]
    pub fn is_request(&self) -> bool {
        self.id.is_some() && self.method.is_some()
    }
}

/// What a method is for, of a client's request or of a server's.
#[must_use]
pub fn operation(method: &str) -> Operation {
    match method {
        "tools/call" => Operation::ToolCall,
        "tools/list" => Operation::ToolList,
        "resources/read" => Operation::ResourceRead,
        "prompts/get" => Operation::PromptGet,
        "sampling/createMessage" => Operation::Sampling,
        "elicitation/create" => Operation::Elicitation,
        _ => Operation::Other,
    }
}

/// Most messages of a batch, which only revision 2025-03-26 has.
const BATCH: usize = 128;

/// Reads a body: a message, or a batch of them. None if it is no JSON-RPC.
pub(crate) fn read(body: &[u8], limits: &Limits) -> Result<Option<Vec<Message>>, Unreadable> {
    let text = text(body, limits)?;
    if text.trim_start().starts_with('[') {
        let mut batch = Vec::new();
        let mut json = serde_json::Deserializer::from_str(text);
        let read = Each(Batch(&mut batch)).deserialize(&mut json).and_then(|()| json.end());
        read.map_err(|error| crate::asked::unreadable(&error))?;
        let rpc = batch.iter().filter(|raw| raw.is_rpc).count();
        return match (rpc, batch.len()) {
            (0, _) => Ok(None),
            (some, all) if some < all => Err(Unreadable::Rpc("some of the batch is none")),
            _ => batch.into_iter().map(Raw::message).collect::<Result<_, _>>().map(Some),
        };
    }
    let mut raw = Raw::default();
    document(text, &mut raw)?;
    if raw.is_rpc { Ok(Some(vec![raw.message()?])) } else { Ok(None) }
}

/// Whether the headers that mirror the body say what it says.
pub(crate) fn mirrors(headers: &HeaderMap, messages: &[Message]) -> Result<(), Unreadable> {
    for (header, of) in [
        ("mcp-method", (|message| message.method.as_deref()) as fn(&Message) -> Option<&str>),
        ("mcp-name", |message| message.name.as_deref()),
    ] {
        let mut values = headers.get_all(header).iter();
        let Some(value) = values.next() else { continue };
        let said = decoded(value.as_bytes());
        let agrees = match messages {
            [message] => said.is_some() && said.as_deref() == of(message),
            _ => false,
        };
        if !agrees || values.next().is_some() {
            return Err(Unreadable::Mirror(header));
        }
    }
    Ok(())
}

/// `=?base64?…?=` where the value is no ASCII.
fn decoded(value: &[u8]) -> Option<String> {
    let encoded = value.strip_prefix(b"=?base64?").and_then(|rest| rest.strip_suffix(b"?="));
    let octets = match encoded {
        Some(encoded) => STANDARD.decode(encoded).ok()?,
        None => value.trim_ascii().to_vec(),
    };
    String::from_utf8(octets).ok()
}

struct Batch<'a>(&'a mut Vec<Raw>);

impl<'de> One<'de> for Batch<'_> {
    fn one<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        if self.0.len() >= BATCH {
            return Err(refuse("the batch has too many messages"));
        }
        let mut raw = Raw::default();
        Fields(&mut raw).deserialize(deserializer)?;
        self.0.push(raw);
        Ok(())
    }
}

#[derive(Default)]
struct Raw {
    is_rpc: bool,
    id: Option<String>,
    method: Option<String>,
    params: Params,
}

impl Raw {
    fn message(self) -> Result<Message, Unreadable> {
        if let Some(id) = &self.id
            && !id.starts_with(['"', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
        {
            return Err(Unreadable::Rpc("the id is neither a text nor a number"));
        }
        if self.method.is_none() && self.id.is_none() {
            return Err(Unreadable::Rpc("there is neither a method nor an id"));
        }
        if self.method.as_deref() == Some("tools/call") && self.params.name.is_none() {
            return Err(Unreadable::Rpc("a tool is called without its name"));
        }
        let Params { name, version } = self.params;
        Ok(Message { id: self.id, method: self.method, name, version })
    }
}

impl<'de> Object<'de> for Raw {
    const KEYS: &'static [&'static str] = &["jsonrpc", "id", "method", "params"];

    fn entry<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "jsonrpc" => {
                let Word(version) = map.next_value()?;
                self.is_rpc = version == "2.0";
            }
            "id" => {
                let raw: &RawValue = map.next_value()?;
                if raw.get().len() > NAME {
                    return Err(refuse("the id is too long"));
                }
                self.id = Some(raw.get().to_owned());
            }
            "method" => self.method = bounded(map)?,
            _ => {
                map.next_value_seed(Fields(&mut self.params))?;
            }
        }
        Ok(())
    }
}

#[derive(Default)]
struct Params {
    name: Option<String>,
    version: Option<String>,
}

impl<'de> Object<'de> for Params {
    const KEYS: &'static [&'static str] = &["name", "uri", "_meta", "protocolVersion"];

    fn entry<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "name" | "uri" => {
                let name = bounded(map)?;
                if self.name.is_some() {
                    return Err(refuse("there are both a `name` and a `uri`"));
                }
                self.name = name;
            }
            "protocolVersion" => self.version = bounded(map)?,
            _ => {
                let mut meta = Meta(None);
                map.next_value_seed(Fields(&mut meta))?;
                self.version = meta.0.or(self.version.take());
            }
        }
        Ok(())
    }
}

struct Meta(Option<String>);

impl<'de> Object<'de> for Meta {
    const KEYS: &'static [&'static str] = &["io.modelcontextprotocol/protocolVersion"];

    fn entry<A: MapAccess<'de>>(&mut self, _: &str, map: &mut A) -> Result<(), A::Error> {
        self.0 = bounded(map)?;
        Ok(())
    }
}

/// URIs are longer than names.
fn bounded<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<String>, A::Error> {
    let Word(name) = map.next_value()?;
    if name.len() > 8 * NAME {
        return Err(refuse("a name is too long"));
    }
    Ok((!name.is_empty()).then(|| name.into_owned()))
}
