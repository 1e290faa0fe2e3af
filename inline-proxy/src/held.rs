//! What an answer holds until it is over, however that comes: its request's place among all, for who does not
//! read holds what is read for it, and a place on a connection that it shares. An answer of which nothing
//! comes, or nothing is taken, for long is over, too, and all that it holds is given back: the server is told
//! that nobody listens, and the client sees that it is not whole.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::Response;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use crate::body::Reply;
use crate::overload::Turn;
use crate::upstream::{Flight, flight};

/// An answer's body, and what it holds.
#[derive(Debug)]
pub struct Held {
    state: Arc<Mutex<State>>,
    /// Ends it; of our own answers all is here already, and they hold nothing.
    _watcher: Option<AbortOnDropHandle<()>>,
}

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
    _flight: Option<Arc<Flight>>,
}

impl Held {
    /// The same answer, with the place of its request, if it has one. Between two frames of it there is as
    /// much time as `idle`.
    #[must_use]
    pub fn until_over(
        mut answer: Response<Reply>,
        turn: Option<Turn>,
        idle: Duration,
    ) -> Response<Self> {
        let flight = flight(&mut answer);
        answer.map(|reply| match reply {
            Reply::Ours(_) => Self::new(Holds { reply, _turn: None, _flight: flight }, None),
            _ => Self::new(Holds { reply, _turn: turn, _flight: flight }, Some(idle)),
        })
    }

    fn new(holds: Holds, idle: Option<Duration>) -> Self {
        let state = State { holds: Some(holds), since: Instant::now(), waits: None };
        let state = Arc::new(Mutex::new(state));
        let watcher = idle.map(|idle| {
            AbortOnDropHandle::new(tokio::spawn(end_when_idle(Arc::clone(&state), idle)))
        });
        Self { state, _watcher: watcher }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn end_when_idle(state: Arc<Mutex<State>>, idle: Duration) {
    let mut until = Instant::now() + idle;
    loop {
        tokio::time::sleep_until(until).await;
        let (holds, waits) = {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            until = state.since + idle;
            if until > Instant::now() {
                continue;
            }
            (state.holds.take(), state.waits.take())
        };
        drop(holds);
        tracing::debug!("an answer on which nothing went for long was ended");
        return waits.into_iter().for_each(Waker::wake);
    }
}

impl Body for Held {
    type Data = <Reply as Body>::Data;
    type Error = <Reply as Body>::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut state = self.state();
        let Some(holds) = &mut state.holds else {
            return Poll::Ready(Some(Err("nothing of the answer went for too long".into())));
        };
        let frame = Pin::new(&mut holds.reply).poll_frame(context);
        if frame.is_ready() {
            state.since = Instant::now();
        } else {
            state.waits = Some(context.waker().clone());
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.state().holds.as_ref().is_some_and(|holds| holds.reply.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let state = self.state();
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
        let holds = Holds { reply: Reply::ours("octets"), _turn: Some(turn), _flight: None };
        let mut held = Held::new(holds, Some(idle));
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
