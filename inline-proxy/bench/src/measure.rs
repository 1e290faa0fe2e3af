//! What is measured, in rounds: each program has its turn in each of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::Options;
use crate::certificates::Certificates;
use crate::figures::{Figures, RATE};
use crate::inside::{Cores, INSPECTED, MODELS, OTHER, furnish};
use crate::program::Running;
use crate::rivals::{ALL, BULK, OPENED, Place, SERVER, SOURCE, TIED, UNDECIDED};
use crate::sarkd::Taken;
use crate::wrk::Asks;
use crate::{bulk, clients, rivals, sark, sarkd, wrk};

/// Connections that are kept while as much is asked as is answered.
const KEPT: [usize; 3] = [1, 16, 256];
/// Connections that say nothing.
const IDLE: usize = 1_000;

/// The benchmark, from its namespaces to its figures.
pub fn rounds(options: &Options) -> Figures {
    let directory = tempfile::tempdir().unwrap();
    furnish(directory.path());
    let certificates = Certificates::make(directory.path());
    let cores = Cores::divide();
    let place = Place { directory: directory.path().to_owned(), certificates, cores };
    let seconds = Duration::from_secs(options.seconds);
    let taken = sarkd::start(&sark::socket(&place));
    bulk::source();
    let server = rivals::server(&place);
    let programs: Vec<&str> = ALL
        .into_iter()
        .filter(|name| options.only.is_empty() || options.only.iter().any(|it| it == name))
        .collect();
    let rate = options.rate.unwrap_or_else(|| half_of_nginx(&place, seconds));
    let mut round = Round { place: &place, seconds, rate, taken, figures: Figures::new(rate) };
    for program in &programs {
        round.figures.versions.insert((*program).to_owned(), rivals::version(program));
    }
    for number in 0..options.rounds {
        round.direct();
        // Whoever was second is first the next time.
        for at in 0..programs.len() {
            let program = programs[(at + number) % programs.len()];
            eprintln!("round {} of {}: {program}", number + 1, options.rounds);
            round.turn(program);
        }
    }
    drop(server);
    round.figures
}

fn half_of_nginx(place: &Place, seconds: Duration) -> f64 {
    let nginx = rivals::nginx(place);
    let counted = wrk::load(&place.directory, &Asks::chat(MODELS, OPENED), 16, seconds);
    drop(nginx);
    (counted.per_second() / 2.0).round()
}

struct Round<'a> {
    place: &'a Place,
    seconds: Duration,
    rate: f64,
    taken: Arc<Taken>,
    figures: Figures,
}

impl Round<'_> {
    /// Without anything between.
    fn direct(&mut self) {
        for many in KEPT {
            let counted = self.wrk(&Asks::chat(MODELS, SERVER), many);
            self.figures.add("direct", &format!("requests/s, {many} kept"), counted.per_second());
        }
        let made = clients::new_connections(SERVER, self.seconds);
        self.figures.add("direct", "new connections/s", made);
        self.latency("direct", SERVER, self.rate);
        let moved = bulk::load(SOURCE, self.seconds);
        self.figures.add("direct", "spliced Gbit/s", moved);
    }

    fn turn(&mut self, program: &str) {
        let running = match program {
            "sark" => sark::start(self.place),
            "nginx" => rivals::nginx(self.place),
            "envoy" => rivals::envoy(self.place),
            "mitmproxy" => rivals::mitmproxy(self.place),
            _ => rivals::haproxy(self.place),
        };
        if program != "haproxy" {
            self.opened(program, &running);
        }
        if program == "haproxy" || program == "sark" {
            self.tied(program, &running);
        }
    }

    /// TLS ends in it.
    fn opened(&mut self, program: &str, running: &Running) {
        let megabytes = clients::with_idle(OPENED, IDLE, || running.rss() as f64 / 1e6);
        self.figures.add(program, "MB, 1000 idle", megabytes);
        running.settle();
        let mut most: f64 = 0.0;
        for many in KEPT {
            let (name, records) = (format!("requests/s, {many} kept"), self.taken.records());
            let counted = self.busy(program, running, &name, |round| {
                let counted = round.wrk(&Asks::chat(MODELS, OPENED), many);
                (counted.per_second(), counted.requests())
            });
            most = most.max(counted);
            if program == "sark" {
                let taken = (self.taken.records() - records) as f64 / self.seconds.as_secs_f64();
                self.figures.add(program, &format!("records/s taken, {many} kept"), taken);
            }
        }
        if program == "sark" {
            self.busy(program, running, "undecided requests/s, 16 kept", |round| {
                let counted = round.wrk(&Asks::document(INSPECTED, UNDECIDED), 16);
                (counted.per_second(), counted.requests())
            });
        }
        self.busy(program, running, "new connections/s", |round| {
            let made = clients::new_connections(OPENED, round.seconds);
            (made, made * round.seconds.as_secs_f64())
        });
        // What is left of what was asked before, such as records on their way.
        running.settle();
        // Who cannot answer as many is asked half of what it can, and compared with nobody.
        let rate = if self.rate < most * 0.9 { self.rate } else { most / 2.0 };
        self.latency(program, OPENED, rate.max(1.0));
    }

    /// TLS goes through it.
    fn tied(&mut self, program: &str, running: &Running) {
        self.busy(program, running, "spliced requests/s, 16 kept", |round| {
            let counted = round.wrk(&Asks::chat(OTHER, TIED), 16);
            (counted.per_second(), counted.requests())
        });
        self.busy(program, running, "spliced Gbit/s", |round| {
            let moved = bulk::load(BULK, round.seconds);
            // Of processor time for a megabyte.
            (moved, moved * 125.0 * round.seconds.as_secs_f64())
        });
    }

    fn wrk(&self, asks: &Asks, many: usize) -> wrk::Counted {
        wrk::load(&self.place.directory, asks, many, self.seconds)
    }

    fn latency(&mut self, program: &str, port: u16, rate: f64) {
        let latencies = clients::at_rate(port, rate, self.seconds);
        self.figures.add(program, "p50 µs at a fixed rate", latencies.quantile(0.5));
        self.figures.add(program, "p99 µs at a fixed rate", latencies.quantile(0.99));
        if program != "direct" {
            self.figures.add(program, RATE, rate);
        }
    }

    /// A measurement, what each of what it counts costs of the core, and how busy that is.
    fn busy(
        &mut self,
        program: &str,
        running: &Running,
        name: &str,
        measure: impl FnOnce(&Self) -> (f64, f64),
    ) -> f64 {
        let (began, before) = (Instant::now(), running.cpu());
        let (figure, many) = measure(self);
        let spent = running.cpu() - before;
        self.figures.add(program, name, figure);
        self.figures.add(
            program,
            &format!("{name}: µs of the core each"),
            spent / many.max(1.0) * 1e6,
        );
        let share = spent / began.elapsed().as_secs_f64() * 100.0;
        self.figures.add(program, &format!("{name}: % of the core"), share);
        figure
    }
}
