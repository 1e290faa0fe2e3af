//! Clients of ours, for what wrk does not do: a fixed rate, full handshakes (it resumes sessions), and
//! doing nothing.
//!
//! They believe every certificate, so that they cost as little as may be: the proxies verify their server.

use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio_rustls::{TlsConnector, rustls};

use crate::chat;
use crate::inside::MODELS;

/// Connections of the open model.
const OPEN: usize = 64;
/// Requests of it that are not counted: connections and memory are made by them.
const WARM: Duration = Duration::from_secs(1);
/// Clients that make connections at a time.
const MAKERS: usize = 16;

/// Latencies in microseconds, in order.
pub struct Latencies(Vec<u32>);

impl Latencies {
    pub fn quantile(&self, quantile: f64) -> f64 {
        let at = (self.0.len() as f64 * quantile) as usize;
        f64::from(self.0[at.min(self.0.len() - 1)])
    }
}

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// As many requests a second, at even times, whether those before are answered or not: an answer's latency
/// counts from when its request was due.
pub fn at_rate(port: u16, rate: f64, duration: Duration) -> Latencies {
    run(async {
        let connector = connector();
        let (free, mut idle) = mpsc::channel(OPEN);
        for _ in 0..OPEN {
            free.send(Connection::open(&connector, port).await).await.unwrap();
        }
        let latencies = Arc::<Mutex<Vec<u32>>>::default();
        let request: Arc<[u8]> = chat::request(false).into();
        let ticks = Ticks::every(Duration::from_secs_f64(1.0 / rate));
        let began = Instant::now();
        let (mut sent, all) = (0_u32, ((WARM + duration).as_secs_f64() * rate) as u32);
        while sent < all {
            ticks.next().await;
            let due = ((began.elapsed().as_secs_f64() * rate) as u32).min(all);
            while sent < due {
                let at = began + Duration::from_secs_f64(f64::from(sent) / rate);
                let mut connection: Connection = idle.recv().await.unwrap();
                let (free, request) = (free.clone(), Arc::clone(&request));
                let latencies = (at >= began + WARM).then(|| Arc::clone(&latencies));
                tokio::spawn(async move {
                    connection.ask(&request).await;
                    let latency = u32::try_from(at.elapsed().as_micros()).unwrap_or(u32::MAX);
                    if let Some(latencies) = latencies {
                        latencies.lock().unwrap().push(latency);
                    }
                    let _ = free.send(connection).await;
                });
                sent += 1;
            }
        }
        // When all are free again, all have been answered.
        for _ in 0..OPEN {
            idle.recv().await.unwrap();
        }
        let mut latencies = std::mem::take(&mut *latencies.lock().unwrap());
        latencies.sort_unstable();
        Latencies(latencies)
    })
}

/// Connections a second, each with a full handshake and one request.
pub fn new_connections(port: u16, duration: Duration) -> f64 {
    run(async {
        let (connector, request) = (connector(), Arc::<[u8]>::from(chat::request(true)));
        let made = Arc::<AtomicU64>::default();
        let began = Instant::now();
        let makers = (0..MAKERS).map(|_| {
            let (connector, request) = (connector.clone(), Arc::clone(&request));
            let made = Arc::clone(&made);
            tokio::spawn(async move {
                while began.elapsed() < duration {
                    let mut connection = Connection::open(&connector, port).await;
                    connection.ask(&request).await;
                    made.fetch_add(1, Ordering::Relaxed);
                }
            })
        });
        for maker in makers.collect::<Vec<_>>() {
            maker.await.unwrap();
        }
        made.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64()
    })
}

/// Makes connections, each of which asks once and then says nothing, and looks at what that makes.
pub fn with_idle<T>(port: u16, many: usize, look: impl FnOnce() -> T) -> T {
    run(async {
        let (connector, request) = (connector(), chat::request(false));
        let mut connections = Vec::new();
        for _ in 0..many {
            let mut connection = Connection::open(&connector, port).await;
            connection.ask(&request).await;
            connections.push(connection);
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        look()
    })
}

struct Connection {
    stream: TlsStream<TcpStream>,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(connector: &TlsConnector, port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let name = ServerName::try_from(MODELS).unwrap();
        let stream = connector.connect(name, stream).await.unwrap();
        Self { stream, buffer: Vec::with_capacity(4096) }
    }

    /// Sends a request, and reads its answer to its end. Whatever is no good answer ends the benchmark.
    async fn ask(&mut self, request: &[u8]) {
        self.stream.write_all(request).await.unwrap();
        self.stream.flush().await.unwrap();
        self.buffer.clear();
        while !is_whole(&self.buffer) {
            assert_ne!(self.stream.read_buf(&mut self.buffer).await.unwrap(), 0, "it broke off");
        }
    }
}

fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let head = std::str::from_utf8(&answer[..end]).unwrap().to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 200"), "{}", String::from_utf8_lossy(answer));
    let length = head.split("\r\n").find_map(|line| line.strip_prefix("content-length:"));
    answer.len() - end - 4 >= length.unwrap().trim().parse::<usize>().unwrap()
}

/// A clock that is finer than the runtime's, which counts milliseconds.
struct Ticks(AsyncFd<OwnedFd>);

impl Ticks {
    fn every(interval: Duration) -> Self {
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK).unwrap();
        let expiration = Expiration::Interval(TimeSpec::from_duration(interval));
        timer.set(expiration, TimerSetTimeFlags::empty()).unwrap();
        #[expect(deprecated, reason = "its successor is unsafe; who owns a file keeps it open")]
        let timer = AsyncFd::new(OwnedFd::from(timer)).unwrap();
        Self(timer)
    }

    async fn next(&self) {
        let mut ready = self.0.readable().await.unwrap();
        // How often it has struck meanwhile: the time is looked at instead.
        let _ = nix::unistd::read(self.0.get_ref().as_fd(), &mut [0; 8]);
        ready.clear_ready();
    }
}

fn connector() -> TlsConnector {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Everybody))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::disabled();
    TlsConnector::from(Arc::new(config))
}

#[derive(Debug)]
struct Everybody;

impl ServerCertVerifier for Everybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}
