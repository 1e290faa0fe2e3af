//! Where one event of a streamed answer ends and the next begins.
//!
//! Each decoder takes octets in any portions, hands out each event once it is whole, and answers up to
//! which octet of the stream everything may be sent on. An event longer than its limit is handed out
//! as [`TooLong`], and its octets may be sent on as they come: nothing waits for them.

pub mod eventstream;
pub mod lines;
pub mod sequence;
pub mod sse;
pub mod websocket;

/// An event was longer than the limit, and was not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event is longer than {0} octets")]
pub struct TooLong(pub usize);

/// Octets of something that is cut over portions, as far as they are within a limit.
#[derive(Debug, Default)]
struct Kept {
    octets: Vec<u8>,
    /// How many there were, kept or not.
    seen: usize,
}

impl Kept {
    fn push(&mut self, portion: &[u8], most: usize) {
        self.seen = self.seen.saturating_add(portion.len());
        if self.seen <= most {
            self.octets.extend_from_slice(portion);
        } else {
            // Nobody reads it: the memory is better elsewhere.
            self.octets = Vec::new();
        }
    }

    fn read(&self, most: usize) -> Result<&[u8], TooLong> {
        if self.seen > most { Err(TooLong(most)) } else { Ok(&self.octets) }
    }

    fn is_empty(&self) -> bool {
        self.seen == 0
    }

    fn clear(&mut self) {
        self.octets.clear();
        self.seen = 0;
    }
}
