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
use sark_detect::{Answer, AnswerReader, Asked, Limits, Recognised};
use sark_prices::{Call, Picodollars};
use serde_json::json;

use crate::judge::Judge;

/// What an answer may grow to when it is decompressed, for one octet of it: more is not read.
const RATIO: u64 = 100;
/// Below this it may grow as it likes.
const SMALL: u64 = 1 << 20;

/// Reads one answer, and writes the record of it when it is over, however it ends.
pub struct Watch {
    reader: Decoded,
    octets: u64,
    about: About,
    judge: Arc<Judge>,
    is_over: bool,
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
        Self { reader, octets: 0, about, judge, is_over: false }
    }

    /// Takes what passes.
    pub fn saw(&mut self, octets: &Bytes) {
        self.octets += octets.len() as u64;
        match &mut self.reader {
            Decoded::Plain(reader) => _ = reader.push(octets),
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
    }

    /// It came to its end.
    pub fn ended(mut self) {
        self.tell(true);
    }

    fn tell(&mut self, whole: bool) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        let answer = match std::mem::replace(&mut self.reader, Decoded::None) {
            Decoded::Plain(mut reader) => {
                reader.finish();
                reader.into_answer()
            }
            Decoded::Gzip(decoder) => {
                let Some(mut reader) = taken(*decoder) else { return };
                reader.finish();
                reader.into_answer()
            }
            Decoded::Over(reader) => reader.into_answer(),
            Decoded::None => return,
        };
        self.judge.note(&self.record(&answer, whole));
    }

    fn record(&self, answer: &Answer, whole: bool) -> AuditRecord {
        let About { correlation, provider, model, status, since } = &self.about;
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
        let detail = json!({
            "status": status,
            "model": model,
            "provider": provider,
            "octets": self.octets,
            "outputOctets": answer.output_octets,
            "usage": usage.as_ref().map(|usage| usage.counts().collect::<BTreeMap<_, _>>()),
            "costMicrousd": cost.as_ref().map(|cost| microdollars(cost.total)),
            "unpriced": cost.as_ref().is_some_and(|cost| !cost.is_whole()),
            "toolCalls": answer.tool_calls,
            "finish": answer.finish,
            "failure": answer.failure.as_ref().map(|failure| &failure.kind),
            "whole": whole && answer.is_complete,
            "inspected": answer.is_inspected && answer.unread == 0,
            "milliseconds": u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX),
        });
        let outcome = if is_ok { Outcome::Ok } else { Outcome::Failed };
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
    /// The client went away, or the server did.
    fn drop(&mut self) {
        self.tell(false);
    }
}
