//! Checks before anything is compiled: what would take for ever, call itself, or not be the same twice.

use std::collections::BTreeMap;

use sark_core::document::Diagnostic;
use serde_json::Value;

use super::files::Module;
use super::outline::{Outline, Reference};

/// Brackets in brackets: the parser tries both readings of each, so its work doubles with each.
const MOST_WORK: u64 = 1 << 18;
const MOST_NESTED: u32 = 24;

/// What a policy cannot call, what to do instead. A name that ends in `.` is all that begins so.
const REFUSED: [(&str, &str); 16] = [
    ("http.send", "a policy asks nobody: give the fact as data, or in the input"),
    ("net.lookup_ip_addr", "a policy asks nobody: give the fact as data, or in the input"),
    ("net.cidr_", "only `net.cidr_contains` is there; the registry matches addresses"),
    ("rand.", "a decision is the same twice: take a share of sources with a canary"),
    ("uuid.", "a decision is the same twice: the input has an `id`"),
    ("opa.runtime", "a decision does not depend on the machine: give the fact as data"),
    ("time.", "the time is in `input.time`"),
    ("crypto.", "check signatures before a decision, and give the result in the input"),
    ("io.jwt.", "check tokens before a decision, and give the result in the input"),
    ("rego.", "a policy does not look at policies"),
    ("graphql.", "parse before a decision, and give the result in the input"),
    ("numbers.range_step", "use `numbers.range`, and `%` for the step"),
    ("bits.lsh", "multiply by a number that is written out"),
    ("strings.render_template", "use `sprintf`"),
    ("trace", "see `sarkctl policy explain`"),
    ("print", "see `sarkctl policy explain`"),
];

/// What to do instead of calling a built-in function that cannot work here.
pub(super) fn instead_of(function: &str) -> Option<&'static str> {
    let is =
        |name: &str| function == name || (name.ends_with(['.', '_']) && function.starts_with(name));
    if function == "net.cidr_contains" {
        return None;
    }
    REFUSED.iter().find(|(name, _)| is(name)).map(|(_, help)| *help)
}

/// Octets of one expression: each is kept once for every operator before it.
const LONGEST: usize = 8 << 10;

/// Whether the parser can read it in bounded time.
pub(super) fn readable(module: Module<'_>) -> Result<(), Diagnostic> {
    let octets = module.text.as_bytes();
    let (mut work, mut depth, mut line) = (0_u64, 0_u32, 1_u32);
    // Where the expression began, and what the last token was and on which line.
    let (mut begun, mut last, mut last_line) = (0_usize, Token::Joins, 1_u32);
    let mut at = 0;
    while let Some(&octet) = octets.get(at) {
        let from = at;
        let rest = octets.get(at..).unwrap_or_default();
        let length = |is: fn(&u8) -> bool| rest.iter().take_while(|octet| is(octet)).count().max(1);
        let first_line = line;
        let token = match octet {
            b'\n' => {
                line = line.saturating_add(1);
                at += 1;
                continue;
            }
            b'#' => {
                at += length(|octet| *octet != b'\n');
                continue;
            }
            _ if octet.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            b'"' | b'`' => {
                let text = quoted(rest);
                at += text.len();
                let lines = text.iter().filter(|octet| **octet == b'\n').count();
                line = line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
                Token::Plain
            }
            b'[' | b'{' | b'(' => {
                at += 1;
                depth += 1;
                work += 1 << depth.min(40);
                Token::Opens
            }
            b']' | b'}' | b')' => {
                at += 1;
                depth = depth.saturating_sub(1);
                Token::Closes
            }
            _ if octet.is_ascii_alphanumeric() || octet == b'_' => {
                at += length(|octet| octet.is_ascii_alphanumeric() || *octet == b'_');
                match octets.get(from..at).unwrap_or_default() {
                    b"in" | b"not" | b"as" | b"with" | b"some" | b"every" => Token::Joins,
                    _ => Token::Plain,
                }
            }
            b',' | b';' => {
                at += 1;
                Token::Plain
            }
            _ => {
                at += 1;
                Token::Joins
            }
        };
        let goes_on = first_line == last_line
            || matches!(last, Token::Joins | Token::Opens)
            || matches!(token, Token::Joins | Token::Closes);
        if !goes_on {
            begun = from;
        }
        (last, last_line) = (token, line);
        let message = if depth > MOST_NESTED || work > MOST_WORK {
            "too many brackets in brackets"
        } else if at - begun > LONGEST {
            "an expression is too long"
        } else {
            continue;
        };
        let help = "name parts of it in rules of their own, or make them data";
        return Err(Diagnostic::at(module.path, module.text, line, 1, message).with_help(help));
    }
    Ok(())
}

/// What a token does to the expression it stands in.
#[derive(Clone, Copy)]
enum Token {
    Plain,
    /// An operator, or a word that is one: what follows on the next line still belongs to it.
    Joins,
    Opens,
    Closes,
}

/// A text in quotes at the beginning, as far as it goes.
fn quoted(octets: &[u8]) -> &[u8] {
    let quote = octets.first().copied().unwrap_or_default();
    let mut end = 1;
    while let Some(&octet) = octets.get(end) {
        end += if octet == b'\\' && quote == b'"' { 2 } else { 1 };
        if octet == quote {
            break;
        }
    }
    octets.get(..end).unwrap_or(octets)
}

/// Calls of functions that cannot work here.
pub(super) fn calls(outline: &Outline, text: &str) -> Vec<Diagnostic> {
    let references = outline.rules.iter().flat_map(|rule| &rule.references);
    let refused = references.filter(|of| of.is_call).filter_map(|call| {
        let name = call.path.join(".");
        let (message, help) = match instead_of(&name) {
            Some(help) => (format!("`{name}` cannot be called in a decision policy"), help),
            None => unbounded(&name, &call.literals)?,
        };
        let place = Diagnostic::at(&outline.file, text, call.line, call.column, message);
        Some(place.with_help(help))
    });
    refused.collect()
}

/// Numbers of one `numbers.range`.
const LONGEST_RANGE: i64 = 1_000_000;
/// Characters that one verb of `sprintf` is padded to.
const WIDEST: u32 = 999;

/// One call that would take all memory before any limit is looked at: what it makes must be known
/// when the set is loaded.
fn unbounded(name: &str, literals: &[Value]) -> Option<(String, &'static str)> {
    match (name, literals) {
        ("numbers.range", [from, to]) => {
            let length = from.as_i64().zip(to.as_i64()).map(|(from, to)| from.abs_diff(to));
            let is_short = length.is_some_and(|length| length <= LONGEST_RANGE.unsigned_abs());
            let message = "the range has no end that is known beforehand, or a million numbers";
            let help = "write both numbers out; to go through a list, use `some x in list`";
            (!is_short).then(|| (message.to_owned(), help))
        }
        ("sprintf", [format, ..]) => {
            let Some(format) = format.as_str() else {
                let message = "the format of `sprintf` is not written out";
                let help = "a format from outside can ask for anything: `sprintf(\"%v\", [text])`";
                return Some((message.to_owned(), help));
            };
            let message = || format!("`sprintf` pads to more than {WIDEST} characters");
            (!is_narrow(format)).then(|| (message(), "a reason is short"))
        }
        _ => None,
    }
}

/// Whether no verb of a format has a width of more than three plain digits.
fn is_narrow(format: &str) -> bool {
    let mut parts = format.split('%');
    parts.next();
    parts.all(|verb| {
        let width: String = verb.chars().take_while(|c| c.is_numeric() || *c == '.').collect();
        let digits = width.trim_start_matches('.');
        digits.is_empty() || digits.parse().is_ok_and(|width: u32| width <= WIDEST)
    })
}

/// A rule that depends on itself, with the way round.
pub(super) fn recursion(outlines: &[Outline]) -> Option<Diagnostic> {
    let mut nodes: Vec<Node<'_>> = Vec::new();
    let mut places: BTreeMap<Vec<&str>, usize> = BTreeMap::new();
    for outline in outlines {
        for rule in &outline.rules {
            let package = outline.package.iter().map(String::as_str);
            let path: Vec<&str> = package.chain([rule.name.as_str()]).collect();
            let place = *places.entry(path.clone()).or_insert(nodes.len());
            if place == nodes.len() {
                let (line, column) = (rule.line, rule.column);
                nodes.push(Node { path, file: &outline.file, line, column, next: Vec::new() });
            }
        }
    }
    for outline in outlines {
        for rule in &outline.rules {
            let package = outline.package.iter().map(String::as_str);
            let own: Vec<&str> = package.chain([rule.name.as_str()]).collect();
            let Some(&from) = places.get(&own) else { continue };
            for reference in &rule.references {
                let to = resolved(outline, reference, &places);
                if let Some(node) = nodes.get_mut(from) {
                    node.next.extend(to);
                }
            }
        }
    }
    let cycle = cycle(&nodes)?;
    let first = cycle.first().and_then(|place| nodes.get(*place))?;
    let way = cycle.iter().chain(cycle.first()).filter_map(|place| nodes.get(*place));
    let way: Vec<String> = way.map(|node| node.path.join(".")).collect();
    let message = format!("a rule depends on itself: {}", way.join(" → "));
    let diagnostic = Diagnostic::at(first.file, "", first.line, first.column, message);
    Some(diagnostic.with_help("Rego has no recursion; `data.sark[…]` refers to every policy"))
}

struct Node<'a> {
    path: Vec<&'a str>,
    file: &'a str,
    line: u32,
    column: u32,
    next: Vec<usize>,
}

/// The rules that a reference may lead to: the one it names, or all below what it names.
fn resolved(
    outline: &Outline,
    reference: &Reference,
    places: &BTreeMap<Vec<&str>, usize>,
) -> Vec<usize> {
    let Some(first) = reference.path.first() else { return Vec::new() };
    let rest = || reference.path.iter().skip(1).map(String::as_str);
    let path: Vec<&str> = if first == "data" {
        rest().collect()
    } else if let Some((_, path)) = outline.imports.iter().find(|(name, _)| name == first) {
        path.iter().map(String::as_str).chain(rest()).collect()
    } else {
        let package = outline.package.iter().map(String::as_str);
        package.chain(reference.path.iter().map(String::as_str)).collect()
    };
    // The longest beginning that is a rule; else everything below.
    let exact = (1..=path.len()).rev().find_map(|length| places.get(path.get(..length)?));
    if let Some(place) = exact {
        return vec![*place];
    }
    if first != "data" && outline.imports.iter().all(|(name, _)| name != first) {
        return Vec::new();
    }
    let below = places.range(path.clone()..).take_while(|(rule, _)| rule.starts_with(&path));
    below.map(|(_, place)| *place).collect()
}

/// Places of a cycle, in order.
fn cycle(nodes: &[Node<'_>]) -> Option<Vec<usize>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        No,
        Open,
        Done,
    }
    let mut seen = vec![Seen::No; nodes.len()];
    for start in 0..nodes.len() {
        if seen[start] != Seen::No {
            continue;
        }
        let mut way: Vec<(usize, usize)> = vec![(start, 0)];
        seen[start] = Seen::Open;
        while let Some((node, taken)) = way.last_mut() {
            let here = *node;
            if let Some(&next) = nodes[here].next.get(*taken) {
                *taken += 1;
                match seen[next] {
                    Seen::Open => {
                        let from = way.iter().position(|(node, _)| *node == next)?;
                        return Some(way[from..].iter().map(|(node, _)| *node).collect());
                    }
                    Seen::No => {
                        seen[next] = Seen::Open;
                        way.push((next, 0));
                    }
                    Seen::Done => {}
                }
            } else {
                seen[here] = Seen::Done;
                way.pop();
            }
        }
    }
    None
}
