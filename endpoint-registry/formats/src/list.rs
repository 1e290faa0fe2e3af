//! Plain text: one prefix, address or name a line; `#` and `;` begin a comment, as does `//` at the
//! start. Cloudflare's lists, Tor's bulk exit list, X4BNet, lists of DNS over HTTPS servers.
//!
//! A comment after the entry that is a name becomes the label `host`: `192.0.2.1  # dns.example.com`.
//! Text after the entry that is no comment is not understood, and the line skipped.

use sark_registry::NamePattern;

use crate::{ParseError, collect::Collect, text};

pub(crate) fn parse(octets: &[u8], out: &mut Collect) -> Result<(), ParseError> {
    for (number, line) in text::lines(octets) {
        let (entry, comment) = line.split_once(['#', ';']).unwrap_or((&line, ""));
        let entry = entry.trim();
        if entry.is_empty() || entry.starts_with("//") {
            continue;
        }
        let host = comment.split_whitespace().next().and_then(|word| word.parse().ok());
        let host: Option<NamePattern> = host;
        let labels = match &host {
            Some(host) => out.labels(&[("host", host.as_str())]),
            None => Vec::new(),
        };
        out.subject(entry, &labels, || format!("line {number}"))?;
    }
    Ok(())
}
