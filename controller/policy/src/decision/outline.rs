//! Packages, rules and what they refer to, as far as the checks before compiling need them.

use serde_json::Value;

/// A module.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outline {
    /// Its file.
    pub(super) file: String,
    /// `["sark", "llm", "models"]`.
    pub(super) package: Vec<String>,
    pub(super) line: u32,
    /// Local name → path, without `data`.
    pub(super) imports: Vec<(String, Vec<String>)>,
    /// Parts of the input that are imported: paths, without `input`.
    pub(super) inputs: Vec<Vec<String>>,
    pub(super) rules: Vec<Rule>,
}

/// A rule, or one of several that define it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) line: u32,
    pub(super) column: u32,
    /// `name contains …`.
    pub(super) is_set: bool,
    pub(super) references: Vec<Reference>,
}

/// Something named in a rule.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reference {
    /// As far as it is constant: `["data", "sark", "lib", "f"]`.
    pub(super) path: Vec<String>,
    pub(super) is_call: bool,
    /// Of a call: texts and numbers that are written out, as JSON; nothing in the place of others.
    pub(super) literals: Vec<Value>,
    pub(super) line: u32,
    pub(super) column: u32,
}

/// Of the syntax tree that regorus prints as JSON; `None` if it is not as expected.
pub(super) fn outline(file: &str, tree: &Value) -> Option<Outline> {
    let module = tree.get(0)?.get("ast")?;
    let package = module.get("package")?;
    let (line, _) = place(package)?;
    let mut outline = Outline {
        file: file.to_owned(),
        package: constant(package.get("refr")?)?.0,
        line,
        imports: Vec::new(),
        inputs: Vec::new(),
        rules: Vec::new(),
    };
    for import in module.get("imports")?.as_array()? {
        let (mut path, _) = constant(import.get("refr")?)?;
        let renamed = import.get("as").and_then(Value::as_array).and_then(|of| of.get(1)?.as_str());
        let name = renamed.map(str::to_owned).or_else(|| path.last().cloned())?;
        match path.first().map(String::as_str) {
            Some("data") => outline.imports.push((name, path.split_off(1))),
            Some("input") => outline.inputs.push(path.split_off(1)),
            _ => {}
        }
    }
    for rule in module.get("rules")?.as_array()? {
        let (node, head, is_set) = if let Some(node) = rule.get("Spec") {
            let head = node.get("head")?.as_object()?;
            let (kind, head) = head.iter().next()?;
            (node, head.get("refr")?, kind == "Set")
        } else {
            let node = rule.get("Default")?;
            (node, node.get("refr")?, false)
        };
        let (line, column) = place(node)?;
        let mut references = Vec::new();
        walk(node, &mut references);
        let (name, _) = constant(head)?;
        let name = name.into_iter().next()?;
        // The head names the rule itself.
        if let Some(own) =
            references.iter().position(|of| !of.is_call && of.path.first() == Some(&name))
        {
            references.remove(own);
        }
        outline.rules.push(Rule { name, line, column, is_set, references });
    }
    Some(outline)
}

fn place(node: &Value) -> Option<(u32, u32)> {
    let span = node.get("span")?;
    let number = |key| span.get(key)?.as_u64().and_then(|n| u32::try_from(n).ok());
    Some((number("line")?, number("col")?))
}

/// The constant beginning of a reference, and whether that is all of it.
fn constant(expression: &Value) -> Option<(Vec<String>, bool)> {
    let (kind, node) = expression.as_object()?.iter().next()?;
    match kind.as_str() {
        "Var" => Some((vec![node.get("value")?.as_str()?.to_owned()], true)),
        "RefDot" => {
            let (mut path, whole) = constant(node.get("refr")?)?;
            if whole {
                path.push(node.get("field")?.get(1)?.as_str()?.to_owned());
            }
            Some((path, whole))
        }
        "RefBrack" => {
            let (mut path, whole) = constant(node.get("refr")?)?;
            match text(node.get("index")?) {
                Some(text) if whole => {
                    path.push(text.to_owned());
                    Some((path, true))
                }
                _ => Some((path, false)),
            }
        }
        _ => None,
    }
}

fn walk(node: &Value, references: &mut Vec<Reference>) {
    match node {
        Value::Array(items) => items.iter().for_each(|item| walk(item, references)),
        Value::Object(fields) => {
            for (kind, inner) in fields {
                match kind.as_str() {
                    "Call" => {
                        let name = inner.get("fcn");
                        let called = name.and_then(constant);
                        let begins = name.and_then(beginning);
                        if let (Some((path, _)), Some((line, column))) = (called, begins) {
                            let literals = literals(inner);
                            let is_call = true;
                            references.push(Reference { path, is_call, literals, line, column });
                        }
                        let parameters = inner.get("params").and_then(Value::as_array);
                        let mut parameters = parameters.map_or(&[][..], Vec::as_slice);
                        if let Some(member) = member(inner, parameters) {
                            references.push(member);
                            parameters = parameters.get(1..).unwrap_or_default();
                        }
                        parameters.iter().for_each(|of| walk(of, references));
                    }
                    "Var" | "RefDot" | "RefBrack" => {
                        if let (Some((path, _)), Some((line, column))) =
                            (constant(node), beginning(node))
                        {
                            let (is_call, literals) = (false, Vec::new());
                            references.push(Reference { path, is_call, literals, line, column });
                        }
                        indices(inner, references);
                    }
                    _ => walk(inner, references),
                }
            }
        }
        _ => {}
    }
}

/// `object.get(input, "c", …)` refers to `input.c`. Of `input.a` it would refer to that too: whether it is
/// there is part of the answer.
fn member(call: &Value, parameters: &[Value]) -> Option<Reference> {
    let (function, _) = constant(call.get("fcn")?)?;
    let [object, key, ..] = parameters else { return None };
    let (mut path, _) = constant(object)?;
    if function != ["object", "get"] || path != ["input"] || object.get("Var").is_none() {
        return None;
    }
    path.push(text(key)?.to_owned());
    let (line, column) = beginning(object)?;
    Some(Reference { path, is_call: false, literals: Vec::new(), line, column })
}

/// A text that is written out.
fn text(expression: &Value) -> Option<&str> {
    let text = expression.get("String").or_else(|| expression.get("RawString"));
    text?.get("value")?.as_str()
}

/// Where a reference begins: the parser's own place of `a.b` is the dot, of a call its bracket.
fn beginning(reference: &Value) -> Option<(u32, u32)> {
    let (_, inner) = reference.as_object()?.iter().next()?;
    match inner.get("refr") {
        Some(before) => beginning(before),
        None => place(inner),
    }
}

/// What a call is given that is written out.
fn literals(call: &Value) -> Vec<Value> {
    let of = |parameter: &Value| {
        let kinds = ["String", "RawString", "Number"];
        let literal = kinds.iter().find_map(|kind| parameter.get(kind)?.get("value"));
        literal.cloned().unwrap_or_default()
    };
    let parameters = call.get("params").and_then(Value::as_array);
    parameters.map(|all| all.iter().map(of).collect()).unwrap_or_default()
}

/// What stands in brackets of a reference, and what a reference is made on, such as a call.
fn indices(node: &Value, references: &mut Vec<Reference>) {
    if let Some(index) = node.get("index") {
        walk(index, references);
    }
    if let Some(inner) = node.get("refr") {
        match ["Var", "RefDot", "RefBrack"].iter().find_map(|kind| inner.get(kind)) {
            Some(inner) => indices(inner, references),
            None => walk(inner, references),
        }
    }
}
