//! What happens once a rule has matched: a verdict, or a chain of its actions.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;

use sark_flowspec::Afi;

use super::{Decided, line};
use crate::Options;

/// Verdicts of the rules of a family, and the chains that they go to. Rules that do the same share
/// one, but for what has a state of its own.
pub(super) struct Verdicts<'o> {
    afi: Afi,
    options: &'o Options,
    /// Whether a rule marks a DSCP and continues. Then the DSCP waits in the mark until evaluation
    /// ends, so that no rule sees what another has written.
    defers: bool,
    /// DSCPs that wait.
    deferred: BTreeSet<u8>,
    names: HashMap<Vec<String>, String>,
    /// What has been said: a rule may have several conditions or entries, and is one.
    said: HashMap<usize, String>,
    /// In the order in which they were needed.
    chains: Vec<(String, Vec<String>)>,
}

impl<'o> Verdicts<'o> {
    pub fn new(afi: Afi, options: &'o Options, rules: &[Decided]) -> Self {
        let defers = rules
            .iter()
            .any(|rule| rule.afi == afi && rule.effect.continues && rule.effect.dscp.is_some());
        Self {
            afi,
            options,
            defers,
            deferred: BTreeSet::new(),
            names: HashMap::new(),
            said: HashMap::new(),
            chains: Vec::new(),
        }
    }

    /// What a rule does, as the last words of an nft rule. Empty: evaluation goes on.
    pub fn of(&mut self, rule: usize, decided: &Decided) -> String {
        if let Some(said) = self.said.get(&rule) {
            return said.clone();
        }
        let verdict = self.make(rule, decided);
        self.said.insert(rule, verdict.clone());
        verdict
    }

    fn make(&mut self, rule: usize, decided: &Decided) -> String {
        let mut body = self.body(rule, decided);
        match body.as_slice() {
            [] => return String::new(),
            [only] if !only.contains(' ') || only.starts_with("goto ") => return body.remove(0),
            _ => {}
        }
        let verb =
            if decided.effect.continues && !decided.effect.discard { "jump" } else { "goto" };
        let has_state = decided.effect.sample || !decided.effect.limits.is_empty();
        let name = if has_state {
            format!("rule_{rule}")
        } else if let Some(name) = self.names.get(&body) {
            return format!("{verb} {name}");
        } else {
            format!("actions_{}", self.names.len())
        };
        if !has_state {
            self.names.insert(body.clone(), name.clone());
        }
        let verdict = format!("{verb} {name}");
        self.chains.push((name, body));
        verdict
    }

    fn body(&mut self, rule: usize, decided: &Decided) -> Vec<String> {
        let Decided { ref effect, mark, .. } = *decided;
        let mut body = Vec::new();
        if effect.sample {
            body.push(self.sample(rule));
        }
        if effect.discard {
            body.push("drop".to_owned());
            return body;
        }
        body.extend(effect.limits.iter().map(ToString::to_string));
        // The first rule decides.
        let first = |mask: u32, mark: u32| {
            format!("meta mark & {mask:#010x} == 0 meta mark set meta mark | {mark:#010x}")
        };
        body.extend(mark.map(|mark| first(self.options.redirect_mask, mark)));
        match effect.dscp {
            Some(dscp) if self.defers => {
                self.deferred.insert(dscp);
                body.push(first(self.options.dscp_mask, self.waiting(dscp)));
            }
            Some(dscp) => body.push(set_dscp(self.afi, dscp)),
            None => {}
        }
        if !effect.continues {
            body.push(self.end().unwrap_or_else(|| "accept".to_owned()));
        }
        body
    }

    fn sample(&self, rule: usize) -> String {
        let Options { table, sample, .. } = self.options;
        let chance = match sample.one_in.get() {
            1 => String::new(),
            many => format!("numgen inc mod {many} 0 "),
        };
        let (group, octets) = (sample.group, sample.octets);
        format!("{chance}log prefix \"{table} r{rule}\" group {group} snaplen {octets}")
    }

    /// The mark of a DSCP that waits: never zero.
    fn waiting(&self, dscp: u8) -> u32 {
        (0x40 | u32::from(dscp)) << self.options.dscp_mask.trailing_zeros()
    }

    /// Where evaluation ends, if something is left to be done there.
    pub fn end(&self) -> Option<String> {
        self.defers.then(|| "goto end".to_owned())
    }

    pub fn write_chains(&self, out: &mut String) {
        for (name, body) in &self.chains {
            line!(out, "  chain {name} {{");
            for statement in body {
                line!(out, "    {statement}");
            }
            line!(out, "  }}");
        }
        if self.defers {
            self.write_end(out);
        }
    }

    fn write_end(&self, out: &mut String) {
        let mask = self.options.dscp_mask;
        for dscp in &self.deferred {
            line!(out, "  chain dscp_{dscp} {{");
            line!(out, "    {}", set_dscp(self.afi, *dscp));
            line!(out, "    meta mark set meta mark & {:#010x}", !mask);
            line!(out, "    accept");
            line!(out, "  }}");
        }
        line!(out, "  chain end {{");
        if !self.deferred.is_empty() {
            line!(out, "    meta mark & {mask:#010x} vmap {{");
            for dscp in &self.deferred {
                line!(out, "      {:#010x} : goto dscp_{dscp},", self.waiting(*dscp));
            }
            line!(out, "    }}");
        }
        line!(out, "    accept");
        line!(out, "  }}");
    }
}

fn set_dscp(afi: Afi, dscp: u8) -> String {
    match afi {
        Afi::Ipv4 => format!("ip dscp set {dscp}"),
        Afi::Ipv6 => format!("ip6 dscp set {dscp}"),
    }
}
