//! The programs themselves: a client's packets are steered through `sark-proxy`, which decides by what a
//! real `sarkd` gives it and hands in its records there; `sarkctl` tells the story. Takes root, and `sarkd`
//! and `sarkctl` built beside this test.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::client::{Client, tls};
use crate::row::Row;
use crate::server::Server;
use crate::world::{NAME, POLICY, SETTINGS, chat};

const SOON: Duration = Duration::from_secs(60);
const SERVER: &str = "10.77.2.2";

const STEER: &str = "apiVersion: sark/v1
kind: FlowSpecPolicy
metadata: { name: inspect-lab }
spec:
  from: [10.77.1.0/24]
  to: { prefixes: [10.77.2.2/32] }
  protocol: tcp
  ports: [443]
  action: { redirect: { to: inspection } }
";

/// A program that lies where this test's own lies.
fn program(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_sark-proxy")).with_file_name(name);
    assert!(
        path.exists(),
        "{} is not built: cargo build -p sark-controller -p sarkctl, in the profile of this test",
        path.display()
    );
    path
}

/// Ends what it started, by its id.
struct Running(Child);

impl Running {
    fn start(command: &mut Command, log: &Path) -> Self {
        let log = File::create(log).unwrap();
        let command = command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        Self(command.spawn().unwrap())
    }

    fn end(mut self) {
        kill(Pid::from_raw(i32::try_from(self.0.id()).unwrap()), Signal::SIGTERM).unwrap();
        let until = Instant::now() + SOON;
        while self.0.try_wait().unwrap().is_none() {
            assert!(Instant::now() < until, "it does not end");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A directory with all that the programs need.
struct Place(tempfile::TempDir);

impl Place {
    fn new(server_root: &str) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let root = place.0.path().display().to_string();
        place.write(
            "sark.yaml",
            &format!(
                "state: {{ directory: {root}/sarkd }}
api: {{ socket: {root}/sarkd.sock }}
bgp: {{ asn: 64512, routerId: 127.0.0.1, gobgpd: {{ mode: external, api: '127.0.0.1:9' }} }}
pools: [{{ name: inspection, readsSni: true, proxies: [{{ name: a, nextHop4: 10.77.1.1, sourcePrefixes: [10.77.1.1/32] }}] }}]
peers: [{{ name: nobody, address: 127.0.0.2, asn: 64601, profile: frr, port: 17909 }}]
"
            ),
        );
        place.write(
            "proxy.yaml",
            &format!(
                "name: edge-1
sarkd: {{ socket: {root}/sarkd.sock }}
transparent: {{ interfaces: [to-client] }}
sources: [{{ prefix: 10.77.1.0/24, user: alice, groups: [engineering] }}]
upstream: {{ roots: [{root}/server.pem] }}
state: {{ directory: {root}/proxy }}
metrics: {{ listen: null }}
"
            ),
        );
        place.write("server.pem", server_root);
        place.write("steer.yaml", STEER);
        std::fs::create_dir_all(place.path("set/sark/llm")).unwrap();
        place.write("set/set.yaml", SETTINGS);
        place.write("set/sark/llm/models.rego", POLICY);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// What `sarkctl` prints, or its exit code and words.
    fn sarkctl(&self, words: &[&str]) -> Result<String, (i32, String)> {
        let mut command = Command::new(program("sarkctl"));
        command.arg("--socket").arg(self.path("sarkd.sock")).args(words).current_dir(self.0.path());
        let done = command.stdin(Stdio::null()).output().unwrap();
        let text = |octets: Vec<u8>| String::from_utf8(octets).unwrap();
        match done.status.code() {
            Some(0) => Ok(text(done.stdout)),
            code => Err((code.unwrap_or(-1), text(done.stderr))),
        }
    }

    fn json(&self, words: &[&str]) -> Value {
        let said = self.sarkctl(words).unwrap_or_else(|failed| panic!("{words:?}: {failed:?}"));
        serde_json::from_str(&said).unwrap()
    }

    fn until<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let until = Instant::now() + SOON;
        loop {
            if let Some(found) = look() {
                return found;
            }
            let log = |name| std::fs::read_to_string(self.path(name)).unwrap_or_default();
            assert!(
                Instant::now() < until,
                "waited in vain until {what}\n{}\n{}",
                log("sarkd.log"),
                log("proxy.log")
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

#[test]
fn a_request_is_decided_recorded_handed_in_and_explained() {
    let row = Row::new("whole");
    let (to_server, told) = tokio::sync::oneshot::channel::<()>();
    let (roots, root) = mpsc::sync_channel(1);
    let serving = row.spawn("server", async move {
        let server = Server::at("[::]:443", &["h2", "http/1.1"]).await;
        roots.send(server.root.clone()).unwrap();
        let _ = told.await;
        server.seen().len()
    });
    let place = Place::new(&root.recv().unwrap());

    let mut sarkd = Command::new(program("sarkd"));
    sarkd.arg("--config").arg(place.path("sark.yaml"));
    let sarkd = Running::start(&mut sarkd, &place.path("sarkd.log"));
    place.until("sarkd answers", || place.sarkctl(&["proxy", "status"]).ok());
    place.json(&["policy", "activate", "set", "--yes", "-o", "json"]);
    let applied = place.json(&["flowspec", "apply", "-f", "steer.yaml", "--yes", "-o", "json"]);
    assert_eq!(applied["revision"], 1, "{applied}");

    place.sarkctl(&["proxy", "ca", "create", "--directory", "proxy/ca"]).unwrap();
    let in_router = |words: &[&str]| {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &row.name("router"), env!("CARGO_BIN_EXE_sark-proxy")]);
        command.arg("--config").arg(place.path("proxy.yaml")).args(words);
        command
    };
    let up = in_router(&["net", "up"]).output().unwrap();
    assert!(up.status.success(), "{up:?}");
    let proxy = Running::start(&mut in_router(&[]), &place.path("proxy.log"));
    place.until("the proxy has the snapshot", || {
        let status = place.json(&["proxy", "status", "-o", "json"]);
        let proxy = status["proxies"].as_array()?.first()?.clone();
        (proxy["snapshot"] == status["snapshot"]).then_some(())
    });

    let trusted = std::fs::read_to_string(place.path("proxy/ca/trusted.pem")).unwrap();
    let denied = row.run("client", async move {
        let stream = TcpStream::connect((SERVER, 443)).await.unwrap();
        let stream = tls(stream, NAME, &trusted, &["h2", "http/1.1"]).await.unwrap();
        let mut client = Client::on(stream).await;
        let path = "/v1/chat/completions";
        let (head, body) = client.post(NAME, path, &chat("gpt-4o", false)).await;
        assert_eq!(head.status(), 200, "{body}");
        let (head, body) = client.post(NAME, path, &chat("forbidden", false)).await;
        assert_eq!(head.status(), 403, "{body}");
        let id = head.headers()["x-sark-request-id"].to_str().unwrap().to_owned();
        assert!(body.contains(&id), "who is refused reads it: {body}");
        id
    });

    // The one that was denied, by the id that the client was given.
    let story = place.until("its records are handed in", || {
        place.sarkctl(&["explain", &denied, "-o", "json"]).ok()
    });
    let story: Value = serde_json::from_str(&story).unwrap();
    assert_eq!(story["request"], denied.as_str());
    assert_eq!(story["client"]["user"], "alice");
    assert!(story["client"]["address"].as_str().unwrap().starts_with("10.77.1.2:"), "{story}");
    assert_eq!(story["destination"]["address"], "10.77.2.2:443");
    assert_eq!(story["destination"]["name"], NAME);
    assert_eq!(story["destination"]["entrance"], "transparent");
    let steered = &story["steering"];
    assert_eq!((&steered["revision"], &steered["rules"][0]["line"]), (&1.into(), &1.into()));
    assert_eq!(steered["rules"][0]["policy"], "inspect-lab", "{story}");
    assert_eq!(story["decisions"][0]["rule"], "forbidden");
    assert_eq!(story["decisions"][0]["by"], "proxy:edge-1 (uid:0(root))");
    assert_eq!(story["answers"].as_array().unwrap().len(), 0);
    let words = place.sarkctl(&["explain", &denied]).unwrap();
    for part in ["forbidden is not a model for you", "inspect-lab (steer.yaml:1)", "alice"] {
        assert!(words.contains(part), "{part}: {words}");
    }

    // The one that was answered, as it is seen to pass.
    let answered = place.until("its answer is handed in", || {
        let top = place.json(&["proxy", "top", "--once", "-o", "json"]);
        let last = top["last"].as_array().unwrap().clone();
        last.into_iter().find(|call| call["status"] == 200)
    });
    let answered = answered["request"].as_str().unwrap().to_owned();
    let story = place.json(&["explain", &answered[..24], "-o", "json"]);
    assert_eq!(story["request"], answered.as_str());
    assert_eq!(story["answers"][0]["usage"], serde_json::json!({ "input": 12, "output": 4 }));
    assert_eq!(story["records"].as_array().unwrap().len(), 2, "{story}");

    let unknown = place.sarkctl(&["explain", "0000000000000000"]).unwrap_err();
    assert_eq!(unknown.0, 2, "{unknown:?}");
    assert!(unknown.1.contains("audit search"), "{unknown:?}");
    // Both are younger than an hour: their ids begin alike.
    let several = place.sarkctl(&["explain", &answered[..4]]).unwrap_err();
    assert!(several.1.contains("beginning of several"), "{several:?}");
    let found = place.json(&["audit", "search", "--request", &answered, "-o", "json"]);
    assert_eq!(found["records"].as_array().unwrap().len(), 2, "{found}");
    place.sarkctl(&["audit", "verify"]).unwrap();

    assert!(in_router(&["net", "down"]).output().unwrap().status.success());
    proxy.end();
    sarkd.end();
    drop(to_server);
    assert_eq!(serving.join().unwrap(), 1, "what is denied does not go out");
}
