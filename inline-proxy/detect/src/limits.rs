//! What reading may cost.

/// Bounds of one request and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most octets of a request's body. Coding agents send some 2 MB.
    pub request: usize,
    /// The most octets of an answer that is one JSON document; a longer one is not read.
    pub answer: usize,
    /// The most octets of one event of a stream; a longer one is not read. Pictures come in events of
    /// some MB.
    pub event: usize,
    /// The deepest nesting of a request's JSON: arrays and objects inside each other.
    pub depth: u32,
    /// The most tools that are offered, or tool calls that are remembered.
    pub tools: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { request: 32 << 20, answer: 8 << 20, event: 1 << 20, depth: 96, tools: 2048 }
    }
}

/// Names of models and tools are shorter. Providers allow 64 or 128 octets; ARNs have some 200.
pub(crate) const NAME: usize = 512;
