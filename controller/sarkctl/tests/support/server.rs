//! A stand-in for `sarkd`: answers each route with one prepared body and keeps the requests.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde::Serialize;

/// What was asked: `POST /v1/flowspec/plan` and the body.
pub type Request = (String, String);

/// Answers by `METHOD PATH?QUERY`.
#[derive(Default)]
pub struct Answers(BTreeMap<String, Answer>);

/// Status, header lines, body; and how much longer the body is said to be.
#[derive(Clone)]
struct Answer {
    status: u16,
    headers: String,
    body: String,
    missing: usize,
}

/// Stops answering when it is dropped.
pub struct Server {
    pub directory: tempfile::TempDir,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Answers {
    /// With an answer to this question.
    pub fn on(mut self, question: &str, status: u16, body: &impl Serialize) -> Self {
        let (headers, body) = (String::new(), serde_json::to_string(body).unwrap());
        self.0.insert(question.to_owned(), Answer { status, headers, body, missing: 0 });
        self
    }

    /// With a document, cut off if octets of it are missing.
    pub fn document(mut self, question: &str, notes: &[&str], body: &str, missing: usize) -> Self {
        let headers = notes.iter().map(|note| format!("sark-note: {note}\r\n")).collect();
        let body = body.to_owned();
        self.0.insert(question.to_owned(), Answer { status: 200, headers, body, missing });
        self
    }

    /// With lines as an answer, of this registry version.
    pub fn lines(mut self, question: &str, version: &str, text: &str) -> Self {
        let headers = format!("sark-registry-version: {version}\r\n");
        let body = text.to_owned();
        self.0.insert(question.to_owned(), Answer { status: 200, headers, body, missing: 0 });
        self
    }

    /// Listens on `sarkd.sock` in a new directory.
    pub fn serve(self) -> Server {
        let directory = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(directory.path().join("sarkd.sock")).unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        // Ends with the test process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                answer(stream.unwrap(), &self.0, &seen);
            }
        });
        Server { directory, requests }
    }
}

impl Server {
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Writes a file beside the socket.
    pub fn file(self, name: &str, text: &str) -> Self {
        std::fs::write(self.path().join(name), text).unwrap();
        self
    }

    /// All that was asked until now.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

fn answer(mut stream: UnixStream, answers: &BTreeMap<String, Answer>, seen: &Mutex<Vec<Request>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap() == 0 {
            return;
        }
        if line.trim().is_empty() {
            break;
        }
        head.push(line.trim().to_owned());
    }
    let length = head
        .iter()
        .find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let question = head[0].trim_end_matches(" HTTP/1.1").to_owned();
    let strange =
        || Answer { status: 404, headers: String::new(), body: "no such route".into(), missing: 0 };
    let Answer { status, headers, body: text, missing } =
        answers.get(&question).cloned().unwrap_or_else(strange);
    seen.lock().unwrap().push((question, String::from_utf8(body).unwrap()));
    let _ = write!(
        stream,
        "HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{headers}connection: close\r\n\r\n{text}",
        text.len() + missing
    );
}
