//! Running a program to its end, within bounds.

use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::KernelError;

/// A program, and how long it may take.
#[derive(Debug, Clone)]
pub struct Tool {
    path: PathBuf,
    limit: Duration,
}

/// Octets of its complaint that are kept.
const MOST_SAID: usize = 2000;

impl Tool {
    pub fn new(path: PathBuf, limit: Duration) -> Self {
        Self { path, limit }
    }

    /// What it printed, if it succeeded.
    pub async fn run(&self, words: &[&str], input: &str) -> Result<String, KernelError> {
        let output = self.output(words, input).await?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(self.failed(words, said(&output)))
    }

    /// What it printed, or what it complained about.
    pub async fn ask(&self, words: &[&str]) -> Result<Result<String, String>, KernelError> {
        let output = self.output(words, "").await?;
        if output.status.success() {
            return Ok(Ok(String::from_utf8_lossy(&output.stdout).into_owned()));
        }
        Ok(Err(said(&output)))
    }

    pub fn failed(&self, words: &[&str], said: String) -> KernelError {
        KernelError::Failed { program: self.name(words), said }
    }

    pub fn unreadable(&self, why: String) -> KernelError {
        KernelError::Unreadable { program: self.name(&[]), why }
    }

    async fn output(&self, words: &[&str], input: &str) -> Result<Output, KernelError> {
        let failed = |source| KernelError::Start { program: self.name(words), source };
        let mut command = Command::new(&self.path);
        // Some of what it says is read.
        command.args(words).env("LC_ALL", "C").kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(failed)?;
        let stdin = child.stdin.take();
        let write = async {
            if let Some(mut stdin) = stdin {
                // One that does not read to the end says why by itself.
                let _ = stdin.write_all(input.as_bytes()).await;
            }
        };
        let both = async { tokio::join!(write, child.wait_with_output()).1 };
        match tokio::time::timeout(self.limit, both).await {
            Ok(output) => output.map_err(failed),
            Err(_) => Err(KernelError::Timeout { program: self.name(words), limit: self.limit }),
        }
    }

    fn name(&self, words: &[&str]) -> String {
        let path = self.path.display();
        if words.is_empty() { path.to_string() } else { format!("{path} {}", words.join(" ")) }
    }
}

fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let text: String = text.trim().chars().take(MOST_SAID).collect();
    if text.is_empty() { output.status.to_string() } else { text }
}
