//! What has no value ends a body, also in the virtual machine of regorus.
//!
//! In Rego `y := input.x` does not hold if `input.x` is undefined, and `[input.x[k] | some k in keys]`
//! has no member for a key that is not there. The machine of regorus 0.14.1 goes on with a value
//! "undefined" in both, so that a rule would match here that does not match in OPA. It compares as it
//! should, so the text that it compiles says what is meant:
//!
//! ```text
//! y := input.x       →  y := input.x; y == y
//! [input.x[k] | q]   →  [sark__1 | q; sark__1 := input.x[k]; sark__1 == sark__1]
//! ```
//!
//! In the body of an `every` it takes a variable of the `every` that is an index for one that nothing has
//! given a value, and asks whether there is any: `every k in keys { input.x[k] }` would hold if one is
//! there. A variable given in the body is right:
//!
//! ```text
//! every k in keys {  →  every sark__1 in keys { k := sark__1;
//! ```
//!
//! A comprehension in such a body can end in a loop without end, and a default of a function is not
//! taken: both are [`refused`]. Lines stay where they are. The interpreter, which runs tests, reads what was written.

use std::cmp::Reverse;

use sark_core::document::Diagnostic;
use serde_json::Value;

use super::files::Module;

/// What the machine cannot do and does not say.
pub(super) fn refused(module: Module<'_>, tree: &Value) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    refuse(module, tree, &mut found);
    found
}

fn refuse(module: Module<'_>, node: &Value, found: &mut Vec<Diagnostic>) {
    let number = |node: &Value, key| {
        let number = node.get("span").and_then(|span| span.get(key)?.as_u64());
        number.and_then(|n| u32::try_from(n).ok()).unwrap_or(1)
    };
    let at = |node: &Value, message: &str| {
        Diagnostic::at(module.path, module.text, number(node, "line"), number(node, "col"), message)
    };
    match node {
        Value::Array(items) => items.iter().for_each(|item| refuse(module, item, found)),
        Value::Object(fields) => {
            for (kind, inner) in fields {
                let is_every = kind == "Every" && inner.get("query").is_some_and(has_comprehension);
                let is_head = ["Compr", "Set", "Func"].contains(&kind.as_str());
                let parameters = inner.get("args").and_then(Value::as_array);
                if is_every {
                    let message = "a comprehension in the body of an `every`";
                    let help = "make it a function: `every x in xs { f(x) }`";
                    found.push(at(inner, message).with_help(help));
                } else if kind == "Default" && parameters.is_some_and(|of| !of.is_empty()) {
                    let message = "a default of a function";
                    let help = "end the function with `else := …`";
                    found.push(at(inner, message).with_help(help));
                } else if is_head && inner.get("refr").is_some_and(is_path) {
                    let message = "a rule whose name has parts";
                    let help = "name it with one word, and make the value an object";
                    found.push(at(inner, message).with_help(help));
                }
                refuse(module, inner, found);
            }
        }
        _ => {}
    }
}

/// `a.b` and `a["b"]`, but not `a[b]`.
fn is_path(head: &Value) -> bool {
    let is_text = |index: &Value| index.get("String").or_else(|| index.get("RawString")).is_some();
    let index = head.pointer("/RefBrack/index");
    head.get("RefDot").is_some() || index.is_some_and(is_text)
}

fn has_comprehension(node: &Value) -> bool {
    match node {
        Value::Array(items) => items.iter().any(has_comprehension),
        Value::Object(fields) => {
            fields.iter().any(|(kind, field)| kind.ends_with("Compr") || has_comprehension(field))
        }
        _ => false,
    }
}

/// The module as the machine has to read it; `tree` is the syntax tree that regorus prints of it.
pub(super) fn explicit(text: &str, tree: &Value) -> String {
    let mut edits = Vec::new();
    collect(tree, text, &mut edits);
    edits.sort_by_key(|edit| (edit.start, Reverse(edit.end)));
    let mut made = 0;
    rewrite(text, 0, text.len(), &edits, &mut made)
}

/// A place that has to say more.
#[derive(Debug)]
struct Edit {
    start: usize,
    end: usize,
    what: What,
}

#[derive(Debug)]
enum What {
    /// `name := …`, where the name may be `_`; alone is a body of nothing else, without braces.
    Assigned { name: String, right: (usize, usize), alone: bool },
    /// An `every`: the names it gives that are indices in its body, and where that begins.
    Every { names: Vec<(usize, usize)>, body: usize },
    /// A comprehension, and those parts of its head that may be undefined, in order.
    Comprehension { parts: Vec<(usize, usize)> },
}

fn collect(node: &Value, text: &str, edits: &mut Vec<Edit>) {
    match node {
        Value::Array(items) => items.iter().for_each(|item| collect(item, text, edits)),
        Value::Object(fields) => {
            for (kind, inner) in fields {
                let what = match kind.as_str() {
                    "AssignExpr" => assigned(inner, text),
                    "Every" => every(inner, text),
                    "ArrayCompr" => comprehension(inner, text, &["term"]),
                    "ObjectCompr" => comprehension(inner, text, &["key", "value"]),
                    _ => None,
                };
                if let (Some(what), Some((start, end))) = (what, span(inner, text)) {
                    edits.push(Edit { start, end, what });
                }
                collect(inner, text, edits);
            }
        }
        _ => {}
    }
}

/// Where a node is. regorus leaves out the quotes of a string that begins or ends it.
fn span(node: &Value, text: &str) -> Option<(usize, usize)> {
    let (mut start, mut end) = number_pair(node.get("span")?)?;
    let is_quote = |at: usize| text.as_bytes().get(at).is_some_and(|c| matches!(c, b'"' | b'`'));
    if start.checked_sub(1).is_some_and(is_quote) {
        start -= 1;
    }
    if is_quote(end) {
        end += 1;
    }
    text.get(start..end).map(|_| (start, end))
}

fn number_pair(span: &Value) -> Option<(usize, usize)> {
    let number = |key| span.get(key)?.as_u64().and_then(|n| usize::try_from(n).ok());
    Some((number("start")?, number("end")?))
}

fn assigned(node: &Value, text: &str) -> Option<What> {
    if node.get("op")? != "ColEq" || is_defined(node.get("rhs")?) {
        return None;
    }
    let name = node.get("lhs")?.get("Var")?.get("value")?.as_str()?.to_owned();
    let (start, _) = span(node, text)?;
    let word = text.get(..start)?.trim_end().rsplit(|c: char| !c.is_alphanumeric() && c != '_');
    let alone = word.into_iter().next() == Some("if");
    let (start, end) = span(node, text)?;
    let right = (start + text.get(start..end)?.find(":=")? + 2, end);
    Some(What::Assigned { name, right, alone })
}

fn every(node: &Value, text: &str) -> Option<What> {
    let query = node.get("query")?;
    let (body, _) = number_pair(query.get("span")?)?;
    let names = [node.get("key"), node.get("value")].into_iter().flatten();
    let names = names.filter_map(number_pair);
    let names: Vec<_> = names
        .filter(|(start, end)| text.get(*start..*end).is_some_and(|name| is_index(query, name)))
        .collect();
    let is_body = text.as_bytes().get(body) == Some(&b'{');
    (is_body && !names.is_empty()).then_some(What::Every { names, body })
}

/// Whether something is looked up by the variable.
fn is_index(node: &Value, name: &str) -> bool {
    match node {
        Value::Array(items) => items.iter().any(|item| is_index(item, name)),
        Value::Object(fields) => {
            let index = fields.get("index").and_then(|index| index.pointer("/Var/value")?.as_str());
            index == Some(name) || fields.values().any(|field| is_index(field, name))
        }
        _ => false,
    }
}

/// `terms` is `["term"]` or `["key", "value"]`.
fn comprehension(node: &Value, text: &str, terms: &[&str]) -> Option<What> {
    let named = named(node.get("query")?);
    let is_named = |term: &Value| {
        let name = term.get("Var").and_then(|var| var.get("value")?.as_str());
        name.is_some_and(|name| named.contains(&name))
    };
    let (start, _) = span(node, text)?;
    let (bar, _) = span(node.get("query")?, text)?;
    // Nodes of objects do not begin where they begin, so places are found by what stands between.
    let mut places = vec![(start + 1, bar)];
    if let [key, _] = terms {
        let (_, end) = span(node.get(key)?.as_object()?.values().next()?, text)?;
        let colon = end + text.get(end..bar)?.find(':')?;
        places = vec![(start + 1, colon), (colon + 1, bar)];
    }
    let of = |(term, place)| Some((node.get(term)?, place));
    let doubtful = terms.iter().copied().zip(places).filter_map(of);
    let doubtful = doubtful.filter(|(term, _)| !is_defined(term) && !is_named(term));
    let parts: Vec<_> = doubtful.map(|(_, (start, end))| trimmed(text, start, end)).collect();
    (!parts.is_empty()).then_some(What::Comprehension { parts })
}

fn trimmed(text: &str, start: usize, end: usize) -> (usize, usize) {
    let inside = text.get(start..end).unwrap_or_default();
    let before = inside.len() - inside.trim_start().len();
    (start + before, start + inside.trim_end().len())
}

/// Variables to which a body gives a value, itself.
fn named(query: &Value) -> Vec<&str> {
    let statements = query.get("stmts").and_then(Value::as_array).into_iter().flatten();
    let given = statements.filter_map(|statement| statement.get("literal")).flat_map(|literal| {
        let some = literal.get("SomeIn");
        let assigned = literal.pointer("/Expr/expr/AssignExpr");
        let some = some.into_iter().flat_map(|some| [some.get("key"), some.get("value")]);
        some.chain([assigned.and_then(|of| of.get("lhs"))]).flatten()
    });
    given.filter_map(|of| of.pointer("/Var/value")?.as_str()).collect()
}

/// Whether it has a value whatever happens: a constant, a comprehension, or what is made of these.
fn is_defined(expression: &Value) -> bool {
    let Some((kind, node)) = expression.as_object().and_then(|of| of.iter().next()) else {
        return false;
    };
    match kind.as_str() {
        "String" | "RawString" | "Number" | "Bool" | "Null" => true,
        "ArrayCompr" | "SetCompr" | "ObjectCompr" => true,
        "Array" | "Set" => {
            node.get("items").and_then(Value::as_array).is_some_and(|of| of.iter().all(is_defined))
        }
        _ => false,
    }
}

/// The text between `start` and `end`, with all edits in it.
fn rewrite(text: &str, start: usize, end: usize, edits: &[Edit], made: &mut usize) -> String {
    let (mut out, mut at) = (String::new(), start);
    for (place, edit) in edits.iter().enumerate() {
        if edit.start < at || edit.end > end {
            continue;
        }
        let inside = edits.get(place + 1..).unwrap_or_default();
        out += text.get(at..edit.start).unwrap_or_default();
        match &edit.what {
            What::Assigned { name, right: (start, end), alone } => {
                let mut name = name.clone();
                if name == "_" {
                    *made += 1;
                    name = format!("sark__{made}");
                }
                let written = rewrite(text, *start, *end, inside, made);
                let (open, close) = if *alone { ("{ ", " }") } else { ("", "") };
                out += &format!("{open}{name} :={written}; {name} == {name}{close}");
            }
            What::Every { names, body } => {
                let (mut from, mut more) = (edit.start, String::new());
                for (start, end) in names {
                    *made += 1;
                    out += text.get(from..*start).unwrap_or_default();
                    out += &format!("sark__{made}");
                    let name = text.get(*start..*end).unwrap_or_default();
                    more += &format!(" {name} := sark__{made};");
                    from = *end;
                }
                out += &rewrite(text, from, body + 1, inside, made);
                out += &more;
                out += &rewrite(text, body + 1, edit.end, inside, made);
            }
            What::Comprehension { parts } => {
                // The closing bracket is the last octet.
                let (mut from, mut more) = (edit.start, String::new());
                for (start, end) in parts {
                    *made += 1;
                    let name = format!("sark__{made}");
                    out += &rewrite(text, from, *start, inside, made);
                    out += &name;
                    let written = rewrite(text, *start, *end, inside, made);
                    more += &format!("; {name} := {written}; {name} == {name}");
                    from = *end;
                }
                out += rewrite(text, from, edit.end - 1, inside, made).trim_end();
                out += &more;
                out += text.get(edit.end - 1..edit.end).unwrap_or_default();
            }
        }
        at = edit.end;
    }
    out += text.get(at..end).unwrap_or_default();
    out
}

#[cfg(test)]
mod tests {
    use regorus::Engine;

    use super::{Module, explicit, refused};

    fn tree(text: &str) -> serde_json::Value {
        let mut engine = Engine::new();
        engine.add_policy("t.rego".to_owned(), text.to_owned()).unwrap();
        serde_json::from_str(&engine.get_ast_as_json().unwrap()).unwrap()
    }

    #[test]
    fn what_may_be_undefined_is_asked_for() {
        for (written, read) in [
            ("x if { y := input.a }", "x if { y := input.a; y == y }"),
            ("x := y if y := input.a", "x := y if { y := input.a; y == y }"),
            (
                "x if { y := \"é\"; z := {\"a\": input.a, \"b\": 1} }",
                "x if { y := \"é\"; z := {\"a\": input.a, \"b\": 1}; z == z }",
            ),
            ("x if { _ := f(1) } # é", "x if { sark__1 := f(1); sark__1 == sark__1 } # é"),
            (
                "x if { input.a == \"b\"; y := input.b == `é` }",
                "x if { input.a == \"b\"; y := input.b == `é`; y == y }",
            ),
            ("x := [v | some v in input.a]", "x := [v | some v in input.a]"),
            (
                "x := [f(v) | some v in input.a]",
                "x := [sark__1 | some v in input.a; sark__1 := f(v); sark__1 == sark__1]",
            ),
            (
                "x := {k: {\"a\": o[k], \"b\": 1} | some k in [1]}",
                "x := {k: sark__1 | some k in [1]; sark__1 := {\"a\": o[k], \"b\": 1}; sark__1 == sark__1}",
            ),
            (
                "x if { every v in [1] { o[v] } }",
                "x if { every sark__1 in [1] { v := sark__1; o[v] } }",
            ),
            (
                "x if { every k, v in o { v[k] > 1 } }",
                "x if { every sark__1, v in o { k := sark__1; v[k] > 1 } }",
            ),
            ("x if { every v in [1] { v > 1 } }", "x if { every v in [1] { v > 1 } }"),
        ] {
            let (written, read) =
                (format!("package t\n{written}\n"), format!("package t\n{read}\n"));
            let made = explicit(&written, &tree(&written));
            assert_eq!(made, read);
            tree(&made);
        }
    }

    #[test]
    fn what_the_machine_does_not_do_is_refused() {
        for (text, many) in [
            ("x if { every v in [1] { count([1 | v > 1]) > 0 } }", 1),
            ("default f(_) := 1\nf(n) := 2 if n > 1", 1),
            ("x.a := 1\nx[\"b\"] := 2\nx.c contains 3", 3),
            ("x[k] := v if some k, v in input.a\ny contains 1", 0),
            ("default x := 1\ny := [v | some v in [1]]", 0),
        ] {
            let text = format!("package t\n{text}\n");
            let module = Module { path: "t.rego", text: &text };
            assert_eq!(refused(module, &tree(&text)).len(), many, "{text}");
        }
    }
}
