//! OPA's own engine behind a pipe: `../opa/opa.py` says how to speak to it.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

pub struct Opa {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Opa {
    pub fn start() -> Self {
        assert!(
            std::env::var_os("SARK_OPA").is_some(),
            "SARK_OPA is not set: run `cargo xtask setup --only python`, then use target/setup.env"
        );
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/opa/opa.py");
        let mut python = Command::new("python3");
        python.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = python.spawn().unwrap_or_else(|e| panic!("python3: {e}"));
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdin, stdout }
    }

    fn ask(&mut self, what: &Value) -> Value {
        let stdin = self.stdin.as_mut().unwrap();
        writeln!(stdin, "{what}").unwrap();
        stdin.flush().unwrap();
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "OPA ended at {what}");
        serde_json::from_str(&line).unwrap()
    }

    /// Modules by path, and the data document. What OPA finds wrong is the error.
    pub fn load(&mut self, modules: &[(String, String)], data: &Value) -> Result<(), String> {
        let modules: serde_json::Map<String, Value> =
            modules.iter().map(|(path, text)| (path.clone(), json!(text))).collect();
        match self.ask(&json!({ "load": { "modules": modules, "data": data } })) {
            Value::Object(answer) if answer.contains_key("ok") => Ok(()),
            answer => Err(answer.to_string()),
        }
    }

    /// The document, `None` if it is undefined.
    pub fn document(&mut self, path: &str, input: &Value) -> Result<Option<Value>, String> {
        let mut answer = self.ask(&json!({ "query": path, "input": input }));
        if let Some(result) = answer.get_mut("result") {
            return Ok(Some(result.take()));
        }
        if answer.get("undefined").is_some() { Ok(None) } else { Err(answer.to_string()) }
    }

    /// What became of each test.
    pub fn tests(&mut self) -> Vec<(String, bool)> {
        let answer = self.ask(&json!({ "tests": true }));
        let tests = answer["tests"].as_object().unwrap_or_else(|| panic!("{answer}"));
        tests.iter().map(|(name, passed)| (name.clone(), passed == &json!(true))).collect()
    }
}

impl Drop for Opa {
    fn drop(&mut self) {
        // The end of its input is its end.
        self.stdin = None;
        let _ = self.child.wait();
    }
}
