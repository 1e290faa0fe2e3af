//! Who looks at the proxy: few at once, one request each, and not for long.
//!
//! `sarkd` asks here whether flows may come. So whoever fills the places does not keep it out: the
//! connection that is open longest makes room for the next.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

/// Connections at once.
const MOST: usize = 64;
/// Until the head of the request is there.
const HEAD: Duration = Duration::from_secs(5);
/// Until the answer is taken.
const WHOLE: Duration = Duration::from_secs(10);
/// After a connection that could not be taken.
const PAUSE: Duration = Duration::from_millis(50);

/// Answers each path, until it is dropped; connections end with it.
pub(crate) async fn serve<A>(listener: TcpListener, answer: A)
where
    A: Fn(&str) -> Response<Full<Bytes>> + Clone + Send + Sync + 'static,
{
    let mut tasks = JoinSet::new();
    let mut open: VecDeque<AbortHandle> = VecDeque::with_capacity(MOST);
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        while tasks.try_join_next().is_some() {}
        open.retain(|connection| !connection.is_finished());
        while open.len() >= MOST {
            let Some(oldest) = open.pop_front() else { break };
            oldest.abort();
            // Its place is free when it has ended.
            tasks.join_next().await;
        }
        open.push_back(tasks.spawn(one(stream, answer.clone())));
    }
}

/// Whoever breaks off is gone, and so is who takes too long.
async fn one<A>(stream: TcpStream, answer: A)
where
    A: Fn(&str) -> Response<Full<Bytes>> + Send + Sync + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = answer(request.uri().path());
        async move { Ok::<_, Infallible>(answer) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD).keep_alive(false);
    let _ =
        tokio::time::timeout(WHOLE, builder.serve_connection(TokioIo::new(stream), service)).await;
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const GET: &[u8] = b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n";

    async fn served(body: Vec<u8>) -> (SocketAddr, JoinSet<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let body = Bytes::from(body);
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, move |_| Response::new(Full::new(body.clone()))));
        (address, tasks)
    }

    #[tokio::test]
    async fn who_holds_connections_keeps_nobody_out() {
        let (address, _tasks) = served(b"ok\n".to_vec()).await;
        let mut silent = Vec::new();
        for _ in 0..3 * MOST {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(GET).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        assert!(text.contains("connection: close\r\n") && text.ends_with("ok\n"), "{text}");
        // They were taken in their order, and that one after all of them: who is too many has ended.
        let ended = silent.iter().filter(|stream| {
            let mut octet = [0];
            !matches!(stream.try_read(&mut octet), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
        });
        assert!(ended.count() > 2 * MOST);
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_take_the_answer_is_let_go() {
        // More than the kernel keeps for both ends.
        let long = vec![b'a'; 64 << 20];
        let promised = long.len();
        let (address, _tasks) = served(long).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(GET).await.unwrap();
        tokio::time::sleep(WHOLE * 2).await;
        let mut got = Vec::new();
        // It breaks off, by an end or by a reset.
        let _ = stream.read_to_end(&mut got).await;
        assert!(got.len() < promised, "{}", got.len());
    }
}
