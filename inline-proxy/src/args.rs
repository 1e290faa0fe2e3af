//! The command line of `sark-proxy`.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Inline proxy of SARK: what routers redirect here is understood, decided on, and sent on or refused.
#[derive(Debug, Parser)]
#[command(name = "sark-proxy", version, about)]
pub struct Args {
    /// Configuration file
    #[arg(long, short, global = true, value_name = "FILE", default_value = "/etc/sark/proxy.yaml")]
    pub config: PathBuf,

    /// Parse and check the configuration, then stop: exit 0 or 2
    #[arg(long)]
    pub check: bool,

    /// Take over from the program that starts this one, and has its listeners for it on standard input
    #[arg(long, hide = true)]
    pub take_over: bool,

    /// What to do: without it, run
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Subcommand)]
pub enum Command {
    /// Run until told to stop (SIGTERM)
    #[default]
    Run,
    /// The kernel's part of the transparent entrance: one nftables table and a policy route
    #[command(subcommand)]
    Net(NetCommand),
}

/// What to do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum NetCommand {
    /// Make it, or make it anew
    Up,
    /// Take it away, as often as you like
    Down,
    /// Print what `up` would make
    Show,
}
