//! `list` and `show`: the rules, as they should be and as they are.

use std::io::{self, Write as _};

use sark_api::{CountersView, EnforcerCounter, RuleState, RuleView, RulesResponse, routes};

use crate::cli::Context;
use crate::exit::{Exit, Outcome};
use crate::output::{Out, printable, style};
use crate::render;
use crate::table::{Cell, Table};

/// See [`super::Command::Show`].
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// The rule, as `list` prints it, or its NLRI in hex
    rule: String,
}

/// `list`.
pub fn list(context: &mut Context) -> Outcome {
    let rules: RulesResponse = context.client()?.get(routes::RULES, &[])?;
    context.out.data(&rules, |out| many(out, &rules))?;
    Ok(Exit::Done)
}

/// `show`.
pub fn show(arguments: &ShowArgs, context: &mut Context) -> Outcome {
    let path = routes::RULE.replace("{rule}", &render::percent(&arguments.rule));
    let rule: RuleView = context.client()?.get(&path, &[])?;
    context.out.data(&rule, |out| one(out, &rule))?;
    Ok(Exit::Done)
}

fn many(out: &mut Out, response: &RulesResponse) -> io::Result<()> {
    let number = |state| response.rules.iter().filter(|rule| rule.state == state).count();
    let states = [RuleState::InPlace, RuleState::Missing, RuleState::Stale, RuleState::Foreign];
    let counts: Vec<String> =
        states.into_iter().map(|state| format!("{} {}", number(state), word(state))).collect();
    let revision = response.revision.map_or_else(
        || "nothing was applied yet".to_owned(),
        |number| format!("revision {number}"),
    );
    let revision = out.paint(style::QUIET, &revision);
    writeln!(out, "{}\n{revision}", counts.join(", "))?;
    if !response.observed {
        let word = out.paint(style::ERROR, "not compared");
        writeln!(out, "{word}: the BGP speaker does not answer; see `sarkctl doctor`")?;
    }
    render::warnings(out, &response.warnings)?;
    if response.rules.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let mut table = Table::new(["RULE", "STATE", "PACKETS", "BYTES", "MATCH", "ACTION", "POLICY"]);
    for rule in &response.rules {
        table.row([
            id(rule).into(),
            Cell::new(colour(rule.state), word(rule.state)),
            counted(rule, |counters| counters.packets).into(),
            counted(rule, |counters| counters.bytes).into(),
            Cell::rule(&rule.matches),
            action(rule).into(),
            policy(rule).into(),
        ]);
    }
    table.print(out)
}

fn one(out: &mut Out, rule: &RuleView) -> io::Result<()> {
    let head = out.paint(style::HEAD, &format!("rule {}", id(rule)));
    let state = out.paint(colour(rule.state), word(rule.state));
    let field = |out: &mut Out, name: &str, value: &str| {
        if value.is_empty() { Ok(()) } else { writeln!(out, "{name:<12}{}", printable(value)) }
    };
    writeln!(out, "{head}")?;
    writeln!(out, "{:<12}{state}", "state")?;
    field(out, "match", &rule.matches)?;
    field(out, "action", &action(rule))?;
    field(out, "policy", &policy(rule))?;
    if let Some(origin) = &rule.origin {
        field(out, "endpoints", &origin.endpoint.join(", "))?;
        field(out, "sources", &origin.source.join(", "))?;
    }
    if let Some(collateral) = &rule.collateral {
        field(out, "collateral", &render::collateral(collateral))?;
    }
    for one in rule.counters.iter().flat_map(|counters| &counters.enforcers) {
        let EnforcerCounter { enforcer, at, packets, bytes } = one;
        let (packets, bytes) = (render::count(*packets, "packet"), render::count(*bytes, "octet"));
        let at = render::time(*at);
        field(out, "counted", &format!("{packets}, {bytes} at {enforcer} until {at}"))?;
    }
    field(out, "family", if rule.afi == sark_flowspec::Afi::Ipv4 { "IPv4" } else { "IPv6" })?;
    field(out, "community", rule.large_community.as_deref().unwrap_or_default())?;
    field(out, "nlri", &rule.nlri)
}

/// Over all who count; `-` where nobody does.
fn counted(rule: &RuleView, which: impl Fn(&CountersView) -> u64) -> String {
    rule.counters.as_ref().map_or_else(|| "-".to_owned(), |counters| which(counters).to_string())
}

/// The part of the ownership community that names the rule; a foreign rule has only its octets.
fn id(rule: &RuleView) -> &str {
    let ours = rule.large_community.as_deref().filter(|_| rule.state != RuleState::Foreign);
    ours.and_then(|community| community.rsplit(':').next()).unwrap_or(&rule.nlri)
}

fn action(rule: &RuleView) -> String {
    let desired = render::planned(&rule.actions);
    match &rule.observed_actions {
        Some(observed) => format!("{desired} (is: {})", render::planned(observed)),
        None => desired,
    }
}

fn policy(rule: &RuleView) -> String {
    match (&rule.policy, &rule.origin) {
        (Some(policy), Some(origin)) => render::policy(policy, origin),
        (Some(policy), None) => policy.clone(),
        (None, _) => "-".to_owned(),
    }
}

fn word(state: RuleState) -> &'static str {
    match state {
        RuleState::InPlace => "in place",
        RuleState::Missing => "missing",
        RuleState::Stale => "stale",
        RuleState::Foreign => "foreign",
    }
}

fn colour(state: RuleState) -> anstyle::Style {
    match state {
        RuleState::InPlace => style::ADD,
        RuleState::Missing => style::REMOVE,
        RuleState::Stale => style::CHANGE,
        RuleState::Foreign => style::QUIET,
    }
}
