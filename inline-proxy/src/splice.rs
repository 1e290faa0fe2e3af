//! Two sockets, tied together: octets go from one to the other inside the kernel.

use std::io;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use nix::fcntl::{OFlag, SpliceFFlags, splice};
use nix::unistd::pipe2;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

/// The most octets at once: as many as a pipe holds by default.
const MOST: usize = 64 * 1024;

/// What went over.
#[derive(Debug, Default)]
pub struct Moved {
    to_server: AtomicU64,
    to_client: AtomicU64,
}

impl Moved {
    /// Octets from the client to the server.
    pub fn to_server(&self) -> u64 {
        self.to_server.load(Ordering::Relaxed)
    }

    /// Octets from the server to the client.
    pub fn to_client(&self) -> u64 {
        self.to_client.load(Ordering::Relaxed)
    }

    fn all(&self) -> u64 {
        self.to_server() + self.to_client()
    }
}

/// A client's stream that is read and written here, counted as what is spliced is.
#[derive(Debug)]
pub struct Counted<'s, S> {
    stream: &'s mut S,
    moved: &'s Moved,
}

impl<'s, S> Counted<'s, S> {
    /// What is read of it and written to it goes into `moved`.
    pub const fn new(stream: &'s mut S, moved: &'s Moved) -> Self {
        Self { stream, moved }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<'_, S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut *self.stream).poll_read(context, buffer);
        let octets = (buffer.filled().len() - before) as u64;
        self.moved.to_server.fetch_add(octets, Ordering::Relaxed);
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<'_, S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut *self.stream).poll_write(context, octets);
        if let Poll::Ready(Ok(octets)) = written {
            self.moved.to_client.fetch_add(octets as u64, Ordering::Relaxed);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_shutdown(context)
    }
}

/// How a pair of connections ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Both sides closed.
    Closed,
    /// Nothing went either way for so long.
    Idle,
    /// One side broke off; the other is reset too.
    Broken(io::ErrorKind),
}

/// Moves octets both ways until both sides have closed, one breaks off, or neither says anything for
/// `idle`. A side that closes its half closes that half of the other. `moved` counts meanwhile.
pub async fn tie(client: &TcpStream, server: &TcpStream, idle: Duration, moved: &Moved) -> Ended {
    let both = async {
        tokio::try_join!(
            one_way(client, server, &moved.to_server),
            one_way(server, client, &moved.to_client)
        )
    };
    tokio::select! {
        ended = both => match ended {
            Ok(_) => Ended::Closed,
            Err(error) => {
                for side in [client, server] {
                    // A side that is gone needs no reset.
                    let _ = SockRef::from(side).set_linger(Some(Duration::ZERO));
                }
                Ended::Broken(error.kind())
            }
        },
        () = silence(moved, idle) => Ended::Idle,
    }
}

/// Until nothing was moved for so long.
pub async fn silence(moved: &Moved, idle: Duration) {
    let mut before = moved.all();
    loop {
        tokio::time::sleep(idle).await;
        let now = moved.all();
        if now == before {
            return;
        }
        before = now;
    }
}

async fn one_way(from: &TcpStream, to: &TcpStream, moved: &AtomicU64) -> io::Result<()> {
    // Not before there is something to move: most connections are idle most of the time.
    from.readable().await?;
    let (out, into): (OwnedFd, OwnedFd) = pipe2(OFlag::O_NONBLOCK | OFlag::O_CLOEXEC)?;
    let flags = SpliceFFlags::SPLICE_F_MOVE | SpliceFFlags::SPLICE_F_NONBLOCK;
    loop {
        // The pipe is empty here, so "would block" is always the socket's.
        let take = || Ok(splice(from, None, &into, None, MOST, flags)?);
        let taken = from.async_io(Interest::READABLE, take).await?;
        if taken == 0 {
            // Closed already is as well.
            let _ = SockRef::from(to).shutdown(Shutdown::Write);
            return Ok(());
        }
        let mut left = taken;
        while left > 0 {
            let give = || Ok(splice(&out, None, to, None, left, flags)?);
            left -= to.async_io(Interest::WRITABLE, give).await?;
        }
        moved.fetch_add(taken as u64, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let connecting = TcpStream::connect(listener.local_addr().unwrap());
        let (near, far) = tokio::join!(connecting, listener.accept());
        (near.unwrap(), far.unwrap().0)
    }

    #[tokio::test]
    async fn halves_close_one_after_the_other() {
        let ((mut client, near), (far, mut server)) = (pair().await, pair().await);
        let tied = tokio::spawn(async move {
            let moved = Moved::default();
            let ended = tie(&near, &far, Duration::from_secs(20), &moved).await;
            (ended, moved.to_server(), moved.to_client())
        });
        let question = vec![7; 3_000_000];
        let asked = question.clone();
        let asking = tokio::spawn(async move {
            client.write_all(&asked).await.unwrap();
            client.shutdown().await.unwrap();
            let mut answer = Vec::new();
            client.read_to_end(&mut answer).await.unwrap();
            answer
        });
        let mut heard = Vec::new();
        server.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard, question);
        server.write_all(b"after the end").await.unwrap();
        drop(server);
        assert_eq!(asking.await.unwrap(), b"after the end");
        assert_eq!(tied.await.unwrap(), (Ended::Closed, 3_000_000, 13));
    }

    #[tokio::test]
    async fn silence_ends_it() {
        let ((mut client, near), (far, mut server)) = (pair().await, pair().await);
        let moved = Moved::default();
        let talk = async {
            for _ in 0..5 {
                client.write_all(b"tick").await.unwrap();
                let mut octets = [0; 4];
                server.read_exact(&mut octets).await.unwrap();
                tokio::time::sleep(Duration::from_millis(60)).await;
            }
            std::future::pending::<()>().await;
        };
        let tied = tokio::select! {
            ended = tie(&near, &far, Duration::from_millis(200), &moved) => ended,
            () = talk => unreachable!("it goes on for ever"),
        };
        assert_eq!((tied, moved.to_server()), (Ended::Idle, 20));
    }

    #[tokio::test]
    async fn a_reset_is_one_for_the_other_too() {
        let ((client, near), (far, mut server)) = (pair().await, pair().await);
        SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
        let moved = Moved::default();
        drop(client);
        let ended = tie(&near, &far, Duration::from_secs(20), &moved).await;
        assert_eq!(ended, Ended::Broken(io::ErrorKind::ConnectionReset));
        drop((near, far));
        let heard = server.read(&mut [0; 1]).await.map_err(|error| error.kind());
        assert_eq!(heard, Err(io::ErrorKind::ConnectionReset));
    }
}
