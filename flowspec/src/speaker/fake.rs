//! A speaker in memory: real state, and faults on demand.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use futures::stream::{BoxStream, Stream, StreamExt};

use super::{PeerState, PeerStatus, Speaker, SpeakerError, SpeakerEvent, SpeakerInfo};
use crate::{Afi, ExtendedCommunity, Nlri, Observed, Route};

/// A speaker in memory. Clones are handles of the same one, so that a test keeps one to look at
/// and to break what it gave away.
#[derive(Debug, Clone, Default)]
pub struct FakeSpeaker {
    state: Arc<Mutex<State>>,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Every call fails: nobody is there.
    Unreachable,
    /// Every call fails as after the caller's own limit: somebody is there and does not answer.
    Hanging,
    /// Every call stays without an answer for ever.
    Pending,
    /// Every call is refused with these words.
    Refusing(String),
    /// Announcements stop, refused, after this many more routes; other calls work.
    AnnouncesOnly(usize),
}

#[derive(Debug, Default)]
struct State {
    local: BTreeMap<(Afi, Vec<u8>), Observed>,
    learned: Vec<Observed>,
    peers: BTreeMap<IpAddr, PeerStatus>,
    fault: Option<Fault>,
    drops_events: bool,
    changes: u64,
    restarts: u64,
    calls: Vec<&'static str>,
    watchers: Vec<Arc<Mutex<Watcher>>>,
}

/// One stream of notices. Bounded by its nature: an event waits at most once.
#[derive(Debug, Default)]
struct Watcher {
    waiting: VecDeque<SpeakerEvent>,
    ended: bool,
    waker: Option<Waker>,
}

struct Notices(Arc<Mutex<Watcher>>);

impl FakeSpeaker {
    /// Empty, without peers, and well.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on; `None` heals.
    pub fn set_fault(&self, fault: Option<Fault>) {
        let mut state = self.lock();
        if fault == Some(Fault::Unreachable) {
            state.end_watchers();
        }
        state.fault = fault;
    }

    /// Whether changes happen without a notice.
    pub fn set_drops_events(&self, drops: bool) {
        self.lock().drops_events = drops;
    }

    /// As after a crash: the table is empty, every watch ends. Peers come back.
    pub fn restart(&self) {
        let mut state = self.lock();
        state.local.clear();
        state.learned.clear();
        state.restarts += 1;
        state.end_watchers();
    }

    /// Puts a path into the table behind the caller's back: of another program if it is local.
    pub fn insert(&self, path: Observed) {
        let mut state = self.lock();
        if path.local {
            state.local.insert((path.afi, path.octets.clone()), path);
        } else {
            state.learned.push(path);
        }
        state.notify(SpeakerEvent::Table);
    }

    /// Takes a local path out of the table behind the caller's back; whether it was there.
    pub fn remove(&self, nlri: &Nlri) -> bool {
        let mut state = self.lock();
        let there = state.local.remove(&(nlri.afi(), nlri.encode())).is_some();
        if there {
            state.notify(SpeakerEvent::Table);
        }
        there
    }

    /// Adds a session or changes it. `advertised` is counted by the fake.
    pub fn set_peer(&self, peer: PeerStatus) {
        let mut state = self.lock();
        let address = peer.address;
        state.peers.insert(address, peer);
        state.notify(SpeakerEvent::Peer(address));
    }

    /// Changes of the local table by announcements and withdrawals so far: one that changes
    /// nothing is not counted, as it would be no UPDATE.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.lock().changes
    }

    /// The calls so far, failed ones too.
    #[must_use]
    pub fn calls(&self) -> Vec<&'static str> {
        self.lock().calls.clone()
    }

    /// The table without a call, faults or not.
    #[must_use]
    pub fn peek(&self) -> Vec<Observed> {
        self.lock().table()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the call and fails as told.
    async fn enter(&self, call: &'static str) -> Result<(), SpeakerError> {
        let fault = {
            let mut state = self.lock();
            state.calls.push(call);
            state.fault.clone()
        };
        match fault {
            None | Some(Fault::AnnouncesOnly(_)) => Ok(()),
            Some(Fault::Unreachable) => Err(SpeakerError::Unreachable {
                at: "fake".to_owned(),
                source: "it was told to be gone".into(),
            }),
            Some(Fault::Hanging) => Err(SpeakerError::Timeout { call, seconds: 1 }),
            Some(Fault::Refusing(message)) => Err(SpeakerError::Refused { call, message }),
            Some(Fault::Pending) => std::future::pending().await,
        }
    }
}

impl State {
    fn table(&self) -> Vec<Observed> {
        self.local.values().chain(&self.learned).cloned().collect()
    }

    fn notify(&mut self, event: SpeakerEvent) {
        if self.drops_events {
            return;
        }
        self.watchers.retain(|watcher| {
            // The stream is dropped.
            if Arc::strong_count(watcher) == 1 {
                return false;
            }
            let mut watcher = watcher.lock().unwrap_or_else(PoisonError::into_inner);
            if !watcher.waiting.contains(&event) {
                watcher.waiting.push_back(event.clone());
            }
            watcher.wake();
            true
        });
    }

    fn end_watchers(&mut self) {
        for watcher in self.watchers.drain(..) {
            let mut watcher = watcher.lock().unwrap_or_else(PoisonError::into_inner);
            watcher.ended = true;
            watcher.wake();
        }
    }
}

impl Watcher {
    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Stream for Notices {
    type Item = SpeakerEvent;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<SpeakerEvent>> {
        let mut watcher = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(event) = watcher.waiting.pop_front() {
            Poll::Ready(Some(event))
        } else if watcher.ended {
            Poll::Ready(None)
        } else {
            watcher.waker = Some(context.waker().clone());
            Poll::Pending
        }
    }
}

#[async_trait]
impl Speaker for FakeSpeaker {
    async fn info(&self) -> Result<SpeakerInfo, SpeakerError> {
        self.enter("info").await?;
        Ok(SpeakerInfo {
            program: "fake".to_owned(),
            asn: 64512,
            router_id: Some(std::net::Ipv4Addr::new(192, 0, 2, 1)),
        })
    }

    async fn announce(&self, routes: &[Route]) -> Result<(), SpeakerError> {
        self.enter("announce").await?;
        let mut state = self.lock();
        let mut changed = false;
        for route in routes {
            if let Some(Fault::AnnouncesOnly(left)) = &mut state.fault {
                match left.checked_sub(1) {
                    Some(rest) => *left = rest,
                    None => {
                        return Err(SpeakerError::Refused {
                            call: "announce",
                            message: "it was told to stop here".to_owned(),
                        });
                    }
                }
            }
            let path = observed(route);
            let key = (path.afi, path.octets.clone());
            if state.local.get(&key) != Some(&path) {
                state.local.insert(key, path);
                state.changes += 1;
                changed = true;
            }
        }
        if changed {
            state.notify(SpeakerEvent::Table);
        }
        Ok(())
    }

    async fn withdraw(&self, nlris: &[Nlri]) -> Result<(), SpeakerError> {
        self.enter("withdraw").await?;
        let mut state = self.lock();
        let before = state.changes;
        for nlri in nlris {
            if state.local.remove(&(nlri.afi(), nlri.encode())).is_some() {
                state.changes += 1;
            }
        }
        if state.changes > before {
            state.notify(SpeakerEvent::Table);
        }
        Ok(())
    }

    async fn table(&self) -> Result<Vec<Observed>, SpeakerError> {
        self.enter("table").await?;
        Ok(self.lock().table())
    }

    async fn peers(&self) -> Result<Vec<PeerStatus>, SpeakerError> {
        self.enter("peers").await?;
        let state = self.lock();
        let count = |afi| {
            let rules = state.local.keys().filter(|(family, _)| *family == afi).count();
            u64::try_from(rules).unwrap_or(u64::MAX)
        };
        let rules = (count(Afi::Ipv4), count(Afi::Ipv6));
        let status = |peer: &PeerStatus| PeerStatus {
            advertised: if peer.state == PeerState::Established { rules } else { (0, 0) },
            ..peer.clone()
        };
        Ok(state.peers.values().map(status).collect())
    }

    async fn watch(&self) -> Result<BoxStream<'static, SpeakerEvent>, SpeakerError> {
        self.enter("watch").await?;
        let watcher = Arc::default();
        self.lock().watchers.push(Arc::clone(&watcher));
        Ok(Notices(watcher).boxed())
    }
}

/// How a table shows a route that was announced.
#[must_use]
pub fn observed(route: &Route) -> Observed {
    let octets = route.nlri.encode();
    let mut communities: Vec<_> = route.actions.iter().map(crate::Action::encode).collect();
    // Attribute 16 first; the sort keeps the order within each.
    communities.sort_by_key(|community| matches!(community, ExtendedCommunity::Ipv6(_)));
    Observed {
        afi: route.nlri.afi(),
        nlri: Ok(route.nlri.clone()),
        octets,
        communities,
        large_communities: vec![route.large_community],
        local: true,
    }
}
