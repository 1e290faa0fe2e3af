//! Operators and values of numeric and bitmask components (RFC 8955 section 4.2.1).

/// Octets that a value takes on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the name says the octets")]
pub enum Width {
    One,
    Two,
    Four,
    Eight,
}

/// Comparison of a numeric item: the bits lt, gt, eq (RFC 8955 section 4.2.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the operators' own names")]
pub enum NumericOp {
    False,
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    NotEqual,
    True,
}

/// One `{operator, value}` pair of a numeric component. AND binds tighter than OR.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NumericItem {
    /// AND with the item before; false in the first item.
    pub and: bool,
    /// The comparison.
    pub op: NumericOp,
    /// What the packet's field is compared with.
    pub value: u64,
    /// Octets of `value` on the wire.
    pub width: Width,
}

/// One `{operator, value}` pair of a bitmask component (RFC 8955 section 4.2.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BitmaskItem {
    /// AND with the item before; false in the first item.
    pub and: bool,
    /// The NOT bit: the result is inverted.
    pub not: bool,
    /// The m bit: `data & value == value`; without it, any common bit matches.
    pub all: bool,
    /// The bits.
    pub value: u64,
    /// Octets of `value` on the wire.
    pub width: Width,
}

impl NumericItem {
    /// An OR item of the shortest width that holds `value`.
    #[must_use]
    pub fn new(op: NumericOp, value: u64) -> Self {
        Self { and: false, op, value, width: Width::shortest(value) }
    }

    /// The same item, ANDed with the one before it.
    #[must_use]
    pub fn and(self) -> Self {
        Self { and: true, ..self }
    }
}

impl BitmaskItem {
    /// An OR item that matches when any of these bits is set; shortest width.
    #[must_use]
    pub fn any(value: u64) -> Self {
        Self { and: false, not: false, all: false, value, width: Width::shortest(value) }
    }

    /// An OR item that matches when all of these bits are set; shortest width.
    #[must_use]
    pub fn all(value: u64) -> Self {
        Self { all: true, ..Self::any(value) }
    }

    /// The same item, inverted.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "`item.not()` reads as the RFC does")]
    pub fn not(self) -> Self {
        Self { not: !self.not, ..self }
    }

    /// The same item, ANDed with the one before it.
    #[must_use]
    pub fn and(self) -> Self {
        Self { and: true, ..self }
    }
}

impl Width {
    /// The shortest width that holds `value`.
    #[must_use]
    pub fn shortest(value: u64) -> Self {
        match value {
            0..=0xff => Self::One,
            0x100..=0xffff => Self::Two,
            0x1_0000..=0xffff_ffff => Self::Four,
            _ => Self::Eight,
        }
    }

    /// 1, 2, 4 or 8.
    #[must_use]
    pub fn octets(self) -> usize {
        1 << self.code()
    }

    /// Whether `value` fits.
    pub(crate) fn holds(self, value: u64) -> bool {
        Self::shortest(value) <= self
    }

    /// The two length bits of an operator octet.
    fn code(self) -> u8 {
        match self {
            Self::One => 0,
            Self::Two => 1,
            Self::Four => 2,
            Self::Eight => 3,
        }
    }

    fn of(operator: u8) -> Self {
        match (operator >> 4) & 3 {
            0 => Self::One,
            1 => Self::Two,
            2 => Self::Four,
            _ => Self::Eight,
        }
    }
}

impl NumericOp {
    const BY_BITS: [Self; 8] = [
        Self::False,
        Self::Equal,
        Self::Greater,
        Self::GreaterOrEqual,
        Self::Less,
        Self::LessOrEqual,
        Self::NotEqual,
        Self::True,
    ];

    /// Whether a field of this value meets the comparison.
    #[must_use]
    pub fn holds(self, field: u64, value: u64) -> bool {
        match self {
            Self::False => false,
            Self::Equal => field == value,
            Self::Greater => field > value,
            Self::GreaterOrEqual => field >= value,
            Self::Less => field < value,
            Self::LessOrEqual => field <= value,
            Self::NotEqual => field != value,
            Self::True => true,
        }
    }
}

/// End of list.
pub(crate) const END: u8 = 0x80;
const AND: u8 = 0x40;
const NOT: u8 = 0x02;
const MATCH: u8 = 0x01;

/// What both kinds of item share on the wire: an operator octet and a value behind it.
pub(crate) trait Item: Copy {
    /// The operator octet without the end-of-list bit; reserved bits are zero.
    fn operator(&self) -> u8;
    /// The item of an operator octet and its value. Reserved bits are ignored (RFC 8955
    /// sections 4.2.1.1 and 4.2.1.2), the AND bit is taken as it is.
    fn new(operator: u8, value: u64) -> Self;
    fn and_bit(&self) -> bool;
    fn set_and(&mut self, and: bool);
    fn value(&self) -> u64;
    fn width(&self) -> Width;

    /// Octets on the wire.
    fn octets(&self) -> usize {
        1 + self.width().octets()
    }
}

/// The width that an operator octet announces.
pub(crate) fn width_of(operator: u8) -> Width {
    Width::of(operator)
}

impl Item for NumericItem {
    fn operator(&self) -> u8 {
        // The variants are declared in the order of their lt, gt, eq bits.
        (u8::from(self.and) * AND) | (self.width.code() << 4) | self.op as u8
    }

    fn new(operator: u8, value: u64) -> Self {
        Self {
            and: operator & AND != 0,
            op: NumericOp::BY_BITS[usize::from(operator & 7)],
            value,
            width: Width::of(operator),
        }
    }

    fn and_bit(&self) -> bool {
        self.and
    }

    fn set_and(&mut self, and: bool) {
        self.and = and;
    }

    fn value(&self) -> u64 {
        self.value
    }

    fn width(&self) -> Width {
        self.width
    }
}

impl Item for BitmaskItem {
    fn operator(&self) -> u8 {
        (u8::from(self.and) * AND)
            | (self.width.code() << 4)
            | (u8::from(self.not) * NOT)
            | (u8::from(self.all) * MATCH)
    }

    fn new(operator: u8, value: u64) -> Self {
        Self {
            and: operator & AND != 0,
            not: operator & NOT != 0,
            all: operator & MATCH != 0,
            value,
            width: Width::of(operator),
        }
    }

    fn and_bit(&self) -> bool {
        self.and
    }

    fn set_and(&mut self, and: bool) {
        self.and = and;
    }

    fn value(&self) -> u64 {
        self.value
    }

    fn width(&self) -> Width {
        self.width
    }
}
