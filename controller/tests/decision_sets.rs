//! Decision sets for tests: written, packed, signed; and what is asked about those in use.

use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sark_decider::directory;
use sark_policy::decision::Line;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::client::{get, post};
use crate::daemon::Place;

/// Without a gobgpd: nothing here moves routers.
pub(crate) const NOBODY: &str =
    "bgp: { asn: 64512, routerId: 127.0.0.1, gobgpd: { mode: external, api: '127.0.0.1:9' } }";
pub(crate) const DECIDE: &str = "/v1/decisions";
pub(crate) const ROLLOUT: &str = "/v1/decisions/rollout";

pub(crate) fn shipped() -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/decision");
    let files = directory::read(&path).unwrap().into_iter();
    files.map(|file| json!({ "name": file.path, "text": text(file.octets) })).collect()
}

pub(crate) fn text(octets: Vec<u8>) -> String {
    String::from_utf8(octets).unwrap()
}

/// A set with one policy, which says `action` of users that begin with `who`.
pub(crate) fn small(name: &str, action: &str, who: &str) -> Vec<(String, String)> {
    let lines = |value: &str| Line::ALL.map(|line| format!("    {line}: {value}\n")).concat();
    let (defaults, on_error) = (lines("{ action: allow }"), lines("deny"));
    let settings = format!(
        "apiVersion: sark/v1\nkind: DecisionSet\nmetadata: {{ name: {name} }}\nspec:\n  \
         defaults:\n{defaults}  onError:\n{on_error}"
    );
    let policy = format!(
        "package sark.llm.one\n\ndecisions contains {{\"action\": \"{action}\", \
         \"rule_id\": \"r\", \"reason\": \"{name} says so\"}} if startswith(input.user, \"{who}\")\n"
    );
    vec![("set.yaml".to_owned(), settings), ("llm/one.rego".to_owned(), policy)]
}

pub(crate) fn named(files: &[(String, String)]) -> Vec<Value> {
    files.iter().map(|(name, text)| json!({ "name": name, "text": text })).collect()
}

pub(crate) fn write(directory: &Path, files: &[(String, String)]) {
    for (name, text) in files {
        let path = directory.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

/// By Debian's tar.
pub(crate) fn bundle(files: &[(String, String)]) -> Vec<u8> {
    let manifest = "{\"revision\": \"r7\", \"roots\": [\"\"]}";
    let manifest = (".manifest".to_owned(), manifest.to_owned());
    packed(&files.iter().cloned().chain([manifest]).collect::<Vec<_>>())
}

pub(crate) fn packed(files: &[(String, String)]) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), files);
    let mut tar = Command::new("tar");
    let made = tar.arg("-C").arg(directory.path()).args(["-czf", "-", "."]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    made.stdout
}

/// The policies of a set, signed as `opa sign` does it with a secret.
pub(crate) fn signed(files: &[(String, String)], key: &str) -> Vec<u8> {
    let encode = |octets: &[u8]| URL_SAFE_NO_PAD.encode(octets);
    let policies: Vec<_> = files.iter().filter(|(path, _)| path.ends_with(".rego")).collect();
    let entry = |(name, text): &&(String, String)| {
        let hash = sark_core::ContentHash::of(text.as_bytes());
        let hash = hash.as_str().strip_prefix("sha256:").unwrap().to_owned();
        json!({ "name": name, "hash": hash, "algorithm": "SHA-256" })
    };
    let claims = json!({ "files": policies.iter().map(entry).collect::<Vec<_>>() }).to_string();
    let text = format!("{}.{}", encode(br#"{"alg":"HS256"}"#), encode(claims.as_bytes()));
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    let token = format!("{text}.{}", encode(&mac.finalize().into_bytes()));
    let document = (".signatures.json".to_owned(), json!({ "signatures": [token] }).to_string());
    let files: Vec<_> = policies.into_iter().cloned().chain([document]).collect();
    packed(&files)
}

pub(crate) fn asked(user: &str) -> Value {
    let input = json!({ "id": "q-1", "operation": "chat", "user": user });
    json!({ "line": "llm", "input": input })
}

pub(crate) async fn action(socket: &Path, user: &str) -> String {
    let (status, answer) = post(socket, DECIDE, asked(user)).await;
    assert_eq!(status, 200, "{answer}");
    answer["decision"]["action"].as_str().unwrap().to_owned()
}

pub(crate) async fn active(socket: &Path) -> String {
    let (_, now) = get(socket, ROLLOUT).await;
    now["active"]["name"].as_str().unwrap_or("none").to_owned()
}

/// Records of this event, oldest first, when there are so many.
pub(crate) async fn records(place: &Place, event: &str, count: usize) -> Vec<Value> {
    let path = format!("/v1/audit/records?limit=1000&event={event}");
    place
        .until(event, async || {
            let (_, answer) = get(&place.socket(), &path).await;
            let mut found = answer["records"].as_array().unwrap().clone();
            found.reverse();
            (found.len() >= count).then_some(found)
        })
        .await
}
