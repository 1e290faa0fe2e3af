use sark_registry::feed::{Feed, Source as _};

use crate::certificate::certified;
use crate::fetch::{feed, fetcher, octets};
use crate::server::{Server, Speaks, head, ok};

/// A server with a certificate of this name, and its authority's PEM.
async fn server(name: &str, is_over: bool) -> (Server, String) {
    let (tls, pem) = certified(name, is_over);
    let down = head("302 Found\r\nLocation: http://127.0.0.1:9/x");
    let server = Server::over([("/x", ok(b"x")), ("/down", down)], Speaks::Https(tls)).await;
    (server, pem)
}

fn feed_at(server: &Server, path: &str, authority: Option<&std::path::Path>) -> Feed {
    let mut feed = feed(&[format!("https://localhost:{}{path}", server.at.port())]);
    feed.transport.ca_file = authority.map(Into::into);
    feed
}

#[tokio::test]
async fn only_the_named_authority_is_trusted() {
    let directory = tempfile::tempdir().unwrap();
    let ca = directory.path().join("ca.pem");
    let (server_, pem) = server("localhost", false).await;
    std::fs::write(&ca, pem).unwrap();
    let trusted = fetcher().fetch(&feed_at(&server_, "/x", Some(&ca)), None).await.unwrap();
    assert_eq!(octets(trusted), [b"x".to_vec()]);
    let error = fetcher().fetch(&feed_at(&server_, "/x", None), None).await.unwrap_err();
    assert_eq!(error.code(), "tls", "{error:?}");
    let error = fetcher().fetch(&feed_at(&server_, "/down", Some(&ca)), None).await.unwrap_err();
    assert_eq!(error.code(), "redirect", "from https to http: {error:?}");

    for (name, is_over) in [("lists.example.com", false), ("localhost", true)] {
        let (server, pem) = server(name, is_over).await;
        std::fs::write(&ca, pem).unwrap();
        let error = fetcher().fetch(&feed_at(&server, "/x", Some(&ca)), None).await.unwrap_err();
        assert_eq!(error.code(), "tls", "{name} {is_over}: {error:?}");
    }

    std::fs::write(&ca, "no certificate").unwrap();
    let error = fetcher().fetch(&feed_at(&server_, "/x", Some(&ca)), None).await.unwrap_err();
    assert_eq!(error.code(), "settings", "{error:?}");
}

/// A public feed's server that sends inside. A proxy leads to it here: the server itself must not be
/// on loopback.
#[tokio::test]
async fn a_redirect_does_not_lead_inside() {
    let directory = tempfile::tempdir().unwrap();
    let ca = directory.path().join("ca.pem");
    let (tls, pem) = certified("lists.example.com", false);
    std::fs::write(&ca, pem).unwrap();
    let server = Server::over([("/x", ok(b"x"))], Speaks::Proxy(tls)).await;
    let mut feed = feed(&["https://lists.example.com/x".to_owned()]);
    feed.transport.private = false;
    feed.transport.ca_file = Some(ca);
    feed.transport.proxy = Some(server.url(""));
    assert_eq!(octets(fetcher().fetch(&feed, None).await.unwrap()), [b"x".to_vec()]);
    for to in ["127.0.0.1:9", "[::1]:9", "10.0.0.1", "169.254.169.254", "[::ffff:127.0.0.1]:9"] {
        server.set("/x", head(&format!("302 Found\r\nLocation: https://{to}/x")));
        let error = fetcher().fetch(&feed, None).await.unwrap_err();
        assert_eq!(error.code(), "private-address", "{to}: {error:?}");
    }
}
