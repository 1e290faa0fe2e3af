//! A network namespace of a test, and the wires in it.

use std::os::fd::{AsRawFd, OwnedFd};
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::sockopt::RcvBuf;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, bind, recv, setsockopt, socket,
};

/// Runs a test in a namespace of its own. Namespaces are a thread's, and inherited by what it
/// starts; this one ends with the thread.
pub fn in_namespace<T: Send>(test: impl FnOnce() -> T + Send) -> T {
    let run = || {
        unshare(CloneFlags::CLONE_NEWNET)
            .expect("this test makes a network namespace: run it as root");
        ip("link set lo up");
        test()
    };
    match std::thread::scope(|scope| scope.spawn(run).join()) {
        Ok(value) => value,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// `ip` with these words.
pub fn ip(words: &str) -> String {
    run("ip", words)
}

pub fn run(program: &str, words: &str) -> String {
    let output = Command::new(program)
        .args(words.split_ascii_whitespace())
        .output()
        .unwrap_or_else(|error| panic!("this test needs {program}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {words}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

pub fn sysctl(name: &str, value: &str) {
    std::fs::write(format!("/proc/sys/net/{name}"), value).unwrap();
}

/// The kernel's own work makes a link usable some time after it is up.
pub fn await_carrier(ends: &[&str]) {
    let began = Instant::now();
    let is_up = |end: &&str| ip(&format!("link show {end}")).contains("state UP");
    while !ends.iter().all(is_up) {
        assert!(began.elapsed() < Duration::from_secs(10), "{ends:?} do not come up");
    }
}

/// Runs what waits in this thread, so that it starts programs in this thread's namespace.
pub fn wait<F: std::future::Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// The far end of a veth pair. The near end is the router's, and has the same number in its MAC.
pub struct Wire {
    fd: OwnedFd,
    number: u8,
}

impl Wire {
    /// `name` is the router's interface, `name`-far this end.
    pub fn new(name: &str, number: u8) -> Self {
        let far = format!("{name}-far");
        let mac = |side: u8| format!("02:00:00:00:{side:02x}:{number:02x}");
        let (near_mac, far_mac) = (mac(0), mac(1));
        ip(&format!(
            "link add {name} mtu 9000 address {near_mac} type veth \
             peer name {far} mtu 9000 address {far_mac}"
        ));
        sysctl(&format!("ipv6/conf/{far}/disable_ipv6"), "1");
        sysctl(&format!("ipv4/conf/{name}/rp_filter"), "0");
        ip(&format!("link set {name} addrgenmode none"));
        for end in [name, &far] {
            ip(&format!("link set {end} up"));
        }
        await_carrier(&[name, &far]);
        let fd = socket(
            AddressFamily::Packet,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::EthAll,
        )
        .unwrap();
        let interfaces = nix::ifaddrs::getifaddrs().unwrap();
        let address = interfaces
            .filter(|interface| interface.interface_name == far)
            .find_map(|interface| interface.address?.as_link_addr().copied())
            .unwrap();
        bind(fd.as_raw_fd(), &address).unwrap();
        setsockopt(&fd, RcvBuf, &4_000_000).unwrap();
        Self { fd, number }
    }

    /// MAC of the host behind this end. It is not the interface's own: the namespace is the router,
    /// and would take the packet in again.
    pub fn mac(&self) -> String {
        format!("02:00:00:00:02:{:02x}", self.number)
    }

    /// Sends an IP packet to the router.
    pub fn send(&self, packet: &[u8]) {
        let kind: [u8; 2] = if packet[0] >> 4 == 4 { [0x08, 0x00] } else { [0x86, 0xdd] };
        let number = self.number;
        let macs = [2, 0, 0, 0, 0, number, 2, 0, 0, 0, 1, number];
        let frame = [&macs[..], &kind, packet].concat();
        assert_eq!(nix::unistd::write(&self.fd, &frame).unwrap(), frame.len());
    }

    /// The next IP packet that the router has sent here by now.
    pub fn receive(&self) -> Option<Vec<u8>> {
        let mut buffer = vec![0; 10_000];
        loop {
            let fd = self.fd.as_raw_fd();
            let length = recv(fd, &mut buffer, MsgFlags::MSG_DONTWAIT).ok()?;
            let frame = &buffer[..length];
            // Not what this end has sent itself, nor what the router says to all.
            if frame[..6] == [2, 0, 0, 0, 2, self.number] {
                return Some(frame[14..].to_vec());
            }
        }
    }
}
