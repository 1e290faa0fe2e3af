//! Clients that know the proxy.

use std::net::SocketAddr;

use sark_core::audit::Outcome;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::world::{Options, World};

async fn asked(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let read = stream.read(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[..read]).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_led_inside() {
    let world = World::new(Options::default()).await;
    let address = world.listen(None).await;
    let inner = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = inner.local_addr().unwrap().port();
    let targets = [
        format!("127.0.0.1:{port}"),
        format!("localhost:{port}"),
        format!("[::1]:{port}"),
        format!("[::ffff:127.0.0.1]:{port}"),
        "169.254.169.254:80".to_owned(),
        "10.0.0.1:443".to_owned(),
        "[fd00:ec2::254]:80".to_owned(),
        "[fe80::1]:80".to_owned(),
        "[::ffff:169.254.169.254]:80".to_owned(),
        "[64:ff9b::a9fe:a9fe]:80".to_owned(),
        format!("0.0.0.0:{port}"),
        format!("[::]:{port}"),
        // What resolvers take for an address, too.
        format!("127.1:{port}"),
        format!("2130706433:{port}"),
        format!("0x7f000001:{port}"),
    ];
    for target in &targets {
        let answer =
            asked(address, &format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{target}: {answer}");
        let answer =
            asked(address, &format!("GET http://{target}/ HTTP/1.1\r\nHost: {target}\r\n\r\n"))
                .await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{target}: {answer}");
    }
    // However many there were before, each address that was asked for is on record.
    let refused = world.records("proxy.unreachable", targets.len() * 2).await;
    assert!(refused.iter().all(|record| record.outcome == Outcome::Refused));
    assert_eq!(refused.len(), targets.len() * 2);
    let nobody = tokio::time::timeout(std::time::Duration::from_millis(50), inner.accept()).await;
    assert!(nobody.is_err(), "a connection was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_names_nobody_is_refused() {
    let world = World::new(Options::default()).await;
    let address = world.listen(None).await;
    for (request, status) in [
        ("CONNECT example HTTP/1.1\r\nHost: example\r\n\r\n", "400"),
        ("CONNECT user@192.0.2.1:443 HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\n\r\n", "400"),
        ("nonsense\r\n\r\n", "400"),
    ] {
        let answer = asked(address, request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{request:?}: {answer}");
    }
}
