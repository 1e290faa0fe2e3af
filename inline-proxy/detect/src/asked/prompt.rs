//! What a prompt is made of: texts, pictures, files, results of tools.
//!
//! A prompt is a text, a list of them, or objects that hold such things under few names, in each
//! dialect some of them. One reader takes them all: what it finds under a name that a server does not
//! know counts for more than it should, never for less.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::json::{Fields, Object, Word, fields, nothing_in_scalars};

/// Counts.
#[derive(Debug, Default)]
pub(crate) struct Prompt {
    pub(crate) octets: u64,
    pub(crate) images: u32,
    pub(crate) files: u32,
    pub(crate) results: u32,
}

/// Whatever stands where a part of a prompt may stand.
pub(super) struct Content<'a>(pub(super) &'a mut Prompt);

impl<'de> DeserializeSeed<'de> for Content<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Content<'_> {
    type Value = ();

    nothing_in_scalars!();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a prompt")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.0.octets += text.len() as u64;
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Content(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let mut part = Part { prompt: self.0, is: None, kind: None, holds: false };
        fields(&mut part, map)?;
        match part.kind.or(part.is) {
            Some(Is::Image) => self.0.images = self.0.images.saturating_add(1),
            Some(Is::File) => self.0.files = self.0.files.saturating_add(1),
            Some(Is::Result) => self.0.results = self.0.results.saturating_add(1),
            Some(Is::Other) | None => {}
        }
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Is {
    Image,
    File,
    Result,
    Other,
}

/// A message, an item, a block or a part.
struct Part<'a> {
    prompt: &'a mut Prompt,
    /// By what it holds.
    is: Option<Is>,
    /// By its `type`, which comes before or after.
    kind: Option<Is>,
    /// It holds parts, of which each says what it is.
    holds: bool,
}

impl<'de> Object<'de> for Part<'_> {
    const KEYS: &'static [&'static str] = &[
        "role",
        "type",
        "content",
        "parts",
        "text",
        "thinking",
        "reasoning_content",
        "reasoning",
        "summary",
        "refusal",
        "transcript",
        "output",
        "arguments",
        "input",
        "query",
        "json",
        "tool_calls",
        "function",
        "functionCall",
        "function_call",
        "toolUse",
        "toolResult",
        "functionResponse",
        "function_response",
        "image",
        "images",
        "image_url",
        "document",
        "file",
        "audio",
        "video",
        "input_audio",
        "inlineData",
        "inline_data",
        "fileData",
        "file_data",
    ];

    fn entry<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "role" => {
                // Gemini's role `function` has parts, which say it themselves.
                let Word(role) = map.next_value()?;
                if matches!(&*role, "tool" | "function") && !self.holds {
                    self.is = Some(Is::Result);
                }
            }
            "type" => {
                let Word(kind) = map.next_value()?;
                self.kind = kind_of(&kind);
            }
            "parts" => {
                self.holds = true;
                self.is = None;
                map.next_value_seed(Content(self.prompt))?;
            }
            // What a tool is called with is an object, or a text that holds one.
            "arguments" | "input" | "json" => {
                let raw: &RawValue = map.next_value()?;
                self.prompt.octets += raw.get().len() as u64;
            }
            "toolResult" => {
                self.is = Some(Is::Result);
                map.next_value_seed(Content(self.prompt))?;
            }
            "functionResponse" | "function_response" => {
                self.is = Some(Is::Result);
                let raw: &RawValue = map.next_value()?;
                self.prompt.octets += raw.get().len() as u64;
            }
            "functionCall" | "function_call" => {
                let raw: &RawValue = map.next_value()?;
                self.prompt.octets += raw.get().len() as u64;
            }
            "image" | "image_url" => {
                self.is = Some(Is::Image);
                map.next_value::<IgnoredAny>()?;
            }
            "images" => {
                let count = map.next_value_seed(Length)?;
                self.prompt.images = self.prompt.images.saturating_add(count);
            }
            "document" | "file" | "audio" | "video" | "input_audio" => {
                self.is = Some(Is::File);
                map.next_value::<IgnoredAny>()?;
            }
            "inlineData" | "inline_data" | "fileData" | "file_data" => {
                let mut data = Data { is_image: false };
                map.next_value_seed(Fields(&mut data))?;
                self.is = Some(if data.is_image { Is::Image } else { Is::File });
            }
            _ => map.next_value_seed(Content(self.prompt))?,
        }
        Ok(())
    }
}

/// Of OpenAI's parts and items, and of Anthropic's blocks.
fn kind_of(kind: &str) -> Option<Is> {
    match kind {
        "tool_result" => Some(Is::Result),
        "image" | "image_url" | "input_image" | "computer_screenshot" => Some(Is::Image),
        "document" | "file" | "input_file" | "container_upload" | "input_audio" | "audio"
        | "video" | "video_url" | "document_url" => Some(Is::File),
        // `function_call_output`, `mcp_tool_result`, `web_search_tool_result` and their like.
        kind if kind.ends_with("_call_output") || kind.ends_with("_tool_result") => {
            Some(Is::Result)
        }
        "text" | "input_text" | "output_text" => Some(Is::Other),
        _ => None,
    }
}

/// Gemini's data with a media type.
struct Data {
    is_image: bool,
}

impl<'de> Object<'de> for Data {
    const KEYS: &'static [&'static str] = &["mimeType", "mime_type"];

    fn entry<A: MapAccess<'de>>(&mut self, _: &str, map: &mut A) -> Result<(), A::Error> {
        let Word(kind) = map.next_value()?;
        self.is_image = kind.starts_with("image/");
        Ok(())
    }
}

/// How many elements an array has.
pub(super) struct Length;

impl<'de> DeserializeSeed<'de> for Length {
    type Value = u32;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u32, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Length {
    type Value = u32;

    nothing_in_scalars!();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<u32, E> {
        Ok(1)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<u32, A::Error> {
        let mut count = 0_u32;
        while seq.next_element::<IgnoredAny>()?.is_some() {
            count = count.saturating_add(1);
        }
        Ok(count)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<u32, A::Error> {
        crate::json::skip_map(map)?;
        Ok(1)
    }
}
