//! Octets, as many as go through: from a server that has nothing else, to clients that look at none.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

use nix::sys::socket::{MsgFlags, recv};

use crate::rivals::SOURCE;

/// What a client says first: neither TLS nor HTTP.
const OPENING: &[u8] = b"SSH-2.0-bulk\r\n";
const CONNECTIONS: usize = 4;
/// Not counted: windows are opened in it.
const WARM: Duration = Duration::from_millis(500);

/// Sends without end to whoever comes, until the program ends.
pub fn source() {
    let listener = TcpListener::bind(("127.0.0.1", SOURCE)).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || {
                let mut stream = stream.unwrap();
                let mut opening = vec![0; OPENING.len()];
                // Who only looks whether it listens says nothing.
                if stream.read_exact(&mut opening).is_ok() {
                    let octets = vec![b'x'; 256 << 10];
                    while stream.write_all(&octets).is_ok() {}
                }
            });
        }
    });
}

/// Gigabits a second from there, through `port`.
pub fn load(port: u16, duration: Duration) -> f64 {
    let clients = (0..CONNECTIONS).map(|_| std::thread::spawn(move || take(port, duration)));
    let clients: Vec<_> = clients.collect();
    clients.into_iter().map(|client| client.join().unwrap()).sum()
}

fn take(port: u16, duration: Duration) -> f64 {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(OPENING).unwrap();
    let mut buffer = vec![0; 1 << 20];
    let mut until = |end: Instant| {
        let mut octets = 0;
        while Instant::now() < end {
            // MSG_TRUNC: they are counted, and not copied (tcp(7)).
            let taken = recv(stream.as_raw_fd(), &mut buffer, MsgFlags::MSG_TRUNC).unwrap();
            assert_ne!(taken, 0, "it broke off");
            octets += taken;
        }
        octets
    };
    until(Instant::now() + WARM);
    let began = Instant::now();
    until(began + duration) as f64 * 8e-9 / began.elapsed().as_secs_f64()
}
