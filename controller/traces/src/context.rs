//! Whose trace it is: W3C Trace Context, level 2, of which `traceparent` is read.

/// Of all spans of one request, whoever made them. Never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId([u8; 16]);

/// Of one span in its trace. Never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId([u8; 8]);

/// The span of a client, as its `traceparent` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parent {
    /// Its trace.
    pub trace: TraceId,
    /// Itself.
    pub span: SpanId,
    /// Whether the client keeps its own.
    pub is_sampled: bool,
}

impl TraceId {
    /// Nothing if all of them are zero.
    #[must_use]
    pub fn new(octets: [u8; 16]) -> Option<Self> {
        (octets != [0; 16]).then_some(Self(octets))
    }

    /// As it is sent.
    #[must_use]
    pub const fn octets(self) -> [u8; 16] {
        self.0
    }

    /// The 56 bits that are random in a trace whose id is (level 2, "random-trace-id").
    #[must_use]
    pub const fn randomness(self) -> u64 {
        let [.., a, b, c, d, e, f, g] = self.0;
        u64::from_be_bytes([0, a, b, c, d, e, f, g])
    }
}

impl SpanId {
    /// Nothing if all of them are zero.
    #[must_use]
    pub fn new(octets: [u8; 8]) -> Option<Self> {
        (octets != [0; 8]).then_some(Self(octets))
    }

    /// As it is sent.
    #[must_use]
    pub const fn octets(self) -> [u8; 8] {
        self.0
    }

    /// Of these random octets, and so that many after it are none of zero: half of all ids.
    pub(crate) fn first(random: [u8; 8]) -> Self {
        let number = u64::from_be_bytes(random) >> 1;
        Self(number.max(1).to_be_bytes())
    }

    /// Of the `number`th span after this one.
    pub(crate) const fn after(self, number: u64) -> Self {
        Self(u64::from_be_bytes(self.0).wrapping_add(number).to_be_bytes())
    }
}

impl Parent {
    /// The value of a `traceparent` header (section 3.2); nothing if it is not one. Of a later version what
    /// is known is read.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let (head, rest) = value.split_at_checked(55)?;
        let [version, trace, span, flags] = fields(head)?;
        let version = octets::<1>(version)?[0];
        let is_over = match version {
            0 => rest.is_empty(),
            0xff => false,
            _ => rest.is_empty() || rest.starts_with(b"-"),
        };
        let flags = octets::<1>(flags)?[0];
        let trace = TraceId::new(octets(trace)?)?;
        let span = SpanId::new(octets(span)?)?;
        is_over.then_some(Self { trace, span, is_sampled: flags & 1 == 1 })
    }
}

fn fields(head: &[u8]) -> Option<[&[u8]; 4]> {
    let mut fields = head.split(|octet| *octet == b'-');
    let four = [fields.next()?, fields.next()?, fields.next()?, fields.next()?];
    fields.next().is_none().then_some(four)
}

/// Of lower-case hexadecimal digits, just as many.
fn octets<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut octets = [0; N];
    for (octet, pair) in octets.iter_mut().zip(text.chunks(2)) {
        let digit = |digit: u8| match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        };
        let [high, low] = pair else { return None };
        *octet = digit(*high)? << 4 | digit(*low)?;
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_parent_is_read() {
        let parent = Parent::parse(GOOD.as_bytes()).unwrap();
        assert_eq!(parent.trace.octets()[..3], [0x0a, 0xf7, 0x65]);
        assert_eq!(parent.trace.randomness(), 0x0048_eb21_1c80_319c);
        assert_eq!(parent.span.octets(), [0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31]);
        assert!(parent.is_sampled);
        let unsampled = GOOD.replace("-01", "-02");
        assert!(!Parent::parse(unsampled.as_bytes()).unwrap().is_sampled);
        for later in [
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-comes",
        ] {
            assert!(Parent::parse(later.as_bytes()).is_some(), "{later}");
        }
    }

    #[test]
    fn what_is_none_is_none() {
        for wrong in [
            "",
            "00",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0x",
            "00-0af7651916cd43dd8448eb211c80319cb-7ad6b7169203331-01",
            "00 0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c8031-9c-b7ad6b71692033-3101",
        ] {
            assert_eq!(Parent::parse(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn ids_after_one_are_others_and_never_zero() {
        for random in [[0xff; 8], [0; 8]] {
            let first = SpanId::first(random);
            let mut ids: Vec<_> = (0..4).map(|number| first.after(number).octets()).collect();
            assert!(ids.iter().all(|id| *id != [0; 8]), "{ids:?}");
            ids.dedup();
            assert_eq!(ids.len(), 4);
        }
    }
}
