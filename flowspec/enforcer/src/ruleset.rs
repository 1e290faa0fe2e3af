//! The tables as text.

mod verdict;

use std::collections::BTreeSet;
use std::fmt::Write;

use sark_flowspec::Afi;
use sha2::{Digest, Sha256};

use crate::Options;
use crate::effect::Effect;
use crate::field::{Element, Field, Shape};
use crate::gate::gate;
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
/// What the comment of the first rule of [`BASE`] begins with. Its next word is the fingerprint of
/// the program.
pub(crate) const PROGRAM: &str = "program";
/// The chain that the kernel calls, the one for packets that pass the gate, and the one for later
/// fragments.
pub(crate) const BASE: &str = "prerouting";
const RULES: &str = "rules";
const LATER: &str = "later";
/// Families of our tables, as nftables names them.
pub(crate) const FAMILIES: [&str; 2] = ["ip", "ip6"];
/// Of the one table that we had before there was one of each family.
pub(crate) const FORMER: &str = "inet";

/// Names of interfaces that cost less when they are compared one by one than when they are looked
/// up.
const MOST_COMPARED: usize = 4;

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

/// The transaction that puts the tables in the place of those before, and their fingerprint. Rules
/// are named by their index in `rules`; the steps are those of IPv4 and of IPv6.
pub(crate) fn write(
    options: &Options,
    rules: &[Decided],
    steps: &[Vec<Step>; 2],
) -> (String, String) {
    let mut out = removal(options);
    for (afi, steps) in [Afi::Ipv4, Afi::Ipv6].into_iter().zip(steps) {
        Family { afi, options, rules, out: &mut out, verdicts: Verdicts::new(afi, options, rules) }
            .write(steps);
    }
    let fingerprint = fingerprint(&out);
    let bare = format!("comment \"{PROGRAM}\"");
    (out.replace(&bare, &format!("comment \"{PROGRAM} {fingerprint}\"")), fingerprint)
}

fn fingerprint(text: &str) -> String {
    let octets = Sha256::digest(text.as_bytes());
    octets.iter().take(8).fold(String::new(), |mut hex, octet| {
        let _ = write!(hex, "{octet:02x}");
        hex
    })
}

/// The transaction after which there are no tables, whether there were some or not.
pub(crate) fn removal(options: &Options) -> String {
    let table = &options.table;
    let mut out = String::new();
    for family in FAMILIES.into_iter().chain([FORMER]) {
        line!(out, "table {family} {table}");
        line!(out, "delete table {family} {table}");
    }
    out
}

struct Family<'w> {
    afi: Afi,
    options: &'w Options,
    rules: &'w [Decided],
    out: &'w mut String,
    verdicts: Verdicts<'w>,
}

impl Family<'_> {
    fn write(mut self, steps: &[Step]) {
        let [ip, ip6] = FAMILIES;
        let family = if self.afi == Afi::Ipv4 { ip } else { ip6 };
        line!(self.out, "table {family} {} {{", self.options.table);
        line!(self.out, "  set {TCP_UDP} {{ type inet_proto; elements = {{ 6, 17 }}; }}");
        let (mut chain, mut later) = (String::new(), String::new());
        for (index, step) in steps.iter().enumerate() {
            match step {
                Step::Map { shape, entries } => {
                    let name = format!("map_{index}");
                    self.write_map(&name, shape, entries);
                    for condition in &shape.conditions {
                        let lookup = format!("{condition} {} vmap @{name}", shape.key(self.afi));
                        line!(chain, "    {}", lookup.trim_start());
                        if !shape.upper_layer {
                            line!(later, "    {}", lookup.trim_start());
                        }
                    }
                }
                Step::Chains { field, prefixes } => {
                    let name = format!("by_prefix_{index}");
                    let lookup = self.write_chains(&name, *field, prefixes);
                    line!(chain, "    {lookup}");
                    let kept: Vec<_> = prefixes
                        .iter()
                        .map(|(prefix, rules)| (*prefix, self.without_upper_layer(rules)))
                        .filter(|(_, rules)| !rules.is_empty())
                        .collect();
                    if kept == *prefixes {
                        line!(later, "    {lookup}");
                    } else if !kept.is_empty() {
                        let lookup = self.write_chains(&format!("{name}_later"), *field, &kept);
                        line!(later, "    {lookup}");
                    }
                }
                Step::Rules(rules) => {
                    rules.iter().for_each(|rule| self.write_rule(&mut chain, *rule));
                    let kept = self.without_upper_layer(rules);
                    kept.iter().for_each(|rule| self.write_rule(&mut later, *rule));
                }
            }
        }
        // Here evaluation ends where no rule has ended it.
        let end = self.verdicts.end();
        let end = end.map(|end| format!("    {end}\n")).unwrap_or_default();
        let has_later = chain != later;
        if has_later {
            line!(self.out, "  chain {LATER} {{");
            self.out.push_str(&later);
            self.out.push_str(&end);
            line!(self.out, "  }}");
        }
        self.verdicts.write_chains(self.out);
        let first = format!(" comment \"{PROGRAM}\"");
        if let Some(tests) = gate(self.afi, self.matchings()) {
            line!(self.out, "  chain {RULES} {{");
            self.write_head("", has_later);
            self.out.push_str(&chain);
            self.out.push_str(&end);
            line!(self.out, "  }}");
            self.begin_base();
            // Marks of ours are cleared there.
            line!(self.out, "    meta mark != 0 goto {RULES}{first}");
            tests.iter().for_each(|test| line!(self.out, "    {test} goto {RULES}"));
        } else {
            self.begin_base();
            self.write_head(&first, has_later);
            self.out.push_str(&chain);
            self.out.push_str(&end);
        }
        line!(self.out, "  }}");
        line!(self.out, "}}");
    }

    /// Those of this family that packets can meet.
    fn matchings(&self) -> impl Iterator<Item = &Matching> {
        let family = self.rules.iter().filter(|rule| rule.afi == self.afi);
        let matchings = family.filter_map(|rule| rule.matching.as_ref());
        matchings.filter(|matching| !matching.alternatives.is_empty())
    }

    fn begin_base(&mut self) {
        line!(self.out, "  chain {BASE} {{");
        line!(self.out, "    type filter hook prerouting priority {PRIORITY}; policy accept;");
    }

    /// What each packet that is looked at pays for. Later fragments have a chain of their own,
    /// without what looks beyond the IP header.
    fn write_head(&mut self, comment: &str, has_later: bool) {
        let options = self.options;
        let names: BTreeSet<String> =
            options.interfaces.iter().map(|name| format!("\"{name}\"")).collect();
        let names: Vec<String> = names.into_iter().collect();
        let others = if names.len() <= MOST_COMPARED {
            names.iter().map(|name| format!("iifname != {name}")).collect::<Vec<_>>().join(" ")
        } else {
            format!("iifname != {{ {} }}", names.join(", "))
        };
        let kept = !(options.redirect_mask | options.dscp_mask);
        line!(self.out, "    {others} accept{comment}");
        // Few packets come with a mark.
        line!(self.out, "    meta mark != 0 meta mark set meta mark & {kept:#010x}");
        if has_later {
            let is_later = match self.afi {
                Afi::Ipv4 => "ip frag-off & 0x1fff != 0",
                // Most have no extension headers, and looking for one is dear.
                Afi::Ipv6 => "ip6 nexthdr != 6 ip6 nexthdr != 17 frag frag-off != 0",
            };
            line!(self.out, "    {is_later} goto {LATER}");
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
        let hashed = shape.lengths.is_some();
        self.write_kind(hashed, entries.len());
        line!(self.out, "    counter");
        line!(self.out, "    elements = {{");
        for (element, rule) in entries {
            let verdict = self.verdict(*rule);
            let verdict = if verdict.is_empty() { "continue" } else { &verdict };
            let comment = comment(*rule);
            let element = if hashed { format!("{element:#}") } else { element.to_string() };
            line!(self.out, "      {element} counter comment \"{comment}\" : {verdict},");
        }
        line!(self.out, "    }}");
        line!(self.out, "  }}");
    }

    /// What a map is made of: a hash table is faster when its size is known.
    fn write_kind(&mut self, hashed: bool, entries: usize) {
        if hashed {
            line!(self.out, "    size {entries}");
        } else {
            line!(self.out, "    flags interval");
        }
    }

    /// The lookup of what it writes.
    fn write_chains(
        &mut self,
        name: &str,
        field: Field,
        prefixes: &[(Prefix, Vec<usize>)],
    ) -> String {
        for (index, (_, rules)) in prefixes.iter().enumerate() {
            let mut chain = String::new();
            for rule in rules {
                self.write_rule(&mut chain, *rule);
            }
            line!(self.out, "  chain {name}_{index} {{");
            self.out.push_str(&chain);
            line!(self.out, "  }}");
        }
        let length = prefixes.first().map(|(prefix, _)| prefix.length);
        let length = length.filter(|length| prefixes.iter().all(|(p, _)| p.length == *length));
        line!(self.out, "  map {name} {{");
        line!(self.out, "    type {} : verdict", field.datatype(self.afi));
        self.write_kind(length.is_some(), prefixes.len());
        line!(self.out, "    elements = {{");
        for (index, (prefix, _)) in prefixes.iter().enumerate() {
            let prefix = if length.is_some() { format!("{prefix:#}") } else { prefix.to_string() };
            line!(self.out, "      {prefix} : jump {name}_{index},");
        }
        line!(self.out, "    }}");
        line!(self.out, "  }}");
        format!("{} vmap @{name}", field.cut(self.afi, length))
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
