//! regorus: reading, compiling, and what its errors mean. All of it on a stack that is deep enough for
//! what people write to be refused and not to end the process.

use std::num::NonZeroU32;
use std::time::Duration;

use regorus::languages::rego::compiler::Compiler;
use regorus::utils::limits::ExecutionTimerConfig;
use regorus::{Engine, Rc};
use sark_core::document::Diagnostic;
use serde_json::{Map, Value};

use super::files::Module;
use super::outline::{Outline, outline};
use super::{explicit, lint};

/// Reserved, not used unless it is needed.
const STACK: usize = 512 << 20;

/// Runs it on a thread with a deep stack; `None` if there can be none, or it panicked.
pub(super) fn deep<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().name("rego".to_owned()).stack_size(STACK);
        builder.spawn_scoped(scope, work).ok()?.join().ok()
    })
}

/// The outline of a module.
pub(super) fn read(module: Module<'_>) -> Result<Outline, Diagnostic> {
    outline(module.path, &tree(module)?)
        .ok_or_else(|| Diagnostic::of_file(module.path, "has rules that cannot be checked"))
}

/// The syntax tree that regorus prints of a module.
fn tree(module: Module<'_>) -> Result<Value, Diagnostic> {
    lint::readable(module)?;
    let mut engine = Engine::new();
    let added = engine.add_policy(module.path.to_owned(), module.text.to_owned());
    added.map_err(|error| diagnostic(&error.to_string(), &[module]))?;
    let deep = |_| {
        Diagnostic::of_file(module.path, "an expression is nested too deeply")
            .with_help("name parts of it in rules of their own")
    };
    let tree = engine.get_ast_as_json().map_err(|_| deep(()))?;
    serde_json::from_str(&tree).map_err(|_| deep(()))
}

/// An engine with these modules and this data.
pub(super) fn engine(
    modules: &[Module<'_>],
    data: &Map<String, Value>,
) -> Result<Engine, Diagnostic> {
    let mut engine = Engine::new();
    engine.set_strict_builtin_errors(false);
    for module in modules {
        let added = engine.add_policy(module.path.to_owned(), module.text.to_owned());
        added.map_err(|error| diagnostic(&error.to_string(), modules))?;
    }
    let added = engine.add_data(regorus::Value::from(Value::Object(data.clone())));
    added.map_err(|error| Diagnostic::of_file("data", error.to_string()))?;
    Ok(engine)
}

/// A program of these entry points, in order, as octets: each worker makes its own of them.
pub(super) fn compile(
    modules: &[Module<'_>],
    data: &Map<String, Value>,
    entries: &[String],
) -> Result<Vec<u8>, Vec<Diagnostic>> {
    let Some(first) = entries.first() else { return Ok(Vec::new()) };
    let failed = |error: String| vec![diagnostic(&error, modules)];
    let (mut texts, mut mistakes) = (Vec::new(), Vec::new());
    for module in modules {
        let tree = tree(*module).map_err(|mistake| vec![mistake])?;
        mistakes.extend(explicit::refused(*module, &tree));
        texts.push(explicit::explicit(module.text, &tree));
    }
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let explicit = modules.iter().zip(&texts).map(|(module, text)| Module { text, ..*module });
    let explicit: Vec<Module<'_>> = explicit.collect();
    let mut engine = engine(&explicit, data).map_err(|mistake| vec![mistake])?;
    let first: Rc<str> = first.as_str().into();
    let policy = engine.compile_with_entrypoint(&first).map_err(|e| failed(e.to_string()))?;
    let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
    let program = Compiler::compile_from_policy(&policy, &entries);
    program.map_err(|e| failed(e.to_string()))?.serialize_binary().map_err(failed)
}

/// So long, looked at after every few steps: of a text that doubles with each, ten are a thousandfold.
pub(super) fn timer(limit: Duration) -> ExecutionTimerConfig {
    ExecutionTimerConfig { limit, check_interval: NonZeroU32::MIN.saturating_add(3) }
}

/// regorus writes `--> FILE:LINE:COLUMN`, the line, and `error: MESSAGE`.
fn diagnostic(error: &str, modules: &[Module<'_>]) -> Diagnostic {
    let message = error.rsplit("error: ").next().unwrap_or(error).trim();
    let place = error.lines().find_map(|line| line.trim_start().strip_prefix("--> "));
    let parsed = place.and_then(|place| {
        let mut parts = place.trim().rsplitn(3, ':');
        let column: u32 = parts.next()?.parse().ok()?;
        let line: u32 = parts.next()?.parse().ok()?;
        let file = parts.next()?;
        let module = modules.iter().find(|module| module.path == file)?;
        Some((module, line, column))
    });
    let function = message.strip_prefix("Unknown function: '").and_then(|f| f.strip_suffix('\''));
    let help = function.and_then(lint::instead_of);
    let diagnostic = match parsed {
        Some((module, line, column)) => {
            Diagnostic::at(module.path, module.text, line, column, message)
        }
        None => Diagnostic::of_file("the set", message),
    };
    match help {
        Some(help) => diagnostic.with_help(help),
        None => diagnostic,
    }
}
