//! Text → tree of nodes with places. All limits hold here.

use std::cell::Cell;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{Error, NonFiniteFloatPolicy, Options, UserMessageFormatter};

use super::{Diagnostic, MAX_TEXT};

/// A node, with a number that is its own within the text.
#[derive(Debug)]
pub(super) struct Node {
    pub id: u32,
    pub line: u32,
    pub column: u32,
    pub kind: Kind,
    /// Where in the text it is spelled: first octet and length.
    spelling: Option<(u64, u64)>,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// Nothing, `~` or `null`.
    Null,
    /// Text as written, with what YAML 1.2's core schema takes it for.
    Scalar(String, Scalar),
    /// A list.
    Sequence(Vec<Node>),
    /// A mapping in the order of the text.
    Mapping(Vec<(Node, Node)>),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Scalar {
    Text,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
}

thread_local! {
    static NEXT_ID: Cell<u32> = const { Cell::new(0) };
}

/// What a file of ours never needs more of; far below what costs time or memory.
fn limits() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 32,
            flow_nesting_limit: 32,
            max_documents: 4096,
            max_events: 300_000,
            max_nodes: 150_000,
            max_anchors: 256,
            max_aliases: 2048,
            max_recorded_anchor_events: 100_000,
            max_recorded_anchor_bytes: MAX_TEXT,
            max_total_scalar_bytes: 2 * MAX_TEXT,
            max_merge_keys: 256,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 100_000,
            max_replay_stack_depth: 8,
            max_alias_expansions_per_anchor: 2048,
        },
        strict_booleans: true,
        reject_unsupported_tags: true,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    }
}

/// The documents of a text that hold anything.
pub(super) fn documents(file: &str, text: &str) -> Result<Vec<Node>, Diagnostic> {
    if text.len() > MAX_TEXT {
        let size = text.len() >> 20;
        return Err(Diagnostic::of_file(
            file,
            format!("the file has over {size} MiB; 1 MiB is the limit"),
        )
        .with_help("split it into several files"));
    }
    NEXT_ID.set(0);
    let mut roots: Vec<Node> = serde_saphyr::from_multiple_with_options(text, limits())
        .map_err(|error| plain(file, text, &error))?;
    for root in &mut roots {
        restore_text(root, text);
    }
    Ok(roots)
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = serde_saphyr::Spanned::<Kind>::deserialize(deserializer)?;
        let id = NEXT_ID.get();
        NEXT_ID.set(id.wrapping_add(1));
        let (line, column) = (read.referenced.line(), read.referenced.column());
        let span = read.defined.span();
        let spelling = span.byte_offset().zip(span.byte_len());
        let small = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        Ok(Self { id, line: small(line), column: small(column), kind: read.value, spelling })
    }
}

/// Puts the text as written into numbers and truth values: `1.10` stays `1.10` where text is wanted.
fn restore_text(node: &mut Node, text: &str) {
    match &mut node.kind {
        Kind::Null | Kind::Scalar(_, Scalar::Text) => {}
        Kind::Scalar(shown, scalar) => {
            let written = node
                .spelling
                .and_then(|(from, length)| {
                    Some((usize::try_from(from).ok()?, usize::try_from(length).ok()?))
                })
                .and_then(|(from, length)| text.get(from..from.checked_add(length)?))
                .map(str::trim)
                .filter(|written| !written.is_empty() && !written.contains(char::is_whitespace));
            *shown = match (written, *scalar) {
                (Some(written), _) => written.to_owned(),
                (None, Scalar::Bool(value)) => value.to_string(),
                (None, Scalar::Unsigned(value)) => value.to_string(),
                (None, Scalar::Signed(value)) => value.to_string(),
                (None, Scalar::Float(value)) => value.to_string(),
                (None, Scalar::Text) => String::new(),
            };
        }
        Kind::Sequence(items) => items.iter_mut().for_each(|item| restore_text(item, text)),
        Kind::Mapping(entries) => {
            for (key, value) in entries {
                restore_text(key, text);
                restore_text(value, text);
            }
        }
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KindVisitor)
    }
}

struct KindVisitor;

impl<'de> Visitor<'de> for KindVisitor {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, a number, a list or a mapping")
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Kind, E> {
        Ok(Kind::Scalar(String::new(), Scalar::Bool(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Kind, E> {
        Ok(Kind::Scalar(String::new(), Scalar::Unsigned(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Kind, E> {
        Ok(Kind::Scalar(String::new(), Scalar::Signed(value)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Kind, E> {
        Ok(Kind::Scalar(String::new(), Scalar::Float(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Kind, E> {
        Ok(Kind::Scalar(value.to_owned(), Scalar::Text))
    }

    fn visit_string<E>(self, value: String) -> Result<Kind, E> {
        Ok(Kind::Scalar(value, Scalar::Text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Kind, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = items.next_element()? {
            nodes.push(node);
        }
        Ok(Kind::Sequence(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Kind, A::Error> {
        let mut nodes = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            nodes.push(entry);
        }
        Ok(Kind::Mapping(nodes))
    }
}

/// serde-saphyr's errors in our words.
fn plain(file: &str, text: &str, error: &Error) -> Diagnostic {
    let mut inner = error;
    while let Error::AliasError { error, .. } | Error::WithSnippet { error, .. } = inner {
        inner = error;
    }
    let (message, help) = match inner {
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            (format!("key `{key}` is given twice"), Some("keep one of them"))
        }
        Error::DuplicateMappingKey { .. } => {
            ("the same key is given twice".to_owned(), Some("keep one of them"))
        }
        Error::Budget { breach, .. } => (breached(breach).to_owned(), None),
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasReplayCounterOverflow { .. } => {
            (ALIASES.to_owned(), Some("write the values out instead of repeating an alias"))
        }
        Error::RecursiveReferencesRequireWeakTypes { .. } => {
            ("an alias refers to the value it stands in".to_owned(), None)
        }
        Error::UnknownAnchor { .. } => {
            ("alias without an anchor".to_owned(), Some("quote a text that begins with `*`"))
        }
        Error::UnsupportedTag { tag, .. } => (
            format!("tags such as `{tag}` mean nothing here"),
            Some("quote a text that begins with `!`"),
        ),
        Error::ExternalMessage { msg, .. } if msg.contains("recursion limit") => {
            (TOO_DEEP.to_owned(), None)
        }
        Error::ExternalMessage { msg, .. } => (format!("not YAML: {msg}"), hint(text, inner)),
        _ => (
            format!(
                "not YAML: {}",
                strip_place(&inner.render_with_formatter(&UserMessageFormatter))
            ),
            None,
        ),
    };
    let small = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    let (line, column) = error
        .location()
        .or_else(|| inner.location())
        .map_or((0, 0), |place| (small(place.line()), small(place.column())));
    // What ends too early is reported behind the last line.
    let last = u32::try_from(text.lines().count()).unwrap_or(u32::MAX);
    let (line, column) = if line > last { (last, 1) } else { (line, column) };
    let diagnostic = Diagnostic::at(file, text, line, column, message);
    match help {
        Some(help) => diagnostic.with_help(help),
        None => diagnostic,
    }
}

const ALIASES: &str = "aliases repeat more than the limit allows";

const TOO_DEEP: &str = "nested too deeply: 32 levels are the limit";

fn breached(breach: &BudgetBreach) -> &'static str {
    match breach {
        BudgetBreach::Depth { .. } => TOO_DEEP,
        BudgetBreach::Documents { .. } => "too many documents in one file: 4096 are the limit",
        BudgetBreach::Aliases { .. }
        | BudgetBreach::Anchors { .. }
        | BudgetBreach::AliasAnchorRatio { .. }
        | BudgetBreach::RecordedAnchorEvents { .. }
        | BudgetBreach::RecordedAnchorBytes { .. }
        | BudgetBreach::MergeKeys { .. } => ALIASES,
        _ => "too many values in one file",
    }
}

/// The library appends the place, which is printed already.
fn strip_place(message: &str) -> &str {
    message.rfind(" at line ").and_then(|at| message.get(..at)).unwrap_or(message)
}

/// What usually lies behind a text that is not YAML.
fn hint(text: &str, error: &Error) -> Option<&'static str> {
    let line = usize::try_from(error.location()?.line()).ok()?.checked_sub(1)?;
    let tab = |line: &str| line.chars().take_while(|c| c.is_whitespace()).any(|c| c == '\t');
    if text.lines().skip(line).take(2).any(tab) {
        return Some("indent with spaces, not tabs");
    }
    None
}
