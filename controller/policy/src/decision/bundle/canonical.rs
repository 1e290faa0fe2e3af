//! What OPA hashes of a JSON or YAML file: the same values with no spaces, keys in order, numbers as
//! they are written.
//!
//! OPA: `v1/bundle/hash.go`, which writes strings as Go's `encoding/json` does without the escapes for
//! HTML, and keys in the order of their octets.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::de::IgnoredAny;
use serde_json::Value;

/// As deep as serde_json reads.
const DEEPEST: usize = 127;

enum Node<'a> {
    /// A number, `true`, `false` or `null`, as written.
    Plain(Cow<'a, str>),
    Text(String),
    List(Vec<Node<'a>>),
    Object(BTreeMap<String, Node<'a>>),
}

/// Of a JSON text. Two equal keys in an object are refused: readers differ in which they take.
pub(super) fn of_json(text: &str) -> Result<String, String> {
    // From here on brackets match and tokens are whole.
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| error.to_string())?;
    let mut scanner = Scanner { rest: text };
    let node = scanner.value(DEEPEST)?;
    let mut out = String::with_capacity(text.len());
    write(&node, &mut out);
    Ok(out)
}

/// Of a value that was read from YAML.
pub(super) fn of_value(value: &Value) -> String {
    let mut out = String::new();
    write(&node_of(value), &mut out);
    out
}

fn node_of(value: &Value) -> Node<'static> {
    match value {
        Value::Null => Node::Plain("null".into()),
        Value::Bool(true) => Node::Plain("true".into()),
        Value::Bool(false) => Node::Plain("false".into()),
        Value::String(text) => Node::Text(text.clone()),
        Value::Array(items) => Node::List(items.iter().map(node_of).collect()),
        Value::Object(fields) => {
            Node::Object(fields.iter().map(|(key, value)| (key.clone(), node_of(value))).collect())
        }
        // Go writes 1.0 as 1, and so does `Display` of an f64.
        Value::Number(number) => Node::Plain(match number.as_f64().filter(|_| number.is_f64()) {
            Some(float) => float.to_string().into(),
            None => number.to_string().into(),
        }),
    }
}

struct Scanner<'a> {
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    fn value(&mut self, depth: usize) -> Result<Node<'a>, String> {
        let deeper = || depth.checked_sub(1).ok_or_else(|| "it is nested too deeply".to_owned());
        self.space();
        match self.rest.as_bytes().first() {
            Some(b'{') => {
                let (mut fields, depth) = (BTreeMap::new(), deeper()?);
                self.skip();
                while self.more('}') {
                    let key = self.text()?;
                    self.space();
                    self.skip();
                    let value = self.value(depth)?;
                    if fields.insert(key.clone(), value).is_some() {
                        return Err(format!("{key:?} stands in it twice"));
                    }
                }
                Ok(Node::Object(fields))
            }
            Some(b'[') => {
                let (mut items, depth) = (Vec::new(), deeper()?);
                self.skip();
                while self.more(']') {
                    items.push(self.value(depth)?);
                }
                Ok(Node::List(items))
            }
            Some(b'"') => self.text().map(Node::Text),
            _ => {
                let is_end = |c: char| c.is_ascii_whitespace() || matches!(c, ',' | ']' | '}');
                let end = self.rest.find(is_end).unwrap_or(self.rest.len());
                let (plain, rest) = self.rest.split_at(end);
                self.rest = rest;
                Ok(Node::Plain(plain.into()))
            }
        }
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    /// One octet: a bracket, a colon or a comma.
    fn skip(&mut self) {
        self.rest = self.rest.get(1..).unwrap_or_default();
    }

    /// Whether another member follows; at it, or behind the closing bracket.
    fn more(&mut self, close: char) -> bool {
        self.space();
        if self.rest.starts_with(',') {
            self.skip();
            self.space();
        }
        if self.rest.is_empty() {
            return false;
        }
        let is_end = self.rest.starts_with(close);
        if is_end {
            self.skip();
        }
        !is_end
    }

    fn text(&mut self) -> Result<String, String> {
        let mut octets = self.rest.bytes().enumerate().skip(1);
        let mut end = self.rest.len();
        while let Some((at, octet)) = octets.next() {
            match octet {
                b'\\' => drop(octets.next()),
                b'"' => {
                    end = at + 1;
                    break;
                }
                _ => {}
            }
        }
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        serde_json::from_str(text).map_err(|error| error.to_string())
    }
}

fn write(node: &Node<'_>, out: &mut String) {
    match node {
        Node::Plain(plain) => out.push_str(plain),
        Node::Text(text) => write_text(text, out),
        Node::List(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Node::Object(fields) => {
            out.push('{');
            for (place, (key, value)) in fields.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write_text(key, out);
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
    }
}

/// As Go does: these two line separators too are escaped.
fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c < ' ' || c == '\u{2028}' || c == '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
