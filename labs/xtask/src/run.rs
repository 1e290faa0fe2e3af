//! Running other programs, with errors that name the command.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

/// Why a program did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It is not there, or may not be run.
    #[error("could not start `{command}`")]
    Start {
        /// As typed.
        command: String,
        /// Cause.
        source: std::io::Error,
    },
    /// It said no.
    #[error("`{command}` failed: {status}{said}")]
    Failed {
        /// As typed.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// Its last words, each on a line of its own, when we had captured them.
        said: String,
    },
}

/// An error and its causes, each on a line of its own.
pub fn say(error: &dyn std::error::Error) {
    eprintln!("error: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        eprintln!("  because: {cause}");
        source = cause.source();
    }
}

/// The command as one would type it.
pub fn typed(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let quoted = words.map(|word| {
        let word = word.to_string_lossy();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@+%".contains(c);
        if !word.is_empty() && word.chars().all(plain) {
            word.into_owned()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

/// Runs it with our own output.
pub fn run(command: &mut Command) -> Result<(), RunError> {
    let started = command.stdin(Stdio::null()).status();
    let status = started.map_err(|source| RunError::Start { command: typed(command), source })?;
    if status.success() {
        return Ok(());
    }
    Err(RunError::Failed { command: typed(command), status, said: String::new() })
}

/// Runs it and returns its stdout; stderr goes into the error.
pub fn capture(command: &mut Command) -> Result<String, RunError> {
    let ended = command.stdin(Stdio::null()).output();
    let out = ended.map_err(|source| RunError::Start { command: typed(command), source })?;
    if out.status.success() {
        return Ok(String::from_utf8_lossy(&out.stdout).into_owned());
    }
    let mut said = String::new();
    let both = [out.stderr.as_slice(), out.stdout.as_slice()].concat();
    let text = String::from_utf8_lossy(&both);
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    for line in lines.iter().skip(lines.len().saturating_sub(12)) {
        said.push_str("\n    ");
        said.push_str(line);
    }
    Err(RunError::Failed { command: typed(command), status: out.status, said })
}

/// Runs it and gives what it says on stderr to `line`, as it comes.
pub fn watch_stderr(
    command: &mut Command,
    mut line: impl FnMut(&str),
) -> Result<ExitStatus, RunError> {
    let spawned = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn();
    let failed = |source| RunError::Start { command: typed(command), source };
    let mut child = spawned.map_err(failed)?;
    if let Some(stderr) = child.stderr.take() {
        for text in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
            line(&String::from_utf8_lossy(&text));
        }
    }
    child.wait().map_err(failed)
}

/// The program of this name on the search path.
pub fn which(program: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Debian keeps daemons where an ordinary user's search path does not look.
    let extra = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(std::path::PathBuf::from);
    let mut places = std::env::split_paths(&path).chain(extra);
    places.find_map(|dir| Some(dir.join(program)).filter(|file| runnable(file)))
}

fn runnable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
