//! Where data goes (stdout) and where talk goes (stderr).

use std::ffi::OsString;
use std::io::{self, BufWriter, IsTerminal as _, Write};

use anstyle::Style;
use sark_core::document::Diagnostic;
use serde::Serialize;

use crate::exit::Failure;
use crate::offline::Mistakes;

/// Styles, by meaning. Every one of them is also told in words or signs.
pub mod style {
    use anstyle::{AnsiColor, Style};

    /// Comes.
    pub const ADD: Style = AnsiColor::Green.on_default();
    /// Goes.
    pub const REMOVE: Style = AnsiColor::Red.on_default();
    /// Changes, or needs a look.
    pub const CHANGE: Style = AnsiColor::Yellow.on_default();
    /// Stays, or says where something is from.
    pub const QUIET: Style = Style::new().dimmed();
    /// Headings.
    pub const HEAD: Style = Style::new().bold();
    /// Wrong.
    pub const ERROR: Style = AnsiColor::Red.on_default().bold();
    /// What to do.
    pub const HELP: Style = AnsiColor::Cyan.on_default().bold();
    /// Plain.
    pub const PLAIN: Style = Style::new();
}

/// How data is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Table,
    /// Stable, for programs
    Json,
    /// The same as JSON, as YAML
    Yaml,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl From<Color> for anstream::ColorChoice {
    fn from(color: Color) -> Self {
        match color {
            Color::Auto => Self::Auto,
            Color::Always => Self::Always,
            Color::Never => Self::Never,
        }
    }
}

/// What `--color` says, as far as it can be told without parsing.
pub(crate) fn early_color(arguments: &[OsString]) -> clap::ColorChoice {
    let text = |argument: &OsString| argument.to_str().unwrap_or_default().to_owned();
    let after = |pair: &[OsString]| (pair[0] == "--color").then(|| text(&pair[1]));
    let joined = |argument| Some(text(argument).strip_prefix("--color=")?.to_owned());
    let said = arguments.windows(2).find_map(after).or_else(|| arguments.iter().find_map(joined));
    match said.as_deref() {
        Some("always") => clap::ColorChoice::Always,
        Some("never") => clap::ColorChoice::Never,
        _ => clap::ColorChoice::Auto,
    }
}

/// Control characters from files or routers never reach the terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

/// Standard output. A reader that goes away (`| head`) is no error: what follows is dropped.
pub struct Out {
    stream: BufWriter<Box<dyn Write>>,
    /// See [`Format`].
    pub format: Format,
    /// Columns of the terminal; `None` when lines may be as long as they like.
    pub width: Option<usize>,
    colour: bool,
    closed: bool,
}

impl Out {
    /// On this process's stdout.
    pub fn stdout(format: Format) -> Self {
        let stdout = io::stdout();
        let colour = match anstream::AutoStream::choice(&stdout) {
            anstream::ColorChoice::Never => false,
            anstream::ColorChoice::Auto => stdout.is_terminal(),
            anstream::ColorChoice::Always | anstream::ColorChoice::AlwaysAnsi => true,
        };
        Self {
            stream: BufWriter::with_capacity(1 << 16, Box::new(stdout.lock())),
            format,
            width: width(stdout.is_terminal()),
            colour,
            closed: false,
        }
    }

    /// The text in this style, when colours are on.
    pub fn paint(&self, style: Style, text: &str) -> String {
        if self.colour && style != style::PLAIN && !text.is_empty() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    /// The value as JSON or YAML; for [`Format::Table`] the given rendering.
    pub fn data<T: Serialize>(
        &mut self,
        value: &T,
        table: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Table => table(self)?,
            Format::Json => {
                let text = serde_json::to_string_pretty(value).map_err(Failure::failed)?;
                writeln!(self, "{text}")?;
            }
            Format::Yaml => {
                let text = serde_saphyr::to_string(value).map_err(Failure::failed)?;
                writeln!(self, "{}", text.trim_end())?;
            }
        }
        Ok(())
    }

    /// Nobody reads any more.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    fn quiet<T>(&mut self, result: io::Result<T>, otherwise: T) -> io::Result<T> {
        match result {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                // What the buffer still holds must not be tried again.
                let sink: Box<dyn Write> = Box::new(io::sink());
                let _ = std::mem::replace(&mut self.stream, BufWriter::new(sink)).into_parts();
                Ok(otherwise)
            }
            other => other,
        }
    }
}

impl Write for Out {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let result = self.stream.write(octets);
        self.quiet(result, octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.stream.flush();
        self.quiet(result, ())
    }
}

/// `COLUMNS` if it is exported, else the terminal's own; a pipe has no width.
fn width(terminal: bool) -> Option<usize> {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let own = || terminal.then(terminal_size::terminal_size).flatten();
    columns.or_else(|| own().map(|(terminal_size::Width(width), _)| usize::from(width)))
}

/// Says something on stderr, such as what is being done.
pub fn talk(text: impl std::fmt::Display) {
    anstream::eprintln!("{text}");
}

/// Prints one mistake, with its line and what to do.
pub fn complain_about(mistake: &Diagnostic) {
    use style::ERROR;
    anstream::eprintln!("{ERROR}error:{ERROR:#} {mistake}");
}

/// Prints a failure: what, its causes, what to do next.
pub fn complain(failure: &Failure) {
    use style::{ERROR, HELP};
    if let Some(mistakes) = failure.error.downcast_ref::<Mistakes>() {
        mistakes.0.iter().for_each(complain_about);
        return;
    }
    anstream::eprintln!("{ERROR}error:{ERROR:#} {}", failure.error);
    let mut cause = failure.error.source();
    let mut last = failure.error.to_string();
    while let Some(error) = cause {
        let text = error.to_string();
        // Libraries repeat their cause in their own text; say it once.
        if !last.contains(&text) {
            anstream::eprintln!("  because: {text}");
        }
        last = text;
        cause = error.source();
    }
    if let Some(next) = &failure.next {
        anstream::eprintln!("{HELP}help:{HELP:#} {next}");
    }
}
