//! Listeners, and what is behind each.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};

use super::transparent::{Steering, listen, meant};
use crate::config::Config;
use crate::flow::{Entrance, Flow, Target};
use crate::handover::Inherited;
use crate::proxy::Proxy;
use crate::run::RunError;

/// A listener, and what is behind it.
#[derive(Debug)]
pub(crate) struct Door {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
    kind: Kind,
    /// Who says on whose behalf it connects.
    from: Vec<IpNet>,
}

#[derive(Debug, Clone)]
enum Kind {
    Transparent(Steering),
    Explicit,
    Reverse(String, u16),
}

/// Listens wherever the configuration says, on sockets that were handed over where there are such.
pub(crate) fn doors(config: &Config, before: &mut Inherited) -> Result<Vec<Door>, RunError> {
    let mut wanted = Vec::new();
    if let Some(it) = &config.transparent {
        let (kind, from) = (Kind::Transparent(it.steering), &it.proxy_protocol.from);
        wanted.push((SocketAddr::from((Ipv4Addr::UNSPECIFIED, it.port)), kind.clone(), from));
        // A machine without IPv6 has none to steer.
        if Path::new("/proc/net/if_inet6").exists() {
            wanted.push((SocketAddr::from((Ipv6Addr::UNSPECIFIED, it.port)), kind, from));
        }
    }
    let explicit = config.explicit.iter();
    wanted.extend(explicit.map(|it| (it.listen, Kind::Explicit, &it.proxy_protocol.from)));
    wanted.extend(
        config
            .reverse
            .iter()
            .map(|it| (it.listen, Kind::Reverse(it.to.clone(), it.port), &it.proxy_protocol.from)),
    );
    let door = |(address, kind, from): (SocketAddr, Kind, &Vec<IpNet>)| {
        let steering = match kind {
            Kind::Transparent(steering) => Some(steering),
            _ => None,
        };
        let failed = |source| RunError::Listen { address, source };
        let listener = match before.take(address) {
            Some(listener) => listener,
            None => listen(address, steering).map_err(failed)?,
        };
        let address = listener.local_addr().map_err(failed)?;
        Ok(Door { listener, address, kind, from: from.clone() })
    };
    wanted.into_iter().map(door).collect()
}

/// Takes connections until the proxy stops.
pub(crate) async fn accept(door: Door, proxy: Arc<Proxy>) {
    loop {
        let accepted = tokio::select! {
            accepted = door.listener.accept() => accepted,
            () = proxy.stop.cancelled() => return,
        };
        let (stream, client) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // No more files, most likely: others have to end first.
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let is_told = door.is_told(client.ip());
        match door.flow(&stream, client, is_told) {
            Ok(flow) if is_told => proxy.take_on_behalf(stream, flow),
            Ok(flow) => proxy.take(stream, flow),
            Err(error) => tracing::debug!(%client, %error, "a connection was not steered here"),
        }
    }
}

impl Door {
    /// The same socket once more, for the program that takes over.
    pub(crate) fn socket(&self) -> std::io::Result<OwnedFd> {
        self.listener.as_fd().try_clone_to_owned()
    }

    fn is_told(&self, client: IpAddr) -> bool {
        self.from.iter().any(|net| net.contains(&client.to_canonical()))
    }

    fn flow(&self, stream: &TcpStream, client: SocketAddr, is_told: bool) -> std::io::Result<Flow> {
        let (target, entrance) = match &self.kind {
            Kind::Transparent(steering) => {
                let meant = match meant(stream, *steering) {
                    // A balancer's connections are for this proxy, and nobody translated them.
                    Err(_) if is_told => stream.local_addr(),
                    meant => meant,
                };
                (Target::Address(meant?), Entrance::Transparent)
            }
            Kind::Explicit => (Target::Address(self.address), Entrance::Explicit),
            Kind::Reverse(name, port) => (Target::Name(name.clone(), *port), Entrance::Reverse),
        };
        Ok(Flow { client, local: self.address, target, entrance })
    }
}
