//! The first octets of a connection, read until they say what is spoken.

use std::io;
use std::time::Duration;

use sark_hello::{ClientHello, Limits, Progress, Protocol, Reader, Refusal, SoFar};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// What a connection began with. The octets that were read are to be sent on, or read again.
#[derive(Debug)]
pub struct Opening {
    /// What they are.
    pub said: Said,
    /// All that was read.
    pub octets: Vec<u8>,
}

/// See [`Opening`].
#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    /// TLS, and this is the hello.
    Hello(Box<ClientHello>),
    /// Something else.
    Plain(Protocol),
    /// TLS that is not read on, or too much of it.
    Refused(Refusal),
    /// Time was up before it was clear: a server that speaks first, or a client that delays.
    Late(SoFar),
    /// The client closed, or sent nothing more.
    Closed,
}

/// Reads until there is a verdict, but no longer than `within`; `before` was read by somebody else.
///
/// Octets are taken from the socket, not looked at in it: an incomplete hello costs no polling.
pub async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    before: &[u8],
    limits: Limits,
    within: Duration,
) -> io::Result<Opening> {
    let mut reader = Reader::new(limits);
    let said = match tokio::time::timeout(within, verdict(stream, before, &mut reader)).await {
        Ok(said) => said?,
        Err(_) => Said::Late(reader.so_far()),
    };
    Ok(Opening { said, octets: reader.into_octets() })
}

async fn verdict(
    stream: &mut (impl AsyncRead + Unpin),
    before: &[u8],
    reader: &mut Reader,
) -> io::Result<Said> {
    let mut portion = [0; 4096];
    let mut progress = if before.is_empty() { Progress::NeedMore } else { reader.push(before) };
    loop {
        match progress {
            Progress::Hello(hello) => return Ok(Said::Hello(hello)),
            Progress::NotTls(protocol) => return Ok(Said::Plain(protocol)),
            Progress::Refused(refusal) => return Ok(Said::Refused(refusal)),
            Progress::NeedMore => {}
        }
        let read = stream.read(&mut portion).await?;
        if read == 0 {
            return Ok(Said::Closed);
        }
        progress = reader.push(portion.get(..read).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    async fn opened(portions: &[&[u8]], close: bool) -> Opening {
        let (mut client, mut server) = tokio::io::duplex(64);
        let portions: Vec<Vec<u8>> = portions.iter().map(|portion| portion.to_vec()).collect();
        let writing = tokio::spawn(async move {
            for portion in portions {
                client.write_all(&portion).await.unwrap();
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            if !close {
                std::future::pending::<()>().await;
            }
        });
        let opening = read(&mut server, b"", Limits::default(), Duration::from_secs(3)).await;
        writing.abort();
        opening.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_read_is_kept() {
        let opening = opened(&[b"G", b"E", b"T / HTTP/1.1\r\n"], false).await;
        assert_eq!(opening.said, Said::Plain(Protocol::Http));
        assert_eq!(opening.octets, b"GET / HTTP/1.1\r\n");
    }

    #[tokio::test(start_paused = true)]
    async fn time_is_up_for_who_says_nothing_and_for_who_delays() {
        assert_eq!(opened(&[], false).await.said, Said::Late(SoFar::Nothing));
        let opening = opened(&[b"\x16\x03\x01\x02\x00\x01"], false).await;
        assert_eq!(opening.said, Said::Late(SoFar::Tls));
        assert_eq!(opening.octets, b"\x16\x03\x01\x02\x00\x01");
        assert_eq!(opened(&[b"\x16\x03"], true).await.said, Said::Closed);
    }

    #[tokio::test]
    async fn what_somebody_else_read_comes_first() {
        let (_client, mut server) = tokio::io::duplex(64);
        let within = Duration::from_secs(3);
        let opening = read(&mut server, b"SSH-2.0-x", Limits::default(), within).await.unwrap();
        assert_eq!(opening.said, Said::Plain(Protocol::Ssh));
    }
}
