//! A stream on its way to a client: events go when they are whole, and an event that calls a tool goes when
//! policy has said that it may.
//!
//! ```text
//!   server ─▶ Watch ─▶ held ─ whole, and calls no tool ──────────▶ client
//!                       └─ calls one ─ Gate ─┬─ may ──────────────▶
//!                                            └─ may not: the provider's error, and the stream ends
//! ```

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use hyper::body::{Body, Frame, Incoming};
use sark_detect::{Kind, Passed, Refusal};
use tokio::time::{Instant, Sleep};

use crate::body::BodyError;
use crate::conversation::{Asking, Gate};
use crate::watch::Watch;

/// See the module.
pub struct Passage {
    /// The server's; dropped, and the server is told that nobody listens.
    body: Option<Incoming>,
    watch: Option<Box<Watch>>,
    gate: Option<Box<Gate>>,
    held: Held,
    /// What is asked now, and what goes if it may.
    asking: Option<(Asking, Passed)>,
    /// Whether the server has said all.
    is_whole: bool,
    /// The client has to see that it is not.
    is_cut: bool,
    out: VecDeque<Frame<Bytes>>,
    /// They come after all that is held.
    trailers: Option<HeaderMap>,
    /// Until when the server may say nothing, if it may not for ever.
    silence: Option<Silence>,
    /// Of what we say to the client ourselves.
    request_id: String,
}

impl std::fmt::Debug for Passage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Passage").field("watch", &self.watch).finish_non_exhaustive()
    }
}

impl Passage {
    /// Of an answer that [comes in events](Watch::is_stream), the next of them `within` this, if that is
    /// limited.
    pub fn new(
        body: Incoming,
        watch: Box<Watch>,
        gate: Option<Box<Gate>>,
        within: Option<Duration>,
        request_id: String,
    ) -> Self {
        Self {
            body: Some(body),
            watch: Some(watch),
            gate,
            held: Held::default(),
            asking: None,
            is_whole: false,
            is_cut: false,
            out: VecDeque::new(),
            trailers: None,
            silence: within.map(Silence::new),
            request_id,
        }
    }

    /// Lets go what may, and asks about what was not done before.
    fn pass(&mut self, passed: Passed) {
        let answer = self.watch.as_ref().and_then(|watch| watch.answer());
        match self.gate.as_mut().zip(answer).and_then(|(gate, answer)| gate.ask(answer)) {
            Some(asking) => {
                // What was said before the call is none.
                let before = passed.called.unwrap_or(0).min(passed.sendable);
                let first = Passed { sendable: before, ..passed.clone() };
                self.held.release(&first, &mut self.out);
                self.asking = Some((asking, passed));
            }
            None => self.held.release(&passed, &mut self.out),
        }
    }

    fn took(&mut self, octets: Bytes) {
        let passed = self.watch.as_mut().map(|watch| watch.saw(&octets)).unwrap_or_default();
        self.held.push(octets);
        self.pass(passed);
    }

    /// The server has said all.
    fn whole(&mut self) {
        self.is_whole = true;
        let passed = self.watch.as_mut().map(|watch| watch.finish()).unwrap_or_default();
        self.pass(passed);
    }

    /// There is no more to come from the server.
    fn broken(&mut self, message: &str) {
        if self.watch.as_ref().is_some_and(|watch| watch.is_complete()) {
            // Nothing is to be said after the end that its protocol has.
            (self.body, self.is_cut) = (None, true);
            self.watch.take().into_iter().for_each(|watch| watch.broken());
            return;
        }
        let (kind, message) = (Kind::Upstream, message.to_owned());
        let request_id = std::mem::take(&mut self.request_id);
        self.stop(&Refusal { kind, message, request_id, rule: None });
    }

    /// It is over before its end, and the client hears nothing more.
    pub fn fell_silent(mut self) {
        self.watch.take().into_iter().for_each(|watch| watch.broken());
    }

    /// Ends it with an error that the client's library understands, if there is a way to say one.
    fn stop(&mut self, refusal: &Refusal) {
        self.body = None;
        let Some(watch) = self.watch.take() else { return };
        let last = watch.last_words(refusal, self.held.at);
        watch.stopped(refusal);
        self.is_cut = last.is_empty();
        if !last.is_empty() {
            self.out.push_back(Frame::data(last));
        }
        self.held = Held::default();
    }
}

impl Body for Passage {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let own = self.get_mut();
        loop {
            if let Some(frame) = own.out.pop_front() {
                return Poll::Ready(Some(Ok(frame)));
            }
            if let Some((asking, _)) = &mut own.asking {
                let refusal = ready!(asking.as_mut().poll(context));
                let passed = own.asking.take().map(|(_, passed)| passed).unwrap_or_default();
                match refusal {
                    Some(refusal) => own.stop(&refusal),
                    None => own.held.release(&passed, &mut own.out),
                }
                continue;
            }
            if std::mem::take(&mut own.is_cut) {
                return Poll::Ready(Some(Err("the answer was ended".into())));
            }
            let Some(body) = own.body.as_mut().filter(|_| !own.is_whole) else {
                own.body = None;
                if let Some(watch) = own.watch.take() {
                    watch.ended();
                }
                return Poll::Ready(own.trailers.take().map(|it| Ok(Frame::trailers(it))));
            };
            let Poll::Ready(frame) = Pin::new(body).poll_frame(context) else {
                let Some(silence) = &mut own.silence else { return Poll::Pending };
                ready!(silence.poll(context));
                own.broken("the server fell silent");
                continue;
            };
            if let Some(silence) = &mut own.silence {
                silence.is_waiting = false;
            }
            match frame {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(octets) => own.took(octets),
                    Err(frame) => {
                        own.trailers = frame.into_trailers().ok();
                        own.whole();
                    }
                },
                Some(Err(error)) => {
                    tracing::debug!(%error, "a server broke off");
                    own.broken("the server broke off its answer");
                }
                None => own.whole(),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_none()
            && self.out.is_empty()
            && self.asking.is_none()
            && self.trailers.is_none()
            && !self.is_cut
    }
}

/// How long it lasts.
struct Silence {
    within: Duration,
    sleep: Pin<Box<Sleep>>,
    /// A client that does not read is no reason: it begins when the server is waited for.
    is_waiting: bool,
}

impl Silence {
    fn new(within: Duration) -> Self {
        Self { within, sleep: Box::pin(tokio::time::sleep(within)), is_waiting: false }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if !std::mem::replace(&mut self.is_waiting, true) {
            self.sleep.as_mut().reset(Instant::now() + self.within);
        }
        self.sleep.as_mut().poll(context)
    }
}

/// What came and did not go.
#[derive(Debug, Default)]
struct Held {
    octets: VecDeque<Bytes>,
    /// Where the first of them is in the stream.
    at: u64,
}

impl Held {
    fn push(&mut self, octets: Bytes) {
        if !octets.is_empty() {
            self.octets.push_back(octets);
        }
    }

    /// Sends what may go, without what the client did not ask for.
    fn release(&mut self, passed: &Passed, out: &mut VecDeque<Frame<Bytes>>) {
        if let Some(unasked) = passed.unasked.as_ref().filter(|it| it.end <= passed.sendable) {
            self.take(unasked.start, |octets| out.push_back(Frame::data(octets)));
            self.take(unasked.end, drop);
        }
        self.take(passed.sendable, |octets| out.push_back(Frame::data(octets)));
    }

    /// Takes out what is before this place in the stream.
    fn take(&mut self, end: u64, mut each: impl FnMut(Bytes)) {
        while self.at < end {
            let Some(first) = self.octets.front_mut() else { return };
            let wanted = usize::try_from(end - self.at).unwrap_or(usize::MAX);
            let octets = if wanted < first.len() {
                first.split_to(wanted)
            } else {
                self.octets.pop_front().unwrap_or_default()
            };
            self.at += octets.len() as u64;
            each(octets);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(out: &mut VecDeque<Frame<Bytes>>) -> String {
        let data = out.drain(..).map(|frame| frame.into_data().unwrap());
        data.map(|octets| String::from_utf8(octets.to_vec()).unwrap()).collect()
    }

    #[test]
    fn what_may_go_goes_once_and_without_what_nobody_asked_for() {
        let (mut held, mut out) = (Held::default(), VecDeque::new());
        held.push(Bytes::from_static(b"one two "));
        held.release(&Passed { sendable: 4, ..Passed::default() }, &mut out);
        assert_eq!(text(&mut out), "one ");
        held.push(Bytes::from_static(b"three four"));
        let passed = Passed { sendable: 14, unasked: Some(6..10), called: None };
        held.release(&passed, &mut out);
        assert_eq!(text(&mut out), "twree ");
        // What may not go yet is not left out yet.
        let passed = Passed { sendable: 15, unasked: Some(14..18), called: None };
        held.release(&passed, &mut out);
        assert_eq!(text(&mut out), "f");
        held.release(&Passed { sendable: 18, ..passed }, &mut out);
        assert_eq!((text(&mut out).as_str(), held.at), ("", 18));
    }
}
