//! Contexts, tokens and approvals, as `sarkctl` has them.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::support::server::Answers;
use crate::support::{Run, Sarkctl, sarkctl};
use sark_core::identity::Presented;
use serde_json::json;

/// Runs it with a configuration directory of its own.
fn at(home: &Path, sarkctl: &Sarkctl, environment: &[(&str, &str)]) -> Run {
    use std::io::Write as _;
    use std::process::Stdio;
    let mut command = sarkctl.command();
    command.env("XDG_CONFIG_HOME", home).envs(environment.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(sarkctl.input());
    let output = child.wait_with_output().unwrap();
    Run {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code().unwrap(),
    }
}

fn text() -> String {
    Presented::make(&[3; 40]).0.reveal().to_owned()
}

#[test]
fn contexts_are_added_used_shown_and_removed() {
    let home = tempfile::tempdir().unwrap();
    let run = |words: Sarkctl| at(home.path(), &words, &[]);
    let server = "https://sark.example.net:8443";
    let added = run(sarkctl(["context", "add", "prod", "--server", server, "--token-stdin"])
        .stdin(format!("{}\n", text())));
    assert_eq!(added.code, 0, "{}", added.stderr);
    let other = run(sarkctl(["context", "add", "lab", "--at", "sarkd.sock"]));
    assert_eq!(other.code, 0, "{}", other.stderr);
    let listed = run(sarkctl(["context", "list"])).stdout;
    assert!(listed.lines().any(|line| line.starts_with('*') && line.contains("prod")), "{listed}");
    assert_eq!(run(sarkctl(["context", "use", "lab"])).code, 0);
    let shown = run(sarkctl(["context", "show", "-o", "json"])).stdout;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((&shown["name"], &shown["current"]), (&json!("lab"), &json!(true)));
    let asked = at(home.path(), &sarkctl(["context", "show"]), &[("SARK_CONTEXT", "prod")]);
    assert!(asked.stdout.contains(server), "{}", asked.stdout);

    // For its owner's eyes, and the token is not in the file of contexts.
    let directory = home.path().join("sark");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    let (contexts, token) = (directory.join("contexts.yaml"), directory.join("tokens/prod"));
    assert_eq!((mode(&contexts), mode(&token)), (0o600, 0o600));
    assert!(!std::fs::read_to_string(&contexts).unwrap().contains("sark_"));
    assert_eq!(std::fs::read_to_string(&token).unwrap().trim(), text());
    assert_eq!(run(sarkctl(["context", "remove", "prod"])).code, 0);
    assert!(!token.exists());
    let gone = run(sarkctl(["context", "use", "prod"]));
    assert_eq!(gone.code, 2);
    assert!(gone.stderr.contains("there is no context"), "{}", gone.stderr);
}

#[test]
fn a_token_is_never_an_argument_and_never_repeated() {
    let home = tempfile::tempdir().unwrap();
    let server = ["context", "add", "prod", "--server", "https://sark.example.net"];
    for (words, stdin) in [
        (vec!["--token", &text()], String::new()),
        (vec!["--token-stdin"], "not a token".to_owned()),
        (vec!["--token-stdin"], text()[1..].to_owned()),
    ] {
        let run = at(home.path(), &sarkctl(server).with(&words).stdin(stdin), &[]);
        assert_eq!(run.code, 2);
        assert!(!run.stderr.contains(&text()[20..]), "{}", run.stderr);
    }
    for wrong in ["http://sark.example.net", "https://", "https://a/b", "https://u@h", "sark"] {
        let run = at(home.path(), &sarkctl(["context", "add", "x", "--server", wrong]), &[]);
        assert_eq!(run.code, 2, "{wrong}");
    }
}

#[test]
fn a_context_without_its_token_says_so_before_it_asks() {
    let home = tempfile::tempdir().unwrap();
    let add = ["context", "add", "prod", "--server", "https://127.0.0.1:1", "--token", "env:TOKEN"];
    assert_eq!(at(home.path(), &sarkctl(add), &[]).code, 0);
    let whoami = sarkctl(["auth", "whoami"]);
    let run = at(home.path(), &whoami, &[]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("no environment variable TOKEN"), "{}", run.stderr);
    let run = at(home.path(), &whoami, &[("TOKEN", "hunter2")]);
    assert!(run.code == 2 && !run.stderr.contains("hunter2"), "{}", run.stderr);
    let run = at(home.path(), &whoami, &[("TOKEN", &text())]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("nobody listens there"), "{}", run.stderr);
    assert!(!run.stderr.contains(&text()[20..]), "{}", run.stderr);
}

#[test]
fn tokens_and_approvals() {
    let token = json!({
        "id": "0123456789ab", "name": "ci", "actor": "token:ci", "roles": ["operator"],
        "scopes": ["flowspec"], "state": "active", "createdAt": "2026-11-21T12:00:00Z",
        "createdBy": "uid:0(root)", "expiresAt": "2027-02-19T12:00:00Z",
    });
    let approval = json!({
        "id": "a1", "kind": "flowspec.plan", "title": "SEC-142", "state": "pending",
        "subject": format!("sha256:{}", "0".repeat(64)), "requestedBy": "token:ci",
        "requestedAt": "2026-11-21T12:00:00Z", "until": "2026-11-21T13:00:00Z",
    });
    let server = Answers::default()
        .on("GET /v1/auth/tokens", 200, &json!({ "tokens": [token] }))
        .on("POST /v1/auth/tokens", 200, &json!({ "token": token, "secret": "sark_text" }))
        .on("DELETE /v1/auth/tokens/ci", 200, &token)
        .on("GET /v1/approvals?state=pending", 200, &json!({ "approvals": [approval] }))
        .on("POST /v1/approvals/a1/approve", 200, &approval)
        .serve();
    let run = |words: Sarkctl| {
        let words = words.with(&["--socket", "sarkd.sock"]).directory(server.path());
        at(server.path(), &words, &[])
    };
    let made = run(sarkctl(["auth", "token", "create", "ci", "--role", "operator"]));
    assert_eq!((made.code, made.stdout.as_str()), (0, "sark_text\n"));
    assert!(made.stderr.contains("not shown again") && !made.stderr.contains("sark_text"));
    let file = server.path().join("ci.token");
    let to = ["auth", "token", "create", "ci", "--role", "operator", "--to", "ci.token"];
    assert!(!run(sarkctl(to)).stdout.contains("sark_text"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "sark_text\n");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let listed = run(sarkctl(["auth", "token", "list"])).stdout;
    assert!(listed.contains("ci") && listed.contains("active"), "{listed}");
    assert_eq!(run(sarkctl(["auth", "token", "revoke", "ci"])).code, 0);
    let listed = run(sarkctl(["approvals", "list", "--state", "pending"])).stdout;
    assert!(listed.contains("SEC-142"), "{listed}");
    let approved = run(sarkctl(["approvals", "approve", "a1", "--reason", "as agreed"]));
    assert_eq!(approved.code, 0, "{}", approved.stderr);
    assert!(server.requests().iter().any(|(_, body)| body.contains("as agreed")));
}
