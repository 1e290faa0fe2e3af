//! gobgpd, supervised or external.

use std::path::PathBuf;
use std::sync::Arc;

use sark_api::config::{Config, GobgpdMode, Secret, SecretRef};
use sark_flowspec::Speaker;
use sark_gobgp::{Address, Gobgp};

use crate::observatory::SpeakerPlace;
use crate::reconcile::{Keeper, Unkept};

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

/// Why a secret cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file.
    #[error(transparent)]
    File(#[from] std::io::Error),
    /// The environment variable.
    #[error("there is no such environment variable")]
    Environment,
    /// Nothing in it.
    #[error("it is empty")]
    Empty,
    /// Refused by the check already.
    #[error("it is not a reference")]
    Reference,
}

pub(super) fn wire(config: &Config) -> Result<Wired, SpeakerWiringError> {
    let api = config.gobgpd_api();
    let address: Address = api.parse()?;
    match config.bgp.gobgpd.mode {
        GobgpdMode::External => Ok(Wired {
            speaker: Arc::new(Gobgp::new(&sark_gobgp::Config::new(address))),
            keeper: Box::new(Unkept),
            place: SpeakerPlace { mode: "external".to_owned(), api },
        }),
        GobgpdMode::Supervised => todo!(),
    }
}

fn read(reference: &SecretRef) -> Result<Secret, SecretError> {
    let text = match reference {
        SecretRef::File(path) => {
            let text = std::fs::read_to_string(path)?;
            text.lines().next().unwrap_or_default().to_owned()
        }
        SecretRef::Env(name) => std::env::var(name).map_err(|_| SecretError::Environment)?,
        SecretRef::Invalid => return Err(SecretError::Reference),
    };
    if text.is_empty() { Err(SecretError::Empty) } else { Ok(Secret::new(text)) }
}
