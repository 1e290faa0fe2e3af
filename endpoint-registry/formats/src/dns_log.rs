//! Logs of DNS servers: what clients were answered.
//!
//! One line at a time ([`DnsLog::read`]). Lines that tell no address (queries, refusals, other
//! records, rubbish) are `None`: a log is full of them. What a line does not say, such as a TTL in
//! dnsmasq's log, is not made up: it is `None`, and the registry takes its least.

mod dnsmasq;
mod zeek;

use std::net::IpAddr;

use sark_registry::resolve::Seen;

use dnsmasq::Dnsmasq;
use zeek::Zeek;

/// Longer lines are not looked at.
const LINE_MOST: usize = 64 << 10;
/// Most addresses of one answer.
const ADDRESSES_MOST: usize = 512;

/// Whose log it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogForm {
    /// JSON lines, each a [`Seen`].
    Json,
    /// dnsmasq with `log-queries=extra`: with less, CNAME records cannot be followed from line to line.
    Dnsmasq,
    /// `dns.log` of Zeek, separated by tabs or as JSON. Of these servers: a sensor sees what any server
    /// on the Internet answers, and whoever is in front of it can ask one of his own.
    Zeek(Vec<IpAddr>),
}

/// A log that is being read: lines of some forms say what lines after them mean.
#[derive(Debug)]
pub struct DnsLog(Form);

#[derive(Debug)]
enum Form {
    Json,
    Dnsmasq(Dnsmasq),
    Zeek(Zeek),
}

impl DnsLog {
    /// At its beginning, or anywhere.
    #[must_use]
    pub fn new(form: LogForm) -> Self {
        Self(match form {
            LogForm::Json => Form::Json,
            LogForm::Dnsmasq => Form::Dnsmasq(Dnsmasq::default()),
            LogForm::Zeek(servers) => Form::Zeek(Zeek::of(servers)),
        })
    }

    /// What the next line says, if it says that a client was led to an address.
    pub fn read(&mut self, line: &str) -> Option<Seen> {
        let line = line.trim_end_matches(['\r', '\n']);
        if line.len() > LINE_MOST {
            return None;
        }
        let seen = match &mut self.0 {
            Form::Json => serde_json::from_str(line).ok(),
            Form::Dnsmasq(log) => log.read(line),
            Form::Zeek(log) => log.read(line),
        };
        seen.filter(|seen| (1..=ADDRESSES_MOST).contains(&seen.addresses.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(form: LogForm, text: &str) -> Vec<Seen> {
        let mut log = DnsLog::new(form);
        text.lines().filter_map(|line| log.read(line)).collect()
    }

    fn seen(name: &str, addresses: &[&str], ttl: Option<u32>, chain: &[&str]) -> Seen {
        Seen {
            name: name.to_owned(),
            addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
            ttl,
            chain: chain.iter().map(|&name| name.to_owned()).collect(),
            at: None,
        }
    }

    #[test]
    fn json_lines() {
        let text = r#"{"name":"api.example.com","addresses":["192.0.2.1","2001:db8::1"],"ttl":30}
{"name":"api.example.com","addresses":[]}
{"name":"api.example.com"}
not JSON
{"name":"b.example.com","addresses":["192.0.2.2"],"chain":["c.example.net"]}"#;
        let wanted = [
            seen("api.example.com", &["192.0.2.1", "2001:db8::1"], Some(30), &[]),
            seen("b.example.com", &["192.0.2.2"], None, &["c.example.net"]),
        ];
        assert_eq!(read(LogForm::Json, text), wanted);
    }

    /// As dnsmasq 2.90 writes it with `log-queries=extra`; two clients ask at once, and one
    /// for a name with blanks in it.
    #[test]
    fn dnsmasq_follows_cnames_by_serial_number() {
        let text = "\
Nov 25 10:00:00 dnsmasq[412]: 7 10.1.2.3/40112 query[A] api.example.com from 10.1.2.3
Nov 25 10:00:00 dnsmasq[412]: 7 10.1.2.3/40112 forwarded api.example.com to 192.0.2.53
Nov 25 10:00:00 dnsmasq[412]: 8 10.1.2.4/51000 query[AAAA] b.example.com from 10.1.2.4
Nov 25 10:00:00 dnsmasq[412]: 7 10.1.2.3/40112 reply api.example.com is <CNAME>
Nov 25 10:00:00 dnsmasq[412]: 8 10.1.2.4/51000 cached b.example.com is 2001:db8::2
Nov 25 10:00:00 dnsmasq[412]: 7 10.1.2.3/40112 reply edge.example.net is <CNAME>
Nov 25 10:00:00 dnsmasq[412]: 7 10.1.2.3/40112 reply host.example.org is 192.0.2.1
Nov 25 10:00:00 dnsmasq[412]: 9 10.1.2.4/51001 query[A] c.example.com from 10.1.2.4
Nov 25 10:00:00 dnsmasq[412]: 9 10.1.2.4/51001 reply c.example.com is NXDOMAIN
Nov 25 10:00:00 dnsmasq[412]: 9 10.1.2.4/51001 config d.example.com is 192.0.2.9
Nov 25 10:00:00 dnsmasq[412]: reply e.example.com is 192.0.2.5
Nov 25 10:00:00 dnsmasq[412]: 10 10.1.2.4/51002 query[A] f.example.com is 192.0.2.6 g.example.org from 10.1.2.4
Nov 25 10:00:00 dnsmasq[412]: 10 10.1.2.4/51002 reply f.example.com is 192.0.2.6 g.example.org is 192.0.2.7
";
        let wanted = [
            seen("b.example.com", &["2001:db8::2"], None, &[]),
            seen(
                "api.example.com",
                &["192.0.2.1"],
                None,
                &["edge.example.net", "host.example.org"],
            ),
        ];
        assert_eq!(read(LogForm::Dnsmasq, text), wanted);
    }

    #[test]
    fn zeek_by_tabs_and_as_json() {
        let at = Some("2026-11-25T10:00:00.5Z".parse().unwrap());
        let answer = |addresses: &[&str], chain: &[&str]| Seen {
            at,
            ..seen("api.example.com", addresses, Some(20), chain)
        };
        let text = "\
#separator \\x09
#set_separator\t,
#empty_field\t(empty)
#unset_field\t-
#path\tdns
#fields\tts\tuid\tid.resp_h\tquery\tqtype_name\tanswers\tTTLs\trejected
#types\ttime\tstring\taddr\tstring\tstring\tvector[string]\tvector[interval]\tbool
1795600800.500000\tC1\t10.0.0.53\tapi.example.com\tA\tedge.example.net,192.0.2.1,192.0.2.2\t300.000000,20.000000,30.000000\tF
1795600800.500000\tC2\t10.0.0.53\tapi.example.com\tA\t-\t-\tT
1795600800.500000\tC3\t10.0.0.53\tapi.example.com\tTXT\tTXT 12 192.0.2.3\t60.000000\tF
1795600800.500000\tC4\t198.51.100.66\tapi.example.com\tA\t192.0.2.66\t60.000000\tF
";
        let wanted = answer(&["192.0.2.1", "192.0.2.2"], &["edge.example.net"]);
        let form = || LogForm::Zeek(vec!["10.0.0.53".parse().unwrap()]);
        assert_eq!(read(form(), text), std::slice::from_ref(&wanted));
        let text = r#"{"ts":1795600800.5,"id.resp_h":"10.0.0.53","query":"api.example.com","qtype_name":"A","answers":["edge.example.net","192.0.2.1","192.0.2.2"],"TTLs":[300.0,20.0,30.0],"rejected":false}
{"ts":1795600800.5,"id.resp_h":"10.0.0.53","query":"api.example.com","qtype_name":"MX","answers":["192.0.2.1"]}
{"query":7}
{"ts":1795600800.5,"id.resp_h":"198.51.100.66","query":"api.example.com","qtype_name":"A","answers":["192.0.2.66"]}"#;
        assert_eq!(read(form(), text), [wanted]);
    }

    proptest::proptest! {
        /// Words of logs in any order, so that lines get as far as can be.
        #[test]
        fn no_line_panics(
            lines in proptest::collection::vec(
                "((dnsmasq\\[1\\]: |#fields\tid.resp_h\tts\t|7 |reply |cached |is |<CNAME> |query\\[A\\] |\\{\"query\":|192.0.2.1[ ,\t]|\t|-)|\\PC){0,24}",
                0..8,
            ),
        ) {
            let zeek = LogForm::Zeek(vec!["192.0.2.1".parse().unwrap()]);
            for form in [LogForm::Json, LogForm::Dnsmasq, zeek] {
                let mut log = DnsLog::new(form);
                lines.iter().for_each(|line| drop(log.read(line)));
            }
        }
    }
}
