//! Setting the stage: every program on its node, trusting whom it should.

use std::fs;
use std::process::Command;

use serde_json::Value;

use super::{DemoError, Scene, Show};
use crate::demo::routers::Expected;
use crate::run::run;

/// Authorities of the servers, and what clients of the proxy believe; beside the lab's state.
pub const INTERNET: &str = "internet.pem";
pub const TRUSTED: &str = "proxy-ca.pem";
/// Likewise as variables, which the client's shells read: `sarkctl proxy ca env`.
pub const ENV: &str = "/run/sark/trust.sh";

const CONFIG: [&str; 2] = ["--config", "/etc/sark/proxy.yaml"];

/// Starts all of it.
pub fn set(scene: &Scene<'_>, show: &mut Show) -> Result<(), DemoError> {
    internet(scene)?;
    show.done("servers that speak like models' listen");
    start_gobgpd(scene)?;
    controller(scene)?;
    show.done(
        "sarkd answers on HTTPS, with the shipped policies in use, and tokens for the others",
    );
    start_enforcer(scene)?;
    show.done("the router runs gobgpd and sark-enforcer");
    proxy(scene)?;
    show.done("sark-proxy is ready: it has its authority, and sarkd's snapshot");
    let up = || {
        let said = scene.sarkctl(&["proxy", "pools", "-o", "json"]);
        said.is_ok_and(|said| said.contains(r#""state": "up""#))
    };
    scene.wait("sarkd to see that the proxy is up", &mut || up())?;
    show.done("sarkd sees it: the pool is up");
    show.heading("sarkctl flowspec apply -f labs/containerlab/inspect/policies");
    let files = ["-f", "labs/containerlab/inspect/policies"];
    let plan = scene.sarkctl(&[&["flowspec", "plan", "-o", "json"], &files[..]].concat())?;
    let expected = Expected::of_plan(&plan)?;
    let said = scene.sarkctl(&[&["flowspec", "apply", "--yes"], &files[..]].concat())?;
    show.say(said.trim_end().rsplit("\n\n").next().unwrap_or(&said));
    let wanted = (expected.ipv4 + expected.ipv6) as usize;
    let has = || rules(scene).is_some_and(|rules| rules.len() == wanted);
    scene.wait("the router to have the rules", &mut || has())?;
    show.done("the router's kernel redirects");
    Ok(())
}

fn internet(scene: &Scene<'_>) -> Result<(), DemoError> {
    let roots = scene.file(INTERNET);
    let _ = fs::remove_file(&roots);
    let path = roots.display().to_string();
    scene.start(
        "internet",
        "examples/standin",
        // At all addresses of the node, of both families.
        &[path.as_str(), "[::]:443"],
    )?;
    let there = || fs::read_to_string(&roots).is_ok_and(|text| !text.is_empty());
    scene.wait("the servers to listen", &mut || there())?;
    let text = fs::read_to_string(&roots).unwrap_or_default();
    scene.put("proxy", "/run/sark/internet.pem", &text)
}

/// The router's own.
pub fn start_gobgpd(scene: &Scene<'_>) -> Result<(), DemoError> {
    scene.start("router", "gobgpd", &["-f", "/etc/gobgp/gobgpd.toml"])
}

/// Likewise.
pub fn start_enforcer(scene: &Scene<'_>) -> Result<(), DemoError> {
    scene.start("router", "sark-enforcer", &["--config", "/etc/sark/enforcer.yaml"])
}

/// And the controller.
pub fn start_sarkd(scene: &Scene<'_>) -> Result<(), DemoError> {
    scene.start("speaker", "sarkd", &["--config", "/etc/sark/sark.yaml"])?;
    scene.wait("sarkd to answer", &mut || scene.sarkctl(&["flowspec", "list"]).is_ok())
}

fn controller(scene: &Scene<'_>) -> Result<(), DemoError> {
    let script = "umask 077; mkdir -p /run/sark/tls; cd /run/sark/tls; \
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout sarkd.key \
        -out sarkd.pem -subj /CN=sarkd -addext subjectAltName=IP:192.0.2.2 \
        -addext basicConstraints=critical,CA:FALSE 2>/dev/null; cat sarkd.pem";
    let certificate = scene.ask("speaker", &["sh", "-c", script])?;
    start_sarkd(scene)?;
    scene.sarkctl(&["policy", "activate", &decision_set(scene)?, "--yes"])?;
    for (node, name, scope) in [("proxy", "proxy-1", "proxy"), ("router", "router", "enforcer")] {
        let token = scene.sarkctl(&["auth", "token", "create", name, "--scope", scope])?;
        scene.put(node, "/run/sark/token", token.trim())?;
        scene.put(node, "/run/sark/sarkd-root.pem", &certificate)?;
    }
    Ok(())
}

/// The shipped set, and the lab's data laid over it.
fn decision_set(scene: &Scene<'_>) -> Result<String, DemoError> {
    let set = scene.file("decision").display().to_string();
    let _ = fs::remove_dir_all(&set);
    let root = &scene.place.root;
    for from in ["policies/decision/.", "labs/containerlab/inspect/decision/."] {
        run(Command::new("cp").arg("-r").arg(root.join(from)).arg(&set))?;
    }
    Ok(set)
}

fn proxy(scene: &Scene<'_>) -> Result<(), DemoError> {
    let built = |program| scene.place.built(program).display().to_string();
    let (sarkctl, program) = (built("sarkctl"), built("sark-proxy"));
    let directory = "/run/sark/proxy/ca";
    let ca = [sarkctl.as_str(), "proxy", "ca"];
    scene.ask("proxy", &[&ca[..], &["create", "--directory", directory]].concat())?;
    // The client has the files at the same paths, and the variables that name them.
    let env = scene.ask("proxy", &[&ca[..], &["env", "--directory", directory]].concat())?;
    scene.put("client", ENV, &env)?;
    for name in ["trusted.pem", "combined.pem"] {
        let path = format!("{directory}/{name}");
        scene.put("client", &path, &scene.ask("proxy", &["cat", &path])?)?;
    }
    let trusted = scene.ask("proxy", &["cat", "/run/sark/proxy/ca/trusted.pem"])?;
    let path = scene.file(TRUSTED);
    let failed = |source| DemoError::File { path: path.display().to_string(), source };
    fs::write(&path, trusted).map_err(failed)?;
    scene.ask("proxy", &[&[program.as_str()], &CONFIG[..], &["net", "up"]].concat())?;
    start_proxy(scene)
}

/// Until it is ready.
pub fn start_proxy(scene: &Scene<'_>) -> Result<(), DemoError> {
    scene.start("proxy", "sark-proxy", &CONFIG)?;
    let words = ["curl", "-sf", "-m", "1", "http://198.51.100.11:9467/readyz"];
    scene.wait("the proxy to be ready", &mut || scene.ask("proxy", &words).is_ok())
}

/// Rules of the router's kernel, as `sark-enforcer show` writes them.
pub fn rules(scene: &Scene<'_>) -> Option<Vec<String>> {
    let program = scene.place.built("sark-enforcer").display().to_string();
    let words = [program.as_str(), "--config", "/etc/sark/enforcer.yaml", "show", "-o", "json"];
    let shown: Value = serde_json::from_str(&scene.ask("router", &words).ok()?).ok()?;
    let rules = shown["rules"].as_array()?.iter();
    Some(rules.map(|rule| rule.to_string()).collect())
}

/// `sark-enforcer show`
pub fn show_rules(scene: &Scene<'_>) -> Result<(), DemoError> {
    let program = scene.place.built("sark-enforcer").display().to_string();
    let words = [program.as_str(), "--config", "/etc/sark/enforcer.yaml", "show"];
    Ok(run(&mut scene.inside("router", &words)?)?)
}
