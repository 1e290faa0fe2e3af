//! `list` and `show`: the rules, as they should be and as they are.

use std::io::{self, Write as _};

use sark_api::{RuleState, RuleView, RulesResponse, routes};

use crate::cli::Context;
use crate::exit::{Exit, Outcome};
use crate::output::{Out, style};
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
    if response.rules.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let mut table = Table::new(["RULE", "STATE", "MATCH", "ACTION", "POLICY"]);
    for rule in &response.rules {
        table.row([
            id(rule).into(),
            Cell::new(colour(rule.state), word(rule.state)),
            rule.matches.as_str().into(),
            actions(rule).into(),
            policy(rule).into(),
        ]);
    }
    table.print(out)
}

fn one(out: &mut Out, rule: &RuleView) -> io::Result<()> {
    let head = out.paint(style::HEAD, &format!("rule {}", id(rule)));
    let state = out.paint(colour(rule.state), word(rule.state));
    let field = |out: &mut Out, name: &str, value: &str| {
        if value.is_empty() { Ok(()) } else { writeln!(out, "{name:<12}{value}") }
    };
    writeln!(out, "{head}")?;
    field(out, "state", &state)?;
    field(out, "match", &rule.matches)?;
    field(out, "action", &actions(rule))?;
    field(out, "policy", &policy(rule))?;
    if let Some(origin) = &rule.origin {
        field(out, "endpoints", &origin.endpoint.join(", "))?;
        field(out, "sources", &origin.source.join(", "))?;
    }
    field(out, "family", if rule.afi == sark_flowspec::Afi::Ipv4 { "IPv4" } else { "IPv6" })?;
    field(out, "community", rule.large_community.as_deref().unwrap_or_default())?;
    field(out, "nlri", &rule.nlri)
}

/// The part of the ownership community that names the rule; a foreign rule has only its octets.
fn id(rule: &RuleView) -> &str {
    rule.large_community
        .as_deref()
        .and_then(|community| community.rsplit(':').next())
        .unwrap_or(&rule.nlri)
}

fn actions(rule: &RuleView) -> String {
    render::actions(rule.actions.iter().map(|action| action.community.as_str()))
}

fn policy(rule: &RuleView) -> String {
    let Some(policy) = &rule.policy else { return "-".to_owned() };
    match &rule.origin {
        Some(origin) if origin.line > 0 => format!("{policy} ({}:{})", origin.file, origin.line),
        _ => policy.clone(),
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
