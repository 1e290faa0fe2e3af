//! Order as intended.
//!
//! Routers evaluate rules in the order of section 5.1 and know no priority. This builds a set of
//! rules in which, for every packet, the first match has the action of the highest-priority policy
//! that matches.
//!
//! Rules are added from the highest priority down. When a rule `l` is added, each rule `h` of
//! higher priority that overlaps it, does something else and would be evaluated *after* it gets an
//! exception in front of `l`: a rule with `h`'s action and `l`'s destination, restricted to `h`.
//!
//! - If the exception's source is more specific than `l`'s, the prefixes alone put it first, and
//!   it takes the rest of `h` as it is.
//! - Otherwise both have the same prefixes. The exception has all components of `l`, so it comes
//!   first as soon as it has one more; where it has a narrower set of values in a component of the
//!   same type, the order is that of the octets. If that is the wrong way round, `l` is split
//!   along that set: one part has equal octets there, the other does not overlap.
//!
//! Rules on the board never change and never go, so what held goes on to hold: for rules `h`, `l`
//! of different action, `h` above `l`: what both match is matched by a rule before `l`, or belongs
//! to a third that is above `h`. That is what [`crate::proof`] checks again, on its own.

use std::collections::{BTreeMap, HashMap};

use sark_flowspec::{Afi, NlriError};

use crate::Profile;
use crate::grid::Grid;
use crate::intent::{GUARD, Intents};
use crate::net::{Net, Tree};
use crate::region::Region;
use crate::tails::Tails;

/// A rule, in the numbers of its [`Board`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rule {
    /// Place in the tree of destinations; 0 is none.
    pub destination: u32,
    /// Place in the tree of sources; 0 is none.
    pub source: u32,
    pub tail: u32,
    pub decider: u32,
    pub priority: u32,
    pub action: u32,
    /// The intent and, in it, the destination that this comes from.
    pub intent: u32,
    pub evidence: u32,
    /// An exception in front of another rule.
    pub exception: bool,
}

/// All rules of one family.
#[derive(Debug)]
pub(crate) struct Board {
    pub afi: Afi,
    pub destinations: Tree,
    pub sources: Tree,
    pub tails: Tails,
    pub rules: Vec<Rule>,
    /// Places in `rules`.
    grid: Grid<u32>,
    index: HashMap<(u32, u32, u32), u32>,
    limit: usize,
    /// Which deciders' regions overlap, as a square.
    related: Vec<bool>,
    deciders: usize,
    pub story: Story,
}

/// What happened on the way, for warnings and refusals.
#[derive(Debug, Default)]
pub(crate) struct Story {
    /// Rules that a policy would have without the others.
    pub wanted: BTreeMap<u32, usize>,
    /// Of these, the ones that another decider leaves nothing of.
    pub shadowed: BTreeMap<(u32, u32), usize>,
    /// Exceptions: whose, and in front of whose rules.
    pub exceptions: BTreeMap<(u32, u32), usize>,
    /// Rules that came of splitting others, beyond the one that each would have been.
    pub pieces: usize,
    /// Rules that all policies together would have, each without the others.
    pub wanted_in_all: usize,
}

/// Packets that two rules both match; boxed, as errors carry it.
pub(crate) type Common = Box<(Net, Net, Region)>;

/// Why there is no set of rules.
#[derive(Debug)]
pub(crate) enum Stuck {
    /// More rules than the profile takes.
    Limit { high: u32, low: u32, example: Option<Common>, wanted: usize },
    /// No order of octets does it.
    Octets { high: u32, low: u32, example: Common },
    /// A rule that cannot be encoded: our own mistake.
    Encoding(NlriError),
}

impl From<NlriError> for Stuck {
    fn from(error: NlriError) -> Self {
        Self::Encoding(error)
    }
}

impl Board {
    /// The board of one family, with all rules on it.
    pub fn build(intents: &Intents, afi: Afi, profile: &Profile) -> Result<Self, Stuck> {
        let own = || intents.intents.iter().filter(|intent| intent.afi == afi);
        let destinations = Tree::build(own().flat_map(|intent| intent.destination_nets()));
        let sources = Tree::build(own().flat_map(|intent| intent.source_nets()));
        let guards = own().filter(|i| intents.decider(i.decider).is_guard()).count();
        let deciders = intents.deciders.len();
        let mut related = vec![false; deciders * deciders];
        for a in own() {
            for b in own() {
                if !a.region.intersect(&b.region).is_empty() {
                    related[a.decider as usize * deciders + b.decider as usize] = true;
                }
            }
        }
        let mut board = Self {
            afi,
            grid: Grid::new(&destinations),
            destinations,
            sources,
            tails: Tails::new(afi, profile),
            rules: Vec::new(),
            index: HashMap::new(),
            // Guards that nothing touches are taken off at the end.
            limit: profile.max_rules(afi) + guards,
            related,
            deciders,
            story: Story::default(),
        };
        let mut order: Vec<(u32, usize)> = intents
            .intents
            .iter()
            .enumerate()
            .filter(|(_, intent)| intent.afi == afi)
            .map(|(place, intent)| (GUARD - intents.decider(intent.decider).priority, place))
            .collect();
        order.sort_unstable();
        for &(_, place) in &order {
            let intent = &intents.intents[place];
            if !intents.decider(intent.decider).is_guard() {
                let tails = board.tails.pieces(&intent.region)?.len();
                let sources = intent.sources.as_ref().map_or(1, Vec::len);
                let destinations = intent.destinations.as_ref().map_or(1, Vec::len);
                board.story.wanted_in_all += destinations * sources * tails;
            }
        }
        for (_, place) in order {
            board.add_intent(intents, place as u32)?;
        }
        Ok(board)
    }

    fn add_intent(&mut self, intents: &Intents, place: u32) -> Result<(), Stuck> {
        let intent = &intents.intents[place as usize];
        let tails = self.tails.pieces(&intent.region)?;
        let sources: Vec<u32> =
            intent.source_nets().into_iter().map(|net| self.sources.find(net)).collect();
        for (evidence, net) in (0..).zip(intent.destination_nets()) {
            let destination = self.destinations.find(net);
            for &source in &sources {
                for &tail in &tails {
                    *self.story.wanted.entry(intent.decider).or_default() += 1;
                    self.add(Rule {
                        destination,
                        source,
                        tail,
                        decider: intent.decider,
                        priority: intents.decider(intent.decider).priority,
                        action: intent.action,
                        intent: place,
                        evidence,
                        exception: false,
                    })?;
                }
            }
        }
        Ok(())
    }

    /// Whether `a` is evaluated before `b`, of two that overlap.
    fn before(&self, a: &Rule, b: &Rule) -> bool {
        if a.destination != b.destination {
            return self.destinations.contains(b.destination, a.destination);
        }
        if a.source != b.source {
            return self.sources.contains(b.source, a.source);
        }
        self.tails.order(a.tail, b.tail).is_lt()
    }

    fn add(&mut self, rule: Rule) -> Result<(), Stuck> {
        let chain = self.destinations.chain(rule.destination);
        let met: Vec<u32> = chain
            .flat_map(|node| self.grid.meeting(&self.sources, node, rule.source))
            .filter(|&id| {
                let high = &self.rules[id as usize];
                high.priority > rule.priority
                    && self.related[high.decider as usize * self.deciders + rule.decider as usize]
            })
            .collect();
        let mut above = Vec::new();
        for id in met {
            let high = self.rules[id as usize];
            if !self.tails.overlap(high.tail, rule.tail) {
                continue;
            }
            if self.sources.contains(high.source, rule.source)
                && self.tails.includes(high.tail, rule.tail)
            {
                self.shadow(&rule, high.decider);
                return Ok(());
            }
            if high.action != rule.action && self.before(&rule, &high) {
                above.push(id);
            }
        }
        let key = (rule.destination, rule.source, rule.tail);
        if let Some(&known) = self.index.get(&key) {
            // Of equal or higher priority: rules come from the highest down, and of what two of
            // equal priority want alike one is enough.
            self.shadow(&rule, self.rules[known as usize].decider);
            return Ok(());
        }
        for id in above {
            let high = self.rules[id as usize];
            if let Some(parts) = self.protect(&high, &rule)? {
                self.story.pieces += parts.len().saturating_sub(1);
                for tail in parts {
                    self.add(Rule { tail, ..rule })?;
                }
                return Ok(());
            }
        }
        let id = self.rules.len() as u32;
        if self.rules.len() >= self.limit {
            let (high, low) = self.worst().unwrap_or((rule.decider, rule.decider));
            let example = self.example(high, low);
            return Err(Stuck::Limit { high, low, example, wanted: self.story.wanted_in_all });
        }
        // An exception that came while this was looked at may say the same.
        if let std::collections::hash_map::Entry::Vacant(free) = self.index.entry(key) {
            free.insert(id);
            self.grid.push(rule.destination, rule.source, id);
            self.rules.push(rule);
        }
        Ok(())
    }

    fn shadow(&mut self, rule: &Rule, by: u32) {
        if !rule.exception {
            *self.story.shadowed.entry((rule.decider, by)).or_default() += 1;
        }
    }

    /// Puts exceptions for `high` in front of `low`, or says into which tails `low` must be split
    /// first.
    fn protect(&mut self, high: &Rule, low: &Rule) -> Result<Option<Vec<u32>>, Stuck> {
        let deeper = self.sources.contains(low.source, high.source) && high.source != low.source;
        let source = if deeper { high.source } else { low.source };
        let exception = Rule { destination: low.destination, source, exception: true, ..*high };
        let mut rest = self.unprotected(high, low, source);
        if rest.is_empty() {
            return Ok(None);
        }
        if deeper {
            self.except(exception, low)?;
        } else {
            let both = self.tails.region(high.tail).intersect(self.tails.region(low.tail));
            let pieces = self.tails.pieces(&both)?;
            for &piece in &pieces {
                if self.tails.order(piece, low.tail).is_ge() {
                    return self.cut(low, piece, high).map(Some);
                }
            }
            for tail in pieces {
                self.except(Rule { tail, ..exception }, low)?;
            }
        }
        rest = self.unprotected(high, low, source);
        if rest.is_empty() {
            return Ok(None);
        }
        // The exception was itself split, and some of its parts come after `low`.
        let here = self.grid.holding(&self.sources, low.destination, low.source);
        let behind: Vec<u32> = here
            .map(|id| &self.rules[id as usize])
            .filter(|part| part.source == low.source && part.priority > low.priority)
            .filter(|part| {
                let region = self.tails.region(part.tail);
                self.tails.order(part.tail, low.tail).is_ge()
                    && self.tails.divides(part.tail, low.tail).is_some()
                    && rest.iter().any(|piece| !piece.intersect(region).is_empty())
            })
            .map(|part| part.tail)
            .collect();
        // A part of an exception in front of `low` lies in it; anything else only helps to go on.
        let within = behind.iter().copied().find(|&part| self.tails.includes(low.tail, part));
        match within.or_else(|| behind.first().copied()) {
            Some(part) => self.cut(low, part, high).map(Some),
            None => Err(self.octets(high, low)),
        }
    }

    fn except(&mut self, exception: Rule, low: &Rule) -> Result<(), Stuck> {
        *self.story.exceptions.entry((exception.decider, low.decider)).or_default() += 1;
        self.add(exception)
    }

    /// What `low` would take from `high`, behind the prefixes that both have.
    fn unprotected(&self, high: &Rule, low: &Rule, source: u32) -> Vec<Region> {
        let both = self.tails.region(high.tail).intersect(self.tails.region(low.tail)).narrowed();
        let mut covers = Vec::new();
        for node in self.destinations.chain(low.destination) {
            for id in self.grid.holding(&self.sources, node, source) {
                let rule = &self.rules[id as usize];
                let first = node == low.destination && self.before_at(rule, low);
                if first || rule.priority > high.priority {
                    covers.push(self.tails.region(rule.tail));
                }
            }
        }
        both.uncovered(covers)
    }

    /// [`Self::before`] of two with the same destination.
    fn before_at(&self, a: &Rule, b: &Rule) -> bool {
        match a.source == b.source {
            true => self.tails.order(a.tail, b.tail).is_lt(),
            false => self.sources.contains(b.source, a.source),
        }
    }

    /// Splits `low` along the first field in which `along` divides it.
    fn cut(&mut self, low: &Rule, along: u32, high: &Rule) -> Result<Vec<u32>, Stuck> {
        let Some(field) = self.tails.divides(along, low.tail) else {
            return Err(self.octets(high, low));
        };
        let (whole, set) = (self.tails.region(low.tail), self.tails.region(along).get(field));
        let inside = whole.clone().with(field, whole.get(field).intersect(set));
        let outside = whole.clone().with(field, whole.get(field).minus(set));
        let mut out = self.tails.pieces(&inside)?;
        out.extend(self.tails.pieces(&outside)?);
        Ok(out)
    }

    fn octets(&self, high: &Rule, low: &Rule) -> Stuck {
        let example = self.both(high, low);
        Stuck::Octets { high: high.decider, low: low.decider, example }
    }

    /// What two overlapping rules both match.
    pub fn both(&self, a: &Rule, b: &Rule) -> Common {
        let net = |tree: &Tree, a, b| tree.net(a).deeper(tree.net(b));
        Box::new((
            net(&self.destinations, a.destination, b.destination),
            net(&self.sources, a.source, b.source),
            self.tails.region(a.tail).intersect(self.tails.region(b.tail)),
        ))
    }

    /// The pair that most exceptions are for.
    pub fn worst(&self) -> Option<(u32, u32)> {
        let pairs = self.story.exceptions.iter();
        pairs
            .max_by_key(|(pair, count)| (**count, std::cmp::Reverse(**pair)))
            .map(|(pair, _)| *pair)
    }

    /// What a rule of each match alike.
    pub fn example(&self, high: u32, low: u32) -> Option<Common> {
        if high == low {
            return None;
        }
        // One of the first will do: it is an illustration, and there may be many.
        let of = |decider| self.rules.iter().filter(move |rule| rule.decider == decider);
        of(high).filter(|rule| rule.exception).chain(of(high)).take(100).find_map(|a| {
            of(low).find_map(|b| {
                let overlap = self.destinations.overlaps(a.destination, b.destination)
                    && self.sources.overlaps(a.source, b.source);
                let both = overlap.then(|| self.both(a, b))?;
                (!both.2.is_empty()).then_some(both)
            })
        })
    }

    /// Takes off the guards that no rule of another action would be evaluated after.
    pub fn drop_idle_guards(&mut self) {
        let mut kept = Vec::with_capacity(self.rules.len());
        for rule in self.rules.clone() {
            if rule.priority < GUARD || rule.exception || self.guards_something(&rule) {
                kept.push(rule);
            }
        }
        self.rules = kept;
        // The old numbers are void.
        self.grid = Grid::new(&self.destinations);
        self.index.clear();
    }

    fn guards_something(&mut self, guard: &Rule) -> bool {
        let chain = self.destinations.chain(guard.destination);
        let met: Vec<u32> =
            chain.flat_map(|node| self.grid.meeting(&self.sources, node, guard.source)).collect();
        met.into_iter().any(|id| {
            let rule = self.rules[id as usize];
            rule.action != guard.action
                && self.before(guard, &rule)
                && self.tails.overlap(rule.tail, guard.tail)
        })
    }
}
