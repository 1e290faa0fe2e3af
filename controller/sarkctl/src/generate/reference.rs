//! `docs/reference/sarkctl.md`.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory as _};

use crate::cli::Cli;

/// The page, as Markdown.
#[must_use]
pub fn reference() -> String {
    let mut root = Cli::command();
    root.build();
    let mut page = String::from(
        "# sarkctl\n\n<!-- Generated from the argument types: `UPDATE_GOLDEN=1 cargo test -p sarkctl` rewrites it. -->\n\n",
    );
    paragraph(&mut page, &root);
    let _ = writeln!(
        page,
        "```text\n{}\n```\n",
        plain(&root.get_after_help().cloned().unwrap_or_default())
    );
    page.push_str("## Options of every command\n\n");
    for option in root.get_arguments().filter(|option| option.is_global_set()) {
        argument(&mut page, option);
    }
    page.push('\n');
    for command in root.get_subcommands() {
        section(&mut page, command, "sarkctl");
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

fn section(page: &mut String, command: &Command, parent: &str) {
    let name = format!("{parent} {}", command.get_name());
    if command.has_subcommands() {
        for command in command.get_subcommands() {
            section(page, command, &name);
        }
        return;
    }
    let _ = writeln!(page, "## `{name}`\n");
    paragraph(page, command);
    let usage = plain(&command.clone().bin_name(&name).render_usage());
    let usage = usage.trim_start_matches("Usage: ");
    let _ = writeln!(page, "```text\n{usage}\n```\n");
    let own = |option: &&Arg| {
        !option.is_global_set() && !option.is_hide_set() && option.get_id() != "help"
    };
    let mut any = false;
    for option in command.get_arguments().filter(own) {
        argument(page, option);
        any = true;
    }
    if any {
        page.push('\n');
    }
    if let Some(after) = command.get_after_help() {
        let _ = writeln!(page, "```text\n{}\n```\n", plain(after));
    }
}

fn paragraph(page: &mut String, command: &Command) {
    let about = command.get_long_about().or_else(|| command.get_about());
    for paragraph in plain(about.unwrap_or_default()).split("\n\n") {
        let text = paragraph.trim();
        let stop = if text.ends_with(['.', ':']) { "" } else { "." };
        let _ = writeln!(page, "{text}{stop}\n");
    }
}

fn argument(page: &mut String, argument: &Arg) {
    let value = || {
        let names = argument.get_value_names().unwrap_or_default();
        names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" ")
    };
    let takes = argument.get_action().takes_values();
    let mut name = match (argument.get_short(), argument.get_long()) {
        (Some(short), Some(long)) => format!("-{short}, --{long}"),
        (Some(short), None) => format!("-{short}"),
        (None, Some(long)) => format!("--{long}"),
        (None, None) => String::new(),
    };
    if takes {
        name = format!("{name} {}", value());
    }
    let many = argument.get_num_args().is_some_and(|range| range.max_values() > 1);
    let dots =
        if many || matches!(argument.get_action(), clap::ArgAction::Append) { "…" } else { "" };
    let help = argument.get_long_help().or_else(|| argument.get_help());
    let help = plain(help.unwrap_or_default()).replace("\n\n", " ");
    let _ = write!(page, "- `{}{dots}`: {help}", name.trim());
    let values = argument.get_possible_values();
    if takes && !values.is_empty() {
        let values: Vec<String> = values
            .iter()
            .filter(|value| !value.is_hide_set())
            .map(|value| format!("`{}`", value.get_name()))
            .collect();
        let _ = write!(page, ": {}", values.join(", "));
    }
    if takes && !argument.get_default_values().is_empty() {
        let values: Vec<String> = argument
            .get_default_values()
            .iter()
            .map(|value| format!("`{}`", value.to_string_lossy()))
            .collect();
        let _ = write!(page, "; {} if not given", values.join(" "));
    }
    if let Some(variable) = argument.get_env() {
        let _ = write!(page, "; also from `{}`", variable.to_string_lossy());
    }
    page.push_str(".\n");
}

fn plain(text: &clap::builder::StyledStr) -> String {
    text.to_string().trim().to_owned()
}
