//! Rules for Suricata 7 and later.
//!
//! A name is three rules: asked for in the DNS, said in a TLS and in a QUIC hello. Addresses of an
//! endpoint are rules on addresses alone, which Suricata looks at once for each flow and which may
//! hold prefixes; its data sets hold single addresses only. All rules alert and none drops.
//!
//! Rules have a generator id of their own, and signature ids that follow from what a rule is about:
//! the next export gives the same rule the same id, so that thresholds and suppressions stay.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use sark_core::ContentHash;
use sark_registry::{Endpoint, NamePattern, Sharedness};

use crate::spared::LeftOut;
use crate::{Chosen, Exported};

/// Generator id of all rules.
const GID: u32 = 7275;
/// A rule is read in lines of at most 8192 octets; the rest of it is below a thousand.
const MOST_ADDRESSES: usize = 7000;

/// Where a name is seen: protocol, flow, buffer, word for people.
const SIGHTS: [(&str, &str, &str, &str); 3] = [
    ("dns", "", "dns.query", "asked for"),
    ("tls", " flow:to_server,established;", "tls.sni", "over TLS"),
    ("quic", " flow:to_server;", "quic.sni", "over QUIC"),
];

pub(crate) fn suricata(chosen: &Chosen<'_>) -> Exported {
    let mut rules = Rules { text: String::new(), ids: BTreeSet::new() };
    let _ = writeln!(rules.text, "# SARK registry {}; Suricata 7 and later", chosen.version());
    let mut left_out = LeftOut::default();
    for e in &chosen.endpoints {
        for name in chosen.names(e, &mut left_out) {
            left_out.blocked += chosen.spared.below(name).count() as u64;
            rules.name(e, name);
        }
        let mut lists: BTreeMap<(Sharedness, bool), Vec<String>> = BTreeMap::new();
        for (net, sharedness) in chosen.blockable(e, &mut left_out) {
            lists.entry((sharedness, net.addr().is_ipv6())).or_default().push(net.to_string());
        }
        for ((sharedness, six), nets) in &lists {
            rules.addresses(e, *sharedness, if *six { "IPv6" } else { "IPv4" }, nets);
        }
    }
    Exported { text: rules.text, notes: left_out.notes() }
}

struct Rules {
    text: String,
    ids: BTreeSet<u32>,
}

impl Rules {
    fn name(&mut self, e: &Endpoint, name: &NamePattern) {
        let what = conditions(name);
        for (protocol, flow, buffer, seen) in SIGHTS {
            let rest = format!("{flow} {buffer}; {what}");
            let message = format!("SARK {}: {name} {seen}", e.id);
            self.rule(e, protocol, "any", &message, &rest, &format!("{protocol} {name}"));
        }
    }

    fn addresses(&mut self, e: &Endpoint, sharedness: Sharedness, family: &str, nets: &[String]) {
        let message = format!("SARK {}: {family} address ({sharedness})", e.id);
        let mut nets = nets.iter().peekable();
        for number in 0.. {
            let mut list = String::new();
            while let Some(net) = nets.next_if(|net| list.len() + net.len() < MOST_ADDRESSES) {
                list.extend([if list.is_empty() { "[" } else { "," }, net]);
            }
            if list.is_empty() {
                break;
            }
            list.push(']');
            self.rule(e, "ip", &list, &message, "", &format!("{family} {sharedness} {number}"));
        }
    }

    fn rule(
        &mut self,
        e: &Endpoint,
        protocol: &str,
        to: &str,
        message: &str,
        rest: &str,
        key: &str,
    ) {
        let sid = self.id(&format!("{} {key}", e.id));
        let verified = if e.verified { "yes" } else { "no" };
        let _ = writeln!(
            self.text,
            "alert {protocol} $HOME_NET any -> {to} any (msg:\"{message}\";{rest} \
             metadata:sark_endpoint {}, sark_kind {}, sark_confidence {}, sark_verified {verified}; \
             gid:{GID}; sid:{sid}; rev:1;)",
            e.id, e.kind, e.confidence
        );
    }

    /// Of 31 bits, never 0; the next one if it is taken.
    fn id(&mut self, key: &str) -> u32 {
        let hash = ContentHash::of(key.as_bytes());
        let digits = hash.short().get(..8).unwrap_or_default();
        let mut id = u32::from_str_radix(digits, 16).unwrap_or_default() & 0x7fff_ffff;
        while id == 0 || !self.ids.insert(id) {
            id = (id + 1) & 0x7fff_ffff;
        }
        id
    }
}

/// That the buffer before it is this name, or one that the pattern stands for.
fn conditions(name: &NamePattern) -> String {
    let text = name.as_str();
    let Some((before, after)) = text.split_once('*') else {
        return format!("content:\"{text}\"; nocase; bsize:{};", text.len());
    };
    let end = format!("content:\"{after}\"; nocase; endswith;");
    if before.is_empty() && after.starts_with('.') {
        return end;
    }
    let begin = match before {
        "" => String::new(),
        _ => format!("content:\"{before}\"; nocase; startswith; "),
    };
    // Within one label.
    let [before, after] = [before, after].map(|part| part.replace('.', "\\."));
    format!("{begin}{end} pcre:\"/^{before}[^.]+{after}$/i\";")
}
