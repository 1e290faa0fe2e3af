//! `sarkctl explain`: the story of one request, from its connection to its answer.

use std::io::{self, Write as _};

use jiff::Timestamp;
use sark_api::{
    AnswerView, AskedView, ClientView, DecisionView, DestinationView, Explanation, SteeringRule,
    SteeringView, routes,
};
use sark_core::decision::Obligation;

use crate::cli::Context;
use crate::exit::{Exit, Outcome};
use crate::output::{Out, printable, style};
use crate::render;

/// See [`crate::cli::Command::Explain`].
#[derive(Debug, clap::Args)]
pub struct ExplainArgs {
    /// Its id, or as much of its beginning as no other has
    request: String,
}

/// `explain`.
pub fn run(arguments: &ExplainArgs, context: &mut Context) -> Outcome {
    let path = routes::EXPLAIN.replace("{request}", &render::percent(&arguments.request));
    let told: Explanation = context.client()?.get(&path, &[])?;
    context.out.data(&told, |out| story(out, &told))?;
    Ok(Exit::Done)
}

fn story(out: &mut Out, told: &Explanation) -> io::Result<()> {
    let head = out.paint(style::HEAD, &format!("request {}", printable(&told.request)));
    writeln!(out, "{head}")?;
    field(out, "who", &who(&told.client))?;
    field(out, "where", &place(&told.destination))?;
    for known in &told.destination.registered {
        let learned = match known.learned.as_slice() {
            [] => String::new(),
            names => format!("; {} led there", names.join(", ")),
        };
        let sources = known.sources.join(", ");
        field(
            out,
            "registry",
            &format!("{} by {} ({sources}){learned}", known.endpoint, known.by),
        )?;
    }
    writeln!(out)?;
    if let Some(steering) = &told.steering {
        steered(out, steering)?;
    }
    if let Some(asked) = &told.asked {
        line(out, Some(asked.at), "asked", &question(asked, &told.destination))?;
    }
    for decision in &told.decisions {
        decided(out, decision)?;
    }
    for answer in &told.answers {
        line(out, Some(answer.at), "answered", &answered(answer))?;
    }
    let others = told.records.iter().filter(|one| {
        let event = &one.record.event;
        !event.starts_with("decision.") && event != "proxy.answer"
    });
    for other in others {
        let why = other.record.detail["why"].as_str().unwrap_or_default();
        let outcome = crate::audit::outcome(other.record.outcome);
        line(out, Some(other.record.at), &other.record.event, &format!("{outcome}  {why}"))?;
    }
    if told.decisions.iter().all(|decision| decision.allow) && told.answers.is_empty() {
        line(out, None, "answered", "no record of an answer yet: it may be under way")?;
    }
    let numbers: Vec<_> = told.records.iter().map(|one| one.sequence.to_string()).collect();
    writeln!(out)?;
    field(out, "records", &format!("{} (sarkctl audit show NUMBER)", numbers.join(", ")))?;
    told.notes.iter().try_for_each(|note| field(out, "note", note))
}

fn field(out: &mut Out, name: &str, value: &str) -> io::Result<()> {
    if value.is_empty() { Ok(()) } else { writeln!(out, "{name:<10}{}", printable(value)) }
}

/// When, what, and more of it.
fn line(out: &mut Out, at: Option<Timestamp>, what: &str, more: &str) -> io::Result<()> {
    let at = at.map_or_else(String::new, |at| at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string());
    let at = out.paint(style::QUIET, &format!("{at:<24}"));
    writeln!(out, "{at}  {:<9} {}", printable(what), printable(more).trim_end())
}

fn who(client: &ClientView) -> String {
    let groups = (!client.groups.is_empty()).then(|| format!("({})", client.groups.join(", ")));
    let user = match (&client.user, groups) {
        (Some(user), Some(groups)) => Some(format!("{user} {groups}")),
        (Some(user), None) => Some(user.clone()),
        (None, groups) => groups,
    };
    let address = client.address.map(|address| address.to_string());
    let agent = client.agent.as_ref().map(|agent| format!("agent {agent}"));
    listed([user, client.host.clone(), client.process.clone(), address, agent])
}

fn place(to: &DestinationView) -> String {
    let address = to.address.map(|address| match &to.target {
        Some(target) if *target != address.to_string() => format!("{target}, by {address}"),
        _ => address.to_string(),
    });
    let endpoint = to.endpoint.clone().or_else(|| to.provider.clone());
    let entrance = to.entrance.as_ref().map(|entrance| format!("{entrance} entrance"));
    let ja4 = to.ja4.as_ref().map(|ja4| format!("JA4 {ja4}"));
    listed([to.name.clone(), address, endpoint, entrance, ja4])
}

fn listed<const N: usize>(parts: [Option<String>; N]) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn steered(out: &mut Out, steering: &SteeringView) -> io::Result<()> {
    let SteeringView { revision, outcome, rules, order, .. } = steering;
    let Some(rule) = rules.first() else {
        return line(
            out,
            None,
            "steered",
            &format!("by no rule of revision {revision}: {outcome}"),
        );
    };
    let SteeringRule { large_community, matches, actions, policy, file, line: number, .. } = rule;
    let id = large_community.rsplit(':').next().unwrap_or(large_community);
    let written = if *number == 0 { String::new() } else { format!(" ({file}:{number})") };
    let does = render::planned(actions);
    let text = format!("rule {id} of revision {revision}: {matches} → {does}; {policy}{written}");
    line(out, None, "steered", &text)?;
    if !rule.sources.is_empty() {
        let (endpoints, sources) = (rule.endpoints.join(", "), rule.sources.join(", "));
        line(out, None, "", &format!("made for {endpoints}, from {sources}"))?;
    }
    if let (Some(order), Some(more)) = (order, rules.len().checked_sub(1)) {
        line(
            out,
            None,
            "",
            &format!("before {}: {order}", render::count(more as u64, "other rule")),
        )?;
    }
    Ok(())
}

fn question(asked: &AskedView, to: &DestinationView) -> String {
    let mut text = asked.operation.replace('_', " ");
    if let Some(provider) = &to.provider {
        text = format!("{text} of {provider}");
    }
    if let Some(model) = &asked.model {
        text = format!("{text}, model {model}");
    }
    if asked.stream {
        text.push_str(", streamed");
    }
    text = format!("{text}, {}", render::count(asked.body_octets, "octet"));
    if !asked.inspected {
        text.push_str(", not all of it read");
    }
    if !asked.tools.is_empty() {
        text = format!("{text}, tools {}", asked.tools.join(", "));
    }
    if !asked.calls.is_empty() {
        text = format!("{text}, calls {}", asked.calls.join("; "));
    }
    match asked.most_microusd {
        Some(most) => format!("{text}, {} at most", render::microdollars(most)),
        None => text,
    }
}

fn decided(out: &mut Out, decision: &DecisionView) -> io::Result<()> {
    let DecisionView { action, policy, rule, reason, by, severity, .. } = decision;
    let colour = if decision.allow { style::ADD } else { style::REMOVE };
    let word = out.paint(colour, action.as_str());
    let at = decision.at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
    let at = out.paint(style::QUIET, &format!("{at:<24}"));
    let text = format!("by {policy}/{rule}: {reason} ({severity}, {by})");
    writeln!(out, "{at}  {:<9} {word} {}", "decided", printable(&text))?;
    let winner = format!("{policy}/{rule}");
    let others: Vec<_> =
        decision.matched.iter().filter(|name| **name != winner).map(String::as_str).collect();
    if !others.is_empty() {
        line(out, None, "", &format!("matched too: {}", others.join(", ")))?;
    }
    for obligation in &decision.obligations {
        line(out, None, "", &format!("with it: {}", owed(obligation)))?;
    }
    match &decision.policy_version {
        Some(version) => line(out, None, "", &format!("decision set {}", render::short(version))),
        None => line(out, None, "", "no decision set was in use"),
    }
}

fn owed(obligation: &Obligation) -> String {
    match obligation {
        Obligation::Redact { findings } => format!("take out {}", findings.join(", ")),
        Obligation::Redirect { to } => format!("send it to {to}"),
        Obligation::Notify { route } => format!("tell {route}"),
        Obligation::Approval { by, seconds } => format!("approval of {by} within {seconds} s"),
        Obligation::Keep { fields } => format!("keep {}", fields.join(", ")),
    }
}

fn answered(answer: &AnswerView) -> String {
    let mut parts = Vec::new();
    parts.extend(answer.status.map(|status| format!("status {status}")));
    parts.extend(answer.milliseconds.map(|time| format!("after {time} ms")));
    parts.extend(answer.model.as_ref().map(|model| format!("model {model}")));
    parts.extend(answer.usage.iter().map(|(kind, count)| format!("{count} {kind}")));
    parts.extend(answer.cost_microusd.map(render::microdollars));
    if answer.unpriced {
        parts.push("some of it without a price".to_owned());
    }
    if !answer.tool_calls.is_empty() {
        parts.push(format!("called {}", answer.tool_calls.join(", ")));
    }
    parts.extend(answer.finish.as_ref().map(|finish| format!("finish {finish}")));
    parts.extend(answer.failure.as_ref().map(|failure| format!("failed: {failure}")));
    if !answer.whole {
        parts.push("it broke off".to_owned());
    }
    parts.join(", ")
}
