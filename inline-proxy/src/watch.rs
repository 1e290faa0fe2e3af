//! What an answer says, read beside its way to the client: tokens, tools called, how it ended.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use sark_core::audit::{AuditRecord, Correlation, Outcome};
use sark_detect::{Answer, AnswerReader, Asked, Form, Kind, Limits, Passed, Recognised, Refusal};
use sark_prices::{Call, Picodollars, Unit};
use sark_traces::Trace;
use serde::Serialize;

use crate::judge::Judge;
use crate::traced::{self, Short};

/// What an answer may grow to when it is decompressed, for one octet of it: more is not read.
const RATIO: u64 = 100;
/// Below this it may grow as it likes.
const SMALL: u64 = 1 << 20;

/// Reads one answer, and writes the record of it when it is over, however it ends.
pub struct Watch {
    reader: Decoded,
    recognised: Recognised,
    is_of_session: bool,
    octets: u64,
    about: About,
    judge: Arc<Judge>,
    is_over: bool,
    /// Why it is not whole, if it is not.
    short: Short,
}

/// What the record says beside the answer.
#[derive(Debug, Clone)]
pub struct About {
    /// Id, flow, user.
    pub correlation: Correlation,
    /// Provider, as prices know it.
    pub provider: Option<String>,
    /// The model that was asked for.
    pub model: Option<String>,
    /// Of the answer.
    pub status: u16,
    /// When the request came.
    pub since: Instant,
    /// It says what is said of the answer, too.
    pub trace: Trace,
}

/// What the record says of the answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Detail<'a> {
    status: u16,
    model: Option<&'a str>,
    provider: Option<&'a str>,
    octets: u64,
    output_octets: u64,
    usage: Option<BTreeMap<Unit, u64>>,
    cost_microusd: Option<u64>,
    unpriced: bool,
    tool_calls: &'a [String],
    server_requests: &'a [String],
    finish: Option<&'a str>,
    failure: Option<&'a str>,
    stopped: Option<Stopped<'a>>,
    whole: bool,
    inspected: bool,
    milliseconds: u64,
}

#[derive(Serialize)]
struct Stopped<'a> {
    why: &'a str,
    rule: Option<&'a str>,
}

enum Decoded {
    Plain(AnswerReader),
    Gzip(Box<MultiGzDecoder<Inflated>>),
    /// What came so far, and nothing more.
    Over(AnswerReader),
    None,
}

/// Octets out of the decompressor, as many as they may be.
struct Inflated {
    /// There until it is taken out at the end.
    reader: Option<AnswerReader>,
    out: u64,
    most: u64,
}

impl Write for Inflated {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.out += octets.len() as u64;
        if self.out > self.most {
            return Err(io::Error::other("the answer grows too much"));
        }
        if let Some(reader) = &mut self.reader {
            reader.push(octets);
        }
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("about", &self.about).finish_non_exhaustive()
    }
}

impl Watch {
    /// Of an answer with these headers.
    #[must_use]
    pub fn new(
        recognised: &Recognised,
        asked: &Asked,
        headers: &HeaderMap,
        limits: &Limits,
        about: About,
        judge: Arc<Judge>,
    ) -> Self {
        let coding = headers.get(CONTENT_ENCODING).map_or(&b""[..], |value| value.as_bytes());
        let reader = if coding.eq_ignore_ascii_case(b"gzip") {
            let mut plain = headers.clone();
            plain.remove(CONTENT_ENCODING);
            let reader = AnswerReader::new(recognised, asked, &plain, limits);
            Decoded::Gzip(Box::new(MultiGzDecoder::new(Inflated {
                reader: Some(reader),
                out: 0,
                most: SMALL,
            })))
        } else {
            Decoded::Plain(AnswerReader::new(recognised, asked, headers, limits))
        };
        let recognised = recognised.clone();
        let (is_of_session, short) = (false, Short::ClientGone);
        Self { reader, recognised, is_of_session, octets: 0, about, judge, is_over: false, short }
    }

    /// Of one answer of a session.
    #[must_use]
    pub fn of_session(
        recognised: &Recognised,
        limits: &Limits,
        about: About,
        judge: Arc<Judge>,
    ) -> Self {
        let reader = Decoded::Plain(AnswerReader::of_session(recognised, limits));
        let recognised = recognised.clone();
        let (is_of_session, short) = (true, Short::ClientGone);
        Self { reader, recognised, is_of_session, octets: 0, about, judge, is_over: false, short }
    }

    /// Takes a message of a session; nothing of one that is too long.
    pub fn message(&mut self, payload: Option<&[u8]>) {
        self.octets += payload.map_or(0, <[u8]>::len) as u64;
        if let Decoded::Plain(reader) = &mut self.reader {
            reader.message(payload.ok_or(()));
        }
    }

    /// Whether it came to its end.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.answer().is_some_and(|answer| answer.is_complete)
    }

    /// Whether a session said something beside answers only.
    fn is_none_yet(&self) -> bool {
        self.is_of_session
            && self.answer().is_none_or(|answer| {
                answer.output_octets == 0
                    && answer.tool_calls.is_empty()
                    && answer.failure.is_none()
            })
    }

    /// Whether it comes in events, and can be ended between two of them.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        matches!(&self.reader, Decoded::Plain(reader) if reader.is_stream())
    }

    /// Whether it is one document.
    #[must_use]
    pub fn is_document(&self) -> bool {
        self.reader().is_some_and(AnswerReader::is_document)
    }

    /// What it said so far.
    #[must_use]
    pub fn answer(&self) -> Option<&Answer> {
        self.reader().map(AnswerReader::answer)
    }

    fn reader(&self) -> Option<&AnswerReader> {
        match &self.reader {
            Decoded::Plain(reader) | Decoded::Over(reader) => Some(reader),
            Decoded::Gzip(decoder) => decoder.get_ref().reader.as_ref(),
            Decoded::None => None,
        }
    }

    /// Takes what passes; of what is packed all may go.
    pub fn saw(&mut self, octets: &[u8]) -> Passed {
        self.octets += octets.len() as u64;
        match &mut self.reader {
            Decoded::Plain(reader) => return reader.push(octets),
            Decoded::Gzip(decoder) => {
                decoder.get_mut().most = SMALL.max(self.octets.saturating_mul(RATIO));
                // So that an event is read when it passes, and not at the end.
                if decoder.write_all(octets).and_then(|()| decoder.flush()).is_err()
                    && let Decoded::Gzip(decoder) =
                        std::mem::replace(&mut self.reader, Decoded::None)
                {
                    self.reader = taken(*decoder).map_or(Decoded::None, Decoded::Over);
                }
            }
            Decoded::Over(_) | Decoded::None => {}
        }
        Passed { sendable: self.octets, ..Passed::default() }
    }

    /// All of it passed: what was held may go.
    pub fn finish(&mut self) -> Passed {
        match std::mem::replace(&mut self.reader, Decoded::None) {
            Decoded::Plain(mut reader) => {
                let passed = reader.finish();
                self.reader = Decoded::Over(reader);
                return passed;
            }
            Decoded::Gzip(decoder) => {
                let reader = taken(*decoder).map(|mut reader| {
                    reader.finish();
                    reader
                });
                self.reader = reader.map_or(Decoded::None, Decoded::Over);
            }
            other => self.reader = other,
        }
        Passed { sendable: self.octets, ..Passed::default() }
    }

    /// What ends a stream of which `sent` octets were sent with an error; nothing if there is no way to
    /// say one.
    #[must_use]
    pub fn last_words(&self, refusal: &Refusal, sent: u64) -> Bytes {
        match &self.reader {
            Decoded::Plain(reader) | Decoded::Over(reader) => {
                refusal.in_stream(&self.recognised, reader, Form::Hard, sent)
            }
            Decoded::Gzip(_) | Decoded::None => Bytes::new(),
        }
    }

    /// It came to its end.
    pub fn ended(mut self) {
        self.finish();
        self.tell(true, None);
    }

    /// The server broke it off.
    pub fn broken(mut self) {
        self.short = Short::BrokenOff;
    }

    /// It was ended here.
    pub fn stopped(mut self, refusal: &Refusal) {
        self.tell(false, Some(refusal));
    }

    fn tell(&mut self, whole: bool, stopped: Option<&Refusal>) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        let answer = match std::mem::replace(&mut self.reader, Decoded::None) {
            Decoded::Plain(reader) | Decoded::Over(reader) => reader.into_answer(),
            Decoded::Gzip(decoder) => {
                let Some(reader) = taken(*decoder) else { return };
                reader.into_answer()
            }
            Decoded::None => return,
        };
        let why = (!whole).then_some(self.short);
        traced::told(&self.about.trace, &answer, why, stopped);
        self.judge.note(&self.record(&answer, whole, stopped));
    }

    fn record<'a>(
        &'a self,
        answer: &'a Answer,
        whole: bool,
        stopped: Option<&'a Refusal>,
    ) -> AuditRecord<Detail<'a>> {
        let About { correlation, provider, model, status, since, .. } = &self.about;
        let usage = answer.usage().and_then(Result::ok);
        let model = answer.model.as_deref().or(model.as_deref());
        let known = self.judge.known();
        let cost = usage.as_ref().zip(model).zip(known.prices.as_deref()).map(
            |((usage, model), prices)| {
                let provider = provider.as_deref();
                prices.cost(&Call { provider, model, tier: None, usage })
            },
        );
        let is_ok = *status < 400 && whole && answer.failure.is_none();
        let detail = Detail {
            status: *status,
            model,
            provider: provider.as_deref(),
            octets: self.octets,
            output_octets: answer.output_octets,
            usage: usage.as_ref().map(|usage| usage.counts().collect()),
            cost_microusd: cost.as_ref().map(|cost| microdollars(cost.total)),
            unpriced: cost.as_ref().is_some_and(|cost| !cost.is_whole()),
            tool_calls: &answer.tool_calls,
            server_requests: &answer.server_requests,
            finish: answer.finish.as_deref(),
            failure: answer.failure.as_ref().map(|failure| &*failure.kind),
            stopped: stopped
                .map(|refusal| Stopped { why: refusal.kind.code(), rule: refusal.rule.as_deref() }),
            whole: whole && answer.is_complete,
            inspected: answer.is_inspected && answer.unread == 0,
            milliseconds: u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        let outcome = match stopped {
            Some(refusal) if refusal.kind == Kind::Denied => Outcome::Refused,
            _ if is_ok => Outcome::Ok,
            _ => Outcome::Failed,
        };
        AuditRecord::new(self.judge.now(), self.judge.actor(), "proxy.answer", outcome, detail)
            .about(correlation.clone())
    }
}

fn taken(mut decoder: MultiGzDecoder<Inflated>) -> Option<AnswerReader> {
    // What is left in it is a torn end.
    let _ = decoder.try_finish();
    decoder.get_mut().reader.take()
}

fn microdollars(amount: Picodollars) -> u64 {
    u64::try_from(amount.0 / 1_000_000).unwrap_or(u64::MAX)
}

impl Drop for Watch {
    /// The client went away, unless [the server did](Self::broken).
    fn drop(&mut self) {
        self.is_over |= self.is_none_yet();
        self.finish();
        self.tell(false, None);
    }
}
