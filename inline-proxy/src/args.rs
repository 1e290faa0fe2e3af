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
#[derive(Debug, Clone, PartialEq, Eq, Default, Subcommand)]
pub enum Command {
    /// Run until told to stop (SIGTERM)
    #[default]
    Run,
    /// The certificate authority that clients trust
    #[command(subcommand)]
    Ca(CaCommand),
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

/// What to do with the certificate authority.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum CaCommand {
    /// Make a new one: its root is what clients have to trust
    Create {
        /// Name of the root, as people see it in the list of those they trust
        #[arg(long, default_value = "SARK inline proxy")]
        name: String,
        /// How long it is valid
        #[arg(long, value_name = "DAYS", default_value_t = 1825)]
        days: u16,
        /// Replace one that is there: clients that trust it will trust nobody
        #[arg(long)]
        replace: bool,
    },
    /// Take one that was made elsewhere: PEM files
    Import {
        /// The issuing certificate and those above it
        #[arg(long, value_name = "FILE")]
        chain: PathBuf,
        /// Its key: PKCS #8, SEC 1 or PKCS #1, not encrypted
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The root, if the chain leaves it out
        #[arg(long, value_name = "FILE")]
        roots: Option<PathBuf>,
        /// Replace one that is there
        #[arg(long)]
        replace: bool,
    },
    /// Make the next root; both are trusted until the old one is retired
    Rotate {
        /// Name of the new root
        #[arg(long, default_value = "SARK inline proxy")]
        name: String,
        /// How long it is valid
        #[arg(long, value_name = "DAYS", default_value_t = 1825)]
        days: u16,
    },
    /// Issue by the one that stands by; once more goes back
    Activate,
    /// Take an old root out of what clients trust, by its fingerprint
    Retire {
        /// SHA-256, as `show` prints it
        fingerprint: String,
    },
    /// What there is, as JSON
    Show,
    /// What makes programs on a machine trust it: variables and commands, for a shell
    Env {
        /// sh, fish, powershell or json
        #[arg(default_value = "sh")]
        shell: String,
        /// A file with the system's roots; it is written beside `trusted.pem` together with ours
        #[arg(long, value_name = "FILE", default_value = "/etc/ssl/certs/ca-certificates.crt")]
        system: PathBuf,
    },
}
