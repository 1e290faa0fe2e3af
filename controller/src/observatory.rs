//! Answers questions: how everything is, and which rules there are.

mod rules;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sark_api::{
    EndpointView, EndpointsResponse, LookupResponse, PeerView, PoliciesResponse, PolicyView,
    Problem, ReconcileView, RevisionView, RuleCounts, SpeakerView, StatusResponse, StoreView,
    config::Config,
};
use sark_compiler::Steering;
use sark_core::Clock;
use sark_core::storage::StorageError;
use sark_flowspec::{PeerState, PeerStatus, Speaker, SpeakerError};
use sark_trail::{TrailHealth, Trouble};
use tokio::sync::watch;

use crate::chain;
use crate::enforcers::Enforcers;
use crate::metrics::PeerLabels;
use crate::{DesiredError, DesiredState, Leadership, Metrics, RegistryHolder, Standing, Storage};

/// Longest wait for the speaker when somebody only looks.
const GLANCE: Duration = Duration::from_secs(3);

/// Where the speaker is, for people.
#[derive(Debug, Clone)]
pub struct SpeakerPlace {
    /// `supervised` or `external`.
    pub mode: String,
    /// Its API.
    pub api: String,
}

/// Where the database is, for people.
#[derive(Debug, Clone)]
pub struct StorePlace {
    /// `sqlite` or `postgres`.
    pub engine: &'static str,
    /// The file, or server, database and user.
    pub place: String,
}

/// Reads the controller's parts and changes none.
pub struct Observatory {
    pub(crate) store: Arc<dyn Storage>,
    pub(crate) registry: Arc<RegistryHolder>,
    pub(crate) desired: Arc<DesiredState>,
    pub(crate) speaker: Arc<dyn Speaker>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) reconcile: watch::Receiver<ReconcileView>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) config: Arc<Config>,
    pub(crate) place: SpeakerPlace,
    pub(crate) store_place: StorePlace,
    pub(crate) leadership: Leadership,
    pub(crate) started_at: Timestamp,
    pub(crate) trail: Arc<TrailHealth>,
    pub(crate) enforcers: Arc<Enforcers>,
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QuestionError {
    /// The store does not answer.
    #[error("cannot read the store")]
    Store(#[from] StorageError),
    /// The newest revision cannot be read or compiled.
    #[error(transparent)]
    Desired(#[from] DesiredError),
}

impl Observatory {
    /// How everything is. Always answers: what cannot be reached is a problem in the list.
    pub async fn status(&self) -> StatusResponse {
        let (speaker, peers) = tokio::join!(self.speaker_view(), self.peers());
        let registry = self.registry.snapshot();
        let reconcile = self.reconcile.borrow().clone();
        let environment = self.desired.environment();
        let mut problems = Vec::new();
        let revision = match self.store.current().await {
            Ok(revision) => revision.as_ref().map(RevisionView::summary),
            Err(error) => {
                problems.push(problem(
                    "store-unavailable",
                    chain(&error),
                    match self.store_place.engine {
                        "postgres" => "check the database server; rules in place stay",
                        _ => "check the disk of state.directory; rules in place stay",
                    },
                ));
                None
            }
        };
        let failed = problems.first().map(|problem| problem.message.clone());
        let store = self.store_view(failed);
        // Who follows moves no speaker.
        if store.role != "follower" {
            self.find_problems(&speaker, &peers, &reconcile, &mut problems);
        }
        problems.extend(self.trail.problems().into_iter().map(
            |Trouble { code, message, help }| Problem {
                code: code.to_owned(),
                message,
                help: Some(help),
            },
        ));
        StatusResponse {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            started_at: self.started_at,
            asn: environment.asn,
            instance: environment.instance,
            profile: environment.profile.name.clone(),
            registry_version: registry.version().to_string(),
            endpoints: registry.endpoints().len() as u64,
            revision,
            store,
            speaker,
            peers,
            reconcile,
            problems,
        }
    }

    fn store_view(&self, error: Option<String>) -> StoreView {
        let StorePlace { engine, place } = self.store_place.clone();
        let name = Some(self.leadership.name()).filter(|name| !name.is_empty());
        let standing = self.leadership.now();
        let (role, leader, fence) = match &standing {
            Standing::Leading { until: None, .. } => ("alone", None, None),
            Standing::Leading { fence, .. } => ("leader", name, Some(*fence)),
            Standing::Following { leader } => ("follower", Some(leader.as_str()), None),
            Standing::Unknown => ("unknown", None, None),
        };
        StoreView {
            engine: engine.into(),
            place,
            role: role.into(),
            name: name.map(str::to_owned),
            leader: leader.map(str::to_owned),
            fence,
            reachable: error.is_none(),
            error,
        }
    }

    fn find_problems(
        &self,
        speaker: &SpeakerView,
        peers: &[PeerView],
        reconcile: &ReconcileView,
        problems: &mut Vec<Problem>,
    ) {
        if let Some(error) = &speaker.error {
            problems.push(problem(
                "speaker-unreachable",
                error.clone(),
                "is gobgpd running? bgp.gobgpd in the configuration says where it should be",
            ));
        } else if speaker.asn == Some(0) {
            problems.push(problem(
                "speaker-idle",
                "the BGP speaker runs, but BGP is not started".to_owned(),
                "an external gobgpd needs a configuration of its own",
            ));
        }
        for peer in peers.iter().filter(|p| p.name.is_some()) {
            if !matches!(peer.state.as_str(), "established" | "unknown") {
                let name = peer.name.as_deref().unwrap_or_default();
                problems.push(problem(
                    "peer-down",
                    format!("peer {name} ({}) is {}", peer.address, peer.state),
                    "its rules are gone until the session is back; check the router",
                ));
            }
        }
        if let Some(error) = &reconcile.error {
            problems.push(problem("reconcile-failed", error.clone(), "it is tried again"));
        }
        if reconcile.converged && reconcile.in_place < reconcile.desired {
            problems.push(problem(
                "foreign-route",
                format!(
                    "{} rules are not announced: another program announces the same match",
                    reconcile.desired - reconcile.in_place
                ),
                "sarkctl flowspec list shows them; withdraw the other program's routes",
            ));
        }
        if reconcile.orphaned > 0 {
            problems.push(problem(
                "orphaned-rules",
                format!(
                    "the speaker holds {} rules of ours, but no revision is stored",
                    reconcile.orphaned
                ),
                "they are left alone; apply the policies again, or withdraw --all",
            ));
        }
    }

    /// The store and the speaker answer.
    pub async fn is_ready(&self) -> Result<(), String> {
        self.store.newest().await.map_err(|error| chain(&error))?;
        match self.leadership.now() {
            // Its speaker is idle.
            Standing::Following { .. } => return Ok(()),
            Standing::Unknown => return Err("it is not known which sarkd leads".to_owned()),
            Standing::Leading { .. } => {}
        }
        match self.speaker_view().await.error {
            None => Ok(()),
            Some(error) => Err(error),
        }
    }

    /// OpenMetrics text, with the speaker and its peers looked at now.
    pub async fn metrics_text(&self) -> String {
        let _ = tokio::join!(self.speaker_view(), self.peers());
        let standing = self.leadership.now();
        self.metrics.leading.set(i64::from(matches!(standing, Standing::Leading { .. })));
        if let Standing::Leading { fence, .. } = standing {
            self.metrics.leader_fence.set(i64::try_from(fence).unwrap_or(i64::MAX));
        }
        self.metrics.text()
    }

    async fn speaker_view(&self) -> SpeakerView {
        let SpeakerPlace { mode, api } = self.place.clone();
        let view = match glance("info", self.speaker.info()).await {
            Ok(info) => SpeakerView {
                mode,
                api,
                reachable: true,
                program: Some(info.program),
                asn: Some(info.asn),
                router_id: info.router_id.map(|id| id.to_string()),
                error: None,
            },
            Err(error) => {
                SpeakerView { mode, api, error: Some(chain(&error)), ..SpeakerView::default() }
            }
        };
        self.metrics.speaker_up.set(i64::from(view.reachable));
        view
    }

    /// The sessions: configured ones first, then what else the speaker has.
    pub async fn peers(&self) -> Vec<PeerView> {
        let there = glance("peers", self.speaker.peers()).await.ok();
        let mut views = Vec::new();
        for peer in &self.config.peers {
            let status = there.iter().flatten().find(|status| status.address == peer.address);
            let state = match (&there, status) {
                (None, _) => "unknown",
                (Some(_), None) => "absent",
                (Some(_), Some(status)) => state_text(status.state),
            };
            let up = i64::from(state == "established");
            self.metrics.peers_up.get_or_create(&PeerLabels { peer: peer.name.clone() }).set(up);
            views.push(PeerView {
                name: Some(peer.name.clone()),
                profile: Some(peer.profile.clone()),
                ..peer_view(peer.address, peer.asn, state, status)
            });
        }
        for status in there.iter().flatten() {
            if !self.config.peers.iter().any(|peer| peer.address == status.address) {
                let state = state_text(status.state);
                views.push(peer_view(status.address, status.asn, state, Some(status)));
            }
        }
        views
    }

    /// Newest first, without their files.
    pub async fn revisions(&self, limit: u32) -> Result<Vec<RevisionView>, QuestionError> {
        Ok(self.store.revisions(limit).await?.iter().map(RevisionView::summary).collect())
    }

    /// One, with its files.
    pub async fn revision(&self, number: u64) -> Result<Option<RevisionView>, QuestionError> {
        Ok(self.store.revision(number).await?.as_ref().map(RevisionView::whole))
    }

    /// The policies of the newest revision.
    pub async fn policies(&self) -> Result<PoliciesResponse, QuestionError> {
        let now = self.clock.now();
        let Some(desired) = self.desired.at(now).await? else {
            return Ok(PoliciesResponse {
                revision: None,
                policy_version: None,
                policies: Vec::new(),
            });
        };
        let rules_of = |name: &str| {
            desired.compiled.rules.iter().filter(|rule| &*rule.policy == name).count() as u64
        };
        let policies = desired.policies.policies.iter().map(|policy| {
            let activated = desired.revision.activated.get(&policy.name).copied();
            PolicyView::of(policy, activated, rules_of(&policy.name), now)
        });
        Ok(PoliciesResponse {
            revision: Some(desired.revision.number),
            policy_version: Some(desired.revision.policy_version.clone()),
            policies: policies.collect(),
        })
    }

    /// What policies that redirect to pools do now; nothing if that cannot be said.
    pub(crate) async fn steering(&self) -> Vec<Steering> {
        let desired = self.desired.at(self.clock.now()).await.ok().flatten();
        desired.map(|desired| desired.compiled.steering.clone()).unwrap_or_default()
    }

    /// Holds the registry in use.
    pub fn registry(&self) -> &Arc<RegistryHolder> {
        &self.registry
    }

    /// The registry in use.
    pub fn snapshot(&self) -> Arc<sark_registry::Snapshot> {
        self.registry.snapshot()
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Endpoints of a provider, of a kind, or all.
    pub fn endpoints(&self, provider: Option<&str>, kind: Option<&str>) -> EndpointsResponse {
        let registry = self.registry.snapshot();
        let wanted = |view: &EndpointView| {
            provider.is_none_or(|provider| view.provider == provider)
                && kind.is_none_or(|kind| view.kind.as_str() == kind)
        };
        EndpointsResponse {
            version: registry.version().to_string(),
            endpoints: registry.endpoints().iter().map(EndpointView::from).filter(wanted).collect(),
        }
    }

    /// Who these are.
    pub fn lookup(&self, queries: &[String]) -> LookupResponse {
        let registry = self.registry.snapshot();
        LookupResponse {
            version: registry.version().to_string(),
            results: queries.iter().map(|query| sark_api::lookup(&registry, query)).collect(),
        }
    }
}

async fn glance<T>(
    call: &'static str,
    answer: impl Future<Output = Result<T, SpeakerError>>,
) -> Result<T, SpeakerError> {
    tokio::time::timeout(GLANCE, answer)
        .await
        .unwrap_or(Err(SpeakerError::Timeout { call, seconds: GLANCE.as_secs() }))
}

fn problem(code: &str, message: String, help: &str) -> Problem {
    Problem { code: code.to_owned(), message, help: Some(help.to_owned()) }
}

fn peer_view(address: IpAddr, asn: u32, state: &str, status: Option<&PeerStatus>) -> PeerView {
    let (ipv4, ipv6) = status.map_or((0, 0), |s| s.advertised);
    PeerView {
        name: None,
        address,
        asn,
        state: state.to_owned(),
        profile: None,
        flaps: status.map_or(0, |s| s.flaps),
        advertised: RuleCounts { ipv4, ipv6 },
    }
}

fn state_text(state: PeerState) -> &'static str {
    match state {
        PeerState::Unknown => "unknown",
        PeerState::Idle => "idle",
        PeerState::Connect => "connect",
        PeerState::Active => "active",
        PeerState::OpenSent => "opensent",
        PeerState::OpenConfirm => "openconfirm",
        PeerState::Established => "established",
    }
}
