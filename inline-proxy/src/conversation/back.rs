//! From the server to the client.

use std::sync::Arc;

use http::Response;
use http::header::CONTENT_LENGTH;
use hyper::body::{Body as _, Incoming};
use sark_detect::{Asked, Dialect, Kind};

use super::forward::Going;
use super::gate::Gate;
use super::{Conversation, Taken, reply};
use crate::body::{self, Outgoing, Reply};
use crate::passage::Passage;
use crate::upstream::Stay;
use crate::watch::{About, Watch};

impl Conversation {
    /// Gives an answer to the client as it comes, and reads it.
    pub(super) async fn pass(
        &self,
        mut response: Response<Incoming>,
        taken: &Taken,
        going: Going,
    ) -> Response<Reply> {
        let status = response.status();
        sark_head::strip_answer(response.headers_mut(), false);
        let Some(asked) = &going.asked else { return response.map(Reply::unread) };
        let about = About {
            correlation: self.correlation(taken),
            provider: self.provider(taken),
            model: asked.model.clone(),
            status: status.as_u16(),
            since: taken.since,
            trace: taken.trace.clone(),
        };
        let (judge, limits) = (Arc::clone(&self.proxy.judge), &self.proxy.limits.detect);
        let watch = Watch::new(&taken.recognised, asked, response.headers(), limits, about, judge);
        let watch = Box::new(watch);
        if response.body().is_end_stream() {
            // Nobody asks for what comes after nothing.
            watch.ended();
            return response.map(Reply::unread);
        }
        let gate = going.gate.filter(|_| status.is_success());
        let (mut head, body) = response.into_parts();
        if watch.is_stream() {
            head.headers.remove(CONTENT_LENGTH);
            // An MCP server may have nothing to say for long.
            let is_mcp = taken.recognised.dialect == Dialect::Mcp;
            let within = (!is_mcp).then_some(self.proxy.limits.answer_within);
            let passage = Passage::new(body, watch, gate, within, taken.id.clone());
            return Response::from_parts(head, Reply::Events(Box::new(passage)));
        }
        let answer = Response::from_parts(head, body);
        match gate {
            Some(gate) if watch.is_document() => {
                Box::pin(self.whole(answer, watch, gate, taken, asked)).await
            }
            _ => answer
                .map(|body| Reply::Passing { body: Outgoing::unread(body), watch: Some(watch) }),
        }
    }

    /// An answer in one piece goes when it is whole and what it does may be.
    async fn whole(
        &self,
        answer: Response<Incoming>,
        mut watch: Box<Watch>,
        mut gate: Box<Gate>,
        taken: &Taken,
        asked: &Asked,
    ) -> Response<Reply> {
        let (mut head, body) = answer.into_parts();
        let limits = self.proxy.limits;
        let reading = body::read(body, limits.detect.answer, None);
        let body = match tokio::time::timeout(limits.answer_within, reading).await {
            Ok(Ok(body)) => body,
            Ok(Err(_)) | Err(_) => {
                let message = "the server broke off its answer".to_owned();
                let refusal = self.say(taken, Kind::Upstream, message);
                watch.stopped(&refusal);
                return reply(refusal.response(&taken.recognised, Some(asked)));
            }
        };
        if !body.is_whole() {
            // Too long to be read: it passes, and the record says so.
            let passing = Reply::Passing { body, watch: Some(watch) };
            return Response::from_parts(head, passing);
        }
        // Whatever becomes of it here, its connection is free.
        head.extensions.remove::<Stay>();
        watch.saw(body.octets());
        watch.finish();
        if let Some(asking) = watch.answer().and_then(|answer| gate.ask(answer))
            && let Some(refusal) = asking.await
        {
            watch.stopped(&refusal);
            return reply(refusal.response(&taken.recognised, Some(asked)));
        }
        watch.ended();
        Response::from_parts(head, Reply::Passing { body, watch: None })
    }
}
