//! `registry observe`: tells sarkd what clients were answered.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use sark_api::{ObservationsRequest, ObservationsResponse, routes};
use sark_feed_formats::dns_log::{DnsLog, LogForm};
use sark_registry::resolve::Seen;

use crate::cli::Context;
use crate::client::Client;
use crate::exit::{Exit, Failure, Outcome};

/// Told at once, or so long after the first.
const TOGETHER: usize = 1000;
const WAIT: Duration = Duration::from_millis(200);
/// Between two attempts; after it, sarkd is not there any more.
const LONGEST_PAUSE: Duration = Duration::from_secs(32);
/// Lines longer than this are cut, and then read as rubbish.
const LINE_MOST: u64 = 128 << 10;

/// See [`super::Command::Observe`].
#[derive(Debug, clap::Args)]
pub struct ObserveArgs {
    /// Whose log it is: json (one `{"name":…,"addresses":[…]}` a line), dnsmasq
    /// (`log-queries=extra`) or zeek (dns.log, by tabs or as JSON)
    #[arg(long, value_name = "FORM", default_value = "json")]
    form: Form,
    /// DNS servers of your clients, for zeek: it also sees what other servers answer. May be repeated
    #[arg(long = "server", value_name = "ADDRESS", required_if_eq("form", "zeek"))]
    servers: Vec<IpAddr>,
    /// The log; standard input without it, or with `-`
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Form {
    Json,
    Dnsmasq,
    Zeek,
}

/// `registry observe`: until the log ends.
pub fn run(arguments: &ObserveArgs, context: &mut Context) -> Outcome {
    let client = context.client()?;
    let log = DnsLog::new(match arguments.form {
        Form::Json => LogForm::Json,
        Form::Dnsmasq => LogForm::Dnsmasq,
        Form::Zeek => LogForm::Zeek(arguments.servers.clone()),
    });
    // dnsmasq writes no year: what it wrote long ago would be taken for an answer of now.
    if let (Form::Dnsmasq, Some(path)) = (arguments.form, &arguments.file)
        && path.is_file()
    {
        return Err(Failure::usage(format!("{} is a log of the past", path.display())).next(
            "pipe in what is written from now on: tail -n 0 -F LOG | sarkctl registry observe",
        ));
    }
    let file: Box<dyn Read + Send> = match &arguments.file {
        Some(path) if path.as_os_str() != "-" => Box::new(File::open(path).map_err(|error| {
            Failure::usage(format!("cannot read {}: {error}", path.display()))
                .next("name the log, or pipe it in: tail -n 0 -F LOG | sarkctl registry observe")
        })?),
        _ => Box::new(io::stdin()),
    };
    // A full channel makes the reader wait, and with it whoever writes the log into a pipe.
    let (sender, seen) = sync_channel(4 * TOGETHER);
    let reader = std::thread::spawn(move || read(file, log, &sender));
    let told = tell(&client, &seen)?;
    let lines = reader.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
    let lines = lines.map_err(Failure::failed)?;
    context.out.data(&told, |out| {
        writeln!(
            out,
            "{lines} lines: {} answers for names in the registry, {} for others",
            told.known, told.unknown
        )
    })?;
    Ok(Exit::Done)
}

/// How many lines there were.
fn read(file: impl Read, mut log: DnsLog, sender: &SyncSender<Seen>) -> io::Result<u64> {
    let mut file = BufReader::new(file);
    let (mut line, mut lines) = (Vec::new(), 0);
    loop {
        line.clear();
        if file.by_ref().take(LINE_MOST).read_until(b'\n', &mut line)? == 0 {
            return Ok(lines);
        }
        lines += 1;
        let Some(seen) = log.read(&String::from_utf8_lossy(&line)) else { continue };
        if sender.send(seen).is_err() {
            // Nobody tells any more; the error is theirs.
            return Ok(lines);
        }
    }
}

fn tell(client: &Client, seen: &Receiver<Seen>) -> Result<ObservationsResponse, Failure> {
    let mut told = ObservationsResponse::default();
    while let Ok(first) = seen.recv() {
        let mut answers = vec![first];
        while answers.len() < TOGETHER {
            match seen.recv_timeout(WAIT) {
                Ok(next) => answers.push(next),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        let request = ObservationsRequest { answers, flows: Vec::new() };
        let response = tell_on(client, &request)?;
        told.known += response.known;
        told.unknown += response.unknown;
    }
    Ok(told)
}

/// Until sarkd takes it: a restart of it ends no pipe.
fn tell_on(
    client: &Client,
    request: &ObservationsRequest,
) -> Result<ObservationsResponse, Failure> {
    let mut pause = Duration::from_secs(1);
    loop {
        match client.post(routes::OBSERVATIONS, request) {
            Ok(response) => return Ok(response),
            Err(error) if error.detail().is_none() && pause <= LONGEST_PAUSE => {
                eprintln!("{error}; trying again in {} s", pause.as_secs());
                std::thread::sleep(pause);
                pause *= 2;
            }
            Err(error) => return Err(error.into()),
        }
    }
}
