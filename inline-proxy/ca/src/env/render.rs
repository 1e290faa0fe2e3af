//! Variables as a shell reads them.

use std::path::Path;
use std::str::FromStr;

use serde_json::json;

use super::stores::STORES;
use super::{Effect, EnvError, Paths, VARIABLES, Variable};

/// Who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shell {
    /// POSIX shells: sh, bash, zsh.
    Sh,
    /// fish.
    Fish,
    /// PowerShell.
    PowerShell,
    /// Programs.
    Json,
}

/// No such form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not one of sh, fish, powershell, json")]
pub struct NoShell;

impl FromStr for Shell {
    type Err = NoShell;

    fn from_str(text: &str) -> Result<Self, NoShell> {
        match text {
            "sh" => Ok(Self::Sh),
            "fish" => Ok(Self::Fish),
            "powershell" => Ok(Self::PowerShell),
            "json" => Ok(Self::Json),
            _ => Err(NoShell),
        }
    }
}

/// Every variable, and as comments the commands for stores.
pub fn render(shell: Shell, paths: Paths<'_>) -> Result<String, EnvError> {
    let trusted = text(paths.trusted)?;
    let combined = paths.combined.map(text).transpose()?;
    let value = |variable: &Variable| match variable.effect {
        Effect::Adds => Some(trusted),
        Effect::Replaces => combined,
    };
    if shell == Shell::Json {
        return Ok(as_json(trusted, value));
    }
    let mut out = String::new();
    for (effect, title) in [
        (Effect::Adds, "# These add the roots of the proxy to those that programs have."),
        (
            Effect::Replaces,
            "# These replace the roots that programs have: the file has the system's too.",
        ),
    ] {
        out.push_str(title);
        out.push('\n');
        for variable in VARIABLES.iter().filter(|variable| variable.effect == effect) {
            out.push_str(&format!("# {}\n", variable.read_by));
            out.push_str(&match value(variable) {
                Some(path) => assignment(shell, variable.name, path),
                None => {
                    format!("# {}: needs a file that has the system's roots too\n", variable.name)
                }
            });
        }
    }
    out.push_str("# Stores, as an administrator:\n");
    for store in &STORES {
        out.push_str(&format!("# {}:\n#   {}\n", store.name, store.command(quoted(trusted))));
    }
    Ok(out)
}

fn text(path: &Path) -> Result<&str, EnvError> {
    path.to_str().filter(|path| !path.contains(char::is_control)).ok_or(EnvError::Path)
}

fn assignment(shell: Shell, name: &str, path: &str) -> String {
    match shell {
        Shell::Sh | Shell::Json => format!("export {name}={}\n", for_sh(path)),
        Shell::Fish => {
            let path = path.replace('\\', "\\\\").replace('\'', "\\'");
            format!("set -gx {name} '{path}'\n")
        }
        Shell::PowerShell => format!("$env:{name} = {}\n", for_powershell(path)),
    }
}

fn quoted(path: &str) -> impl Fn(bool) -> String {
    move |windows| if windows { for_powershell(path) } else { for_sh(path) }
}

fn for_sh(path: &str) -> String {
    format!("'{}'", path.replace('\'', r"'\''"))
}

/// PowerShell takes typographic quotes for quotes too.
fn for_powershell(path: &str) -> String {
    let mut out = String::from("'");
    for c in path.chars() {
        if matches!(c, '\'' | '\u{2018}'..='\u{201b}') {
            out.push(c);
        }
        out.push(c);
    }
    out.push('\'');
    out
}

fn as_json<'a>(trusted: &str, value: impl Fn(&Variable) -> Option<&'a str>) -> String {
    let variables = VARIABLES.iter().map(|variable| {
        json!({
            "name": variable.name,
            "value": value(variable),
            "effect": if variable.effect == Effect::Adds { "adds" } else { "replaces" },
            "readBy": variable.read_by,
        })
    });
    let stores = STORES
        .iter()
        .map(|store| json!({ "store": store.name, "command": store.command(quoted(trusted)) }));
    let document = json!({
        "variables": variables.collect::<Vec<_>>(),
        "stores": stores.collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}
