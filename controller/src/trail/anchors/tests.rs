use sark_audit::{Checkpoint, SigningKey, Tree, read_anchor};
use sark_core::audit::{Digest, Head};
use sark_outbound::{Reach, Settings};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

fn key() -> SigningKey {
    SigningKey::from_seed("test/audit", &[5; 32]).unwrap()
}

/// Of the first, the second, … record.
fn notes(many: usize) -> Vec<String> {
    let (mut head, mut tree) = (Head::BEGINNING, Tree::default());
    let mut all = Vec::new();
    for _ in 0..many {
        tree.push(Digest::of_leaf(b"{}"));
        head = head.with_octets(b"{}");
        let at = jiff::Timestamp::UNIX_EPOCH;
        all.push(Checkpoint::new(key().public(), head, &tree, at).sign(&key()).to_string());
    }
    all
}

/// The numbers of the records that those in an anchor are of, and how many are torn.
fn read(text: &str) -> (Vec<u64>, usize) {
    let found = read_anchor(text);
    let open = |note| Checkpoint::open(note, key().public()).unwrap().head.sequence;
    (found.notes.iter().map(open).collect(), found.torn.len())
}

#[tokio::test]
async fn a_file_that_was_torn_anywhere_is_written_on_and_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("anchors");
    let anchors = Anchors { file: Some(path.clone()), ..Anchors::default() };
    let notes = notes(3);
    anchors.copy("file", &notes[0]).await.unwrap();
    let first = std::fs::read(&path).unwrap();
    anchors.copy("file", &notes[1]).await.unwrap();
    let both = std::fs::read(&path).unwrap();
    assert_eq!(read(std::str::from_utf8(&both).unwrap()), (vec![1, 2], 0));
    // Also within a character of more than one octet.
    for length in first.len()..=both.len() {
        std::fs::write(&path, &both[..length]).unwrap();
        anchors.copy("file", &notes[2]).await.unwrap();
        anchors.copy("file", &notes[1]).await.unwrap();
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        let expected = match both.len() - length {
            0 | 1 => (vec![1, 2, 3, 2], 0),
            _ if length == first.len() => (vec![1, 3, 2], 0),
            _ => (vec![1, 3, 2], 1),
        };
        assert_eq!(read(&text), expected, "cut at {length}");
    }
}

#[tokio::test]
async fn a_syslog_daemon_has_what_verifies() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let anchors = Anchors { syslog: Some(path.clone()), ..Anchors::default() };
    let notes = notes(2);
    let absent = anchors.copy("syslog", &notes[0]).await;
    assert!(absent.is_err(), "nobody listens");
    let daemon = tokio::net::UnixDatagram::bind(&path).unwrap();
    let mut log = String::new();
    for note in &notes {
        anchors.copy("syslog", note).await.unwrap();
        let mut octets = vec![0; 4096];
        let length = daemon.recv(&mut octets).await.unwrap();
        let message = std::str::from_utf8(&octets[..length]).unwrap();
        let text = message.strip_prefix("<109>").unwrap();
        log.push_str(&format!("Nov 28 12:00:00 host {text}\n"));
    }
    assert_eq!(read(&log), (vec![1, 2], 0));
}

/// Takes one request, answers with this status, gives its text.
async fn answer(listener: &tokio::net::TcpListener, status: &str) -> String {
    let (mut connection, _) = listener.accept().await.unwrap();
    let mut text = Vec::new();
    let is_whole = |text: &[u8]| {
        let text = String::from_utf8_lossy(text).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
        let length = head.to_lowercase().split_once("content-length: ").map(|(_, rest)| {
            rest.split_once("\r\n").map_or(rest, |(length, _)| length).parse::<usize>().unwrap()
        });
        body.len() >= length.unwrap_or(0)
    };
    while !is_whole(&text) {
        let mut octets = [0; 1024];
        let length = connection.read(&mut octets).await.unwrap();
        assert!(length > 0, "the request ended too soon");
        text.extend_from_slice(&octets[..length]);
    }
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    connection.write_all(answer.as_bytes()).await.unwrap();
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn a_webhook_is_given_the_note_and_may_refuse() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/sark", listener.local_addr().unwrap());
    let client = Client::new(Settings { reach: Reach::Any, ..Settings::default() }).unwrap();
    let anchors = Anchors { webhook: Some((client, url)), ..Anchors::default() };
    assert_eq!(anchors.names(), ["webhook"]);
    let notes = notes(1);
    let (done, asked) =
        tokio::join!(anchors.copy("webhook", &notes[0]), answer(&listener, "204 No Content"));
    assert_eq!(done, Ok(()));
    let (head, body) = asked.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /sark ") && head.contains("text/plain"), "{head}");
    assert_eq!(read(body), (vec![1], 0));
    let (done, _) =
        tokio::join!(anchors.copy("webhook", &notes[0]), answer(&listener, "503 Not Now"));
    assert!(done.as_ref().is_err_and(|error| error.contains("503")), "{done:?}");
}
