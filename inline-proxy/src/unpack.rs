//! Bodies of requests that are packed (RFC 9110 §8.4.1; br: RFC 7932, zstd: RFC 8878), opened within bounds.

use std::io::Read;

use flate2::read::{MultiGzDecoder, ZlibDecoder};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

/// What it may grow to, for one octet of it.
const RATIO: usize = 100;
/// What a decoder of zstd has to remember at most, whatever the body says (RFC 9659).
const WINDOW: u64 = 8 << 20;
/// Octets at a time.
const BUFFER: usize = 8 << 10;

/// A body, opened or not.
#[derive(Debug, PartialEq, Eq)]
pub enum Packed {
    /// It is as it is.
    Plain,
    /// What was in it.
    Opened(Vec<u8>),
    /// In a way that is not opened here, damaged, or it grows too much.
    Closed,
}

/// Opens a packed body, up to `most` octets and a hundred times what it was.
pub fn unpacked(headers: &HeaderMap, octets: &[u8], most: usize) -> Packed {
    let mut codings = headers.get_all(CONTENT_ENCODING).iter();
    let Some(coding) = codings.next() else { return Packed::Plain };
    if codings.next().is_some() {
        return Packed::Closed;
    }
    let most = most.min(octets.len().saturating_mul(RATIO));
    let coding = coding.as_bytes().to_ascii_lowercase();
    match &*coding {
        b"identity" => Packed::Plain,
        b"gzip" | b"x-gzip" => opened(MultiGzDecoder::new(octets), most),
        b"deflate" => opened(ZlibDecoder::new(octets), most),
        b"br" => opened(brotli_decompressor::Decompressor::new(octets, BUFFER), most),
        b"zstd" => zstd(octets, most),
        _ => Packed::Closed,
    }
}

fn opened(decoder: impl Read, most: usize) -> Packed {
    let mut octets = Vec::new();
    match decoder.take(most as u64 + 1).read_to_end(&mut octets) {
        Ok(_) if octets.len() <= most => Packed::Opened(octets),
        _ => Packed::Closed,
    }
}

/// One frame. What follows it other readers would read on, and is not opened.
fn zstd(octets: &[u8], most: usize) -> Packed {
    let mut rest = octets;
    let mut decoder = FrameDecoder::new();
    // A frame that says how long it is may want to remember all of it.
    decoder.set_max_window_size(WINDOW.max(most as u64));
    let Ok(mut frame) = StreamingDecoder::new_with_decoder(&mut rest, decoder) else {
        return Packed::Closed;
    };
    let opened = opened(&mut frame, most);
    drop(frame);
    if rest.is_empty() { opened } else { Packed::Closed }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    const BODY: &[u8] = br#"{"model":"forbidden","messages":[]}"#;
    /// The body as Node's zlib packs it with brotli, and as zstd 1.5 does; ten million zeros likewise.
    const BR: &str =
        "0b11807b226d6f64656c223a22666f7262696464656e222c226d65737361676573223a5b5d7d03";
    const BR_BOMB: &str = "cbffff3ff82700e2b14020f7fe2fff2c31f04f00c46111808e2306";
    const ZSTD: &str = "28b52ffd04581901007b226d6f64656c223a22666f7262696464656e222c226d65737361676573223a5b5d7d72397f42";
    /// Blocks of 128 KB that are one octet over and over.
    const ZSTD_BOMB: &str = "28b52ffd0068020010000200100002001000020010000200100003001000";
    /// The head of a frame that wants 128 MB to be remembered.
    const ZSTD_FAR: &str = "28b52ffd0088010000";

    fn octets(hex: &str) -> Vec<u8> {
        let digits = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        (0..hex.len()).step_by(2).map(digits).collect()
    }

    fn headers(coding: &str) -> HeaderMap {
        [(CONTENT_ENCODING, coding.parse().unwrap())].into_iter().collect()
    }

    fn gzip(octets: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(octets).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn each_way_of_packing_is_opened() {
        for (coding, packed) in
            [("gzip", gzip(BODY)), ("GZIP", gzip(BODY)), ("br", octets(BR)), ("zstd", octets(ZSTD))]
        {
            let opened = unpacked(&headers(coding), &packed, 1 << 20);
            assert_eq!(opened, Packed::Opened(BODY.to_vec()), "{coding}");
            // Within the bound, and not one octet more.
            let less = unpacked(&headers(coding), &packed, BODY.len() - 1);
            assert_eq!(less, Packed::Closed, "{coding}");
            let torn = unpacked(&headers(coding), &packed[..packed.len() - 9], 1 << 20);
            assert_eq!(torn, Packed::Closed, "{coding}");
        }
        assert_eq!(unpacked(&HeaderMap::new(), b"x", 1 << 20), Packed::Plain);
        assert_eq!(unpacked(&headers("compress"), b"x", 1 << 20), Packed::Closed);
        for coding in ["gzip", "deflate", "br", "zstd"] {
            assert_eq!(unpacked(&headers(coding), BODY, 1 << 20), Packed::Closed, "{coding}");
        }
    }

    #[test]
    fn bombs_are_not() {
        for (coding, bomb) in [
            ("gzip", gzip(&vec![0; 10_000_000])),
            ("br", octets(BR_BOMB)),
            ("zstd", octets(ZSTD_BOMB)),
            ("zstd", octets(ZSTD_FAR)),
        ] {
            assert_eq!(unpacked(&headers(coding), &bomb, 1 << 30), Packed::Closed, "{coding}");
        }
    }

    #[test]
    fn a_second_frame_hides_nothing() {
        let twice = [octets(ZSTD), octets(ZSTD)].concat();
        assert_eq!(unpacked(&headers("zstd"), &twice, 1 << 20), Packed::Closed);
        let twice = [gzip(b"[1,"), gzip(b"2]")].concat();
        assert_eq!(unpacked(&headers("gzip"), &twice, 1 << 20), Packed::Opened(b"[1,2]".into()));
    }
}
