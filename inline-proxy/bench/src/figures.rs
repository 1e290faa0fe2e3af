//! What was measured: medians of rounds, and of each round's ratios.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde::ser::SerializeStruct as _;

/// Who is in which column.
const COLUMNS: [&str; 6] = ["direct", "sark", "nginx", "envoy", "mitmproxy", "haproxy"];

/// What somebody was asked at the fixed rate: less, if it cannot answer as many.
pub const RATE: &str = "that rate, requests/s";

/// By what is measured, and then by whom: a figure for each round.
pub struct Figures {
    rate: f64,
    pub versions: BTreeMap<String, String>,
    measured: Vec<(String, BTreeMap<String, Vec<f64>>)>,
}

/// Ours for theirs, as a quotient or a difference.
#[derive(Serialize)]
struct Ratio {
    measured: &'static str,
    beside: &'static str,
    /// `x`: ours for one of theirs; `ms`: ours less theirs.
    unit: &'static str,
    median: f64,
}

impl Figures {
    pub fn new(rate: f64) -> Self {
        Self { rate, versions: BTreeMap::new(), measured: Vec::new() }
    }

    pub fn add(&mut self, program: &str, measured: &str, figure: f64) {
        eprintln!("  {program:<10} {figure:>12.1}  {measured}");
        let known = self.measured.iter().position(|(name, _)| name == measured);
        let at = known.unwrap_or_else(|| {
            self.measured.push((measured.to_owned(), BTreeMap::new()));
            self.measured.len() - 1
        });
        self.measured[at].1.entry(program.to_owned()).or_default().push(figure);
    }

    fn of(&self, program: &str, measured: &str) -> Option<&[f64]> {
        let (_, of) = self.measured.iter().find(|(name, _)| name == measured)?;
        of.get(program).map(Vec::as_slice)
    }

    fn ratios(&self) -> Vec<Ratio> {
        let mut ratios = Vec::new();
        let mut add = |measured, beside, unit: &'static str, what: fn(f64, f64) -> f64| {
            let Some(ours) = self.of("sark", measured) else { return };
            let Some(theirs) = self.of(beside, measured) else { return };
            let each = ours.iter().zip(theirs).map(|(ours, theirs)| what(*ours, *theirs));
            ratios.push(Ratio { measured, beside, unit, median: median(each) });
        };
        for beside in ["nginx", "envoy", "mitmproxy"] {
            for measured in [
                "requests/s, 1 kept",
                "requests/s, 16 kept",
                "requests/s, 256 kept",
                "new connections/s",
            ] {
                add(measured, beside, "x", |ours, theirs| ours / theirs);
            }
        }
        let keeps_up = |program: &str| {
            let rates = self.of(program, RATE).unwrap_or_default();
            rates.iter().all(|rate| *rate >= self.rate)
        };
        for beside in ["direct", "nginx", "envoy"] {
            if !keeps_up("sark") || !keeps_up(beside) {
                continue;
            }
            for measured in ["p50 µs at a fixed rate", "p99 µs at a fixed rate"] {
                add(measured, beside, "ms", |ours, theirs| (ours - theirs) / 1e3);
            }
        }
        for measured in ["spliced requests/s, 16 kept", "spliced Gbit/s"] {
            add(measured, "haproxy", "x", |ours, theirs| ours / theirs);
        }
        ratios
    }
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    let half = figures.len() / 2;
    match figures.len() % 2 {
        1 => figures[half],
        _ => f64::midpoint(figures[half - 1], figures[half]),
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let versions = self.versions.iter().map(|(name, version)| format!("{name} {version}"));
        let versions = versions.collect::<Vec<_>>().join(", ");
        writeln!(f, "{versions}; the fixed rate is {:.0} requests/s\n", self.rate)?;
        write!(f, "{:<50}", "")?;
        for column in COLUMNS {
            write!(f, " {column:>10}")?;
        }
        writeln!(f)?;
        for (measured, of) in &self.measured {
            write!(f, "{measured:<50}")?;
            for column in COLUMNS {
                match of.get(column) {
                    Some(figures) => {
                        let figure = median(figures.iter().copied());
                        let digits = usize::from(figure < 100.0);
                        write!(f, " {figure:>10.digits$}")?;
                    }
                    None => write!(f, " {:>10}", "")?,
                }
            }
            writeln!(f)?;
        }
        writeln!(f)?;
        for Ratio { measured, beside, unit, median } in self.ratios() {
            writeln!(f, "{measured:<34} sark beside {beside:<10} {median:>8.2} {unit}")?;
        }
        Ok(())
    }
}

impl Serialize for Figures {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let measured: BTreeMap<&str, BTreeMap<&str, Measured<'_>>> = self
            .measured
            .iter()
            .map(|(name, of)| {
                let of = of.iter().map(|(program, rounds)| {
                    let median = median(rounds.iter().copied());
                    (program.as_str(), Measured { median, rounds })
                });
                (name.as_str(), of.collect())
            })
            .collect();
        let mut out = serializer.serialize_struct("Figures", 4)?;
        out.serialize_field("versions", &self.versions)?;
        out.serialize_field("fixedRate", &self.rate)?;
        out.serialize_field("measured", &measured)?;
        out.serialize_field("ratios", &self.ratios())?;
        out.end()
    }
}

#[derive(Serialize)]
struct Measured<'a> {
    median: f64,
    rounds: &'a [f64],
}
