//! Redaction: what looks like a secret or is the body of a prompt is not written.
//!
//! Works on the JSON text of a record, string by string, in one pass: a value whose name says that
//! it is secret or a prompt goes whole, whatever its shape: a string, a list or an object with all
//! that is in it. In every other string what has the shape of a known key, of a bearer token, of a
//! private key or of a password in an address is replaced. What was replaced says so:
//! `[redacted:openai-key]`. A record without secrets is not copied.
//!
//! What a policy had kept (`detail.kept.FIELD`) is encrypted already, and stays.
//!
//! This is a net, not a licence: who makes a record leaves secrets out of it.

mod names;
mod shapes;

use names::is_secret;

/// Brackets that are open around the names of a record's detail.
const DETAIL: usize = 2;

/// The text without secrets, if there was one.
pub(super) fn redacted(json: &str) -> Option<String> {
    let mut out = Out { json, text: String::new(), copied: 0 };
    let octets = json.as_bytes();
    // Whether the member under way has a name that says: secret. Holds for an array's items too.
    let mut secret = false;
    // Brackets that are open, and whether the member of the detail under way is what was kept.
    let (mut depth, mut kept) = (0_usize, false);
    let mut at = 0;
    while let Some(&octet) = octets.get(at) {
        if octet != b'"' {
            match octet {
                b'{' | b'[' => depth += 1,
                b'}' | b']' => {
                    depth = depth.saturating_sub(1);
                    // What comes after an object in a list is not under the name of its last member.
                    secret &= octet != b'}';
                }
                _ => {}
            }
            at += 1;
            continue;
        }
        let (start, end) = (at + 1, end_of_string(octets, at + 1));
        let content = json.get(start..end).unwrap_or_default();
        at = end + 1;
        if octets.get(at) == Some(&b':') {
            at += 1;
            if depth <= DETAIL {
                kept = depth == DETAIL && content == "kept";
            }
            shapes::find(content, &mut |from, to, kind| {
                out.replace(start + from, start + to, kind)
            });
            secret = is_secret(content);
            let is_sealed = kept && depth == DETAIL + 1;
            if secret && !is_sealed && matches!(octets.get(at), Some(b'{' | b'[')) {
                let end = end_of_group(octets, at);
                // Nothing in it is nothing to leave out.
                if end > at + 2 {
                    out.replace_value(at, end);
                }
                (at, secret) = (end, false);
            }
        } else if secret && !names::is_harmless(content) {
            out.replace(start, end, "by-name");
        } else {
            shapes::find(content, &mut |from, to, kind| {
                out.replace(start + from, start + to, kind)
            });
        }
    }
    out.finish()
}

/// Where the string that begins here ends: at its quotation mark.
fn end_of_string(octets: &[u8], mut at: usize) -> usize {
    while let Some(to) = octets.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += to;
        if octets.get(at) == Some(&b'"') {
            return at;
        }
        at += 2;
    }
    octets.len()
}

/// After the bracket that closes the one that is here.
fn end_of_group(octets: &[u8], mut at: usize) -> usize {
    let mut open = 0_usize;
    while let Some(&octet) = octets.get(at) {
        at += 1;
        match octet {
            b'"' => at = end_of_string(octets, at) + 1,
            b'{' | b'[' => open += 1,
            b'}' | b']' => {
                open = open.saturating_sub(1);
                if open == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    octets.len()
}

/// A copy that begins with the first replacement.
struct Out<'a> {
    json: &'a str,
    text: String,
    copied: usize,
}

impl Out<'_> {
    fn replace(&mut self, from: usize, to: usize, kind: &str) {
        // Two shapes may overlap: the first one has it.
        if from < self.copied || to <= from {
            return;
        }
        self.text.push_str(self.json.get(self.copied..from).unwrap_or_default());
        self.text.push_str("[redacted:");
        self.text.push_str(kind);
        self.text.push(']');
        self.copied = to;
    }

    /// A list or an object becomes a string: never longer than it was by more than a few octets.
    fn replace_value(&mut self, from: usize, to: usize) {
        self.text.push_str(self.json.get(self.copied..from).unwrap_or_default());
        self.text.push_str("\"[redacted:by-name]\"");
        self.copied = to;
    }

    fn finish(mut self) -> Option<String> {
        if self.copied == 0 {
            return None;
        }
        self.text.push_str(self.json.get(self.copied..).unwrap_or_default());
        Some(self.text)
    }
}

#[cfg(test)]
mod tests;
