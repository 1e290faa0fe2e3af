//! As many requests as are answered: wrk's.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde::Deserialize;

use crate::chat;
use crate::program::succeed;

/// What it counted.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Counted {
    requests: f64,
    microseconds: f64,
    errors: u64,
}

impl Counted {
    pub fn per_second(&self) -> f64 {
        self.requests / self.microseconds * 1e6
    }

    pub fn requests(&self) -> f64 {
        self.requests
    }
}

/// What is asked, and where.
pub struct Asks {
    name: &'static str,
    port: u16,
    path: &'static str,
    body: String,
}

impl Asks {
    /// A model.
    pub fn chat(name: &'static str, port: u16) -> Self {
        Self { name, port, path: chat::PATH, body: chat::question() }
    }

    /// Something else.
    pub fn document(name: &'static str, port: u16) -> Self {
        Self { name, port, path: "/orders", body: chat::document() }
    }
}

/// Asks, over so many connections that are kept. An answer that is none ends the benchmark.
pub fn load(directory: &Path, asks: &Asks, connections: usize, duration: Duration) -> Counted {
    let Asks { name, port, path, body } = asks;
    let script = directory.join("wrk.lua");
    fs::write(&script, lua(name, body)).unwrap();
    let mut command = Command::new("wrk");
    command.args(["-t", "1", "-c", &connections.to_string(), "--timeout", "10"]);
    command.arg("-d").arg(format!("{}s", duration.as_secs()));
    command.arg("-s").arg(&script).arg(format!("https://{name}:{port}{path}"));
    let text = succeed(&mut command);
    let line = text.lines().rfind(|line| line.starts_with('{')).unwrap();
    let counted: Counted = serde_json::from_str(line).unwrap();
    assert_eq!(counted.errors, 0, "not every request was answered well:\n{text}");
    counted
}

fn lua(name: &str, body: &str) -> String {
    format!(
        "wrk.method = 'POST'\nwrk.body = [==[{body}]==]\n\
         wrk.headers['Host'] = '{name}'\n\
         wrk.headers['Content-Type'] = 'application/json'\n\
         wrk.headers['Accept'] = 'application/json'\n\
         wrk.headers['Authorization'] = 'Bearer sk-none'\n\
         done = function(summary, latency, requests)\n\
         local e = summary.errors\n\
         io.write(string.format('{{\"requests\":%d,\"microseconds\":%d,\"errors\":%d}}\\n',\n\
         summary.requests, summary.duration, e.connect + e.read + e.write + e.status + e.timeout))\n\
         end\n"
    )
}
