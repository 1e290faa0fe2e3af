//! gobgpd, supervised or external.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sark_api::config::{Config, Family, GobgpdMode, OnStop, PeerConfig};
use sark_flowspec::{Afi, Speaker};
use sark_gobgp::daemon::{self, DaemonError, Supervised};
use sark_gobgp::{Address, Gobgp};
use sark_program::secret::{self, SecretError};

use crate::observatory::SpeakerPlace;
use crate::reconcile::{Keeper, KeeperError, Unkept};

/// Silence of gobgpd during a call after which the call is given up.
const SILENCE_SECONDS: u64 = 10;
/// gobgpd's own 120 s would leave a router that comes back waiting.
const CONNECT_RETRY: Duration = Duration::from_secs(10);

/// A speaker, and whoever keeps it.
pub(super) struct Wired {
    pub(super) speaker: Arc<dyn Speaker>,
    pub(super) keeper: Box<dyn Keeper>,
    pub(super) place: SpeakerPlace,
}

/// Why there is no speaker.
#[derive(Debug, thiserror::Error)]
pub enum SpeakerWiringError {
    /// Its address.
    #[error("bgp.gobgpd.api cannot be used")]
    Address(#[from] sark_gobgp::AddressError),
    /// A supervised gobgpd listens on a Unix socket only.
    #[error("bgp.gobgpd.api {0} is no Unix socket, and a supervised gobgpd has no other")]
    NotASocket(String),
    /// It cannot be supervised here.
    #[error("cannot supervise gobgpd")]
    Daemon(#[from] DaemonError),
    /// A password cannot be read. Its value is in no message.
    #[error("the password of peer {peer} cannot be read from {reference}")]
    Password {
        /// The peer.
        peer: String,
        /// Where it should be.
        reference: String,
        /// Cause.
        source: SecretError,
    },
}

/// Makes the speaker; starts nothing.
pub(super) fn wire(config: &Config) -> Result<Wired, SpeakerWiringError> {
    let api = config.gobgpd_api();
    let address: Address = api.parse()?;
    match config.bgp.gobgpd.mode {
        GobgpdMode::External => {
            let settings = sark_gobgp::Config { address, timeout_seconds: SILENCE_SECONDS };
            Ok(Wired {
                speaker: Arc::new(Gobgp::new(&settings)),
                keeper: Box::new(Unkept),
                place: SpeakerPlace { mode: "external".to_owned(), api },
            })
        }
        GobgpdMode::Supervised => {
            let Address::Unix(socket) = address else {
                return Err(SpeakerWiringError::NotASocket(api));
            };
            let supervised = Supervised::new(settings(config, socket)?)?;
            Ok(Wired {
                speaker: Arc::new(supervised.speaker()),
                keeper: Box::new(Keeps(supervised)),
                place: SpeakerPlace { mode: "supervised".to_owned(), api },
            })
        }
    }
}

struct Keeps(Supervised);

#[async_trait]
impl Keeper for Keeps {
    async fn ensure(&mut self) -> Result<(), KeeperError> {
        self.0.ensure().await?;
        Ok(())
    }

    async fn open_sessions(&mut self) -> Result<(), KeeperError> {
        self.0.reconcile_peers().await?;
        Ok(())
    }

    async fn stop(self: Box<Self>) {
        self.0.stop().await;
    }

    async fn retire(self: Box<Self>) -> Result<(), KeeperError> {
        if self.0.retire().await? {
            tracing::info!("another sarkd leads: this one's gobgpd and its rules are gone");
        }
        Ok(())
    }
}

fn settings(
    config: &Config,
    socket: std::path::PathBuf,
) -> Result<daemon::Settings, SpeakerWiringError> {
    let bgp = &config.bgp;
    let peers: Result<Vec<_>, _> =
        config.peers.iter().map(|p| peer(p, config.local_address(p))).collect();
    Ok(daemon::Settings {
        program: bgp.gobgpd.program.clone(),
        socket,
        timeout_seconds: SILENCE_SECONDS,
        asn: bgp.asn,
        router_id: bgp.router_id,
        listen_port: (bgp.listen_port > 0).then_some(bgp.listen_port),
        listen_addresses: bgp.listen_addresses.clone(),
        peers: peers?,
        on_stop: match bgp.gobgpd.on_stop {
            OnStop::Keep => daemon::OnStop::Keep,
            OnStop::Withdraw => daemon::OnStop::Withdraw,
        },
    })
}

fn peer(
    config: &PeerConfig,
    local_address: Option<IpAddr>,
) -> Result<daemon::Peer, SpeakerWiringError> {
    let families = config.families.iter().map(|family| match family {
        Family::Ipv4 => Afi::Ipv4,
        Family::Ipv6 => Afi::Ipv6,
    });
    let password = config.password_ref.as_ref().map(|reference| {
        secret::read(reference).map_err(|source| SpeakerWiringError::Password {
            peer: config.name.clone(),
            reference: reference.to_string(),
            source,
        })
    });
    Ok(daemon::Peer {
        port: config.port,
        local_address,
        families: families.collect(),
        passive: config.passive,
        multihop: config.multihop,
        hold_time: config.hold_time.and_then(|time| Duration::try_from(time).ok()),
        connect_retry: Some(CONNECT_RETRY),
        password: password
            .transpose()?
            .map(|secret| daemon::Password::new(secret.reveal().to_owned())),
        ..daemon::Peer::new(config.address, config.asn)
    })
}
