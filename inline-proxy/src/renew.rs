//! The certificate authority, as the state directory has it: at the start, and on SIGHUP anew.

use std::path::PathBuf;
use std::sync::Arc;

use sark_ca::{CaDirectory, LeafConfig, Leaves};
use sark_core::Clock;
use sark_core::audit::{AuditRecord, Outcome};
use serde_json::json;
use tokio::signal::unix::Signal;

use crate::proxy::Proxy;
use crate::run::RunError;

/// Where the authority is.
#[derive(Clone)]
pub(crate) struct Issuer {
    pub(crate) directory: PathBuf,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Issuer {
    /// Leaves of the one that issues now, and its certificate's fingerprint.
    pub(crate) fn load(&self) -> Result<(Arc<Leaves>, String), RunError> {
        let now = self.clock.now();
        let failed = |source| RunError::Ca { path: self.directory.clone(), source };
        let (authority, _) = CaDirectory::at(self.directory.clone()).load(now).map_err(failed)?;
        let issues = authority.chain().first().map(|own| own.fingerprint().to_string());
        let leaves = Leaves::new(Arc::new(authority), LeafConfig::default(), now)?;
        Ok((Arc::new(leaves), issues.unwrap_or_default()))
    }

    /// Takes it anew whenever it is told to. What cannot be used changes nothing.
    pub(crate) async fn renew(self, mut told: Signal, proxy: Arc<Proxy>) {
        while told.recv().await.is_some() {
            let own = self.clone();
            // Reading files, and making keys.
            let loaded = match tokio::task::spawn_blocking(move || own.load()).await {
                Ok(loaded) => loaded,
                Err(error) => {
                    tracing::error!(%error, "the certificate authority was not read to its end");
                    continue;
                }
            };
            let renewed = loaded.and_then(|(leaves, issues)| {
                proxy.termination.renew(leaves)?;
                Ok(issues)
            });
            let (outcome, detail) = match renewed {
                Ok(issues) => {
                    tracing::info!(issues, "the certificate authority was taken anew");
                    (Outcome::Ok, json!({ "issues": issues }))
                }
                Err(error) => {
                    let why = sark_core::chain(&error);
                    tracing::error!(why, "the certificate authority in use stays");
                    (Outcome::Failed, json!({ "why": why }))
                }
            };
            let (now, actor) = (self.clock.now(), proxy.judge.actor());
            let record = AuditRecord::new(now, actor, "proxy.authority", outcome, detail);
            proxy.judge.note(&record);
        }
    }
}
