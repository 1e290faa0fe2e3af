//! What an answer holds until it is over, however that comes: its request's place among all, for who does not
//! read holds what is read for it, its connection or its place on one, and the span that says how long it
//! took. An answer of which nothing comes, or nothing is taken, for long is over, too, and all that it holds is
//! given back: the server is told that nobody listens, and the client sees that it is not whole.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::Response;
use hyper::body::{Body, Frame, SizeHint};
use sark_traces::Open;
use tokio::time::Instant;

use crate::body::Reply;
use crate::overload::Turn;
use crate::upstream::Stay;

/// How often it is looked whether something goes on answers, at least.
const LOOK: Duration = Duration::from_secs(1);

/// Ends answers on which nothing goes. One task looks at all of them, as long as there are any.
#[derive(Debug)]
pub struct Watcher {
    idle: Duration,
    /// Not empty just as long as the task runs; those that are over are in it until it looks.
    under_way: Mutex<Vec<Weak<Mutex<State>>>>,
}

/// An answer's body, and what it holds.
#[derive(Debug)]
pub struct Held(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// Nothing once it was ended.
    holds: Option<Holds>,
    /// When a frame went last.
    since: Instant,
    /// Who waits for the next.
    waits: Option<Waker>,
}

#[derive(Debug)]
struct Holds {
    reply: Reply,
    _turn: Option<Turn>,
    _stay: Option<Stay>,
    _span: Open,
}

impl Watcher {
    /// Between two frames of an answer there is as much time as `idle`, and up to a second more.
    #[must_use]
    pub fn new(idle: Duration) -> Arc<Self> {
        Arc::new(Self { idle, under_way: Mutex::default() })
    }

    /// The same answer, with the place of its request, if it has one. Of our own answers all is here
    /// already, and they hold nothing.
    #[must_use]
    pub fn until_over(
        self: &Arc<Self>,
        mut answer: Response<Reply>,
        turn: Option<Turn>,
        span: Open,
    ) -> Response<Held> {
        let stay = answer.extensions_mut().remove::<Stay>();
        answer.map(|reply| match reply {
            Reply::Ours(_) => Held::new(Holds { reply, _turn: None, _stay: stay, _span: span }),
            _ => self.watched(Holds { reply, _turn: turn, _stay: stay, _span: span }),
        })
    }

    fn watched(self: &Arc<Self>, holds: Holds) -> Held {
        let held = Held::new(holds);
        let mut under_way = lock(&self.under_way);
        if under_way.is_empty() {
            tokio::spawn(Arc::clone(self).watch());
        }
        under_way.push(Arc::downgrade(&held.0));
        held
    }

    async fn watch(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK.min(self.idle / 4)).await;
            let (now, mut ended) = (Instant::now(), Vec::new());
            let is_done = {
                let mut under_way = lock(&self.under_way);
                under_way.retain(|state| {
                    let Some(state) = state.upgrade() else { return false };
                    let mut state = lock(&state);
                    let goes = state.since + self.idle > now;
                    if !goes {
                        ended.push((state.holds.take(), state.waits.take()));
                    }
                    goes
                });
                under_way.is_empty()
            };
            for (holds, waits) in ended {
                // Whoever waits could take more: it is the server that says nothing.
                match holds {
                    Some(holds) if waits.is_some() => holds.reply.broken(),
                    holds => drop(holds),
                }
                tracing::debug!("an answer on which nothing went for long was ended");
                waits.into_iter().for_each(Waker::wake);
            }
            if is_done {
                return;
            }
        }
    }
}

impl Held {
    fn new(holds: Holds) -> Self {
        let state = State { holds: Some(holds), since: Instant::now(), waits: None };
        Self(Arc::new(Mutex::new(state)))
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Body for Held {
    type Data = <Reply as Body>::Data;
    type Error = <Reply as Body>::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut state = lock(&self.0);
        let Some(holds) = &mut state.holds else {
            return Poll::Ready(Some(Err("nothing of the answer went for too long".into())));
        };
        let frame = Pin::new(&mut holds.reply).poll_frame(context);
        if frame.is_ready() {
            (state.since, state.waits) = (Instant::now(), None);
        } else {
            state.waits = Some(context.waker().clone());
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        lock(&self.0).holds.as_ref().is_some_and(|holds| holds.reply.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let state = lock(&self.0);
        state.holds.as_ref().map_or_else(SizeHint::default, |holds| holds.reply.size_hint())
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;
    use crate::clients::OneClient;
    use crate::overload::{Budget, Busy, Overload};

    #[tokio::test(start_paused = true)]
    async fn what_nobody_takes_is_given_back() {
        let budget = Budget { requests: 1, requests_each: 1, bodies: 0, bodies_each: 0 };
        let overload = Arc::new(Overload::new(budget, OneClient::default()));
        let client = "192.0.2.1:40000".parse().unwrap();
        let (second, idle) = (Duration::from_secs(1), Duration::from_secs(60));
        let turn = overload.enter(client).unwrap();
        let (reply, _span) = (Reply::ours("octets"), Open::default());
        let holds = Holds { reply, _turn: Some(turn), _stay: None, _span };
        let mut held = Watcher::new(idle).watched(holds);
        // A frame that goes begins it anew.
        tokio::time::sleep(idle - second).await;
        assert!(held.frame().await.unwrap().is_ok());
        tokio::time::sleep(idle - second).await;
        assert_eq!(overload.enter(client).unwrap_err(), Busy::All);
        tokio::time::sleep(second * 2).await;
        overload.enter(client).unwrap();
        assert!(!held.is_end_stream(), "the client has to see that it is not whole");
        assert!(held.frame().await.unwrap().is_err());
    }
}
