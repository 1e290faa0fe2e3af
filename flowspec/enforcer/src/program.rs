//! Rules → one table.

use sark_flowspec::{Action, Afi, Nlri};

use crate::effect::Effect;
use crate::matching::Matching;
use crate::ruleset::{self, Decided};
use crate::steps::{Step, steps};
use crate::target::Marks;
use crate::{Options, OptionsError, Reason, Redirect, Refusal, Rule};

/// Everything that the kernel is told, and what each part of it is for.
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    options: Options,
    rules: Vec<Placed>,
    refusals: Vec<Refusal>,
    redirects: Vec<Redirect>,
    ruleset: String,
    fingerprint: String,
}

/// A rule in its place. The counters of [`crate::Kernel::counters`] have the same order.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// What it matches.
    pub nlri: Nlri,
    /// What it asks for.
    pub actions: Vec<Action>,
    /// Whether its actions are carried out. If not, [`Program::refusals`] says why.
    pub enforced: bool,
}

impl Program {
    /// Compiles rules that come in any order. The same rules, options and redirects of `before`
    /// give the same program.
    ///
    /// `before` is the program that is in the kernel, if it is known: a next hop keeps its mark, and
    /// none takes the mark that another had, so that no packet goes astray in between.
    pub fn compile(
        rules: &[Rule],
        options: &Options,
        before: Option<&Self>,
    ) -> Result<Self, OptionsError> {
        Self::compile_after(rules, options, before.map_or(&[], Self::redirects))
    }

    /// The same, where only the redirects of the program before are known, such as those of
    /// [`crate::Kernel::redirects`].
    pub fn compile_after(
        rules: &[Rule],
        options: &Options,
        before: &[Redirect],
    ) -> Result<Self, OptionsError> {
        options.check()?;
        let mut refusals = Vec::new();
        let (mut placed, mut decided) = (Vec::new(), Vec::new());
        let mut marks = Marks::new(options, before);
        for (rule, repeated) in unique(rules) {
            let (decision, reasons) = decide(rule, repeated, options, &mut marks);
            let in_place = decision.matching.is_some();
            let refused = reasons.into_iter().map(|reason| {
                let nlri = rule.nlri.clone();
                Refusal { nlri, reason, in_place }
            });
            let before = refusals.len();
            refusals.extend(refused);
            placed.push(Placed {
                nlri: rule.nlri.clone(),
                actions: rule.actions.clone(),
                enforced: refusals.len() == before,
            });
            decided.push(decision);
        }
        let steps = loop {
            let steps = [Afi::Ipv4, Afi::Ipv6].map(|afi| family_steps(afi, &decided));
            let excess = excess_lists(&steps, &decided);
            if excess.is_empty() {
                break steps;
            }
            for rule in excess {
                decided[rule].matching = None;
                placed[rule].enforced = false;
                let nlri = placed[rule].nlri.clone();
                let reason = Reason::TooManyLists(MOST_LISTS);
                refusals.push(Refusal { nlri, reason, in_place: false });
            }
        };
        refusals.sort_by(|a, b| a.nlri.cmp(&b.nlri));
        let (ruleset, fingerprint) = ruleset::write(options, &decided, &steps);
        let redirects = marks.given();
        let options = options.clone();
        Ok(Self { options, rules: placed, refusals, redirects, ruleset, fingerprint })
    }

    /// What it was compiled for.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// All rules in the order of section 5.1, IPv4 first.
    #[must_use]
    pub fn rules(&self) -> &[Placed] {
        &self.rules
    }

    /// What is not enforced, in the order of the rules.
    #[must_use]
    pub fn refusals(&self) -> &[Refusal] {
        &self.refusals
    }

    /// The policy routing that redirects need, by mark.
    #[must_use]
    pub fn redirects(&self) -> &[Redirect] {
        &self.redirects
    }

    /// One transaction for `nft -f`: the table as it was goes, this one comes.
    #[must_use]
    pub fn ruleset(&self) -> &str {
        &self.ruleset
    }

    /// Of the table's text, and in it: tells whether the kernel has this table or another.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

/// Rules with lists of their own that the kernel makes in a second or so; its time grows with the
/// square.
const MOST_LISTS: usize = 1000;

fn family_steps(afi: Afi, rules: &[Decided]) -> Vec<Step> {
    let family = rules.iter().enumerate().filter_map(|(rule, decided)| {
        // One that never matches needs no place.
        let matching = decided.matching.as_ref().filter(|m| !m.alternatives.is_empty())?;
        (decided.afi == afi).then_some((rule, matching))
    });
    steps(&family.collect::<Vec<_>>())
}

/// Rules that are evaluated one by one and have lists, but for the first.
fn excess_lists(steps: &[Vec<Step>; 2], rules: &[Decided]) -> Vec<usize> {
    let one_by_one = steps.iter().flatten().flat_map(Step::one_by_one);
    let has_lists = |rule: &usize| {
        let matching = rules.get(*rule).and_then(|decided| decided.matching.as_ref());
        matching.is_some_and(|matching| matching.lists)
    };
    let mut lists: Vec<usize> = one_by_one.filter(has_lists).collect();
    lists.sort_unstable();
    lists.split_off(lists.len().min(MOST_LISTS))
}

/// The rules in order, each NLRI once, with whether it was there with different actions.
fn unique(rules: &[Rule]) -> Vec<(&Rule, bool)> {
    let mut sorted: Vec<&Rule> = rules.iter().collect();
    sorted.sort_by(|a, b| a.nlri.cmp(&b.nlri));
    sorted
        .chunk_by(|a, b| a.nlri == b.nlri)
        .filter_map(|same| {
            let (first, others) = same.split_first()?;
            Some((*first, others.iter().any(|other| other != first)))
        })
        .collect()
}

/// What becomes of a rule, and why not of what it asks for.
fn decide(
    rule: &Rule,
    repeated: bool,
    options: &Options,
    marks: &mut Marks<'_>,
) -> (Decided, Vec<Reason>) {
    let mut reasons = Vec::new();
    let matching = Matching::of(&rule.nlri, options).map_err(|reason| reasons.push(reason)).ok();
    let effect = if repeated {
        Err(vec![Reason::Repeated])
    } else {
        Effect::of(rule, options).and_then(|effect| match effect.target {
            // A place for packets that go nowhere would be a waste.
            Some(target) if !effect.discard && reasons.is_empty() => match marks.give(target) {
                Some(redirect) => Ok((effect, Some(redirect.mark))),
                None => Err(vec![Reason::TooManyTargets(options.slots())]),
            },
            _ => Ok((effect, None)),
        })
    };
    let (effect, mark) = effect.unwrap_or_else(|more| {
        reasons.extend(more);
        (Effect::none(rule), None)
    });
    (Decided { afi: rule.nlri.afi(), matching, effect, mark }, reasons)
}
