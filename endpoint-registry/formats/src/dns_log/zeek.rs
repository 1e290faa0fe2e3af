//! Zeek's `dns.log`: with a head that names the columns, or as JSON.

use std::net::IpAddr;

use jiff::Timestamp;
use sark_registry::resolve::Seen;
use serde::Deserialize;

/// A sensor sees what any server answers; only these servers' answers are told.
#[derive(Debug)]
pub(super) struct Zeek {
    servers: Vec<IpAddr>,
    columns: Option<Columns>,
}

/// Where the columns are, as the head says.
#[derive(Debug)]
struct Columns {
    ts: Option<usize>,
    server: usize,
    query: usize,
    qtype: usize,
    answers: usize,
    ttls: Option<usize>,
}

/// What is read of a line.
#[derive(Deserialize)]
struct Record {
    ts: Option<f64>,
    #[serde(rename = "id.resp_h")]
    server: IpAddr,
    query: String,
    qtype_name: String,
    answers: Vec<String>,
    #[serde(rename = "TTLs", default)]
    ttls: Vec<f64>,
}

impl Zeek {
    pub(super) fn of(servers: Vec<IpAddr>) -> Self {
        Self { servers, columns: None }
    }

    pub(super) fn read(&mut self, line: &str) -> Option<Seen> {
        if let Some(fields) = line.strip_prefix("#fields\t") {
            self.columns = Columns::of(fields);
            return None;
        }
        let record = match line.as_bytes().first()? {
            b'#' => None,
            b'{' => serde_json::from_str(line).ok(),
            _ => self.columns.as_ref()?.record(line),
        };
        record.filter(|record| self.servers.contains(&record.server))?.seen()
    }
}

impl Columns {
    fn of(fields: &str) -> Option<Self> {
        let place = |name: &str| fields.split('\t').position(|field| field == name);
        Some(Self {
            ts: place("ts"),
            server: place("id.resp_h")?,
            query: place("query")?,
            qtype: place("qtype_name")?,
            answers: place("answers")?,
            ttls: place("TTLs"),
        })
    }

    fn record(&self, line: &str) -> Option<Record> {
        let fields: Vec<&str> = line.split('\t').collect();
        let field = |place: usize| fields.get(place).copied();
        let list = |place: usize| field(place).filter(|text| *text != "-").map(|t| t.split(','));
        let number = |text: &str| text.parse::<f64>().ok();
        Some(Record {
            ts: self.ts.and_then(field).and_then(number),
            server: field(self.server)?.parse().ok()?,
            query: field(self.query)?.to_owned(),
            qtype_name: field(self.qtype)?.to_owned(),
            answers: list(self.answers)?.map(str::to_owned).collect(),
            ttls: self.ttls.and_then(list).map(|all| all.filter_map(number).collect())?,
        })
    }
}

impl Record {
    /// Answers stand in the order of the chain: names first, addresses last.
    fn seen(self) -> Option<Seen> {
        if !matches!(self.qtype_name.as_str(), "A" | "AAAA") {
            return None;
        }
        let (mut chain, mut addresses) = (Vec::new(), Vec::new());
        for answer in self.answers {
            match answer.parse::<IpAddr>() {
                Ok(address) => addresses.push(address),
                Err(_) => chain.push(answer),
            }
        }
        let least = self.ttls.into_iter().filter(|ttl| *ttl >= 0.0).reduce(f64::min);
        let at = self.ts.filter(|ts| ts.is_finite() && ts.abs() < 1e11);
        let at = at.and_then(|ts| Timestamp::from_millisecond((ts * 1000.0).round() as i64).ok());
        Some(Seen { name: self.query, addresses, ttl: least.map(|ttl| ttl as u32), chain, at })
    }
}
