//! The API against its own description: schemathesis asks a real `sarkd`, over HTTPS, as each role.
//!
//! Needs gobgpd and schemathesis; `cargo xtask setup` installs both.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::json;

use crate::client;
use crate::daemon::Place;
use crate::secured::{Authority, write};

/// Seconds of chance for each role, after all of what the description itself suggests.
const CHANCE: &str = "12";
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_schema_conformance";

#[tokio::test(flavor = "multi_thread")]
async fn the_api_is_as_it_is_described_to_viewers() {
    is_as_described_to(&["viewer"], &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_is_as_it_is_described_to_operators() {
    is_as_described_to(&["operator"], &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_is_as_it_is_described_to_approvers() {
    is_as_described_to(&["approver"], &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_is_as_it_is_described_to_administrators() {
    is_as_described_to(&["admin"], &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_is_as_it_is_described_to_sensors() {
    is_as_described_to(&[], &["sensors:rfc1149"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_is_as_it_is_described_to_proxies() {
    is_as_described_to(&[], &["proxy"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_is_as_it_is_described_to_enforcers() {
    is_as_described_to(&[], &["enforcer"]).await;
}

async fn is_as_described_to(roles: &[&str], scopes: &[&str]) {
    let mut place = Place::new("");
    let root = place.root().to_owned();
    let authority = Authority::new();
    let pair = authority.sign(&["127.0.0.1"], "sarkd");
    write(&root.join("server.pem"), &pair.certificate);
    write(&root.join("server.key"), &pair.key);
    write(&root.join("authority.pem"), &authority.pem());
    let port = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().port()
    };
    let directory = root.display();
    let text = format!(
        "state: {{ directory: {directory}/state }}
log: {{ filter: 'info,sark_controller::api::https=debug' }}
bgp: {{ asn: 64512, routerId: 127.0.0.1, listenPort: 0 }}
sensors: {{ perMinute: 6000 }}
api:
  socket: {directory}/sarkd.sock
  https: {{ listen: '127.0.0.1:{port}', certificate: server.pem, key: server.key }}
"
    );
    std::fs::write(root.join("sark.yaml"), text).unwrap();
    place.start().await;
    let request = json!({ "name": "schemathesis", "roles": roles, "scopes": scopes });
    let (status, made) = client::post(&place.socket(), "/v1/auth/tokens", request).await;
    assert_eq!(status, 200, "{made}");
    // Each connection ends with its answer: between two requests schemathesis may think for longer than
    // sarkd keeps a connection that says nothing, and a request then meets its end. And not on the
    // command line, where every user of the machine would see the token.
    let token = made["secret"].as_str().unwrap();
    let settings = root.join("schemathesis.toml");
    std::fs::write(
        &settings,
        format!("[headers]\nAuthorization = \"Bearer {token}\"\nConnection = \"close\"\n"),
    )
    .unwrap();
    std::fs::set_permissions(&settings, std::fs::Permissions::from_mode(0o600)).unwrap();
    // Every operation, however slow the machine is.
    let said = ask(&place, port, &["--phases", "coverage"]).await;
    assert!(said.contains("Tested: ") && !said.contains("Skipped: "), "{said}");
    ask(&place, port, &["--phases", "fuzzing", "--max-time", CHANCE]).await;
    assert!(place.terminate().await.success());
}

/// Asks in this way; what it said. Fails if anything is not as it is described.
async fn ask(place: &Place, port: u16, how: &[&str]) -> String {
    let mut command = tokio::process::Command::new("python3");
    command
        .current_dir(place.root())
        .env("PYTHONPATH", schemathesis())
        .args(["-m", "schemathesis.cli", "--config-file", "schemathesis.toml", "run"])
        .arg(format!("https://127.0.0.1:{port}/openapi.json"))
        .args(["--checks", CHECKS, "--max-examples", "20", "--generation-deterministic"])
        // One worker: before 3.11.8 CPython counts how deep its parser is for all threads at once
        // (its issue 106905), and hypothesis parses lambdas in each: "recursion depth mismatch".
        .args(["--workers", "1", "--request-timeout", "30", "--warnings", "off", "--no-color"])
        .arg("--tls-verify")
        .arg(place.root().join("authority.pem"))
        .args(how);
    let output = command.output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{how:?}:\n{said}\n{errors}");
    said
}

fn schemathesis() -> PathBuf {
    match std::env::var_os("SARK_PYTHON") {
        Some(path) => path.into(),
        None => panic!(
            "SARK_PYTHON is not set: run `cargo xtask setup`, then use `cargo xtask test` or export what it prints"
        ),
    }
}
