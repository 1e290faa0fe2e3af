//! The control API: JSON over a Unix socket, for users of this machine.
//!
//! ```text
//!   connection ── who is it ── gate ── table: may they ── handler ── answer
//! ```
//!
//! [`table`] lists every route with who may call it; [`gate`] is where that is checked.

mod alerts;
mod answer;
mod approvals;
mod audit;
mod auth;
mod callers;
mod certificates;
mod changes;
mod decisions;
mod describe;
mod enforcers;
mod explain;
mod export;
mod feeds;
mod gate;
mod https;
mod leaders;
mod lines;
mod listen;
mod metrics;
mod observations;
mod pools;
mod prices;
mod proxies;
mod questions;
mod refusals;
mod registry;
mod sensors;
mod serve;
mod source;
mod strangers;
mod table;
mod throttle;
mod tls;
mod users;
mod who;

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use sark_api::config::CertificateConfig;
use sark_api::{ErrorBody, ErrorCode};
use sark_audit::VerifyingKey;
use sark_trail::Trail;
use tokio_util::task::TaskTracker;

use crate::alerts::Alerts;
use crate::approvals::Approvals;
use crate::decisions::Decisions;
use crate::feeds::Feeds;
use crate::identities::Identities;
use crate::names::Names;
use crate::pools::Pools;
use crate::prices::Prices;
use crate::proxies::Proxies;
use crate::sensors::Sensors;
use crate::trail::Keep;
use crate::{Changes, Leadership, Metrics, Observatory, Registrar};
use answer::Failure;
pub(crate) use callers::Callers;
pub use describe::openapi;
pub use https::serve_https;
pub use listen::{ListenError, SocketGuard, listen};
pub use metrics::serve_metrics;
pub use serve::serve;
pub(crate) use strangers::Strangers;
pub(crate) use throttle::Throttle;
pub use tls::{Tls, TlsError};
pub use users::Users;

/// What the handlers share.
#[derive(Clone)]
pub struct Api {
    /// Makes revisions.
    pub changes: Arc<Changes>,
    /// Answers questions.
    pub observatory: Arc<Observatory>,
    /// Makes registry versions.
    pub registrar: Arc<Registrar>,
    /// Asks feeds.
    pub feeds: Arc<Feeds>,
    /// Knows what models cost.
    pub prices: Arc<Prices>,
    /// Asks for names, if they are asked for.
    pub names: Option<Arc<Names>>,
    /// Whether this one makes changes.
    pub leadership: Leadership,
    /// Decides.
    pub decisions: Arc<Decisions>,
    /// Gives those who decide elsewhere what they decide by, and takes their records.
    pub proxies: Arc<Proxies>,
    /// Knows which proxies are up.
    pub pools: Arc<Pools>,
    /// Takes records of decisions.
    pub trail: Option<Trail>,
    /// Keeps what policies want kept of what was decided on.
    pub keep: Arc<Keep>,
    /// Who signs checkpoints of the trail.
    pub trail_key: Option<VerifyingKey>,
    /// Tells people and their tools; absent only where nothing is told.
    pub alerts: Option<Arc<Alerts>>,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// Users of this machine who may ask.
    pub users: Arc<Users>,
    /// Client certificates, and who they are.
    pub certificates: Arc<[CertificateConfig]>,
    /// Tokens.
    pub identities: Arc<Identities>,
    /// What waits for another person.
    pub approvals: Arc<Approvals>,
    /// Takes reports.
    pub sensors: Arc<Sensors>,
    /// Those who are known.
    pub(crate) callers: Arc<Callers>,
    /// Those whom nobody knows.
    pub(crate) strangers: Arc<Strangers>,
    /// Changes under way: they end although their client went away, and the drain waits for them.
    pub work: TaskTracker,
}

/// Who is at the other end of a connection.
#[derive(Debug, Clone)]
pub(crate) enum Peer {
    /// A user of this machine, as the kernel says.
    Local {
        /// User id.
        uid: u32,
    },
    /// Somebody elsewhere.
    Remote {
        /// Their address.
        address: IpAddr,
        /// What their certificate says; an authority that is believed signed it.
        certificate: Option<Arc<certificates::Names>>,
    },
}

impl Api {
    /// All routes, behind the [`gate`].
    pub fn router(self) -> Router {
        let table = table::table();
        let gate = from_fn_with_state(gate::Gate::new(self.clone(), &table), gate::gate);
        table::router(table)
            .fallback(no_route)
            .method_not_allowed_fallback(no_method)
            .layer(gate)
            .with_state(self)
    }
}

async fn no_route(request: Request) -> Failure {
    let path = request.uri().path().to_owned();
    Failure(ErrorBody::new(ErrorCode::NotFound, format!("there is no {path}")))
}

async fn no_method(request: Request) -> Failure {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    Failure(ErrorBody::new(ErrorCode::MethodNotAllowed, format!("{path} does not take {method}")))
}
