//! A trace while its request is under way.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use jiff::Timestamp;

use crate::allowance::Allowance;
use crate::config::Sample;
use crate::context::{Parent, SpanId, TraceId};
use crate::exporter::Waiting;
use crate::span::{Attributes, Kind, Span, Value, cut};

/// The most spans of one trace; of more it says how many there were (`sark.spans.left_out`).
pub const MOST_SPANS: usize = 64;

/// Begins traces; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Tracer(Option<Arc<On>>);

#[derive(Debug)]
struct On {
    sample: Sample,
    /// What clients may have kept.
    of_clients: Allowance,
    since: Instant,
    waiting: Waiting,
}

impl On {
    /// Whether this one is kept if all goes well.
    fn samples(&self, own: TraceId, parent: Option<Parent>) -> bool {
        let Some(parent) = parent else { return self.sample.takes(own) };
        let is_heeded = parent.is_sampled && self.of_clients.takes(self.since.elapsed());
        if parent.is_sampled && !is_heeded {
            self.waiting.unheeded();
        }
        is_heeded
    }
}

impl Tracer {
    /// Nothing is traced.
    #[must_use]
    pub fn off() -> Self {
        Self::default()
    }

    /// Kept traces go there.
    pub(crate) fn new(sample: Sample, of_clients: Allowance, waiting: Waiting) -> Self {
        Self(Some(Arc::new(On { sample, of_clients, since: Instant::now(), waiting })))
    }

    /// Whether anything is.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// The trace of a request that came `now`, and goes on from its client's, if that has one: whether that
    /// is sampled is the client's choice then, as long as clients do not choose too many.
    #[must_use]
    pub fn begin(&self, name: &'static str, parent: Option<Parent>, now: Timestamp) -> Trace {
        let Some(on) = &self.0 else { return Trace::default() };
        let mut random = [0; 24];
        // Where there is no randomness there are no traces either: nothing of TLS works.
        if getrandom::fill(&mut random).is_err() {
            return Trace::default();
        }
        let [of_trace @ .., a, b, c, d, e, f, g, h] = random;
        let Some(own) = TraceId::new(of_trace) else { return Trace::default() };
        let (trace, is_sampled) =
            (parent.map_or(own, |parent| parent.trace), on.samples(own, parent));
        let start = u64::try_from(now.as_nanosecond()).unwrap_or_default();
        Trace(Some(Arc::new(Live {
            on: Arc::clone(on),
            trace,
            root: SpanId::first([a, b, c, d, e, f, g, h]),
            parent: parent.map(|parent| parent.span),
            is_sampled,
            start,
            since: Instant::now(),
            so_far: Mutex::new(SoFar { name: Cow::Borrowed(name), ..SoFar::default() }),
        })))
    }
}

/// One trace, or nothing. Its first span is over when the last clone of it, and of what was started in it, is
/// dropped.
#[derive(Debug, Clone, Default)]
pub struct Trace(Option<Arc<Live>>);

#[derive(Debug)]
struct Live {
    on: Arc<On>,
    trace: TraceId,
    root: SpanId,
    parent: Option<SpanId>,
    is_sampled: bool,
    start: u64,
    since: Instant,
    so_far: Mutex<SoFar>,
}

#[derive(Debug, Default)]
struct SoFar {
    name: Cow<'static, str>,
    attributes: Attributes,
    /// It is kept even if it was not chosen.
    is_kept: bool,
    /// Spans that were begun.
    begun: u64,
    spans: Vec<Span>,
    left_out: u64,
}

impl Live {
    fn so_far(&self) -> MutexGuard<'_, SoFar> {
        self.so_far.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nanoseconds since 1970, by a clock that only goes forward.
    fn now(&self) -> u64 {
        let since = u64::try_from(self.since.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.start.saturating_add(since)
    }
}

impl Trace {
    /// Whether there is one.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// What its first span says; not asked where there is none.
    pub fn about(&self, say: impl FnOnce(&mut Attributes)) {
        if let Some(live) = &self.0 {
            say(&mut live.so_far().attributes);
        }
    }

    /// What its first span is called, now that more is known.
    pub fn rename(&self, name: impl FnOnce() -> String) {
        if let Some(live) = &self.0 {
            live.so_far().name = Cow::Owned(cut(name()));
        }
    }

    /// It is worth seeing, and kept whether it was chosen or not.
    pub fn keep(&self) {
        if let Some(live) = &self.0 {
            live.so_far().is_kept = true;
        }
    }

    /// What it was for did not come to be: its first span is an error, and it is kept.
    pub fn failed(&self, why: impl Into<Value>) {
        self.keep();
        self.about(|span| _ = span.failed(why));
    }

    /// A span within the first.
    #[must_use]
    pub fn start(&self, name: &'static str, kind: Kind) -> Open {
        self.0.as_ref().map_or_else(Open::default, |live| Open::new(live, live.root, name, kind))
    }
}

/// A span that is over when it is dropped; or nothing.
#[derive(Debug, Default)]
pub struct Open(Option<Box<Begun>>);

#[derive(Debug)]
struct Begun {
    live: Arc<Live>,
    id: SpanId,
    parent: SpanId,
    name: &'static str,
    kind: Kind,
    start: u64,
    attributes: Attributes,
}

impl Open {
    fn new(live: &Arc<Live>, parent: SpanId, name: &'static str, kind: Kind) -> Self {
        let id = {
            let mut so_far = live.so_far();
            so_far.begun += 1;
            live.root.after(so_far.begun)
        };
        let (live, start) = (Arc::clone(live), live.now());
        let attributes = Attributes::default();
        Self(Some(Box::new(Begun { live, id, parent, name, kind, start, attributes })))
    }

    /// A span within this one.
    #[must_use]
    pub fn start(&self, name: &'static str, kind: Kind) -> Self {
        self.0.as_ref().map_or_else(Self::default, |it| Self::new(&it.live, it.id, name, kind))
    }

    /// What it says; not asked where there is none.
    pub fn about(&mut self, say: impl FnOnce(&mut Attributes)) {
        if let Some(begun) = &mut self.0 {
            say(&mut begun.attributes);
        }
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        let span = Span {
            trace: self.live.trace,
            id: self.id,
            parent: Some(self.parent),
            is_remote: false,
            is_sampled: self.live.is_sampled,
            name: Cow::Borrowed(self.name),
            kind: self.kind,
            start: self.start,
            end: self.live.now(),
            attributes: std::mem::take(&mut self.attributes),
        };
        let mut so_far = self.live.so_far();
        // One is the first span's.
        if so_far.spans.len() + 1 < MOST_SPANS {
            so_far.spans.push(span);
        } else {
            so_far.left_out += 1;
        }
    }
}

impl Drop for Live {
    /// All of it is over.
    fn drop(&mut self) {
        let end = self.now();
        let so_far = std::mem::take(&mut *self.so_far());
        let SoFar { name, mut attributes, is_kept, mut spans, left_out, .. } = so_far;
        if !self.is_sampled && !is_kept {
            return;
        }
        attributes.maybe("sark.spans.left_out", (left_out > 0).then_some(left_out));
        spans.push(Span {
            trace: self.trace,
            id: self.root,
            parent: self.parent,
            is_remote: self.parent.is_some(),
            is_sampled: self.is_sampled,
            name,
            kind: Kind::Server,
            start: self.start,
            end,
            attributes,
        });
        self.on.waiting.put(spans);
    }
}
