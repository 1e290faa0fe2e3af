//! The command line of `sark-enforcer`.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// Carries out BGP FlowSpec rules of the local gobgpd with nftables, on a Linux router
#[derive(Debug, Parser)]
#[command(name = "sark-enforcer", version, about)]
pub struct Args {
    /// Configuration file
    #[arg(
        long,
        short,
        value_name = "FILE",
        default_value = "/etc/sark/enforcer.yaml",
        global = true
    )]
    pub config: PathBuf,

    /// Parse and check the configuration, then stop: exit 0 or 2
    #[arg(long)]
    pub check: bool,

    /// What to do; `run` if nothing is said
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do.
#[derive(Debug, Clone, Copy, Default, Subcommand)]
pub enum Command {
    /// Follow gobgpd until told to stop
    #[default]
    Run,
    /// Rules with what they have counted, and what is refused
    Show {
        /// How to print it
        #[arg(long, short, value_enum, default_value_t)]
        output: Output,
    },
    /// Remove the table, and all rules and routes of our protocol number; what is not there is no
    /// error
    Remove,
    /// Print the nftables text and routes for what gobgpd has now, and apply nothing
    Plan,
}

/// How to print.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Columns
    #[default]
    Table,
    /// One JSON document
    Json,
}
