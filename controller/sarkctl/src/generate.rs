//! Completions, man pages and the reference page, all from [`crate::cli::Cli`].

mod reference;

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::CommandFactory as _;

use crate::cli::{Cli, Context};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::talk;

pub use reference::reference;

/// See [`crate::cli::Command::Completions`].
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Install them:
  bash  sarkctl completions bash > ~/.local/share/bash-completion/completions/sarkctl
  zsh   sarkctl completions zsh  > \"${fpath[1]}/_sarkctl\"
  fish  sarkctl completions fish > ~/.config/fish/completions/sarkctl.fish")]
pub struct CompletionsArgs {
    /// Which shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

/// See [`crate::cli::Command::Man`].
#[derive(Debug, clap::Args)]
pub struct ManArgs {
    /// Write one page per command here, such as `/usr/local/share/man/man1`; without it the first
    /// page is printed
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
}

/// `completions`.
pub fn completions(arguments: &CompletionsArgs, context: &mut Context) -> Outcome {
    // Into memory first: the generator panics when a write fails.
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "sarkctl", &mut script);
    context.out.write_all(&script)?;
    Ok(Exit::Done)
}

/// `man`.
pub fn man(arguments: &ManArgs, context: &mut Context) -> Outcome {
    let command = Cli::command();
    match &arguments.directory {
        None => clap_mangen::Man::new(command).render(&mut context.out)?,
        Some(directory) => {
            let pages = write_pages(command, directory).map_err(|error| {
                Failure::failed(format!(
                    "cannot write man pages to {}: {error}",
                    directory.display()
                ))
                .next("name a directory that you may write to")
            })?;
            talk(format_args!("{pages} pages in {}", directory.display()));
        }
    }
    Ok(Exit::Done)
}

fn write_pages(command: clap::Command, directory: &std::path::Path) -> io::Result<usize> {
    std::fs::create_dir_all(directory)?;
    clap_mangen::generate_to(command, directory)?;
    let ours = |entry: io::Result<std::fs::DirEntry>| {
        entry.is_ok_and(|entry| entry.file_name().as_encoded_bytes().starts_with(b"sarkctl"))
    };
    Ok(std::fs::read_dir(directory)?.map(ours).filter(|ours| *ours).count())
}
