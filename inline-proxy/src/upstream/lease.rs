//! What an answer holds of the connection that it comes on, until the last of it is dropped: it travels among the
//! answer's extensions, and goes with its body.

use std::sync::{Arc, Weak};

use tokio::runtime::Handle;

use super::own::Held;
use super::pool::{Flight, Pool};
use super::{Link, Server};

/// What it holds.
#[derive(Debug, Clone)]
pub enum Stay {
    /// A place on one that is shared.
    Shared(Arc<Flight>),
    /// All of one of HTTP/1.1.
    Alone(Arc<Lease>),
}

/// A connection of HTTP/1.1 while an answer comes on it; then it is for the next request.
#[derive(Debug)]
pub struct Lease(Option<(Link, Home)>);

/// Whose next request: anybody's, or that of the one client whose connection it is.
#[derive(Debug)]
pub(super) struct Home {
    pub(super) pool: Weak<Pool>,
    pub(super) server: Arc<Server>,
    pub(super) own: Option<Held>,
}

impl Lease {
    pub(super) fn new(link: Link, home: Home) -> Self {
        Self(Some((link, home)))
    }
}

impl Home {
    fn take(self, link: Link) {
        match (self.own, self.pool.upgrade()) {
            (Some(own), _) => own.keep(self.server, link),
            (None, Some(pool)) => pool.back(&self.server, link),
            (None, None) => {}
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some((mut link, home)) = self.0.take() else { return };
        if link.is_ready() {
            return home.take(link);
        }
        // Its own task has not come to it yet; or not all was read, and it ends.
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(async move {
            if link.ready().await.is_ok() {
                home.take(link);
            }
        });
    }
}
