//! Prefixes as text, by the million: a registry version is the hash of texts, and a prefix goes
//! through the formatting machinery octet by octet.

use std::fmt::{self, Write as _};

use ipnet::{IpNet, Ipv4Net};
use serde::{Serialize, Serializer};

/// A list of prefixes, each in the form of its `Display`.
pub(crate) fn serialize<S: Serializer>(nets: &[IpNet], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(nets.iter().map(Net))
}

struct Net<'a>(&'a IpNet);

impl Serialize for Net<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match text(self.0, &mut [0; LONGEST]) {
            Some(text) => serializer.serialize_str(text),
            None => serializer.collect_str(self.0),
        }
    }
}

/// No address with a length is longer: `ffff:…:255.255.255.255/128` has 49.
const LONGEST: usize = 64;

/// Written into the buffer; `None` should there be too little room.
fn text<'a>(net: &IpNet, buffer: &'a mut [u8; LONGEST]) -> Option<&'a str> {
    let mut line = Line { buffer, length: 0 };
    match net {
        IpNet::V4(net) => four(net, &mut line),
        IpNet::V6(net) => write!(line, "{}", net.addr()).ok(),
    }?;
    line.put(b'/')?;
    line.number(net.prefix_len())?;
    let Line { buffer, length } = line;
    std::str::from_utf8(buffer.get(..length)?).ok()
}

fn four(net: &Ipv4Net, line: &mut Line<'_>) -> Option<()> {
    let [a, b, c, d] = net.addr().octets();
    line.number(a)?;
    for octet in [b, c, d] {
        line.put(b'.')?;
        line.number(octet)?;
    }
    Some(())
}

struct Line<'a> {
    buffer: &'a mut [u8; LONGEST],
    length: usize,
}

impl Line<'_> {
    fn put(&mut self, octet: u8) -> Option<()> {
        *self.buffer.get_mut(self.length)? = octet;
        self.length += 1;
        Some(())
    }

    /// In decimal digits.
    fn number(&mut self, number: u8) -> Option<()> {
        if number >= 100 {
            self.put(b'0' + number / 100)?;
        }
        if number >= 10 {
            self.put(b'0' + number / 10 % 10)?;
        }
        self.put(b'0' + number % 10)
    }
}

impl fmt::Write for Line<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        let room = self.buffer.get_mut(self.length..end).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ipnet::Ipv6Net;
    use proptest::prelude::*;

    use super::*;

    fn same(net: IpNet) {
        assert_eq!(text(&net, &mut [0; LONGEST]), Some(&*net.to_string()));
    }

    #[test]
    fn every_number_has_its_digits() {
        for octet in 0..=255 {
            same(Ipv4Net::new_assert([octet, 255 - octet, 0, octet].into(), octet % 33).into());
        }
        for text in ["::ffff:255.255.255.255/128", "::/0", "1:2:3:4:5:6:7:8/127", "::1/128"] {
            same(text.parse().unwrap());
        }
    }

    proptest! {
        #[test]
        fn it_is_the_text_that_a_prefix_has(
            four: [u8; 4], six: [u16; 8], holes: [bool; 8], short in 0..=32u8, long in 0..=128u8,
        ) {
            same(Ipv4Net::new_assert(four.into(), short).into());
            let six: [u16; 8] = std::array::from_fn(|at| if holes[at] { 0 } else { six[at] });
            same(Ipv6Net::new_assert(six.into(), long).into());
        }
    }
}
