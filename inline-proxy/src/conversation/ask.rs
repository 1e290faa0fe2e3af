//! From a request's body to the question that is decided on, and from the decision to what is done.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use hyper::body::Body as _;
use sark_core::Request;
use sark_core::decision::{Action, Decision, Obligation};
use sark_core::request::{Operation, Spend};
use sark_detect::{Asked, By, Dialect, Kind, Recognised, Refusal, Unreadable};
use sark_prices::{Call, Reported};
use sark_registry::Snapshot;

use super::{Conversation, Taken};
use crate::body::Outgoing;
use crate::flow::Target;
use crate::judge::Fail;
use crate::traced;
use crate::unpack::{Packed, unpacked};

/// What the body said.
pub(super) struct Read {
    /// None, and nobody read it: there is none to read, or it is too long, or packed in a way that is
    /// not opened.
    pub(super) asked: Option<Asked>,
    /// Out of a packed body.
    pub(super) opened: Option<Vec<u8>>,
    body_octets: u64,
    /// Whether the detectors have seen all of it.
    inspected: bool,
}

impl Read {
    /// Of a connection that becomes another protocol: what is asked in that is not read.
    pub(super) const fn head_alone() -> Self {
        Self { asked: None, opened: None, body_octets: 0, inspected: false }
    }

    /// Of one message of several.
    pub(super) fn of_message(asked: Asked) -> Self {
        let body_octets = asked.body_octets;
        Self { asked: Some(asked), opened: None, body_octets, inspected: true }
    }
}

impl Conversation {
    /// Reads the body, as far as it is here.
    pub(super) fn ask(
        &self,
        taken: &mut Taken,
        headers: &HeaderMap,
        body: &Outgoing,
        reads: bool,
    ) -> Result<Read, Refusal> {
        // At least, of one whose length nobody said.
        let body_octets = body.size_hint().lower();
        let unread = Read { body_octets, ..Read::head_alone() };
        if body.is_end_stream() {
            // A client of MCP that listens for what its server says.
            let asked = (taken.recognised.dialect == Dialect::Mcp).then(Asked::default);
            return Ok(Read { asked, inspected: true, ..unread });
        }
        let recognised = &mut taken.recognised;
        if !reads || !body.is_whole() {
            return self.unread(unread, taken.endpoint.is_some(), recognised, headers);
        }
        let limits = &self.proxy.limits.detect;
        let opened = match unpacked(headers, body.octets(), limits.request) {
            Packed::Plain => None,
            Packed::Opened(octets) => Some(octets),
            Packed::Closed => {
                return self.unread(unread, taken.endpoint.is_some(), recognised, headers);
            }
        };
        match recognised.read(headers, opened.as_deref().unwrap_or(body.octets()), limits) {
            Ok(asked) => {
                // Of a call of gRPC the model is read, and nothing else.
                let inspected = !recognised.is_grpc();
                Ok(Read { asked: Some(asked), opened, body_octets, inspected })
            }
            // For nobody that we know.
            Err(_) if taken.endpoint.is_none() && recognised.by == By::Nothing => Ok(unread),
            Err(error) if self.proxy.fail.unreadable == Fail::Open => {
                tracing::debug!(%error, "a body cannot be read, and goes on");
                Ok(unread)
            }
            Err(error) => Err(Refusal {
                kind: if matches!(error, Unreadable::Mirror { .. }) {
                    Kind::Mirror
                } else {
                    Kind::Unreadable
                },
                message: error.to_string(),
                request_id: String::new(),
                rule: None,
            }),
        }
    }

    /// A body that was not read: too long, or packed in a way that is not opened. What asks a model goes on
    /// unread only where the configuration says so; files and the like are decided on as uninspected.
    fn unread(
        &self,
        unread: Read,
        is_known: bool,
        recognised: &Recognised,
        headers: &HeaderMap,
    ) -> Result<Read, Refusal> {
        let kind = headers.get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
        let kind = kind.to_ascii_lowercase();
        let is_file =
            ["multipart/form-data", "application/octet-stream", "audio/", "image/", "video/"]
                .iter()
                .any(|file| kind.starts_with(file.as_bytes()));
        let asks = [Operation::Chat, Operation::Completion, Operation::Embedding];
        let asks = asks.contains(&recognised.operation);
        let is_model = is_known || recognised.by != By::Nothing;
        if self.proxy.fail.unreadable == Fail::Open || !is_model || (is_file && !asks) {
            return Ok(unread);
        }
        Err(Refusal {
            kind: Kind::Unreadable,
            message: "the body is too long to be read, or packed in a way that is not opened"
                .into(),
            request_id: String::new(),
            rule: None,
        })
    }

    /// Asks whether it may happen. Several calls of one MCP batch, and several models that may answer, are
    /// several questions: the worst decides, and comes first.
    pub(super) async fn decide(
        &self,
        taken: &Taken,
        request: &Request,
        asked: Option<&Asked>,
    ) -> Vec<Decision> {
        let mut requests = vec![request.clone()];
        if let Some(asked) = asked {
            // Servers carry out what has no id, too.
            let calls = asked.messages.iter().filter(|message| message.method.is_some());
            let calls = calls.map(|message| (message.operation(), taken.recognised.call(message)));
            let of_calls: Vec<Request> = calls
                .filter(|(_, call)| call.is_some())
                .map(|(operation, call)| Request { operation, call, ..request.clone() })
                .collect();
            if !of_calls.is_empty() {
                requests = of_calls;
            }
            // Every model that may answer.
            let base = requests.first().cloned().unwrap_or_default();
            requests.extend(
                asked
                    .other_models
                    .iter()
                    .map(|model| Request { model: Some(model.clone()), ..base.clone() }),
            );
        }
        if let Some(first) = requests.first() {
            traced::asked(&taken.trace, first, taken.recognised.dialect);
        }
        let mut span = traced::part(&taken.trace, "decide");
        let mut decisions = Vec::new();
        for request in requests {
            let aside =
                self.aside(taken.recognised.dialect, asked.map(|asked| asked.prompt_octets));
            let decision = self.proxy.judge.decide(request, self.five_tuple(), aside).await;
            self.proxy.metrics.decided(&decision);
            decisions.push(decision);
        }
        decisions.sort_by_key(|decision| std::cmp::Reverse(decision.action));
        if let Some(worst) = decisions.first() {
            span.about(|span| traced::decision(span, worst));
            taken.trace.about(|span| traced::decision(span, worst));
        }
        decisions
    }

    /// What is decided on.
    pub(super) fn request(&self, taken: &Taken, headers: &HeaderMap, read: &Read) -> Request {
        let source = self.proxy.behind(self.flow.client.ip());
        let (endpoint, provider) = match &taken.endpoint {
            Some((id, provider)) => (Some(id.clone()), Some(provider.clone())),
            None => (None, taken.recognised.provider.map(str::to_owned)),
        };
        let mut request = Request {
            id: taken.id.clone(),
            operation: taken.recognised.operation,
            user: source.and_then(|source| source.user.clone()),
            groups: source.map(|source| source.groups.clone()).unwrap_or_default(),
            agent: sark_detect::agent(headers).map(str::to_owned),
            source: Some(self.flow.client.ip().to_canonical()),
            host: source.and_then(|source| source.host.clone()),
            provider,
            endpoint,
            server_name: Some(taken.host.clone()),
            model: taken.recognised.model.clone(),
            stream: taken.recognised.stream.unwrap_or(false),
            ..Request::default()
        };
        if let Some(asked) = &read.asked {
            asked.describe(&mut request);
            request.spend = self.spend(&request, asked);
        }
        (request.body_bytes, request.inspected) = (read.body_octets, read.inspected);
        request
    }

    /// What it may cost at most, as far as it can be told: four octets of text are about a token, and
    /// the answer is as long as it may be. What was spent before is not known here.
    fn spend(&self, request: &Request, asked: &Asked) -> Option<Spend> {
        let counted = [Operation::Chat, Operation::Completion, Operation::Embedding];
        let model = request.model.as_deref().filter(|_| counted.contains(&request.operation))?;
        let known = self.proxy.judge.known();
        let prices = known.prices.as_deref()?;
        let (input, output) =
            (asked.prompt_octets.div_ceil(4), asked.max_output_tokens.unwrap_or_default());
        let reported = Reported { input, output, ..Reported::default() };
        let usage = reported.usage(sark_prices::Counting::Apart).ok()?;
        let provider = request.provider.as_deref();
        let cost = prices.cost(&Call { provider, model, tier: None, usage: &usage });
        let microusd = u64::try_from(cost.total.0 / 1_000_000).unwrap_or(u64::MAX);
        Some(Spend { request_microusd: cost.is_whole().then_some(microusd), ..Spend::default() })
    }
}

/// What a client is told that may not; nothing if it may. The worst decision is the first. What has to be
/// taken out of it was, if it is `redacted`: to let it go on as it is would not be what was decided.
pub(super) fn refusal(decisions: &[Decision], request_id: &str, redacted: bool) -> Option<Refusal> {
    let decision = decisions.first()?;
    let allowed = decision.allow && (redacted || decision.action != Action::Redact);
    let message = match decision.action {
        Action::Redact => "what has to be taken out of it cannot be, here",
        Action::Hold => "it needs somebody's approval, which cannot be had here",
        _ => &decision.reason,
    };
    let rule = format!("{}/{}", decision.policy_id, decision.rule_id);
    (!allowed).then(|| Refusal {
        kind: Kind::Denied,
        message: message.to_owned(),
        request_id: request_id.to_owned(),
        rule: Some(rule),
    })
}

/// The host that policies send it to, by the endpoint's first name.
pub(super) fn redirected(
    decisions: &[Decision],
    registry: &Snapshot,
) -> Result<Option<Target>, String> {
    let obligations = decisions.iter().flat_map(|decision| &decision.obligations);
    let mut wanted: Vec<&String> = obligations
        .filter_map(|obligation| match obligation {
            Obligation::Redirect { to } => Some(to),
            _ => None,
        })
        .collect();
    wanted.sort_unstable();
    wanted.dedup();
    let to = match *wanted {
        [] => return Ok(None),
        [to] => to,
        _ => return Err("policies send it to more than one place".to_owned()),
    };
    let unknown = || format!("a policy sends it to {to}, which the registry does not know");
    let endpoint = registry.by_id(to).ok_or_else(unknown)?;
    let name = endpoint.names.iter().find(|name| !name.is_wildcard()).ok_or_else(unknown)?;
    let port = endpoint.ports.first().map_or(443, |ports| ports.first);
    Ok(Some(Target::Name(name.as_str().to_owned(), port)))
}
