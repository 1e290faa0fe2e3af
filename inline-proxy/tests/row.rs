//! A client's namespace, a router with the proxy, a server's namespace. Takes root; nothing is left of it.

use std::fs::File;
use std::future::Future;
use std::process::Command;

use nix::sched::{CloneFlags, setns};
use sark_inline_proxy::entrance::net::Net;
use sark_inline_proxy::entrance::transparent::Steering;

/// Three namespaces in a row, until it is dropped.
pub struct Row(String);

fn ip(words: &str) {
    let done = Command::new("ip").args(words.split(' ')).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "ip {words}: {said} (this test takes root)");
}

impl Row {
    /// `of` tells it apart from others.
    pub fn new(of: &str) -> Self {
        let row = Self(format!("sark-{of}-{}", std::process::id()));
        for end in ["client", "router", "server"] {
            ip(&format!("netns add {}", row.name(end)));
            ip(&format!("-n {} link set lo up", row.name(end)));
        }
        for (end, number) in [("client", 1), ("server", 2)] {
            let (near, far) = (row.name(end), row.name("router"));
            ip(&format!("-n {near} link add eth0 type veth peer name to-{end} netns {far}"));
            for (place, device, host) in
                [(&near, "eth0".to_owned(), 2), (&far, format!("to-{end}"), 1)]
            {
                ip(&format!("-n {place} addr add 10.77.{number}.{host}/24 dev {device}"));
                ip(&format!(
                    "-n {place} addr add 2001:db8:77:{number}::{host}/64 dev {device} nodad"
                ));
                ip(&format!("-n {place} link set {device} up"));
            }
            ip(&format!("-n {near} route add default via 10.77.{number}.1"));
            ip(&format!("-n {near} -6 route add default via 2001:db8:77:{number}::1"));
        }
        let forwards = ["net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"];
        row.run("router", async move {
            for key in forwards {
                std::fs::write(format!("/proc/sys/{key}"), "1").unwrap();
            }
        });
        row
    }

    pub fn name(&self, end: &str) -> String {
        format!("{}-{end}", self.0)
    }

    /// On a thread in that namespace, with a runtime of its own.
    pub fn spawn<T: Send + 'static>(
        &self,
        end: &str,
        work: impl Future<Output = T> + Send + 'static,
    ) -> std::thread::JoinHandle<T> {
        let namespace = File::open(format!("/run/netns/{}", self.name(end))).unwrap();
        std::thread::spawn(move || {
            setns(namespace, CloneFlags::CLONE_NEWNET).unwrap();
            let mut builder = tokio::runtime::Builder::new_current_thread();
            let runtime = builder.enable_all().build().unwrap();
            let done = runtime.block_on(work);
            runtime.shutdown_background();
            done
        })
    }

    pub fn run<T: Send + 'static>(
        &self,
        end: &str,
        work: impl Future<Output = T> + Send + 'static,
    ) -> T {
        self.spawn(end, work).join().unwrap()
    }
}

impl Drop for Row {
    fn drop(&mut self) {
        for end in ["client", "router", "server"] {
            let _ = Command::new("ip").args(["netns", "del", &self.name(end)]).status();
        }
    }
}

/// What the kernel of the router needs.
pub fn net(steering: Steering) -> Net {
    Net {
        steering,
        interfaces: vec!["to-client".into()],
        port: 15001,
        ports: vec![80, 443],
        mark: 0x5a01,
        table: 15001,
        priority: 150,
        refuse_quic: true,
    }
}
