//! What an answer holds until it is over, however that comes: its request's place among all, for who does not
//! read holds what is read for it, and a place on a connection that it shares.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Response;
use hyper::body::{Body, Frame, SizeHint};

use crate::body::Reply;
use crate::overload::Turn;
use crate::upstream::{Flight, flight};

/// An answer's body, and what it holds.
#[derive(Debug)]
pub struct Held {
    reply: Reply,
    _turn: Option<Turn>,
    _flight: Option<Arc<Flight>>,
}

impl Held {
    /// The same answer, with the place of its request, if it has one.
    #[must_use]
    pub fn until_over(mut answer: Response<Reply>, turn: Option<Turn>) -> Response<Self> {
        let flight = flight(&mut answer);
        answer.map(|reply| {
            // Of our own answers all is here already.
            let turn = turn.filter(|_| !matches!(reply, Reply::Ours(_)));
            Self { reply, _turn: turn, _flight: flight }
        })
    }
}

impl Body for Held {
    type Data = <Reply as Body>::Data;
    type Error = <Reply as Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.reply).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.reply.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.reply.size_hint()
    }
}
