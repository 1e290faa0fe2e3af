//! Text → a checked [`Config`], and what the other parts want of it.

use std::time::Duration;

use jiff::SignedDuration;
use sark_enforcer::{Kernel, Options, OptionsError, Program, Sample};
use sark_program::config::Checked;

use super::Config;

const LONGEST_HOLD: SignedDuration = SignedDuration::from_hours(7 * 24);
const LONGEST_INTERVAL: SignedDuration = SignedDuration::from_hours(1);
const SECOND: SignedDuration = SignedDuration::from_secs(1);
/// For `nft` and `ip`; each call.
const PATIENCE: Duration = Duration::from_secs(30);

impl Checked for Config {
    const LEAST: &'static str = "interfaces: [eth0]";

    fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        let mut within = |key: &str, value: SignedDuration, least, most| {
            if value < least || value > most {
                mistakes.push(format!("{key}: {value:#} is not within {least:#} and {most:#}"));
            }
        };
        within("interval", self.interval, SECOND, LONGEST_INTERVAL);
        within("stale.hold", self.stale.hold, SignedDuration::ZERO, LONGEST_HOLD);
        within("stale.settle", self.stale.settle, SignedDuration::ZERO, LONGEST_HOLD);
        within("gobgp.timeout", self.gobgp.timeout, SECOND, LONGEST_INTERVAL);
        if let Some(report) = &self.report {
            within("report.every", report.every, SECOND, LONGEST_INTERVAL);
            mistakes.extend(report.sarkd.check("report.sarkd"));
            if !sark_core::identity::is_name(&report.name) {
                let what = "1 to 64 small letters, digits, `-`, `_` and `.`";
                mistakes.push(format!("report.name: {what}"));
            }
        }
        for (index, vrf) in self.vrfs.iter().enumerate() {
            let same = |other: &&super::VrfConfig| other.route_target == vrf.route_target;
            if self.vrfs.iter().take(index).find(same).is_some() {
                mistakes.push(format!("vrfs: {} is there twice", vrf.route_target.0));
            }
        }
        if let Err(error) = sark_program::log::check(&self.log) {
            mistakes.push(crate::chain(&error));
        }
        if let Err(error) = self.check_options() {
            mistakes.push(error.to_string());
        }
        mistakes
    }
}

impl Config {
    fn check_options(&self) -> Result<(), OptionsError> {
        Program::compile(&[], &self.options(), None).map(|_| ())
    }

    /// What the compiler wants to know.
    #[must_use]
    pub fn options(&self) -> Options {
        let mut options = Options::new(self.interfaces.iter().cloned());
        options.table.clone_from(&self.kernel.table);
        options.redirect_mask = self.marks.redirect.0.0;
        options.dscp_mask = self.marks.dscp.0.0;
        options.vrf_tables = self.vrfs.iter().map(|vrf| (vrf.route_target.0, vrf.table)).collect();
        options.first_table = self.kernel.first_table;
        options.preference = self.kernel.preference;
        options.protocol = self.kernel.protocol;
        let super::SampleConfig { group, one_in, octets } = self.sample;
        options.sample = Sample { group, one_in, octets };
        options.merged_segments = self.kernel.merged_segments;
        options
    }

    /// Its programs.
    #[must_use]
    pub fn kernel(&self) -> Kernel {
        Kernel::new(&self.kernel.nft, &self.kernel.ip, PATIENCE)
    }

    /// Where gobgpd is.
    #[must_use]
    pub fn speaker(&self) -> sark_gobgp::Config {
        let timeout_seconds = self.gobgp.timeout.unsigned_abs().as_secs();
        sark_gobgp::Config {
            timeout_seconds,
            ..sark_gobgp::Config::new(self.gobgp.address.0.clone())
        }
    }
}

#[cfg(test)]
mod tests {
    use sark_program::config::read;

    use super::*;
    use crate::config::Then;

    #[test]
    fn the_least_is_an_interface() {
        let config = read::<Config>("c.yaml", "interfaces: [eth0]").unwrap();
        assert_eq!(config.options(), Options::new(["eth0"]));
        assert_eq!(config.stale.hold, SignedDuration::from_mins(5));
        assert_eq!((config.stale.then, config.on_stop), (Then::Remove, Then::Keep));
        assert_eq!(config.metrics.listen.unwrap().to_string(), "127.0.0.1:9466");
    }

    #[test]
    fn all_of_it() {
        let text = "
interfaces: [eth0, eth1.100]
gobgp: { address: 'unix:///run/gobgpd.sock', timeout: 5s }
vrfs:
  - { routeTarget: 65001:100, table: 101 }
  - { routeTarget: 192.0.2.1:7, table: 102 }
marks: { redirect: 0x0000ff00, dscp: 0x7f000000 }
kernel: { table: rules, firstTable: 9000, preference: 500, protocol: 99, mergedSegments: false, nft: /usr/sbin/nft, ip: /usr/sbin/ip }
sample: { group: 5, oneIn: 100, octets: 64 }
stale: { hold: 1m 30s, then: keep, settle: 5s }
onStop: remove
interval: 30s
report: { name: edge-1, every: 10s, sarkd: { https: 'sark.example:8443', token: 'file:/etc/t' } }
metrics: { listen: null, rules: 10 }
state: { directory: /run/other }
log: { format: json, filter: debug }
";
        let config = read::<Config>("c.yaml", text).unwrap();
        let options = config.options();
        assert_eq!(options.redirect_mask, 0xff00);
        assert_eq!(options.vrf_tables.len(), 2);
        assert_eq!(options.sample.one_in.get(), 100);
        assert_eq!(config.stale.hold, SignedDuration::from_secs(90));
        assert_eq!(config.metrics.listen, None);
        assert_eq!(config.speaker().timeout_seconds, 5);
    }

    #[test]
    fn mistakes_say_what_was_meant() {
        for (text, wanted) in [
            ("interface: [eth0]", "did you mean `interfaces`?"),
            ("interfaces: [eth0]\nstale: { hold: 5m, than: keep }", "did you mean `then`?"),
            ("interfaces: []", "no interface is named"),
            ("interfaces: [eth0]\nstale: { hold: 300h }", "stale.hold"),
            ("interfaces: [eth0]\nmarks: { redirect: 255 }", "such as 0x00ff0000"),
            ("interfaces: [eth0]\nmarks: { redirect: 0x00f0f000 }", "adjacent"),
            ("interfaces: [eth0]\nvrfs: [{ routeTarget: x, table: 1 }]", "route target"),
            (
                "interfaces: [eth0]\nvrfs: [{ routeTarget: 1:1, table: 9 }, { routeTarget: 1:1, table: 8 }]",
                "1:1 is there twice",
            ),
            ("interfaces: [eth0]\ngobgp: { address: '192.0.2.1:50051' }", "not a loopback address"),
            ("interfaces: [eth0]\nreport: { name: Edge }", "report.name"),
            ("interfaces: [eth0]\nreport: { name: a, every: 0s }", "report.every"),
            (
                "interfaces: [eth0]\nreport: { name: a, sarkd: { https: 'a:1' } }",
                "report.sarkd.https takes a token",
            ),
            ("interfaces: [eth0]\nlog: { filter: '=,=' }", "log.filter"),
            ("", "interfaces: [eth0]"),
        ] {
            let said: Vec<String> = read::<Config>("c.yaml", text)
                .unwrap_err()
                .iter()
                .map(ToString::to_string)
                .collect();
            assert!(said.join("\n").contains(wanted), "{text}: {said:?}");
        }
    }
}
