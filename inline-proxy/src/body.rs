//! Bodies on their way.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::Instant;

use crate::overload::{Busy, Room};
use crate::passage::Passage;
use crate::watch::Watch;

/// Why a body ends before its end.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// To a server: what was read for the decision, and what was not.
#[derive(Debug, Default)]
pub struct Outgoing {
    first: Option<Bytes>,
    rest: Option<Incoming>,
    trailers: Option<HeaderMap>,
    /// Who is told when something of it goes.
    went: Option<Went>,
}

/// Octets a second of a body that may take as long as it is.
const SLOWEST: u64 = 1 << 10;

/// What went of a body, and when.
#[derive(Debug, Clone)]
pub struct Went(Arc<Mutex<(Instant, u64)>>);

impl Went {
    /// Until when an answer has to begin that may take so long since the request began, or since something of
    /// its body went: who sends next to nothing gains nothing.
    #[must_use]
    pub fn until(&self, began: Instant, within: Duration) -> Instant {
        let (last, octets) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let gained = Duration::from_secs(octets / SLOWEST);
        last.min(began + gained) + within
    }

    fn again(&self, octets: usize) {
        let mut went = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *went = (Instant::now(), went.1.saturating_add(octets as u64));
    }
}

impl Outgoing {
    /// A body that nobody reads on the way.
    #[must_use]
    pub fn unread(body: Incoming) -> Self {
        Self { rest: Some(body), ..Self::default() }
    }

    /// All of one.
    #[must_use]
    pub fn whole(octets: Bytes) -> Self {
        Self { first: Some(octets).filter(|octets| !octets.is_empty()), ..Self::default() }
    }

    /// The same again, if all of it was read.
    #[must_use]
    pub fn copy(&self) -> Option<Self> {
        let copy = || Self {
            first: self.first.clone(),
            trailers: self.trailers.clone(),
            ..Self::default()
        };
        self.is_whole().then(copy)
    }

    /// When something of it goes, from now on; nothing of what is all here.
    #[must_use]
    pub fn going(&mut self) -> Option<Went> {
        let none = || Went(Arc::new(Mutex::new((Instant::now(), 0))));
        let goes = self.rest.as_ref().is_some_and(|rest| !rest.is_end_stream());
        self.went = goes.then(none);
        self.went.clone()
    }

    /// What was read so far; all of it, if [`is_whole`](Self::is_whole).
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        self.first.as_deref().unwrap_or_default()
    }

    /// What was not read.
    #[must_use]
    pub fn into_rest(self) -> Option<Incoming> {
        self.rest
    }

    /// Whether all of it was read.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.rest.is_none()
    }

    /// How long it is, if that is known.
    #[must_use]
    pub fn exact(&self) -> Option<u64> {
        self.size_hint().exact()
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if let Some(octets) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(octets))));
        }
        if let Some(rest) = &mut self.rest {
            let frame = ready!(Pin::new(rest).poll_frame(context));
            if let (Some(went), Some(Ok(frame))) = (&self.went, &frame) {
                went.again(frame.data_ref().map_or(0, Bytes::len));
            }
            return Poll::Ready(frame);
        }
        Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none()
            && self.trailers.is_none()
            && self.rest.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let first = self.first.as_ref().map_or(0, |octets| octets.len() as u64);
        let rest = self.rest.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint);
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(first));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(first));
        }
        hint
    }
}

/// Octets that are made room for before they come.
const AHEAD: usize = 64 << 10;

/// Why a body was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It broke off.
    #[error("the body broke off")]
    Broken(#[from] hyper::Error),
    /// There is no room for it now.
    #[error(transparent)]
    Busy(#[from] Busy),
}

/// Reads a body, up to `most` octets and what the last frame has beyond them; the rest stays unread. What is
/// read takes `room`, if it is a request's, and holds it until it is dropped.
pub async fn read(
    mut body: Incoming,
    most: usize,
    mut room: Option<Room>,
) -> Result<Outgoing, ReadError> {
    let expected = usize::try_from(body.size_hint().lower()).unwrap_or(AHEAD);
    let (mut octets, mut trailers) = (BytesMut::new(), None);
    let mut first: Option<Bytes> = None;
    while let Some(frame) = body.frame().await {
        let frame = frame?;
        if let Some(room) = &mut room {
            room.grow(frame.data_ref().map_or(0, Bytes::len))?;
        }
        match frame.into_data() {
            Ok(data) if octets.is_empty() && first.is_none() => first = Some(data),
            Ok(data) => {
                if let Some(before) = first.take() {
                    // What is claimed is believed up to some octets.
                    octets.reserve(expected.min(AHEAD).max(before.len() + data.len()));
                    octets.extend_from_slice(&before);
                }
                octets.extend_from_slice(&data);
            }
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
        let read = first.as_ref().map_or(octets.len(), Bytes::len);
        if read > most && !body.is_end_stream() {
            let first = counted(first.unwrap_or_else(|| octets.freeze()), room);
            let (first, rest) = (Some(first), Some(body));
            return Ok(Outgoing { first, rest, ..Outgoing::default() });
        }
    }
    let first = first.unwrap_or_else(|| octets.freeze());
    let first = (!first.is_empty()).then(|| counted(first, room));
    Ok(Outgoing { first, trailers, ..Outgoing::default() })
}

fn counted(octets: Bytes, room: Option<Room>) -> Bytes {
    match room {
        Some(room) => room.around(octets),
        None => octets,
    }
}

/// To a client: an answer of ours, or one that passes through and is watched.
#[derive(Debug)]
pub enum Reply {
    /// Ours.
    Ours(Option<Bytes>),
    /// The server's.
    Passing {
        /// What comes.
        body: Outgoing,
        /// Who reads it, too.
        watch: Option<Box<Watch>>,
    },
    /// The server's, event by event.
    Events(Box<Passage>),
}

impl Reply {
    /// One of ours.
    #[must_use]
    pub fn ours(octets: impl Into<Bytes>) -> Self {
        let octets = octets.into();
        Self::Ours((!octets.is_empty()).then_some(octets))
    }

    /// A server's that nobody reads.
    #[must_use]
    pub fn unread(body: Incoming) -> Self {
        Self::Passing { body: Outgoing::unread(body), watch: None }
    }

    /// The server says no more, for too long.
    pub fn broken(self) {
        match self {
            Self::Passing { watch: Some(watch), .. } => watch.broken(),
            Self::Events(passage) => passage.fell_silent(),
            Self::Passing { .. } | Self::Ours(_) => {}
        }
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let (body, watch) = match &mut *self {
            Self::Ours(octets) => return Poll::Ready(octets.take().map(|it| Ok(Frame::data(it)))),
            Self::Events(passage) => return Pin::new(&mut **passage).poll_frame(context),
            Self::Passing { body, watch } => (body, watch),
        };
        let frame = ready!(Pin::new(&mut *body).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                if let (Some(watching), Some(data)) = (watch.as_mut(), frame.data_ref()) {
                    _ = watching.saw(data);
                }
                // Of a body whose length is known nobody asks for what comes after it.
                if body.is_end_stream()
                    && let Some(watch) = watch.take()
                {
                    watch.ended();
                }
            }
            Some(Err(_)) => {
                if let Some(watch) = watch.take() {
                    watch.broken();
                }
            }
            None => {
                if let Some(watch) = watch.take() {
                    watch.ended();
                }
            }
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Ours(octets) => octets.is_none(),
            Self::Passing { body, .. } => body.is_end_stream(),
            Self::Events(passage) => passage.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Ours(octets) => {
                SizeHint::with_exact(octets.as_ref().map_or(0, |octets| octets.len() as u64))
            }
            Self::Passing { body, .. } => body.size_hint(),
            Self::Events(passage) => passage.size_hint(),
        }
    }
}
