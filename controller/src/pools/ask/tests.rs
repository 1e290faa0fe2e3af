use tokio::net::TcpListener;

use super::*;

fn health(check: CheckKind) -> HealthConfig {
    HealthConfig {
        check,
        port: None,
        path: None,
        server_name: None,
        every_millis: 500,
        timeout_millis: 5000,
        fail_after: 2,
        recover_after: 3,
        hold_down_seconds: 10,
    }
}

fn theirs(words: &str) -> Fault {
    Fault::Theirs(words.to_owned())
}

#[test]
fn what_this_machine_lacks_is_not_said_of_the_proxy() {
    use nix::errno::Errno;
    let of = |errno: Errno| Fault::of(&std::io::Error::from(errno));
    for ours in [Errno::EADDRNOTAVAIL, Errno::EMFILE, Errno::ENFILE, Errno::ENOBUFS, Errno::ENOMEM]
    {
        assert!(matches!(of(ours), Fault::Ours(_)), "{ours}");
    }
    for errno in [
        Errno::ECONNREFUSED,
        Errno::ECONNRESET,
        Errno::EHOSTUNREACH,
        Errno::ENETUNREACH,
        Errno::EACCES,
        Errno::ETIMEDOUT,
    ] {
        assert!(matches!(of(errno), Fault::Theirs(_)), "{errno}");
    }
}

#[tokio::test]
async fn a_network_that_is_gone_is_theirs() {
    // No connection goes to the broadcast address of the loopback: no packet leaves.
    let nowhere = "127.255.255.255:9".parse().unwrap();
    for check in [CheckKind::Tcp, CheckKind::Tls, CheckKind::Http] {
        let answer = Question::new(nowhere, &health(check)).ask().await;
        assert_eq!(answer, Err(theirs("network unreachable")), "{check}");
    }
}

#[test]
fn the_status_line() {
    for (head, code) in [
        ("HTTP/1.1 200 OK\r\n", Some(200)),
        ("HTTP/1.0 503\r\n", Some(503)),
        ("HTTP/1.1 204 \nrest", Some(204)),
        ("HTTP/1.1 200 OK", None),
        ("HTTP/1.1 2000\r\n", None),
        ("HTTP/1.1 +20\r\n", None),
        ("HTTP/2 200\r\n", None),
        ("\u{15}\u{3}\u{1}\n", None),
        ("\n", None),
        ("", None),
    ] {
        assert_eq!(status(head.as_bytes()), code, "{head:?}");
    }
}

/// Answers each connection with these octets, after it read something; then the connection ends.
async fn answering(octets: &'static [u8]) -> (SocketAddr, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 512];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(octets).await;
        }
    });
    (at, task)
}

#[tokio::test]
async fn http_is_what_its_status_says() {
    let cases: [(&'static [u8], Result<&str, &str>); 6] = [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Ok("200")),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", Err("status 503")),
        (b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", Err("status 302")),
        (b"SSH-2.0-x\r\n", Err("the answer is not HTTP/1")),
        (b"", Err("the answer is not HTTP/1")),
        // No end of line, and more than is read.
        (&[b'A'; 4096], Err("the answer is not HTTP/1")),
    ];
    for (octets, expected) in cases {
        let (at, task) = answering(octets).await;
        let answer = Question::new(at, &health(CheckKind::Http)).ask().await;
        let expected = expected.map(str::to_owned).map_err(theirs);
        assert_eq!(answer, expected);
        task.abort();
    }
}

#[tokio::test]
async fn tcp_is_a_connection_and_nobody_there_is_said() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let question = Question::new(listener.local_addr().unwrap(), &health(CheckKind::Tcp));
    assert_eq!(question.ask().await.as_deref(), Ok("connected"));
    drop(listener);
    assert_eq!(question.ask().await, Err(theirs("connection refused")));
}

#[tokio::test]
async fn who_does_not_answer_is_not_waited_for() {
    // The kernel takes connections for it, and nothing comes.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = HealthConfig { timeout_millis: 50, ..health(CheckKind::Http) };
    let question = Question::new(listener.local_addr().unwrap(), &config);
    assert_eq!(question.ask().await, Err(theirs("no answer within 50 ms")));
}

#[tokio::test]
async fn tls_is_a_handshake_with_anybody() {
    let key = rcgen::generate_simple_self_signed(["other.example".to_owned()]).unwrap();
    let server = rustls::ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![key.cert.der().clone()],
            rustls::pki_types::PrivateKeyDer::Pkcs8(key.signing_key.serialize_der().into()),
        )
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(server));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = acceptor.accept(stream).await;
        }
    });
    let named = HealthConfig { server_name: Some("llm.example".into()), ..health(CheckKind::Tls) };
    for config in [health(CheckKind::Tls), named] {
        assert_eq!(Question::new(at, &config).ask().await.as_deref(), Ok("TLSv1_3"));
    }
    task.abort();
    let (at, task) = answering(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    assert!(Question::new(at, &health(CheckKind::Tls)).ask().await.is_err());
    task.abort();
}
