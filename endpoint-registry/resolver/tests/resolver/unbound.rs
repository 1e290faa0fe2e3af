//! Unbound on loopback, with records of its own and nobody to ask.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(20);

/// Ends when dropped.
pub struct Unbound {
    child: Child,
    directory: TempDir,
    pub plain: SocketAddr,
    pub tls: SocketAddr,
    pub https: SocketAddr,
}

impl Unbound {
    /// With these lines in its `server:` section; its certificate is of `dns.example`.
    pub fn start(lines: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        certificates(directory.path());
        // A port that was free may be taken before unbound has it.
        for _ in 0..5 {
            let [plain, tls, https] = [free(), free(), free()];
            let mut child = spawn(&directory, lines, [plain, tls, https]);
            if listens(&mut child, &[plain, tls, https]) {
                return Self { child, directory, plain, tls, https };
            }
        }
        panic!("unbound: {}", fs::read_to_string(directory.path().join("log")).unwrap());
    }

    /// The authority that signed its certificate.
    pub fn authority(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }
}

impl Drop for Unbound {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address where nobody listened just now, over UDP and TCP.
pub fn free() -> SocketAddr {
    loop {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = tcp.local_addr().unwrap();
        if UdpSocket::bind(at).is_ok() {
            return at;
        }
    }
}

fn spawn(directory: &TempDir, lines: &str, [plain, tls, https]: [SocketAddr; 3]) -> Child {
    let path = directory.path();
    let (tls_port, https_port) = (tls.port(), https.port());
    let interfaces =
        [plain, tls, https].map(|at| format!("interface: {}@{}\n", at.ip(), at.port()));
    let interfaces = interfaces.concat();
    let here = path.display();
    let config = format!(
        "server:\n{interfaces}port: {}\ntls-port: {tls_port}\nhttps-port: {https_port}\n\
         tls-service-key: \"{here}/key.pem\"\ntls-service-pem: \"{here}/cert.pem\"\n\
         directory: \"{here}\"\npidfile: \"\"\nchroot: \"\"\nusername: \"\"\nuse-syslog: no\n\
         do-daemonize: no\nnum-threads: 1\nmodule-config: \"iterator\"\n{lines}\n\
         remote-control:\ncontrol-enable: no\n",
        plain.port(),
    );
    fs::write(path.join("unbound.conf"), config).unwrap();
    let log = File::create(path.join("log")).unwrap();
    Command::new("unbound")
        .args(["-d", "-p", "-c"])
        .arg(path.join("unbound.conf"))
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| {
            panic!("cannot start unbound: {error}; `cargo xtask setup` installs it")
        })
}

/// `false` if it ended instead.
fn listens(child: &mut Child, all: &[SocketAddr]) -> bool {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        if all.iter().all(|at| TcpStream::connect(at).is_ok()) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = child.kill();
    let _ = child.wait();
    false
}

fn certificates(path: &std::path::Path) {
    let mut authority = CertificateParams::new(vec![]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let authority_pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["dns.example".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    fs::write(path.join("ca.pem"), authority_pem).unwrap();
    fs::write(path.join("cert.pem"), certificate.pem()).unwrap();
    fs::write(path.join("key.pem"), key.serialize_pem()).unwrap();
}
