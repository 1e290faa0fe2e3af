//! A plan as a person reads it: counts first, then what changes and why, then what stands in the
//! way.

use std::io::{self, Write as _};

use anstyle::Style;
use sark_compiler::{
    Change, Collateral, Origin, PlanDocument, PlannedAction, PlannedRule, Refusal, Unresolved,
    Warning,
};

use super::action::actions;
use super::{count, short};
use crate::output::{Out, printable, style};
use crate::table::{Cell, Table, fold};

/// All of it. Rules that stay are counted, and shown when `verbose`.
pub fn plan(out: &mut Out, document: &PlanDocument, verbose: bool) -> io::Result<()> {
    counts(out, document)?;
    let mut table = Table::new(["CHANGE", "MATCH", "ACTION", "POLICY", "COLLATERAL"]);
    let shown = |rule: &&PlannedRule| verbose || rule.change != Change::Keep;
    for rule in document.rules.iter().filter(shown) {
        let (colour, change) = change(rule);
        table.row([
            Cell::new(colour, change),
            Cell::rule(&rule.matches),
            action(rule).into(),
            policy(&rule.policy, &rule.origin).into(),
            collateral(&rule.collateral).into(),
        ]);
    }
    if !table.is_empty() {
        writeln!(out)?;
        table.print(out)?;
    }
    unresolved(out, &document.unresolved, verbose)?;
    warnings(out, &document.warnings)?;
    refusals(out, &document.refused)
}

fn counts(out: &mut Out, document: &PlanDocument) -> io::Result<()> {
    let summary = &document.summary;
    let part = |out: &Out, number: u64, what: &str, colour| {
        let colour = if number > 0 { colour } else { style::PLAIN };
        out.paint(colour, &format!("{number} {what}"))
    };
    let parts = [
        part(out, summary.announce, "to announce", style::ADD),
        part(out, summary.withdraw, "to withdraw", style::REMOVE),
        part(out, summary.keep, "kept", style::PLAIN),
        part(out, summary.refused, "refused", style::ERROR),
    ];
    writeln!(out, "{}", parts.join(", "))?;
    let versions = format!(
        "registry {}, policy set {}",
        short(&document.registry_version),
        short(&document.policy_version)
    );
    let versions = out.paint(style::QUIET, &versions);
    writeln!(out, "{versions}")
}

fn change(rule: &PlannedRule) -> (Style, &'static str) {
    match (rule.change, &rule.previous) {
        (Change::Announce, None) => (style::ADD, "+ announce"),
        (Change::Announce, Some(_)) => (style::CHANGE, "~ change"),
        (Change::Withdraw, _) => (style::REMOVE, "- withdraw"),
        (Change::Keep, _) => (style::QUIET, "= keep"),
    }
}

fn action(rule: &PlannedRule) -> String {
    let now = planned(&rule.actions);
    match &rule.previous {
        Some(previous) => format!("{now} (was: {})", planned(previous)),
        None => now,
    }
}

/// What these actions do together.
pub fn planned(list: &[PlannedAction]) -> String {
    actions(list.iter().map(|action| action.community.as_str()))
}

/// The policy and where it is written.
pub fn policy(name: &str, origin: &Origin) -> String {
    if origin.line == 0 {
        name.to_owned()
    } else {
        format!("{name} ({}:{})", origin.file, origin.line)
    }
}

/// How many addresses, and who else lives there.
pub fn collateral(collateral: &Collateral) -> String {
    let mut text = addresses(&collateral.addresses);
    if !collateral.others.is_empty() {
        text.push_str("; also ");
        text.push_str(&few(&collateral.others, ""));
    }
    text
}

/// A million and more is told as a power of two where it is one.
fn addresses(number: &str) -> String {
    match number.parse::<u128>() {
        Ok(1) => "1 address".to_owned(),
        Ok(many) if many >= 1 << 20 && many.is_power_of_two() => {
            format!("2^{} addresses", many.trailing_zeros())
        }
        // All of IPv6 is one more than fits.
        _ if number == "340282366920938463463374607431768211456" => "2^128 addresses".to_owned(),
        _ => format!("{number} addresses"),
    }
}

fn unresolved(out: &mut Out, list: &[Unresolved], verbose: bool) -> io::Result<()> {
    if list.is_empty() {
        return Ok(());
    }
    let number = count(list.len() as u64, "endpoint");
    let head = out.paint(style::CHANGE, &format!("{number} without an address, so without a rule"));
    writeln!(out, "\n{head}")?;
    if verbose {
        let mut table = Table::new(["POLICY", "ENDPOINT", "NAMES"]);
        for one in list {
            let names = one.names.join(" ");
            table.row([one.policy.as_str().into(), one.endpoint.as_str().into(), names.into()]);
        }
        table.print(out)?;
    } else {
        let mut table = Table::new(["POLICY", "ENDPOINTS"]);
        for (policy, endpoints) in
            grouped(list.iter().map(|one| (one.policy.as_str(), one.endpoint.as_str())))
        {
            table.row([policy.into(), few(&endpoints, " (-v shows all)").into()]);
        }
        table.print(out)?;
    }
    item(
        out,
        "  fix",
        style::HEAD,
        "give their addresses in a registry overlay (--registry FILE, or `registry.overlays` in sarkd's configuration)",
    )
}

/// One warning is told once, with all the policies it is for.
/// What a person should know, policies with the same in one line.
pub fn warnings(out: &mut Out, list: &[Warning]) -> io::Result<()> {
    if !list.is_empty() {
        writeln!(out)?;
    }
    let pairs =
        list.iter().map(|one| ((one.code.as_str(), one.message.as_str()), one.policy.as_str()));
    for ((code, message), policies) in grouped(pairs) {
        let text = format!("{} ({code}): {message}", policies.join(", "));
        item(out, "warning", style::CHANGE, &text)?;
    }
    Ok(())
}

/// Values by key, both in the order in which they come first.
fn grouped<'a, K: PartialEq>(pairs: impl Iterator<Item = (K, &'a str)>) -> Vec<(K, Vec<&'a str>)> {
    let mut groups: Vec<(K, Vec<&str>)> = Vec::new();
    for (key, value) in pairs {
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, values)) => values.push(value),
            None => groups.push((key, vec![value])),
        }
    }
    groups
}

/// The first three, and how many more.
fn few(items: &[impl AsRef<str>], where_all: &str) -> String {
    const FEW: usize = 3;
    let shown: Vec<&str> = items.iter().take(FEW).map(AsRef::as_ref).collect();
    let mut text = shown.join(", ");
    if items.len() > FEW {
        text.push_str(&format!(" and {} more{where_all}", items.len() - FEW));
    }
    text
}

/// Why, and the way out.
pub fn refusals(out: &mut Out, list: &[Refusal]) -> io::Result<()> {
    for refusal in list {
        let head = out.paint(style::ERROR, &format!("refused {}", refusal.policy));
        writeln!(out, "\n{head} ({})", refusal.guard)?;
        item(out, "  why", style::HEAD, &refusal.why)?;
        item(out, "  fix", style::HEAD, &refusal.fix)?;
    }
    Ok(())
}

/// A word and a text beside it, folded.
fn item(out: &mut Out, word: &str, colour: Style, text: &str) -> io::Result<()> {
    let indent = word.len() + 2;
    let room = out.width.map_or(usize::MAX, |width| width.saturating_sub(indent).max(20));
    let word = out.paint(colour, word);
    for (index, line) in text.lines().flat_map(|line| fold(&printable(line), room)).enumerate() {
        if index == 0 {
            writeln!(out, "{word}  {line}")?;
        } else {
            writeln!(out, "{:indent$}{line}", "")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::addresses;

    #[test]
    fn numbers_of_addresses_can_be_read() {
        assert_eq!(addresses("1"), "1 address");
        assert_eq!(addresses("512"), "512 addresses");
        assert_eq!(addresses("79228162514264337593543950336"), "2^96 addresses");
        assert_eq!(addresses("340282366920938463463374607431768211456"), "2^128 addresses");
    }
}
