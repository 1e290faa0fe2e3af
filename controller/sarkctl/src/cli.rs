//! What can be typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand};

use crate::client::{Client, Target};
use crate::context::Contexts;
use crate::exit::Failure;
use crate::generate::{CompletionsArgs, ManArgs};
use crate::output::{Color, Format, Out};
use crate::{
    alerts, approvals, audit, auth, context, explain, flowspec, policy, proxy, registry, sensors,
};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed
  2  wrong usage or bad input
  3  refused, nothing changed
  4  the plan has changes (plan --detailed-exitcode)";

/// See and govern LLM and tunnel traffic with BGP FlowSpec
///
/// Policies and the endpoint registry become FlowSpec rules. `plan` shows them, `apply` has sarkd
/// announce them, `withdraw` takes them back.
#[derive(Debug, Parser)]
#[command(
    name = "sarkctl",
    version,
    styles = STYLES,
    after_help = EXIT_CODES,
    disable_help_subcommand = true,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What holds for every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// sarkd's socket; without it, where the context leads, else /run/sark/sarkd.sock
    #[arg(long, global = true, value_name = "PATH", env = "SARK_SOCKET", hide_env_values = true)]
    pub socket: Option<PathBuf>,
    /// Which sarkd to ask, and as whom: see `sarkctl context`
    #[arg(long, global = true, value_name = "NAME", env = "SARK_CONTEXT", hide_env_values = true)]
    pub context: Option<String>,
    /// How to print data
    #[arg(short, long, global = true, value_enum, value_name = "FORMAT", default_value_t)]
    pub output: Format,
    /// When to colour
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t)]
    pub color: Color,
    /// Tell more: rules that stay, all names and prefixes
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// How long to wait for sarkd, such as `30s` or `2m`
    // A little more than sarkd itself takes before it answers that it took too long.
    #[arg(long, global = true, value_name = "TIME", default_value = "70s", value_parser = time)]
    pub timeout: Duration,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Plan, apply and look at FlowSpec rules
    #[command(subcommand)]
    Flowspec(flowspec::Command),
    /// Who is behind an address or a name
    #[command(subcommand)]
    Registry(registry::Command),
    /// Check and test policies, decide by them, list those that hold
    #[command(subcommand)]
    Policy(policy::Command),
    /// Who may do what: myself, tokens
    #[command(subcommand)]
    Auth(auth::Command),
    /// Which sarkd is asked, and as whom
    #[command(subcommand)]
    Context(context::Command),
    /// What waits for another person
    #[command(subcommand)]
    Approvals(approvals::Command),
    /// Sensors, and what they report
    #[command(subcommand)]
    Sensors(sensors::Command),
    /// Inline proxies, their pools, and the authority that their clients trust
    #[command(subcommand)]
    Proxy(proxy::Command),
    /// Read the audit trail, search, export, verify and prove it
    #[command(subcommand)]
    Audit(audit::Command),
    /// Tell the story of one request that passed a proxy
    ///
    /// Who asked what of whom, which rule of the routers redirected it and from which line of which
    /// policy, what was decided and why, what came back and what it cost. The id is the one in the
    /// message that a refused client reads, in the header x-sark-request-id, and in records.
    Explain(explain::ExplainArgs),
    /// What people and their tools were told, and whether it reached them
    #[command(subcommand)]
    Alerts(alerts::Command),
    /// Find out what is wrong and what to do
    ///
    /// Checks the socket, sarkd, its store, the BGP speaker, its peers, the registry, the rules, and
    /// how feeds and names are; -v shows every feed that is on. Exits with 1 if anything fails.
    Doctor,
    /// Print a shell's completions
    Completions(CompletionsArgs),
    /// Write the man pages, or print the first
    Man(ManArgs),
    /// Versions of sarkctl and, when it answers, of sarkd
    Version,
}

/// What a command needs besides its own arguments.
pub struct Context {
    /// Where data goes.
    pub out: Out,
    /// See [`Global::verbose`].
    pub verbose: bool,
    /// See [`Global::socket`].
    pub socket: Option<PathBuf>,
    /// See [`Global::context`].
    pub name: Option<String>,
    /// See [`Global::timeout`].
    pub timeout: Duration,
}

impl Context {
    /// From the global arguments.
    #[must_use]
    pub fn new(global: Global) -> Self {
        Self {
            out: Out::stdout(global.output),
            verbose: global.verbose,
            socket: global.socket,
            name: global.context,
            timeout: global.timeout,
        }
    }

    /// To `sarkd`.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        Client::new(self.target()?, self.timeout)
    }

    /// A socket that is named wins over a context, and that over the socket of old.
    fn target(&self) -> Result<Target, Failure> {
        if let Some(socket) = &self.socket {
            return Ok(Target::Socket(socket.clone()));
        }
        let contexts = Contexts::read()?;
        match contexts.chosen(self.name.as_deref()) {
            Some(name) => Ok(Target::Entry(contexts.get(name)?.clone())),
            None => Ok(Target::Socket(PathBuf::from(sark_api::config::DEFAULT_SOCKET))),
        }
    }
}

fn time(text: &str) -> Result<Duration, String> {
    let bad = || format!("`{text}` is not a time above zero, such as `30s` or `2m`");
    let time: jiff::SignedDuration = text.parse().map_err(|_| bad())?;
    let time = Duration::try_from(time).map_err(|_| bad())?;
    if time.is_zero() { Err(bad()) } else { Ok(time) }
}
