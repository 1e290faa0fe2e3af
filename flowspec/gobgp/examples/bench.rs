//! Bulk announcement and readback of 10,000 rules: our speaker beside a bare tonic client that
//! sends messages made beforehand and counts the answers without reading them. Both in turn
//! against the same gobgpd, started here without peers; medians and ratios are printed.
//!
//! `cargo xtask bench gobgp`; `SARK_GOBGPD` names another gobgpd, a number as argument other rounds.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use gobgp_api::v3 as api;
use gobgp_api::v3::gobgp_api_client::GobgpApiClient;
use hyper_util::rt::TokioIo;
use sark_flowspec::speaker::contract::numbered;
use sark_flowspec::{Afi, Route, Speaker};
use sark_gobgp::v3::{CHUNK, encode};
use sark_gobgp::{Address, Config, Gobgp, check};
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint, Uri};

const RULES: u32 = 10_000;
const ROUNDS: usize = 9;

type Failure = Box<dyn Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let rounds = match std::env::args().nth(1) {
        Some(text) => text.parse()?,
        None => ROUNDS,
    };
    let directory = tempfile::tempdir()?;
    let socket = directory.path().join("api.sock");
    let daemon = Daemon::start(directory.path(), &socket)?;
    let ours = Gobgp::new(&Config::new(Address::Unix(socket.clone())));
    let bare = bare(&socket);
    while ours.info().await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    let routes: Vec<Route> = (0..RULES).map(numbered).collect();
    let nlris: Vec<_> = routes.iter().map(|route| route.nlri.clone()).collect();
    let messages: Vec<_> = routes.chunks(CHUNK).map(message).collect();
    let mut times: [Vec<Duration>; 5] = Default::default();
    // The first round warms up and is not counted; the order changes from round to round.
    for round in 0..=rounds {
        for side in [round % 2, (round + 1) % 2] {
            if side == 0 {
                let took = timed(ours.announce(&routes)).await?;
                let read = timed(ours.table()).await?;
                note(&mut times, round, [(0, took), (2, read)]);
            } else {
                let stream = tokio_stream::iter(messages.clone());
                let took = timed(bare.clone().add_path_stream(stream)).await?;
                let read = timed(list(bare.clone())).await?;
                note(&mut times, round, [(1, took), (3, read)]);
            }
            let took = timed(ours.withdraw(&nlris)).await?;
            note(&mut times, round, [(4, took)]);
        }
    }
    drop(daemon);
    let own = (0..rounds).map(|_| {
        let began = Instant::now();
        let sound = check::routes(&routes).is_ok();
        let paths: Vec<_> = routes.iter().map(encode::announcement).collect();
        assert!(sound && paths.len() == routes.len());
        began.elapsed()
    });
    let own = took(own.collect());

    let [announce, bare_announce, table, bare_list, withdraw] = times.map(took);
    println!("{RULES} rules, median (and best) of {rounds} rounds");
    line("announce, ours", announce);
    line("  of it check and mapping", own);
    line("announce, bare client", bare_announce);
    compare(bare_announce, announce);
    line("read back, ours (decoded)", table);
    line("read back, bare client", bare_list);
    compare(bare_list, table);
    line("withdraw, ours", withdraw);
    Ok(())
}

struct Daemon(Child);

impl Daemon {
    fn start(directory: &Path, socket: &Path) -> Result<Self, Failure> {
        let config = directory.join("gobgpd.toml");
        fs::write(&config, "[global.config]\nas = 64512\nrouter-id = \"192.0.2.1\"\nport = -1\n")?;
        let program = std::env::var_os("SARK_GOBGPD").unwrap_or_else(|| "gobgpd".into());
        let child = Command::new(program)
            .arg("--config-file")
            .arg(config)
            .arg("--api-hosts")
            .arg(format!("unix://{}", socket.display()))
            .args(["--pprof-disable", "--log-plain", "--log-level", "error"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self(child))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Fails only if it has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn bare(socket: &Path) -> GobgpApiClient<Channel> {
    let socket = socket.to_owned();
    let connector = tower::service_fn(move |_: Uri| {
        let socket = socket.clone();
        async move { UnixStream::connect(socket).await.map(TokioIo::new) }
    });
    let channel = Endpoint::from_static("http://localhost").connect_with_connector_lazy(connector);
    GobgpApiClient::new(channel)
}

fn message(routes: &[Route]) -> api::AddPathStreamRequest {
    api::AddPathStreamRequest {
        table_type: api::TableType::Global.into(),
        vrf_id: String::new(),
        paths: routes.iter().map(encode::announcement).collect(),
    }
}

/// The same request as ours, and no more done with the answers than to count them.
async fn list(mut bare: GobgpApiClient<Channel>) -> Result<(), tonic::Status> {
    let mut count = 0;
    for afi in [Afi::Ipv4, Afi::Ipv6] {
        let request = api::ListPathRequest {
            table_type: api::TableType::Global.into(),
            family: Some(encode::family(afi)),
            enable_nlri_binary: true,
            enable_attribute_binary: true,
            enable_only_binary: true,
            ..api::ListPathRequest::default()
        };
        let mut answers = bare.list_path(request).await?.into_inner();
        while answers.message().await?.is_some() {
            count += 1;
        }
    }
    if count == RULES { Ok(()) } else { Err(tonic::Status::internal(format!("{count} rules"))) }
}

async fn timed<T, E>(work: impl Future<Output = Result<T, E>>) -> Result<Duration, E> {
    let began = Instant::now();
    work.await?;
    Ok(began.elapsed())
}

fn note<const N: usize>(
    times: &mut [Vec<Duration>; 5],
    round: usize,
    measured: [(usize, Duration); N],
) {
    if round > 0 {
        for (index, time) in measured {
            times[index].push(time);
        }
    }
}

/// The median, and the best: what the machine gives when nothing else runs on it.
#[derive(Clone, Copy)]
struct Took {
    median: f64,
    best: f64,
}

fn took(mut times: Vec<Duration>) -> Took {
    times.sort();
    let seconds = |time: Option<&Duration>| time.map_or(f64::NAN, Duration::as_secs_f64);
    Took { median: seconds(times.get(times.len() / 2)), best: seconds(times.first()) }
}

fn compare(bare: Took, ours: Took) {
    println!(
        "  ours reaches {:.1} % of the bare client (best against best {:.1} %)",
        100.0 * bare.median / ours.median,
        100.0 * bare.best / ours.best
    );
}

fn line(what: &str, took: Took) {
    println!(
        "{what:<28}{:>8.1} ms ({:>6.1}) {:>9.0} rules/s",
        took.median * 1000.0,
        took.best * 1000.0,
        f64::from(RULES) / took.median
    );
}
