//! packet → proxy → request → decision → audit, [spans] → collector
//!
//! Distributed traces: what a program did for one request, as spans that OpenTelemetry collectors take
//! (OTLP over HTTP, protobuf).
//!
//! ```text
//!   Tracer ── begin ─▶ Trace ── start ─▶ Open … dropped    the last of them dropped: sampled? denied? failed?
//!                                                                        │ bounded queue; full: counted
//!                                                                        ▼
//!                                                          Exporter ── batches ─▶ collector
//! ```
//!
//! Read [`Tracer`] first, then [`Trace`]. Whether a trace is kept is known when its request is over, for one
//! that was denied or failed always is. Of those that clients sample so many a second are. [`Tracer::off`] gives
//! traces that do nothing: not a clock is read.
//!
//! A request is never held up: what does not fit is dropped and counted ([`TraceMetrics`]), and so is what
//! the collector does not take, or not the second time. Names of attributes and spans are the program's, and
//! texts are cut at [`MOST_TEXT`] octets: memory is bounded whatever clients send. What a span says is its
//! program's to choose; nothing here looks for secrets.
//!
//! The messages are written out in `otlp`: `opentelemetry-proto` and `opentelemetry-otlp` would be the same
//! ten messages with two SDKs and a second way out.

mod allowance;
mod config;
mod context;
mod exporter;
mod metrics;
mod otlp;
mod span;
#[cfg(feature = "test-util")]
pub mod test_util;
mod trace;

pub use config::{Sample, Service, TracesConfig, TracesError};
pub use context::{Parent, SpanId, TraceId};
pub use exporter::{Exporter, Pace};
pub use metrics::TraceMetrics;
pub use span::{Attributes, Kind, MOST_TEXT, Span, Value};
pub use trace::{MOST_SPANS, Open, Trace, Tracer};
