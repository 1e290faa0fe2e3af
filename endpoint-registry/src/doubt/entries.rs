//! Doubts about names and prefixes.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::{
    Change, Doubt, Examples, changed,
    near::Near,
    prefix_of, space,
    special::{Range, Ranges},
};
use crate::{
    Kind, Role, Sharedness,
    feed::{Entry, Feed, Output, Subject},
    sorted::{Side, walk},
};

/// What an entry says, and to which output it goes: an entry that goes elsewhere is another one.
type Said<'a> = (&'a Subject, Option<usize>);

/// Two copies, sorted.
pub(super) struct Entries<'a> {
    feed: &'a Feed,
    old: Vec<Said<'a>>,
    new: Vec<Said<'a>>,
    /// Of the new copy, those that the old has not.
    fresh: Vec<&'a Entry>,
}

/// Growth that is no doubt: a /16, in IPv4; a /32, in networks of 64 bits.
const GROWTH: (u128, u128) = (1 << 16, 1 << 32);

/// Largest change that is read digit by digit.
const READABLE: usize = 10_000;

impl<'a> Entries<'a> {
    pub fn new(feed: &'a Feed, old: &'a [Entry], new: &'a [Entry]) -> Self {
        let output = |entry: &Entry| feed.outputs.iter().position(|output| output.selects(entry));
        let sorted = |entries: &'a [Entry]| {
            let mut said: Vec<Said<'a>> =
                entries.iter().map(|entry| (&entry.subject, output(entry))).collect();
            said.sort_unstable();
            said.dedup();
            said
        };
        let (old, said) = (sorted(old), sorted(new));
        let is_fresh =
            |entry: &&Entry| old.binary_search(&(&entry.subject, output(entry))).is_err();
        let fresh = new.iter().filter(is_fresh).collect();
        Self { feed, old, new: said, fresh }
    }

    pub fn change(&self) -> Change {
        changed(&self.old, &self.new, |(subject, _)| subject.to_string())
    }

    pub fn look(
        &self,
        protected: &[(String, IpNet)],
        reasons: &mut Vec<Doubt>,
        warnings: &mut Vec<Doubt>,
    ) {
        self.ranges(reasons);
        self.protected(protected, reasons);
        self.roles(reasons);
        if !self.old.is_empty() {
            self.altered(reasons);
            self.lookalikes(reasons);
            self.grown(reasons);
        }
        self.outputs(warnings);
    }

    /// Default routes and ranges that are nobody's in all entries; private and wide ones in new ones.
    fn ranges(&self, reasons: &mut Vec<Doubt>) {
        let limits = &self.feed.limits;
        let ranges = Ranges::new();
        let [mut default, mut special, mut private, mut wide] = [const { None::<Examples> }; 4];
        let note = |place: &mut Option<Examples>, example: String| {
            place.get_or_insert_default().note(|| example);
        };
        for prefix in self.new.iter().filter_map(|(subject, _)| prefix_of(subject)) {
            if prefix.prefix_len() == 0 {
                note(&mut default, prefix.to_string());
            } else if let Some(Range::Special(what)) = ranges.of(prefix) {
                note(&mut special, format!("{prefix} ({what})"));
            }
        }
        for prefix in self.fresh.iter().filter_map(|entry| prefix_of(&entry.subject)) {
            let widest = match prefix {
                IpNet::V4(_) => limits.widest_ipv4,
                IpNet::V6(_) => limits.widest_ipv6,
            };
            if (1..widest).contains(&prefix.prefix_len()) {
                note(&mut wide, prefix.to_string());
            }
            if !limits.private_ranges
                && let Some(Range::Private(what)) = ranges.of(prefix)
            {
                note(&mut private, format!("{prefix} ({what})"));
            }
        }
        reasons.extend(default.map(Doubt::DefaultRoute));
        reasons.extend(special.map(Doubt::Special));
        reasons.extend(private.map(Doubt::Private));
        let (widest_ipv4, widest_ipv6) = (limits.widest_ipv4, limits.widest_ipv6);
        reasons.extend(wide.map(|found| Doubt::Wide { found, widest_ipv4, widest_ipv6 }));
    }

    /// A range of a cloud may hold what is protected: it is context, and nothing is done to it.
    fn protected(&self, protected: &[(String, IpNet)], reasons: &mut Vec<Doubt>) {
        let mut found: Option<Examples> = None;
        let context =
            |output: &Output| output.kind == Kind::Asset && output.sharedness >= Sharedness::Cloud;
        for entry in &self.fresh {
            let Some(prefix) = prefix_of(&entry.subject) else { continue };
            if self.feed.output_of(entry).is_none_or(context) {
                continue;
            }
            let overlaps = |net: &IpNet| net.contains(&prefix) || prefix.contains(net);
            if let Some((name, net)) = protected.iter().find(|(_, net)| overlaps(net)) {
                let found = found.get_or_insert_default();
                found.note(|| format!("{prefix} ({name}, {net})"));
            }
        }
        reasons.extend(found.map(Doubt::Protected));
    }

    /// An entry that says its role goes to an output of that role.
    fn roles(&self, reasons: &mut Vec<Doubt>) {
        let mut found: Option<Examples> = None;
        for entry in &self.fresh {
            let Some(output) = self.feed.output_of(entry) else { continue };
            let said = entry.labels.iter().filter(|label| label.key == "role");
            let said = said
                .filter_map(|label| Role::ALL.iter().find(|role| role.as_str() == &*label.value));
            let said: Vec<Role> = said.copied().collect();
            if !said.is_empty() && !said.contains(&output.role) {
                let found = found.get_or_insert_default();
                let is = said.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ");
                found.note(|| format!("{} is {is}, not {}", entry.subject, output.role));
            }
        }
        reasons.extend(found.map(Doubt::Role));
    }

    /// Most of the list replaced, each prefix by one that differs in a digit.
    fn altered(&self, reasons: &mut Vec<Doubt>) {
        let (mut gone, mut came) = (Vec::new(), Vec::new());
        walk(&self.old, &self.new, |side, (subject, _)| {
            if let Some(prefix) = prefix_of(subject) {
                let list = if side == Side::Old { &mut gone } else { &mut came };
                list.push(prefix.to_string());
            }
        });
        let prefixes = self.old.iter().filter(|(subject, _)| prefix_of(subject).is_some()).count();
        // Beyond that the rule of change speaks.
        let readable = gone.len().max(came.len()) <= READABLE;
        if gone.len() < 2 || gone.len() * 2 < prefixes || !readable {
            return;
        }
        let near = Near::new(came.iter().map(String::as_str));
        let mut found = Examples::default();
        for was in &gone {
            if let Some(now) = near.of(was) {
                found.note(|| format!("{was} became {now}"));
            }
        }
        let removed = u64::try_from(gone.len()).unwrap_or(u64::MAX);
        if found.count >= 2 && found.count.saturating_mul(2) >= removed {
            reasons.push(Doubt::Altered { found, removed });
        }
    }

    /// New names in a domain that can be taken for one that is there.
    fn lookalikes(&self, reasons: &mut Vec<Doubt>) {
        let mut known: BTreeSet<String> = BTreeSet::new();
        for (subject, _) in &self.old {
            if let Subject::Name(name) = subject {
                known.insert(domain(name.as_str()));
            }
        }
        if known.is_empty() {
            return;
        }
        let shapes: BTreeSet<String> = known.iter().map(|name| shape(name)).collect();
        let near = Near::new(known.iter().map(String::as_str).filter(|name| is_telling(name)));
        let (mut found, mut told) = (Examples::default(), BTreeSet::new());
        for entry in &self.fresh {
            let Subject::Name(name) = &entry.subject else { continue };
            let domain = domain(name.as_str());
            if known.contains(&domain) || !told.insert(domain.clone()) {
                continue;
            }
            let like = near.of(&domain).filter(|_| is_telling(&domain)).map(str::to_owned);
            let like = like.or_else(|| {
                let shape = shape(&domain);
                let same = |known: &&String| self::shape(known) == shape;
                shapes.contains(&shape).then(|| known.iter().find(same).cloned()).flatten()
            });
            if let Some(like) = like {
                found.note(|| format!("{name} (like {like})"));
            }
        }
        if found.count > 0 {
            reasons.push(Doubt::Lookalike(found));
        }
    }

    /// Few entries can still be many addresses.
    fn grown(&self, reasons: &mut Vec<Doubt>) {
        if self.feed.limits.change.percent >= 100 {
            return;
        }
        let covered = |said: &[Said<'_>]| {
            space::covered(said.iter().filter_map(|(subject, _)| prefix_of(subject)))
        };
        let (before, after) = (covered(&self.old), covered(&self.new));
        for (family, before, after, least) in
            [("IPv4", before.0, after.0, GROWTH.0), ("IPv6", before.1, after.1, GROWTH.1)]
        {
            if after.saturating_sub(before) > before.max(least) {
                let unit = if family == "IPv6" { " /64" } else { "" };
                let (before, after) = (format!("{before}{unit}"), format!("{after}{unit}"));
                reasons.push(Doubt::Grown { family, before, after });
            }
        }
    }

    fn outputs(&self, warnings: &mut Vec<Doubt>) {
        let unselected = self.new.iter().filter(|(_, output)| output.is_none()).count();
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        if unselected > 0 {
            let (count, of) = (number(unselected), number(self.new.len()));
            warnings.push(Doubt::NotSelected { count, of });
        }
        let used: BTreeSet<usize> = self.new.iter().filter_map(|(_, output)| *output).collect();
        for (place, output) in self.feed.outputs.iter().enumerate() {
            if !used.contains(&place) {
                warnings.push(Doubt::Output { endpoint: output.endpoint.clone() });
            }
        }
    }
}

/// The last two labels: whose name it is, near enough to see that it is another's.
fn domain(name: &str) -> String {
    let mut labels: Vec<&str> = name.rsplit('.').take(2).collect();
    labels.reverse();
    labels.join(".")
}

/// Short names are one letter apart by chance.
fn is_telling(domain: &str) -> bool {
    domain.split('.').next().is_some_and(|label| label.len() >= 5)
}

/// What a name looks like: Unicode's skeleton (UTS 39) of it, and of letters that look like several.
fn shape(domain: &str) -> String {
    let (unicode, _) = idna::domain_to_unicode(domain);
    let shape: String = unicode_security::skeleton(&unicode).collect();
    shape
        .to_lowercase()
        .replace("rn", "m")
        .replace("vv", "w")
        .replace(['1', 'i', '|'], "l")
        .replace('0', "o")
}
