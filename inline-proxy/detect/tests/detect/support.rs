//! Requests and answers in few words.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use sark_detect::{Answer, AnswerReader, Asked, Head, Limits, Recognised, Unreadable, recognise};

pub fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pairs = pairs.iter().map(|(name, value)| {
        (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
    });
    pairs.collect()
}

pub fn post(host: &str, path: &str, headers: &HeaderMap) -> Recognised {
    recognise(&Head { scheme: "https", method: &Method::POST, host, path, headers })
}

pub fn ask_with(
    host: &str,
    path: &str,
    headers: &HeaderMap,
    body: &str,
) -> Result<(Recognised, Asked), Unreadable> {
    let mut recognised = post(host, path, headers);
    let asked = recognised.read(headers, body.as_bytes(), &Limits::default())?;
    Ok((recognised, asked))
}

pub fn ask(host: &str, path: &str, body: &str) -> Result<(Recognised, Asked), Unreadable> {
    ask_with(host, path, &HeaderMap::new(), body)
}

/// A reader of the answer to such a request.
pub fn reader(host: &str, path: &str, body: &str, kind: &str, limits: &Limits) -> AnswerReader {
    let (recognised, asked) = ask(host, path, body).unwrap();
    AnswerReader::new(&recognised, &asked, &headers(&[("content-type", kind)]), limits)
}

pub fn answer(host: &str, path: &str, body: &str, kind: &str, octets: &[u8]) -> Answer {
    let mut reader = reader(host, path, body, kind, &Limits::default());
    reader.push(octets);
    reader.finish();
    reader.into_answer()
}

/// A message of an AWS event stream with these headers, all text.
pub fn aws(headers: &[(&str, &str)], payload: &str) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in headers {
        block.push(name.len() as u8);
        block.extend(name.as_bytes());
        block.push(7);
        block.extend((value.len() as u16).to_be_bytes());
        block.extend(value.as_bytes());
    }
    let total = (16 + block.len() + payload.len()) as u32;
    let mut octets = [total.to_be_bytes(), (block.len() as u32).to_be_bytes()].concat();
    octets.extend(crc32(&octets).to_be_bytes());
    octets.extend(&block);
    octets.extend(payload.as_bytes());
    octets.extend(crc32(&octets).to_be_bytes());
    octets
}

/// Bit by bit, not the library's.
pub fn crc32(octets: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for octet in octets {
        crc ^= u32::from(*octet);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

pub fn aws_event(kind: &str, payload: &str) -> Vec<u8> {
    let headers =
        [(":event-type", kind), (":content-type", "application/json"), (":message-type", "event")];
    aws(&headers, payload)
}
