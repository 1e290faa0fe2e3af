//! HTTP/2 as no library would write it: frames, one by one (RFC 9113 §4.1).

use std::time::Duration;

use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf,
};

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const CONTINUATION: u8 = 9;

pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;

/// One frame.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut octets = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    octets.extend([kind, flags]);
    octets.extend(stream.to_be_bytes());
    octets.extend(payload);
    octets
}

/// The head of a GET (RFC 7541 §6): literals without Huffman codes.
pub fn get(host: &str, path: &str) -> Vec<u8> {
    let literal = |name: u8, value: &str| {
        let mut octets = vec![name, u8::try_from(value.len()).unwrap()];
        octets.extend(value.as_bytes());
        octets
    };
    // :method GET, :scheme https, :path, :authority; none of them goes into a table.
    [vec![0x82, 0x87], literal(0x04, path), literal(0x01, host)].concat()
}

/// What a client begins with, and these settings.
pub fn preface(settings: &[(u16, u32)]) -> Vec<u8> {
    let pair =
        |(name, value): &(u16, u32)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat();
    let settings: Vec<u8> = settings.iter().flat_map(pair).collect();
    [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &frame(SETTINGS, 0, 0, &settings)].concat()
}

/// A connection on which frames are written as fast as they are taken, while what comes is read.
pub struct Raw<S> {
    read: ReadHalf<S>,
    write: WriteHalf<S>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Raw<S> {
    pub fn new(stream: S) -> Self {
        let (read, write) = tokio::io::split(stream);
        Self { read, write }
    }

    /// Whether it was taken: not if the proxy closed the connection, or does not read any more.
    pub async fn send(&mut self, octets: &[u8]) -> bool {
        let within = Duration::from_secs(3);
        let sent = tokio::time::timeout(within, self.write.write_all(octets)).await;
        matches!(sent, Ok(Ok(())))
    }

    /// Kinds and payloads of frames until the connection ends, or nothing comes for so long; and whether
    /// it ended.
    pub async fn heard(&mut self, silence: Duration) -> (Vec<(u8, Vec<u8>)>, bool) {
        let mut frames = Vec::new();
        loop {
            let mut head = [0; 9];
            match tokio::time::timeout(silence, self.read.read_exact(&mut head)).await {
                Err(_) => return (frames, false),
                Ok(Err(_)) => return (frames, true),
                Ok(Ok(_)) => {}
            }
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; length as usize];
            if self.read.read_exact(&mut payload).await.is_err() {
                return (frames, true);
            }
            frames.push((head[3], payload));
        }
    }
}
