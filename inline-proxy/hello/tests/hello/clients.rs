//! Clients of this machine, as they are today.

use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use sark_hello::{ClientHello, Limits, Progress, Reader};

fn hello_of(stream: &mut TcpStream, portion: usize) -> ClientHello {
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut reader = Reader::new(Limits::default());
    let mut buffer = vec![0; portion];
    loop {
        let octets = stream.read(&mut buffer).unwrap();
        assert_ne!(octets, 0, "closed after {:?}", reader.octets());
        match reader.push(&buffer[..octets]) {
            Progress::NeedMore => {}
            Progress::Hello(hello) => return *hello,
            other => panic!("{other:?}"),
        }
    }
}

/// What it says to a listener whose port it is told.
fn hello(program: &str, arguments: impl Fn(u16) -> Vec<String>) -> ClientHello {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut child = Command::new(program)
        .args(arguments(port))
        .env("no_proxy", "*")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let (sender, receiver) = sync_channel(1);
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        sender.send(hello_of(&mut stream, 100)).unwrap();
    });
    // Whatever keeps it from coming, the test ends.
    let hello = receiver.recv_timeout(Duration::from_secs(30));
    _ = child.kill();
    child.wait().unwrap();
    hello.unwrap_or_else(|error| panic!("{program}: {error}"))
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

fn check(hello: &ClientHello, alpn: &[&[u8]]) {
    assert_eq!(hello.server_name(), Some("api.openai.com"));
    assert!(hello.alpn().eq(alpn.iter().copied()), "{hello:?}");
    assert!(hello.supported_versions().contains(0x0304));
    assert!(hello.key_share_groups().count() > 0);
    assert!(hello.supported_groups().len() > 1 && !hello.signature_algorithms().is_empty());
    assert!(hello.ja4().starts_with("t13d"), "{hello:?}");
    assert_eq!(hello.ech(), None);
}

#[test]
fn openssl() {
    let line = |port| {
        format!("s_client -connect 127.0.0.1:{port} -servername API.OpenAI.com -alpn h2,http/1.1")
    };
    check(&hello("openssl", |port| words(&line(port))), &[b"h2", b"http/1.1"]);
    let old = |port| format!("s_client -connect 127.0.0.1:{port} -noservername -tls1_2");
    let old = hello("openssl", |port| words(&old(port)));
    assert_eq!(old.server_name(), None);
    assert!(old.supported_versions().is_empty());
    assert!(old.ja4().starts_with("t12i"), "{old:?}");
}

#[test]
fn curl() {
    let line = |port| {
        format!("-sk --http1.1 --connect-to ::127.0.0.1:{port} https://API.openai.com/v1/models")
    };
    check(&hello("curl", |port| words(&line(port))), &[b"http/1.1"]);
}

#[test]
fn python() {
    let script = |port| {
        format!(
            "import socket, ssl\n\
             context = ssl.create_default_context()\n\
             context.set_alpn_protocols(['http/1.1'])\n\
             stream = socket.create_connection(('127.0.0.1', {port}))\n\
             context.wrap_socket(stream, server_hostname='api.openai.com')"
        )
    };
    let hello = hello("python3", |port| vec!["-c".to_owned(), script(port)]);
    check(&hello, &[b"http/1.1"]);
}

/// The one that speaks for SARK itself.
#[test]
fn rustls() {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = "api.openai.com".try_into().unwrap();
    let mut client = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut octets = Vec::new();
    client.write_tls(&mut octets).unwrap();
    let Progress::Hello(hello) = Reader::new(Limits::default()).push(&octets) else {
        panic!("{octets:x?}")
    };
    check(&hello, &[b"h2", b"http/1.1"]);
}
