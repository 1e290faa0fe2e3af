//! Another program takes over: it is given the listening sockets, says when it is ready, and the one before
//! takes nothing more and ends when what is under way has ended.
//!
//! ```text
//!   old ─ starts ─▶ new      a socket pair, the new one's standard input
//!       ─ listeners (SCM_RIGHTS, unix(7)) ─▶
//!       ◀─ READY ─           or it ends, and the old one goes on
//! ```
//!
//! The sockets are the same, so a connection that waits to be accepted is accepted by either; none is reset.

use std::ffi::OsString;
use std::io::{self, IoSlice, IoSliceMut, Write as _};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use tokio::io::AsyncReadExt as _;

/// Listeners at most.
const MOST: usize = 64;
/// What the new one says.
const READY: u8 = b'R';
/// How long it may take to.
const WITHIN: Duration = Duration::from_secs(60);
/// The argument that says that there is something on standard input.
pub const TAKE_OVER: &str = "--take-over";

/// Why nobody took over.
#[derive(Debug, thiserror::Error)]
pub enum HandoverError {
    /// It is unknown which program this is.
    #[error("it is unknown which program this is")]
    Unknown,
    /// It does not start.
    #[error("cannot start {}", path.display())]
    Start {
        /// The program.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// It cannot be given the sockets.
    #[error("cannot hand the listening sockets over")]
    Sockets(#[source] io::Error),
    /// It ended, or said something else.
    #[error("it was never ready: its log says why")]
    NotReady,
}

/// This program, as it was started: the file may be another one by now.
#[derive(Debug, Clone)]
pub struct Program {
    path: Option<PathBuf>,
    arguments: Vec<OsString>,
}

impl Program {
    /// To be asked at the start.
    #[must_use]
    pub fn this() -> Self {
        let arguments = std::env::args_os().skip(1).filter(|one| one != TAKE_OVER).collect();
        Self { path: std::env::current_exe().ok(), arguments }
    }

    /// Starts what is at its place now, and waits until that is ready. Its number, as processes have one.
    pub async fn next(&self, sockets: &[OwnedFd]) -> Result<u32, HandoverError> {
        let path = self.path.clone().ok_or(HandoverError::Unknown)?;
        let (ours, theirs) = UnixStream::pair().map_err(HandoverError::Sockets)?;
        let child = Command::new(&path)
            .args(&self.arguments)
            .arg(TAKE_OVER)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .spawn()
            .map_err(|source| HandoverError::Start { path, source })?;
        let mut starting = Starting { child, is_ready: false };
        send(&ours, sockets).map_err(HandoverError::Sockets)?;
        ours.set_nonblocking(true).map_err(HandoverError::Sockets)?;
        let mut stream = tokio::net::UnixStream::from_std(ours).map_err(HandoverError::Sockets)?;
        let said = tokio::time::timeout(WITHIN, stream.read_u8()).await;
        starting.is_ready = matches!(said, Ok(Ok(READY)));
        if starting.is_ready { Ok(starting.child.id()) } else { Err(HandoverError::NotReady) }
    }
}

/// The new one: it outlives this program when it is ready, and ends when nobody waits for that any more.
struct Starting {
    child: Child,
    is_ready: bool,
}

impl Drop for Starting {
    fn drop(&mut self) {
        if !self.is_ready {
            // It ended already is as well.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn send(stream: &UnixStream, sockets: &[OwnedFd]) -> io::Result<()> {
    if sockets.len() > MOST {
        return Err(io::Error::other(format!("more than {MOST} listeners")));
    }
    let sockets: Vec<BorrowedFd<'_>> = sockets.iter().map(AsFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(&sockets)) {
        return Err(io::Error::other("there is no room for the listeners"));
    }
    sendmsg(stream, &[IoSlice::new(&[0])], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// What the program before handed over, if there was one.
#[derive(Debug, Default)]
pub struct Inherited {
    listeners: Vec<TcpListener>,
    before: Option<UnixStream>,
}

impl Inherited {
    /// From standard input.
    pub fn receive() -> io::Result<Self> {
        let stream = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut octet = [0];
        let flags = RecvFlags::CMSG_CLOEXEC;
        recvmsg(&stream, &mut [IoSliceMut::new(&mut octet)], &mut control, flags)?;
        let mut listeners = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(sockets) = message {
                listeners.extend(sockets.map(TcpListener::from));
            }
        }
        Ok(Self { listeners, before: Some(stream) })
    }

    /// The listener of this address.
    pub(crate) fn take(&mut self, address: SocketAddr) -> Option<tokio::net::TcpListener> {
        let is_it = |listener: &TcpListener| listener.local_addr().is_ok_and(|it| it == address);
        let at = self.listeners.iter().position(is_it)?;
        let listener = self.listeners.swap_remove(at);
        listener.set_nonblocking(true).ok()?;
        tokio::net::TcpListener::from_std(listener).ok()
    }

    /// The program before may end. Listeners that nobody took are closed when it does.
    pub(crate) fn ready(self) {
        if let Some(mut before) = self.before
            && let Err(error) = before.write_all(&[READY])
        {
            tracing::warn!(%error, "the program before is gone");
        }
    }
}
