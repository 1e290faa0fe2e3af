//! The API against its own description: schemathesis asks a real `sarkd`, over HTTPS, as each role.
//!
//! Needs gobgpd and schemathesis; `cargo xtask setup` installs both.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::json;

use crate::client;
use crate::daemon::Place;
use crate::secured::{Authority, write};

/// Seconds for each role.
const EACH: &str = "12";
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_schema_conformance";

fn schemathesis() -> PathBuf {
    match std::env::var_os("SARK_PYTHON") {
        Some(path) => path.into(),
        None => panic!(
            "SARK_PYTHON is not set: run `cargo xtask setup`, then use `cargo xtask test` or export what it prints"
        ),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_is_as_it_is_described() {
    let packages = schemathesis();
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
log: {{ filter: info }}
bgp: {{ asn: 64512, routerId: 127.0.0.1, listenPort: 0 }}
sensors: {{ perMinute: 6000 }}
api:
  socket: {directory}/sarkd.sock
  https: {{ listen: '127.0.0.1:{port}', certificate: server.pem, key: server.key }}
"
    );
    std::fs::write(root.join("sark.yaml"), text).unwrap();
    place.start().await;
    let description = format!("https://127.0.0.1:{port}/openapi.json");
    for (name, roles, scopes) in [
        ("viewer", vec!["viewer"], vec![]),
        ("operator", vec!["operator"], vec![]),
        ("approver", vec!["approver"], vec![]),
        ("admin", vec!["admin"], vec![]),
        ("cat", vec![], vec!["sensors:rfc1149"]),
    ] {
        let request = json!({ "name": name, "roles": roles, "scopes": scopes });
        let (status, made) = client::post(&place.socket(), "/v1/auth/tokens", request).await;
        assert_eq!(status, 200, "{made}");
        let token = made["secret"].as_str().unwrap();
        // Not on the command line, where every user of the machine would see it.
        let settings = root.join("schemathesis.toml");
        std::fs::write(&settings, format!("[headers]\nAuthorization = \"Bearer {token}\"\n"))
            .unwrap();
        std::fs::set_permissions(&settings, std::fs::Permissions::from_mode(0o600)).unwrap();
        let mut command = tokio::process::Command::new("python3");
        command
            .current_dir(&root)
            .env("PYTHONPATH", &packages)
            .args(["-m", "schemathesis.cli", "--config-file", "schemathesis.toml", "run"])
            .arg(&description)
            .args(["--checks", CHECKS, "--phases", "coverage,fuzzing", "--max-time", EACH])
            .args(["--max-examples", "20", "--generation-deterministic", "--no-color"])
            .args(["--workers", "2", "--request-timeout", "30", "--warnings", "off"])
            .arg("--tls-verify")
            .arg(root.join("authority.pem"));
        let output = command.output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "as {name}:\n{said}\n{errors}");
        assert!(said.contains("tested"), "as {name}, nothing was asked:\n{said}\n{errors}");
    }
    assert!(place.terminate().await.success());
}
