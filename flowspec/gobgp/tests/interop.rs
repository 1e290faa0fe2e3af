//! What other BGP implementations make of our rules. Each test has one gobgpd with our rules and
//! one peer, both on loopback addresses of the test's own.

mod bird;
mod exabgp;
mod frr;
mod gobgp;

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use sark_flowspec::Speaker;

use crate::process::{Gobgpd, Release, eventually};

/// Our side of a session: gobgpd waits for the peer, which connects faster than gobgpd does.
struct Site {
    gobgpd: Gobgpd,
    ours: IpAddr,
    theirs: IpAddr,
    port: u16,
}

/// Our AS.
const OURS: u32 = 64512;
/// The peer's.
const THEIRS: u32 = 64513;

impl Site {
    async fn new(release: Release, host: u8) -> Self {
        let [ours, theirs] =
            [host, host + 1].map(|host| IpAddr::V4(Ipv4Addr::new(127, 79, net(), host)));
        let port = free_port(ours);
        let gobgpd = Gobgpd::with_config(
            release,
            &format!(
                "[global.config]\nas = {OURS}\nrouter-id = \"192.0.2.1\"\nport = {port}\n\
                 local-address-list = [\"{ours}\"]\n\
                 [[neighbors]]\n[neighbors.config]\nneighbor-address = \"{theirs}\"\n\
                 peer-as = {THEIRS}\n[neighbors.transport.config]\npassive-mode = true\n\
                 [neighbors.graceful-restart.config]\nenabled = true\nrestart-time = 60\n\
                 {}{}",
                family("ipv4"),
                family("ipv6"),
            ),
        )
        .await;
        Self { gobgpd, ours, theirs, port }
    }

    async fn established(&self) {
        eventually("the session", async || {
            let peers = self.gobgpd.speaker.peers().await.unwrap();
            (peers[0].state == sark_flowspec::PeerState::Established).then_some(())
        })
        .await;
    }

    /// A name in the gobgpd's own directory.
    fn path(&self, name: &str) -> std::path::PathBuf {
        self.gobgpd.directory().join(name)
    }
}

fn family(name: &str) -> String {
    format!(
        "[[neighbors.afi-safis]]\n[neighbors.afi-safis.config]\nafi-safi-name = \"{name}-flowspec\"\n\
         [neighbors.afi-safis.mp-graceful-restart.config]\nenabled = true\n"
    )
}

/// Of this test process.
fn net() -> u8 {
    u8::try_from(std::process::id() % 251).unwrap()
}

fn free_port(address: IpAddr) -> u16 {
    std::net::TcpListener::bind((address, 0)).unwrap().local_addr().unwrap().port()
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}

/// `text` with each of the words replaced.
fn replace(text: &str, words: &[(&str, &str)]) -> String {
    words.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}
