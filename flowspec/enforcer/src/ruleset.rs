//! The table as text.

mod verdict;

use std::collections::BTreeSet;
use std::fmt::Write;

use sark_flowspec::Afi;
use sha2::{Digest, Sha256};

use crate::Options;
use crate::effect::Effect;
use crate::field::{Element, Field, Shape};
use crate::matching::{Matching, TCP_UDP};
use crate::prefix::Prefix;
use crate::steps::Step;
use verdict::Verdicts;

/// What becomes of a rule.
#[derive(Debug, Clone)]
pub(crate) struct Decided {
    pub afi: Afi,
    /// `None`: its packets cannot be told.
    pub matching: Option<Matching>,
    pub effect: Effect,
    /// Of its target.
    pub mark: Option<u32>,
}

/// Before conntrack's reassembly (−400) and everything that looks at marks.
const PRIORITY: i32 = -450;
/// What the comment of the counter of all packets that were looked at begins with. Its next word is
/// the fingerprint of the table.
pub(crate) const SEEN: &str = "seen";

/// The comment that tells the counters of a rule.
pub(crate) fn comment(rule: usize) -> String {
    format!("r{rule}")
}

/// The rule whose comment this is.
pub(crate) fn commented(comment: &str) -> Option<usize> {
    comment.strip_prefix('r')?.parse().ok()
}

/// Written to a `String`, which takes everything.
macro_rules! line {
    ($out:expr, $($format:tt)*) => {{
        let _ = writeln!($out, $($format)*);
    }};
}
use line;

/// The transaction that puts the table in the place of the one before, and its fingerprint. Rules
/// are named by their index in `rules`; the steps are those of IPv4 and of IPv6.
pub(crate) fn write(
    options: &Options,
    rules: &[Decided],
    steps: &[Vec<Step>; 2],
) -> (String, String) {
    let table = &options.table;
    let mut out = removal(options);
    line!(out, "table inet {table} {{");
    line!(out, "  set {TCP_UDP} {{ type inet_proto; elements = {{ 6, 17 }}; }}");
    let mut verdicts = Verdicts::new(options, rules);
    for (afi, steps) in [Afi::Ipv4, Afi::Ipv6].into_iter().zip(steps) {
        Family { afi, rules, out: &mut out, verdicts: &mut verdicts }.write(steps);
    }
    verdicts.write_chains(&mut out);
    let names: BTreeSet<String> =
        options.interfaces.iter().map(|name| format!("\"{name}\"")).collect();
    let names: Vec<String> = names.into_iter().collect();
    // One is compared, several are looked up.
    let names = match names.as_slice() {
        [name] => name.clone(),
        names => format!("{{ {} }}", names.join(", ")),
    };
    let kept = !(options.redirect_mask | options.dscp_mask);
    line!(out, "  chain prerouting {{");
    line!(out, "    type filter hook prerouting priority {PRIORITY}; policy accept;");
    line!(out, "    iifname != {names} accept");
    let seen = out.len() + "    counter comment \"".len() + SEEN.len();
    line!(out, "    counter comment \"{SEEN}\"");
    line!(out, "    meta mark set meta mark & {kept:#010x}");
    line!(out, "    meta nfproto ipv4 goto ipv4");
    line!(out, "    meta nfproto ipv6 goto ipv6");
    line!(out, "  }}");
    line!(out, "}}");
    let fingerprint = fingerprint(&out);
    out.insert_str(seen, &format!(" {fingerprint}"));
    (out, fingerprint)
}

fn fingerprint(text: &str) -> String {
    let octets = Sha256::digest(text.as_bytes());
    octets.iter().take(8).fold(String::new(), |mut hex, octet| {
        let _ = write!(hex, "{octet:02x}");
        hex
    })
}

/// The transaction after which there is no table, whether there was one or not.
pub(crate) fn removal(options: &Options) -> String {
    let table = &options.table;
    format!("table inet {table}\ndelete table inet {table}\n")
}

struct Family<'w, 'o> {
    afi: Afi,
    rules: &'w [Decided],
    out: &'w mut String,
    verdicts: &'w mut Verdicts<'o>,
}

impl Family<'_, '_> {
    fn write(&mut self, steps: &[Step]) {
        let family = self.afi.to_string();
        let (mut chain, mut later) = (String::new(), String::new());
        for (index, step) in steps.iter().enumerate() {
            match step {
                Step::Map { shape, entries } => {
                    let name = format!("{family}_map_{index}");
                    self.write_map(&name, shape, entries);
                    for condition in &shape.conditions {
                        let lookup = format!("{condition} {} vmap @{name}", key(shape, self.afi));
                        line!(chain, "    {}", lookup.trim_start());
                        if !shape.upper_layer {
                            line!(later, "    {}", lookup.trim_start());
                        }
                    }
                }
                Step::Chains { field, prefixes } => {
                    let name = format!("{family}_by_prefix_{index}");
                    self.write_chains(&name, *field, prefixes);
                    let lookup = format!("    {} vmap @{name}", field.expression(self.afi));
                    line!(chain, "{lookup}");
                    let kept: Vec<_> = prefixes
                        .iter()
                        .map(|(prefix, rules)| (*prefix, self.without_upper_layer(rules)))
                        .filter(|(_, rules)| !rules.is_empty())
                        .collect();
                    if kept == *prefixes {
                        line!(later, "{lookup}");
                    } else if !kept.is_empty() {
                        self.write_chains(&format!("{name}_later"), *field, &kept);
                        line!(later, "{lookup}_later");
                    }
                }
                Step::Rules(rules) => {
                    rules.iter().for_each(|rule| self.write_rule(&mut chain, *rule));
                    let kept = self.without_upper_layer(rules);
                    kept.iter().for_each(|rule| self.write_rule(&mut later, *rule));
                }
            }
        }
        self.write_family(&family, &chain, &later);
    }

    /// Later fragments have a chain of their own, without what looks beyond the IP header.
    fn write_family(&mut self, family: &str, chain: &str, later: &str) {
        let end = self.verdicts.end_of_family(self.afi);
        let is_later = match self.afi {
            Afi::Ipv4 => "ip frag-off & 0x1fff != 0",
            Afi::Ipv6 => "frag frag-off != 0",
        };
        let mut chains = vec![(family.to_owned(), chain)];
        if chain != later {
            chains.push((format!("{family}_later"), later));
        }
        for (name, chain) in &chains {
            line!(self.out, "  chain {name} {{");
            if chains.len() > 1 && name == family {
                line!(self.out, "    {is_later} goto {family}_later");
            }
            self.out.push_str(chain);
            if let Some(end) = &end {
                line!(self.out, "    {end}");
            }
            line!(self.out, "  }}");
        }
    }

    fn without_upper_layer(&self, rules: &[usize]) -> Vec<usize> {
        let looks_up = |rule: &usize| {
            let matching = self.rules.get(*rule).and_then(|decided| decided.matching.as_ref());
            matching.is_some_and(|matching| matching.upper_layer)
        };
        rules.iter().copied().filter(|rule| !looks_up(rule)).collect()
    }

    fn write_map(&mut self, name: &str, shape: &Shape, entries: &[(Element, usize)]) {
        let types: Vec<&str> = shape.fields.iter().map(|f| f.datatype(self.afi)).collect();
        line!(self.out, "  map {name} {{");
        line!(self.out, "    type {} : verdict", types.join(" . "));
        if !shape.exact {
            line!(self.out, "    flags interval");
        }
        line!(self.out, "    counter");
        line!(self.out, "    elements = {{");
        for (element, rule) in entries {
            let verdict = self.verdict(*rule);
            let verdict = if verdict.is_empty() { "continue" } else { &verdict };
            let comment = comment(*rule);
            line!(self.out, "      {element} counter comment \"{comment}\" : {verdict},");
        }
        line!(self.out, "    }}");
        line!(self.out, "  }}");
    }

    fn write_chains(&mut self, name: &str, field: Field, prefixes: &[(Prefix, Vec<usize>)]) {
        for (index, (_, rules)) in prefixes.iter().enumerate() {
            let mut chain = String::new();
            for rule in rules {
                self.write_rule(&mut chain, *rule);
            }
            line!(self.out, "  chain {name}_{index} {{");
            self.out.push_str(&chain);
            line!(self.out, "  }}");
        }
        line!(self.out, "  map {name} {{");
        line!(self.out, "    type {} : verdict", field.datatype(self.afi));
        if !prefixes.iter().all(|(prefix, _)| prefix.is_host()) {
            line!(self.out, "    flags interval");
        }
        line!(self.out, "    elements = {{");
        for (index, (prefix, _)) in prefixes.iter().enumerate() {
            line!(self.out, "      {prefix} : jump {name}_{index},");
        }
        line!(self.out, "    }}");
        line!(self.out, "  }}");
    }

    fn write_rule(&mut self, chain: &mut String, rule: usize) {
        let verdict = self.verdict(rule);
        let comment = comment(rule);
        let matching = self.rules.get(rule).and_then(|decided| decided.matching.as_ref());
        for conditions in matching.into_iter().flat_map(|matching| &matching.alternatives) {
            let words = [conditions, "counter", &verdict];
            let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
            line!(chain, "    {} comment \"{comment}\"", words.join(" "));
        }
    }

    fn verdict(&mut self, rule: usize) -> String {
        self.rules.get(rule).map(|decided| self.verdicts.of(rule, decided)).unwrap_or_default()
    }
}

fn key(shape: &Shape, afi: Afi) -> String {
    let expressions: Vec<&str> = shape.fields.iter().map(|f| f.expression(afi)).collect();
    expressions.join(" . ")
}
