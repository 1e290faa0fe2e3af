//! A reader of an NFLOG group.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::sys::socket::sockopt::ReceiveTimeout;
use nix::sys::socket::{
    AddressFamily, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, setsockopt, socket,
};
use nix::sys::time::TimeVal;

pub struct Nflog {
    fd: OwnedFd,
}

/// `NFNL_SUBSYS_ULOG` and `NFULNL_MSG_CONFIG`.
const CONFIG: u16 = 0x0401;
const REQUEST_ACK: u16 = 0x0005;

impl Nflog {
    /// Binds to the group in this thread's namespace: whole packets, at once.
    pub fn bind(group: u16) -> Self {
        let fd = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::NetlinkNetFilter,
        )
        .unwrap();
        bind(fd.as_raw_fd(), &NetlinkAddr::new(0, 0)).unwrap();
        setsockopt(&fd, ReceiveTimeout, &TimeVal::new(2, 0)).unwrap();
        let nflog = Self { fd };
        // NFULA_CFG_CMD: bind. NFULA_CFG_MODE: packets. NFULA_CFG_QTHRESH: one.
        nflog.configure(group, &[5, 0, 1, 0, 1, 0, 0, 0]);
        nflog.configure(group, &[10, 0, 2, 0, 0, 0, 0xff, 0xff, 2, 0, 0, 0]);
        nflog.configure(group, &[8, 0, 5, 0, 0, 0, 0, 1]);
        nflog
    }

    fn configure(&self, group: u16, attribute: &[u8]) {
        let length = u32::try_from(16 + 4 + attribute.len()).unwrap();
        let mut message = length.to_ne_bytes().to_vec();
        message.extend(CONFIG.to_ne_bytes());
        message.extend(REQUEST_ACK.to_ne_bytes());
        message.extend([0; 8]);
        message.extend([0, 0]);
        message.extend(group.to_be_bytes());
        message.extend(attribute);
        nix::unistd::write(&self.fd, &message).unwrap();
        // An error of zero.
        let answer = self.next().unwrap();
        assert_eq!(answer[4..6], 2_u16.to_ne_bytes());
        assert_eq!(answer[16..20], [0; 4], "NFLOG group {group}");
    }

    /// The next message.
    pub fn next(&self) -> Option<Vec<u8>> {
        let mut buffer = vec![0; 70_000];
        let length = nix::unistd::read(self.fd.as_fd(), &mut buffer).ok()?;
        Some(buffer[..length].to_vec())
    }
}
