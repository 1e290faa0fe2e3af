//! [`Speaker`] over gRPC.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures::stream::BoxStream;
use sark_flowspec::{
    Afi, Nlri, Observed, PeerStatus, Route, Speaker, SpeakerError, SpeakerEvent, SpeakerInfo,
};

use crate::connection::Connection;
use crate::generation::Generation;
use crate::{BestPath, Config, check, v3};

/// A gobgpd, reached over gRPC. Connects at the first call and again after a failure; clones share
/// the connection.
///
/// Touches FlowSpec paths only. Sessions belong to whoever configured gobgpd, or to
/// [`daemon::Supervised`](crate::daemon::Supervised).
#[derive(Debug, Clone)]
pub struct Gobgp {
    connection: Connection,
    generation: Arc<Mutex<Option<Generation>>>,
}

impl Gobgp {
    /// Must be called inside a tokio runtime; connects later.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self { connection: Connection::new(config), generation: Arc::default() }
    }

    /// The best path of each FlowSpec NLRI of both families: what a router carries out. Fails
    /// before BGP is started.
    pub async fn best_paths(&self) -> Result<Vec<BestPath>, SpeakerError> {
        self.forget(match self.generation().await? {
            Generation::V3 => {
                let tables = futures::try_join!(
                    v3::calls::best(&self.connection, Afi::Ipv4),
                    v3::calls::best(&self.connection, Afi::Ipv6)
                );
                tables.map(|(mut paths, ipv6)| {
                    paths.extend(ipv6);
                    paths
                })
            }
        })
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Asked once per connection: the daemon behind the address may be another after a failure.
    pub(crate) async fn generation(&self) -> Result<Generation, SpeakerError> {
        let known = *self.generation.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(generation) = known {
            return Ok(generation);
        }
        let found = Generation::find(&self.connection).await?;
        *self.generation.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
        Ok(found)
    }

    fn forget<T>(&self, answer: Result<T, SpeakerError>) -> Result<T, SpeakerError> {
        if answer.is_err() {
            *self.generation.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        answer
    }
}

#[async_trait]
impl Speaker for Gobgp {
    async fn info(&self) -> Result<SpeakerInfo, SpeakerError> {
        let (program, asn, router_id) = match self.generation().await? {
            Generation::V3 => {
                let global = self.forget(v3::calls::get_bgp(&self.connection).await)?;
                ("gobgp v3", global.asn, global.router_id)
            }
        };
        Ok(SpeakerInfo { program: program.to_owned(), asn, router_id: router_id.parse().ok() })
    }

    async fn announce(&self, routes: &[Route]) -> Result<(), SpeakerError> {
        check::routes(routes)?;
        self.forget(match self.generation().await? {
            Generation::V3 => {
                v3::calls::send(&self.connection, routes, v3::encode::announcement).await
            }
        })
    }

    async fn withdraw(&self, nlris: &[Nlri]) -> Result<(), SpeakerError> {
        check::nlris(nlris)?;
        self.forget(match self.generation().await? {
            Generation::V3 => {
                v3::calls::send(&self.connection, nlris, v3::encode::withdrawal).await
            }
        })
    }

    async fn table(&self) -> Result<Vec<Observed>, SpeakerError> {
        self.forget(match self.generation().await? {
            Generation::V3 => {
                let tables = futures::try_join!(
                    v3::calls::table(&self.connection, Afi::Ipv4),
                    v3::calls::table(&self.connection, Afi::Ipv6)
                );
                tables.map(|(mut table, ipv6)| {
                    table.extend(ipv6);
                    table
                })
            }
        })
    }

    async fn peers(&self) -> Result<Vec<PeerStatus>, SpeakerError> {
        self.forget(match self.generation().await? {
            Generation::V3 => v3::calls::peers(&self.connection).await,
        })
    }

    async fn watch(&self) -> Result<BoxStream<'static, SpeakerEvent>, SpeakerError> {
        self.forget(match self.generation().await? {
            Generation::V3 => v3::calls::watch(&self.connection).await,
        })
    }
}
