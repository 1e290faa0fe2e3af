//! Each sink beside the vendor's own client or parser; syslog with a real rsyslog. `cargo xtask
//! setup` unpacks and installs them.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use sark_alerts::Verdict;
use sark_core::storage::AuditStore as _;
use serde_json::{Value, json};

use crate::alerts::{Scene, record};
use crate::feed_certificate::certified;
use crate::receiver::{Receiver, Request, Says};
use crate::world::SOON;

/// Asks the vendor's program; fails with what it says.
async fn agrees(what: &'static str, given: Value) {
    let packages = std::env::var_os("SARK_PYTHON").expect(
        "SARK_PYTHON names the Python packages: run `cargo xtask setup --only python` and set what \
         it prints",
    );
    let asked = tokio::task::spawn_blocking(move || {
        let mut python = Command::new("python3")
            .args(["-c", include_str!("alert_vendors.py"), what])
            .env("PYTHONPATH", packages)
            .env("NO_PROXY", "127.0.0.1,localhost")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("python3");
        let mut input = python.stdin.take().unwrap();
        input.write_all(format!("{given}\n").as_bytes()).unwrap();
        drop(input);
        python.wait_with_output().unwrap()
    });
    let output = asked.await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let wrong = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.trim() == "agreed", "{what}: {said}{wrong}");
}

/// A test message to a sink of this kind; what was sent.
async fn sent(kind: &str, receiver: &Receiver) -> Request {
    let text = format!("  sinks: [{{ name: it, {kind}, privateAddresses: [127.0.0.0/8] }}]");
    let scene = Scene::new(&text);
    let verdict = scene.test("it").await;
    assert!(matches!(verdict, Verdict::Delivered { .. }), "{verdict:?}");
    receiver.requests().pop().unwrap()
}

fn given(request: &Request) -> Value {
    let headers = request.head.lines().skip(1).filter_map(|line| line.split_once(':'));
    let headers: serde_json::Map<String, Value> =
        headers.map(|(name, value)| (name.to_lowercase(), value.trim().into())).collect();
    json!({ "headers": headers, "body": String::from_utf8(request.body.clone()).unwrap() })
}

#[tokio::test]
async fn standard_webhooks_verifies_the_signature() {
    let receiver = Receiver::new(Says::ok()).await;
    let url = receiver.url("/");
    let request = sent(&format!("webhook: {{ url: '{url}', keys: ['env:KEY'] }}"), &receiver).await;
    let mut given = given(&request);
    given["key"] = json!("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    agrees("webhook", given).await;
}

#[tokio::test]
async fn slack_sdk_reads_the_blocks() {
    let receiver = Receiver::new(Says::ok()).await;
    let url = format!("slack: {{ url: 'env:URL_{}' }}", receiver.at.port());
    agrees("slack", given(&sent(&url, &receiver).await)).await;
}

#[tokio::test]
async fn pagerduty_sends_the_same_event() {
    let receiver = Receiver::new(Says::ok()).await;
    let url = receiver.url("/v2/enqueue");
    let kind = format!("pagerduty: {{ url: '{url}', routingKey: 'env:TOKEN' }}");
    // The client speaks with nobody over plain HTTP.
    let directory = tempfile::tempdir().unwrap();
    certificate(directory.path());
    let mut given = given(&sent(&kind, &receiver).await);
    given["tls"] = json!(directory.path());
    agrees("pagerduty", given).await;
}

/// Data collection rule `dcr-1` of Azure Monitor, and Entra's token for it.
fn azure(request: &Request) -> Vec<u8> {
    let line = request.head.lines().next().unwrap_or_default();
    let answer = |status: &str, body: &str| {
        let head = "Content-Type: application/json\r\nConnection: close";
        format!("HTTP/1.1 {status}\r\n{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
            .into_bytes()
    };
    let body = match request.header("content-encoding") {
        Some("gzip") => {
            let mut text = Vec::new();
            let mut reader = flate2::read::GzDecoder::new(request.body.as_slice());
            std::io::Read::read_to_end(&mut reader, &mut text).unwrap();
            text
        }
        _ => request.body.clone(),
    };
    if line.starts_with("POST /tenant/oauth2/v2.0/token ") {
        let form = String::from_utf8_lossy(&body).into_owned();
        let wanted = "scope=https%3A%2F%2Fmonitor.azure.com%2F.default";
        let fine = form.contains("grant_type=client_credentials") && form.contains(wanted);
        return match fine {
            true => {
                answer("200 OK", r#"{"token_type":"Bearer","expires_in":3599,"access_token":"B0"}"#)
            }
            false => answer("400 Bad Request", r#"{"error":"invalid_request"}"#),
        };
    }
    let path = "/dataCollectionRules/dcr-1/streams/Custom-SarkAlerts_CL?api-version=2023-01-01";
    if line != format!("POST {path} HTTP/1.1") {
        return answer("404 Not Found", r#"{"error":{"code":"NotFound","message":"no rule"}}"#);
    }
    if request.header("authorization") != Some("Bearer B0") {
        return answer("401 Unauthorized", r#"{"error":{"code":"InvalidToken","message":"-"}}"#);
    }
    let rows: Option<Vec<serde_json::Map<String, Value>>> = serde_json::from_slice(&body).ok();
    match rows {
        Some(rows) if !rows.is_empty() && body.len() <= 1 << 20 => {
            b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n".to_vec()
        }
        _ => answer("400 Bad Request", r#"{"error":{"code":"InvalidPayload","message":"-"}}"#),
    }
}

/// The emulator counts because Azure's own client completes the flow against it.
#[tokio::test]
async fn sentinel_beside_azures_client() {
    let (tls, authority) = certified("localhost", false);
    let receiver = Receiver::over(Says::Of(azure), Some(tls)).await;
    let directory = tempfile::tempdir().unwrap();
    let ca = directory.path().join("ca.pem");
    std::fs::write(&ca, authority).unwrap();
    let url = format!("https://localhost:{}", receiver.at.port());
    let logs = json!([{ "TimeGenerated": "2026-11-28T12:00:00Z", "Title": "x" }]);
    agrees("sentinel", json!({ "url": url, "ca": ca, "logs": logs })).await;
    let before = receiver.requests().len();
    assert!(before >= 2, "{before}");
    let text = format!(
        "  sinks: [{{ name: it, caFile: {}, privateAddresses: ['127.0.0.0/8', '::1/128'], sentinel: {{ \
         endpoint: '{url}', authority: '{url}', rule: dcr-1, stream: Custom-SarkAlerts_CL, \
         tenant: tenant, clientId: c, clientSecret: 'env:TOKEN' }} }}]",
        ca.display()
    );
    let scene = Scene::new(&text);
    for _ in 0..2 {
        let verdict = scene.test("it").await;
        assert!(matches!(verdict, Verdict::Delivered { .. }), "{verdict:?}");
    }
    // One token for both.
    assert_eq!(receiver.requests().len(), before + 3);
    let scene = Scene::new(&text.replace("dcr-1", "dcr-3"));
    let verdict = scene.test("it").await;
    assert!(matches!(&verdict, Verdict::Dead { why } if why.contains("404")), "{verdict:?}");
}

/// rsyslogd on loopback, ended when dropped.
struct Rsyslog {
    child: Child,
    directory: tempfile::TempDir,
    port: u16,
}

impl Drop for Rsyslog {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that nobody has now.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Rsyslog {
    async fn start(is_tls: bool) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let port = free_port();
        let (global, module) = match is_tls {
            true => {
                certificate(root);
                let files = ["CAFile=\"ca.pem\"", "CertFile=\"cert.pem\"", "KeyFile=\"key.pem\""]
                    .map(|file| {
                        let (name, file) = file.split_once("=\"").unwrap();
                        format!("DefaultNetstreamDriver{name}=\"{}/{file}", root.display())
                    });
                let global = format!("global(DefaultNetstreamDriver=\"ossl\" {})", files.join(" "));
                let module = "StreamDriver.Name=\"ossl\" StreamDriver.Mode=\"1\" \
                              StreamDriver.AuthMode=\"anon\"";
                (global, module)
            }
            false => (String::new(), ""),
        };
        let text = format!(
            "global(workDirectory=\"{root}\" maxMessageSize=\"64k\")
{global}
module(load=\"imtcp\" {module})
template(name=\"t\" type=\"list\") {{ property(name=\"jsonmesg\") constant(value=\"\\n\") }}
input(type=\"imtcp\" address=\"127.0.0.1\" port=\"{port}\")
action(type=\"omfile\" file=\"{root}/out\" template=\"t\")
",
            root = root.display()
        );
        std::fs::write(root.join("conf"), text).unwrap();
        let log = std::fs::File::create(root.join("log")).unwrap();
        let mut command = Command::new("rsyslogd");
        if !std::env::var("PATH").unwrap_or_default().contains("sbin") {
            command = Command::new("/usr/sbin/rsyslogd");
        }
        let child = command
            .arg("-n")
            .args(["-f".as_ref(), root.join("conf").as_os_str()])
            .args(["-i".as_ref(), root.join("pid").as_os_str()])
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("rsyslogd: run `cargo xtask setup --only packages`");
        let one = Self { child, directory, port };
        one.until("it listens", || {
            std::net::TcpStream::connect(("127.0.0.1", one.port)).is_ok().then_some(())
        })
        .await;
        one
    }

    async fn until<T>(&self, what: &str, mut found: impl FnMut() -> Option<T>) -> T {
        let end = std::time::Instant::now() + SOON;
        loop {
            if let Some(found) = found() {
                return found;
            }
            let log = || std::fs::read_to_string(self.directory.path().join("log"));
            assert!(std::time::Instant::now() < end, "not true: {what}\n{:?}", log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What it wrote, once there are so many messages.
    async fn wrote(&self, many: usize) -> Vec<Value> {
        let out = self.directory.path().join("out");
        self.until("it wrote", || {
            let text = std::fs::read_to_string(&out).ok()?;
            let read = |line: &str| serde_json::from_str::<Value>(line).ok();
            let ours = |value: &Value| value["app-name"] == "sarkd";
            let lines: Vec<_> = text.lines().filter_map(read).filter(ours).collect();
            (lines.len() >= many).then_some(lines)
        })
        .await
    }
}

fn certificate(root: &Path) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    // Not the authority's name: to OpenSSL a certificate whose subject is its issuer signed itself.
    params.distinguished_name.push(DnType::CommonName, "localhost");
    let certificate = params.signed_by(&key, &issuer).unwrap();
    for (name, pem) in [
        ("ca.pem", issuer.pem()),
        ("cert.pem", certificate.pem()),
        ("key.pem", key.serialize_pem()),
    ] {
        std::fs::write(root.join(name), pem).unwrap();
    }
}

#[tokio::test]
async fn rsyslog_reads_what_is_sent() {
    for is_tls in [false, true] {
        let rsyslog = Rsyslog::start(is_tls).await;
        let at = format!("host: localhost, port: {}, tls: {is_tls}", rsyslog.port);
        let ca = match is_tls {
            true => format!("caFile: {}/ca.pem, ", rsyslog.directory.path().display()),
            false => String::new(),
        };
        let mut scene = Scene::new(&format!(
            "  sinks:
  - {{ name: log, {ca}syslog: {{ {at} }} }}
  - {{ name: cef, {ca}cef: {{ {at}, facility: 16 }} }}"
        ));
        let mut odd = record("odd|key=\\\"]", false);
        odd.notice.as_mut().unwrap().title = "a|b=c\\d \"e] é\nf".into();
        scene.base.append(&odd).await.unwrap();
        scene.run();
        let wrote = rsyslog.wrote(2).await;
        let of = |facility: &str| {
            let found = wrote.iter().find(|line| line["syslogfacility"] == facility);
            found.unwrap_or_else(|| panic!("{facility}: {wrote:?}")).clone()
        };
        let log = of("13");
        assert_eq!(log["procid"], "-", "{log}");
        assert_eq!(
            (&log["hostname"], &log["msgid"]),
            (&json!("edge-1"), &json!("registry.feed.held"))
        );
        assert_eq!(log["syslogseverity"], "3");
        let data = log["structured-data"].as_str().unwrap();
        assert!(data.starts_with("[sark@32473 id=\"msg_") && data.ends_with(']'), "{data}");
        assert!(data.contains("key=\"odd|key=\\\\\\\"\\]\""), "{data}");
        assert!(log["msg"].as_str().unwrap().contains("[high] a|b=c\\d \"e] é f"), "{log}");
        let cef = of("16");
        let line = cef["msg"].as_str().unwrap();
        assert!(line.contains("CEF:0|SARK|sarkd|"), "{line}");
        assert!(line.contains("[high] a\\|b=c\\\\d \"e] é f|8|rt="), "{line}");
        scene.stop().await;
    }
}

#[tokio::test]
async fn a_server_of_another_name_is_not_told() {
    let rsyslog = Rsyslog::start(true).await;
    let text = format!(
        "  sinks: [{{ name: log, caFile: {}/ca.pem, syslog: {{ host: 127.0.0.1, port: {} }} }}]",
        rsyslog.directory.path().display(),
        rsyslog.port
    );
    let verdict = Scene::new(&text).test("log").await;
    assert!(
        matches!(&verdict, Verdict::Retry { why, .. } if why.contains("does not prove")),
        "{verdict:?}"
    );
}

/// It does not know escapes in the header, so it gets a title without.
#[tokio::test]
async fn pycef_reads_the_line() {
    let rsyslog = Rsyslog::start(false).await;
    let at = format!("host: 127.0.0.1, port: {}, tls: false", rsyslog.port);
    let mut scene = Scene::new(&format!("  sinks: [{{ name: cef, cef: {{ {at} }} }}]"));
    scene.base.append(&record("feed:aws", false)).await.unwrap();
    scene.run();
    let wrote = rsyslog.wrote(1).await;
    let line = wrote[0]["msg"].as_str().unwrap().trim();
    let wanted = json!({
        "DeviceVendor": "SARK", "DeviceProduct": "sarkd", "CEFVersion": "0", "DeviceSeverity": "8",
        "DeviceEventClassID": "registry.feed.held", "Name": "[high] feed:aws is wrong",
        "dvchost": "edge-1", "act": "opened", "cnt": "1", "alertKey": "feed:aws",
        "facts": "feed: aws",
    });
    agrees("cef", json!({ "line": line, "wanted": wanted })).await;
    scene.stop().await;
}
