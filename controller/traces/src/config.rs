//! The section `traces` of a configuration, and what it makes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use sark_core::secret::{Secret, SecretRef};
use sark_outbound::header::{HeaderMap, HeaderName, HeaderValue};
use sark_outbound::{Client, Reach, Redirects, Settings, SettingsError, Url};
use serde::{Deserialize, Deserializer, de};

use crate::allowance::Allowance;
use crate::context::TraceId;
use crate::exporter::{Collector, Exporter, Pace};
use crate::metrics::TraceMetrics;
use crate::otlp::Resource;
use crate::trace::Tracer;

/// Where a collector takes traces (OTLP over HTTP).
const PATH: &str = "/v1/traces";

/// `traces`: without it nothing is traced.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TracesConfig {
    /// An OpenTelemetry collector, by OTLP over HTTP: `https://collector.example:4318`. `/v1/traces` is
    /// added where it is not there.
    pub otlp: String,
    /// How many of the requests are kept, 0.0 to 1.0; those that were denied or failed always are.
    #[serde(default)]
    pub sample: Sample,
    /// How many requests a second are kept because their clients sample them (`traceparent`); others of such
    /// clients are kept if they are denied or fail.
    #[serde(default = "of_clients")]
    pub of_clients_per_second: u32,
    /// Headers for the collector, such as `authorization`; their values by reference.
    #[serde(default)]
    pub headers: BTreeMap<String, SecretRef>,
    /// PEM file of authorities that the collector is believed by, beside the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

const fn of_clients() -> u32 {
    50
}

/// How many traces are kept, chosen by their ids: whoever chooses by the same rule (OpenTelemetry's consistent
/// probability sampling) and as many keeps the same ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Those of a randomness below it are not kept; of 56 bits.
    below: u64,
}

/// As many as ids have randomness for.
const ALL: u64 = 1 << 56;

impl Sample {
    /// Of a share from 0.0 to 1.0; nothing of another.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of 2^56 fits; its last bits do not matter"
    )]
    pub fn new(share: f64) -> Option<Self> {
        let below = || ((1.0 - share) * ALL as f64) as u64;
        (0.0..=1.0).contains(&share).then(|| Self { below: below() })
    }

    /// Whether this one is kept.
    pub(crate) const fn takes(self, trace: TraceId) -> bool {
        trace.randomness() >= self.below
    }
}

impl Default for Sample {
    /// One in a hundred.
    fn default() -> Self {
        Self { below: ALL / 100 * 99 }
    }
}

impl<'de> Deserialize<'de> for Sample {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let share = f64::deserialize(deserializer)?;
        Self::new(share)
            .ok_or_else(|| de::Error::custom(format!("{share} is not within 0.0 and 1.0")))
    }
}

/// Who the spans are of: OpenTelemetry's `service.name`, `.version`, `.instance.id`.
#[derive(Debug, Clone, Copy)]
pub struct Service<'a> {
    /// The program.
    pub name: &'a str,
    /// Its version.
    pub version: &'a str,
    /// Which of several.
    pub instance: &'a str,
}

/// Why nothing can be traced.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    /// The address.
    #[error("{0}")]
    Address(String),
    /// A header.
    #[error("traces.headers.{name}: {why}")]
    Header {
        /// Its name.
        name: String,
        /// Why; never its value.
        why: String,
    },
    /// The client.
    #[error("the collector of traces cannot be asked")]
    Client(#[from] SettingsError),
}

impl TracesConfig {
    /// What is wrong with it.
    #[must_use]
    pub fn check(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        match self.url() {
            Ok(url) => {
                if url.scheme() == "http" && !self.headers.is_empty() && !is_here(&url) {
                    mistakes.push(
                        "traces.headers: over plain http anybody on the way reads them; write https"
                            .to_owned(),
                    );
                }
            }
            Err(error) => mistakes.push(error.to_string()),
        }
        for (name, reference) in &self.headers {
            if HeaderName::try_from(name).is_err() {
                mistakes.push(format!("traces.headers: {name:?} is not a header's name"));
            }
            if *reference == SecretRef::Invalid {
                mistakes.push(format!(
                    "traces.headers.{name}: write file:/path or env:NAME, not the secret"
                ));
            }
        }
        mistakes
    }

    /// Who traces, and who sends. `secrets` reads where a reference says, and its errors have no secret.
    pub fn build(
        &self,
        service: Service<'_>,
        secrets: &dyn Fn(&SecretRef) -> Result<Secret, String>,
        pace: Pace,
        metrics: &Arc<TraceMetrics>,
    ) -> Result<(Tracer, Exporter), TracesError> {
        let mut headers = HeaderMap::new();
        for (name, reference) in &self.headers {
            let failed = |why: String| TracesError::Header { name: name.clone(), why };
            let secret = secrets(reference).map_err(|why| failed(format!("{reference}: {why}")))?;
            let known = HeaderName::try_from(name);
            let known = known.map_err(|_| failed("it is not a header's name".to_owned()))?;
            let value = HeaderValue::try_from(secret.reveal());
            let mut value =
                value.map_err(|_| failed(format!("{reference}: it cannot be in a header")))?;
            value.set_sensitive(true);
            headers.insert(known, value);
        }
        let client = Client::new(Settings {
            // Collectors are inside as a rule, and nothing that is asked comes back.
            reach: Reach::Any,
            proxy: None,
            ca_file: self.ca_file.clone(),
            headers,
            redirects: Redirects::Never,
        })?;
        let resource = Resource::of(service.name, service.version, service.instance);
        let collector = Collector { client, url: self.url()?, resource };
        let (waiting, exporter) = Exporter::new(collector, pace, Arc::clone(metrics));
        let of_clients = Allowance::per_second(self.of_clients_per_second);
        Ok((Tracer::new(self.sample, of_clients, waiting), exporter))
    }

    fn url(&self) -> Result<Url, TracesError> {
        let wrong = |why: &str| TracesError::Address(format!("traces.otlp: {why}"));
        let mut url: Url = self
            .otlp
            .parse()
            .map_err(|_| wrong("not an address, such as https://collector.example:4318"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("write http:// or https://: OTLP over HTTP"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("no user name or password in it: use traces.headers"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("nothing after its path"));
        }
        let path = url.path().trim_end_matches('/');
        if !path.ends_with(PATH) {
            let path = format!("{path}{PATH}");
            url.set_path(&path);
        }
        Ok(url)
    }
}

/// Whether it leads to this machine.
fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(otlp: &str, headers: &[(&str, &str)]) -> TracesConfig {
        let header = |(name, value): &(&str, &str)| ((*name).to_owned(), SecretRef::parse(value));
        TracesConfig {
            otlp: otlp.to_owned(),
            sample: Sample::default(),
            of_clients_per_second: of_clients(),
            headers: headers.iter().map(header).collect(),
            ca_file: None,
        }
    }

    #[test]
    fn an_address_leads_to_where_traces_are_taken() {
        for (otlp, url) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("https://c.example/", "https://c.example/v1/traces"),
            ("https://c.example/otlp", "https://c.example/otlp/v1/traces"),
            ("https://c.example/otlp/v1/traces", "https://c.example/otlp/v1/traces"),
        ] {
            assert_eq!(at(otlp, &[]).url().unwrap().as_str(), url);
            assert_eq!(at(otlp, &[]).check(), Vec::<String>::new());
        }
    }

    #[test]
    fn mistakes_say_what_was_meant_and_no_secret() {
        for (otlp, headers, wanted) in [
            ("collector:4318", &[][..], "OTLP over HTTP"),
            ("nowhere", &[], "such as https://"),
            ("grpc://c:4317", &[], "OTLP over HTTP"),
            ("https://me:s3cret@c", &[], "use traces.headers"),
            ("https://c/?key=s3cret", &[], "nothing after its path"),
            ("https://c", &[("a b", "file:/x")], "not a header's name"),
            ("https://c", &[("authorization", "s3cret")], "not the secret"),
            ("http://c", &[("authorization", "file:/x")], "write https"),
        ] {
            let said = at(otlp, headers).check().join("\n");
            assert!(said.contains(wanted), "{otlp}: {said}");
            assert!(!said.contains("s3cret"), "{said}");
        }
        let here = at("http://localhost:4318", &[("authorization", "file:/x")]);
        assert_eq!(here.check(), Vec::<String>::new());
    }

    #[test]
    fn a_share_is_a_share_of_ids() {
        let id = |randomness: u64| {
            let [_, octets @ ..] = randomness.to_be_bytes();
            let mut id = [1; 16];
            id[9..].copy_from_slice(&octets);
            TraceId::new(id).unwrap()
        };
        let (none, half, all) =
            (Sample::new(0.0).unwrap(), Sample::new(0.5).unwrap(), Sample::new(1.0).unwrap());
        for (randomness, of_half) in
            [(0, false), (ALL / 2 - 1, false), (ALL / 2, true), (ALL - 1, true)]
        {
            let id = id(randomness);
            assert_eq!((none.takes(id), half.takes(id), all.takes(id)), (false, of_half, true));
        }
        let kept = (0..10_000).filter(|n| Sample::default().takes(id(n * (ALL / 10_000)))).count();
        assert!((99..=101).contains(&kept), "{kept}");
        for wrong in [-0.1, 1.1, f64::NAN] {
            assert_eq!(Sample::new(wrong), None, "{wrong}");
        }
    }
}
