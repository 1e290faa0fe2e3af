//! Connections on behalf of a client: a balancer in front says whose they are, by the PROXY protocol.

use std::sync::Arc;

use tokio::net::TcpStream;

use crate::flow::{Entrance, Flow, Target};
use crate::proxy::Proxy;
use crate::proxy_protocol::{self, Header, HeaderError, Told};
use crate::refusals::Reason;

impl Flow {
    /// The same on behalf of the client that was told of; where clients do not know the proxy, it was meant
    /// for whom that client meant.
    #[must_use]
    pub fn on_behalf(self, told: Told) -> Self {
        let target = match self.entrance {
            Entrance::Transparent => Target::Address(told.destination),
            Entrance::Explicit | Entrance::Reverse => self.target,
        };
        Self { client: told.source, target, ..self }
    }
}

impl Proxy {
    /// Serves a connection that begins with a header; one without is closed, since whoever may tell may not
    /// be silent: its clients could write the header themselves. Until it is read it has a place among all
    /// connections, and is no client's.
    pub fn take_on_behalf(self: &Arc<Self>, mut stream: TcpStream, flow: Flow) {
        let place = match self.clients.enter_unnamed() {
            Ok(place) => place,
            Err(error) => return self.turn_away(&flow, &error),
        };
        let proxy = Arc::clone(self);
        self.tasks.spawn(async move {
            let reading = proxy_protocol::read(&mut stream);
            let read = tokio::time::timeout(proxy.limits.hello_within, reading).await;
            drop(place);
            let why = match read {
                Ok(Ok(Header::Local)) => return proxy.take(stream, flow),
                Ok(Ok(Header::On(told))) => return proxy.take(stream, flow.on_behalf(told)),
                // So do checks of whether somebody listens.
                Ok(Err(HeaderError::Silent)) => return,
                Ok(Err(error)) => sark_core::chain(&error),
                Err(_) => "the header took too long to come".to_owned(),
            };
            proxy.refused(Reason::Header, &flow, proxy.correlation(&flow), None, &why);
        });
    }
}
