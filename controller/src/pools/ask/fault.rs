//! Whose fault it is that there is no good answer.

use std::io;

use nix::errno::Errno;

/// Why there is no good answer, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The proxy's, or that of the way to it.
    Theirs(String),
    /// This machine's: the proxy was not asked, and nothing was learned of it.
    Ours(String),
}

impl Fault {
    /// The innermost reason: what the kernel or the peer says.
    pub(super) fn of(error: &io::Error) -> Self {
        let words = match error.kind() {
            io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
            io::ErrorKind::ConnectionReset => "connection reset".to_owned(),
            io::ErrorKind::HostUnreachable => "host unreachable".to_owned(),
            io::ErrorKind::NetworkUnreachable => "network unreachable".to_owned(),
            io::ErrorKind::UnexpectedEof => "the connection was closed".to_owned(),
            _ => error.to_string(),
        };
        match error.raw_os_error().map(Errno::from_raw) {
            Some(errno) if is_ours(errno) => Self::Ours(words),
            _ => Self::Theirs(words),
        }
    }
}

/// What this machine alone lacks: an address or a port to ask from, a descriptor, memory. No route and no
/// leave are not among them: routers say the same on the way (ICMP), and so does a route that was withdrawn
/// because the proxy's network is gone.
fn is_ours(errno: Errno) -> bool {
    use Errno::{EADDRNOTAVAIL, EMFILE, ENFILE, ENOBUFS, ENOMEM};
    matches!(errno, EADDRNOTAVAIL | EMFILE | ENFILE | ENOBUFS | ENOMEM)
}
