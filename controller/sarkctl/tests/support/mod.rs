//! Runs the built `sarkctl` and compares what it says with golden files.

pub mod server;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a run left.
pub struct Run {
    pub stdout: String,
    pub stderr: String,
    pub code: i32,
}

/// A run to be: arguments, standard input, directory.
pub struct Sarkctl {
    arguments: Vec<String>,
    stdin: Vec<u8>,
    directory: PathBuf,
    columns: Option<u32>,
}

/// `sarkctl` with these arguments, in `tests/data`.
pub fn sarkctl<const N: usize>(arguments: [&str; N]) -> Sarkctl {
    Sarkctl {
        arguments: arguments.map(str::to_owned).into(),
        stdin: Vec::new(),
        directory: Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data"),
        columns: None,
    }
}

impl Sarkctl {
    /// More arguments.
    pub fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    pub fn stdin(self, text: impl Into<Vec<u8>>) -> Self {
        Self { stdin: text.into(), ..self }
    }

    pub fn directory(self, directory: &Path) -> Self {
        Self { directory: directory.to_owned(), ..self }
    }

    /// As on a terminal of this width.
    pub fn columns(self, columns: u32) -> Self {
        Self { columns: Some(columns), ..self }
    }

    /// What it reads.
    pub fn input(&self) -> &[u8] {
        &self.stdin
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sarkctl"));
        command.args(&self.arguments).current_dir(&self.directory).env_clear();
        if let Some(columns) = self.columns {
            command.env("COLUMNS", columns.to_string());
        }
        command
    }

    pub fn run(&self) -> Run {
        let mut child = self
            .command()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = self.stdin.clone();
        // It may end before it has read all.
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output().unwrap();
        let _ = writer.join().unwrap();
        Run {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code().unwrap(),
        }
    }

    /// Runs and compares the whole transcript with `tests/golden/NAME.txt`.
    #[track_caller]
    pub fn golden(&self, name: &str) -> Run {
        let run = self.run();
        let mut transcript = format!("$ sarkctl {}\n", self.arguments.join(" "));
        transcript.push_str(&without_registry_version(&run.stdout));
        if !run.stderr.is_empty() {
            transcript.push_str("--- stderr\n");
            transcript.push_str(&run.stderr);
        }
        transcript.push_str(&format!("--- exit {}\n", run.code));
        compare(name, &transcript);
        run
    }
}

/// Golden files are rewritten by `UPDATE_GOLDEN=1`.
#[track_caller]
pub fn compare(name: &str, transcript: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.txt"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, transcript).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        golden == transcript,
        "{} differs (UPDATE_GOLDEN=1 rewrites it); now it is:\n{transcript}",
        path.display()
    );
}

/// The endpoints that ship change, and with them the version of every registry.
fn without_registry_version(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let mark = [
            ("registry ", ','),
            ("\"registryVersion\": \"", '"'),
            ("registryVersion: ", '\n'),
            ("# SARK registry ", ';'),
            ("# SARK registry ", '\n'),
        ];
        let found = mark.into_iter().find_map(|(before, after)| {
            let rest = line.trim_start().strip_prefix(before)?;
            let start = line.len() - rest.len();
            Some((start, start + rest.find(after)?))
        });
        match found {
            Some((start, end)) => {
                out.push_str(&line[..start]);
                out.push_str("REGISTRY");
                out.push_str(&line[end..]);
            }
            None => out.push_str(line),
        }
    }
    out
}
