//! A speaker that only a leader moves.

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use sark_flowspec::speaker::{PeerStatus, SpeakerEvent, SpeakerInfo};
use sark_flowspec::{Nlri, Observed, Route, Speaker, SpeakerError};

use crate::Leadership;

/// A leader that was halted in the middle of a round, and goes on when another leads, is stopped
/// here: a speaker knows no fence.
pub(crate) struct Led {
    speaker: Arc<dyn Speaker>,
    leadership: Leadership,
}

impl Led {
    pub(crate) fn new(speaker: Arc<dyn Speaker>, leadership: Leadership) -> Self {
        Self { speaker, leadership }
    }

    fn check(&self, call: &'static str) -> Result<(), SpeakerError> {
        if self.leadership.leads() {
            return Ok(());
        }
        let message = "this sarkd does not lead any more, and sent nothing".to_owned();
        Err(SpeakerError::Refused { call, message })
    }
}

#[async_trait]
impl Speaker for Led {
    async fn info(&self) -> Result<SpeakerInfo, SpeakerError> {
        self.speaker.info().await
    }

    async fn announce(&self, routes: &[Route]) -> Result<(), SpeakerError> {
        self.check("announce")?;
        self.speaker.announce(routes).await
    }

    async fn withdraw(&self, nlris: &[Nlri]) -> Result<(), SpeakerError> {
        self.check("withdraw")?;
        self.speaker.withdraw(nlris).await
    }

    async fn table(&self) -> Result<Vec<Observed>, SpeakerError> {
        self.speaker.table().await
    }

    async fn peers(&self) -> Result<Vec<PeerStatus>, SpeakerError> {
        self.speaker.peers().await
    }

    async fn watch(&self) -> Result<BoxStream<'static, SpeakerEvent>, SpeakerError> {
        self.speaker.watch().await
    }
}
