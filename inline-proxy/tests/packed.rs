//! Bodies that clients pack are opened, decided on, and sent on as they are.

use bytes::Bytes;
use http_body_util::Full;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::client::Client;
use crate::server::Server;
use crate::world::{NAME, Options, World, chat};

/// What the program makes of it.
fn through(program: &str, arguments: &[&str], octets: &[u8]) -> Vec<u8> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program} packs the body: {error}"));
    child.stdin.take().unwrap().write_all(octets).unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success());
    out.stdout
}

#[tokio::test(flavor = "multi_thread")]
async fn each_is_read_by_what_is_in_it() {
    let server = Server::start(&["h2"]).await;
    let roots = vec![server.root.clone()];
    let world = World::new(Options { server_roots: roots, ..Options::default() }).await;
    let address = world.listen(Some(server.address)).await;
    let mut client = Client::connect(address, NAME, &world.root, &["h2"]).await;
    let mut allowed = 0;
    for (coding, program, arguments) in [
        ("gzip", "gzip", &["-c"][..]),
        ("zstd", "zstd", &["-c", "-q"]),
        ("zstd", "zstd", &["-19", "-c", "-q"]),
    ] {
        for (model, status) in [("gpt-4o", 200), ("forbidden", 403)] {
            let body = through(program, arguments, chat(model, false).as_bytes());
            let mut request = client.request("POST", NAME, "/v1/chat/completions", "");
            request.headers_mut().insert("content-encoding", coding.parse().unwrap());
            *request.body_mut() = Full::new(Bytes::from(body.clone()));
            assert_eq!(client.send(request).await.status(), status, "{coding} {model}");
            if status == 200 {
                allowed += 1;
                assert_eq!(server.seen().last().unwrap().body, body, "as it came");
            }
        }
    }
    assert_eq!(server.seen().len(), allowed);
    // One that asks for its usage goes on unpacked.
    let body = through("zstd", &["-c", "-q"], chat("gpt-4o", true).as_bytes());
    let mut request = client.request("POST", NAME, "/v1/chat/completions", "");
    request.headers_mut().insert("content-encoding", "zstd".parse().unwrap());
    *request.body_mut() = Full::new(Bytes::from(body));
    assert_eq!(client.send(request).await.status(), 200);
    let seen = server.seen().pop().unwrap();
    assert!(!seen.headers.contains_key("content-encoding"));
    let sent: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!(
        (&sent["model"], &sent["stream_options"]["include_usage"]),
        (&"gpt-4o".into(), &true.into())
    );
}
