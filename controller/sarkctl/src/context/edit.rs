//! `context add`, `use` and `remove`.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use sark_core::identity::Presented;
use sark_core::secret::SecretRef;

use super::store::private;
use super::{Contexts, Entry};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::talk;

/// See [`super::Command::Add`].
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sarkctl context add prod --server https://sark.example.net:8443 --token-stdin < token.txt
  sarkctl context add prod --server https://sark.example.net:8443 --token env:SARK_TOKEN
  sarkctl context add lab --server https://192.0.2.1:8443 --authority lab.pem \\
      --certificate me.pem --key me.key")]
pub struct AddArgs {
    /// Its name: small letters, digits, `-`, `_` and `.`
    name: String,
    /// Where sarkd is, such as `https://sark.example.net:8443`
    #[arg(long, value_name = "URL", required_unless_present = "at")]
    server: Option<String>,
    /// Or its Unix socket
    #[arg(long = "at", value_name = "PATH", conflicts_with = "server")]
    at: Option<PathBuf>,
    /// PEM file of the authority of its certificate, if it is not a public one
    #[arg(long, value_name = "FILE")]
    authority: Option<PathBuf>,
    /// Where the token is: `file:/path` or `env:NAME`
    #[arg(long, value_name = "REF", conflicts_with = "token_stdin")]
    token: Option<String>,
    /// Read the token from standard input, and store it in a file of mode 0600
    #[arg(long)]
    token_stdin: bool,
    /// PEM file of a client certificate
    #[arg(long, value_name = "FILE", requires = "key")]
    certificate: Option<PathBuf>,
    /// PEM file of its key
    #[arg(long, value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,
}

/// `context use`.
pub fn select(name: &str) -> Outcome {
    let mut contexts = Contexts::read()?;
    let place = contexts.get(name)?.place();
    contexts.select(name);
    contexts.write()?;
    talk(format_args!("using {name}: {place}"));
    Ok(Exit::Done)
}

/// `context add`.
pub fn add(arguments: AddArgs) -> Outcome {
    let AddArgs { name, server, at, authority, token, token_stdin, certificate, key } = arguments;
    if !sark_core::identity::is_name(&name) {
        return Err(Failure::usage(format!("{name:?} is no name"))
            .next("small letters, digits, `-`, `_` and `.`, at most 64"));
    }
    if let Some(server) = &server {
        check_server(server)?;
    }
    let mut contexts = Contexts::read()?;
    let token = match token {
        Some(text) => match SecretRef::parse(&text) {
            // Not shown again: it may be the token itself.
            SecretRef::Invalid => {
                return Err(Failure::usage("--token is no reference")
                    .next("file:/path or env:NAME; to store a token: --token-stdin"));
            }
            reference => Some(reference),
        },
        None if token_stdin => {
            let path = contexts.token_path(&name);
            private(&path, &format!("{}\n", read_token()?))?;
            Some(SecretRef::File(path))
        }
        None => None,
    };
    let entry = Entry {
        server: server.map(|server| server.trim_end_matches('/').to_owned()),
        socket: at.map(absolute).transpose()?,
        authority: authority.map(absolute).transpose()?,
        token,
        certificate: certificate.map(absolute).transpose()?,
        key: key.map(absolute).transpose()?,
    };
    let place = entry.place();
    contexts.put(&name, entry);
    contexts.write()?;
    talk(format_args!("{name}: {place}"));
    Ok(Exit::Done)
}

/// `context remove`.
pub fn remove(name: &str) -> Outcome {
    let mut contexts = Contexts::read()?;
    contexts.get(name)?;
    let entry = contexts.take(name);
    contexts.write()?;
    let stored = contexts.token_path(name);
    if entry.and_then(|entry| entry.token) == Some(SecretRef::File(stored.clone())) {
        // Gone already is as good.
        let _ = std::fs::remove_file(stored);
    }
    talk(format_args!("removed {name}"));
    Ok(Exit::Done)
}

fn check_server(server: &str) -> Result<(), Failure> {
    let rest = server.strip_prefix("https://").unwrap_or_default().trim_end_matches('/');
    let plain = !rest.is_empty() && !rest.contains(['/', '?', '#', '@', ' ']);
    if plain {
        return Ok(());
    }
    Err(Failure::usage(format!("{server:?} is not where sarkd is"))
        .next("such as https://sark.example.net:8443"))
}

fn read_token() -> Result<String, Failure> {
    let mut text = String::new();
    let read = std::io::stdin().lock().take(4096).read_to_string(&mut text);
    read.map_err(|error| Failure::usage(format!("cannot read standard input: {error}")))?;
    let text = text.trim();
    if Presented::read(text).is_err() {
        return Err(Failure::usage("standard input is no token of SARK")
            .next("a token begins with sark_; sarkctl auth token create makes one"));
    }
    Ok(text.to_owned())
}

fn absolute(path: PathBuf) -> Result<PathBuf, Failure> {
    let made = std::path::absolute(&path);
    made.map_err(|error| Failure::usage(format!("{}: {error}", Path::new(&path).display())))
}
