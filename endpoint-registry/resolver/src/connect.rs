//! Connections that remember why there was none: the library's pool only says that there is none.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use hickory_resolver::config::ConnectionConfig;
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::xfer::DnsExchange;
use hickory_resolver::{ConnectionProvider, PoolContext};

type Connecting = Pin<Box<dyn Future<Output = Result<DnsExchange<Runtime>, NetError>> + Send>>;
type Runtime = TokioRuntimeProvider;

/// Connects as the library does.
#[derive(Clone, Default)]
pub(crate) struct Connect {
    runtime: Runtime,
    why: Arc<Mutex<Option<String>>>,
}

impl Connect {
    /// Why the latest attempt to connect failed; `None` if it did not.
    pub(crate) fn why(&self) -> Option<String> {
        self.why.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ConnectionProvider for Connect {
    type Conn = DnsExchange<Runtime>;
    type FutureConn = Connecting;
    type RuntimeProvider = Runtime;

    fn new_connection(
        &self,
        ip: IpAddr,
        config: &ConnectionConfig,
        context: &PoolContext,
    ) -> Result<Connecting, NetError> {
        let connecting = self.runtime.new_connection(ip, config, context)?;
        let why = Arc::clone(&self.why);
        Ok(Box::pin(async move {
            let connected = connecting.await;
            let failed = connected.as_ref().err().map(ToString::to_string);
            *why.lock().unwrap_or_else(PoisonError::into_inner) = failed;
            connected
        }))
    }

    fn runtime_provider(&self) -> &Runtime {
        &self.runtime
    }
}
