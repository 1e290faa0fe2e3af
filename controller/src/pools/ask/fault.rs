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

/// What the kernel says before a packet leaves: no route, no address or port to ask from, no descriptor,
/// no memory, a filter of this machine. `EHOSTUNREACH` is not among them: a silent neighbour looks so.
fn is_ours(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::ENETUNREACH
            | Errno::ENETDOWN
            | Errno::EADDRNOTAVAIL
            | Errno::EMFILE
            | Errno::ENFILE
            | Errno::ENOBUFS
            | Errno::ENOMEM
            | Errno::EACCES
            | Errno::EPERM
    )
}
