//! What types cannot say. Touches neither files nor network.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use sark_core::document::nearest;
use sark_core::secret::SecretRef;

use super::{Address, Config, SinkConfig};

/// Something that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where, below `alerts`: `sinks[0] (soc)`.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

const BY_REFERENCE: &str = "write env:NAME or file:/path; the secret itself does not belong here";

impl Config {
    /// Every mistake; empty when there is none.
    #[must_use]
    pub fn check(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        let mut wrong = |key: &str, message: &str, help: &str| {
            let (key, message, help) = (key.to_owned(), message.to_owned(), help.to_owned());
            found.push(Mistake { key, message, help });
        };
        let between = |value: SignedDuration, from: SignedDuration, to: SignedDuration| {
            (from..=to).contains(&value)
        };
        let (hour, second) = (SignedDuration::from_hours(1), SignedDuration::from_secs(1));
        if !between(self.grouping.window, SignedDuration::ZERO, hour * 168) {
            wrong("grouping.window", "out of range", "0s to 168h");
        }
        if !between(self.keep, hour, hour * 8760) {
            wrong("keep", "out of range", "1h to 8760h");
        }
        if TimeZone::get(&self.time_zone).is_err() {
            let message = format!("no time zone {:?}", self.time_zone);
            wrong("timeZone", &message, "write it as the IANA does: Europe/Berlin");
        }
        if let Some(runbooks) = &self.runbooks
            && !runbooks.starts_with("https://")
        {
            wrong("runbooks", "is no https address", "leave it out if there is none");
        }
        let mut names = BTreeSet::new();
        for (n, sink) in self.sinks.iter().enumerate() {
            let key = format!("sinks[{n}] ({})", sink.name);
            if !names.insert(sink.name.as_str()) {
                wrong(&key, "this name is taken", "give each sink its own name");
            }
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            if sink.name.is_empty() || sink.name.len() > 40 || !sink.name.chars().all(plain) {
                wrong(&key, "this is no name", "at most 40 letters, digits, -, _ and .");
            }
            if !between(sink.timeout, second, second * 60) {
                wrong(&key, "timeout is out of range", "1s to 60s");
            }
            if !(1..=6000).contains(&sink.per_minute) {
                wrong(&key, "perMinute is out of range", "1 to 6000");
            }
            if !(1..=100).contains(&sink.attempts) {
                wrong(&key, "attempts is out of range", "1 to 100");
            }
            for template in [&sink.template.title, &sink.template.text].into_iter().flatten() {
                if let Err(error) = template.check() {
                    let help = "docs/alerts.md lists the words of a template";
                    wrong(&key, &format!("template: {error}"), help);
                }
            }
            sink.check(&mut |message, help| wrong(&key, message, help));
        }
        let mut quiet = BTreeSet::new();
        for (n, hours) in self.quiet_hours.iter().enumerate() {
            if !quiet.insert(hours.name.as_str()) {
                let key = format!("quietHours[{n}] ({})", hours.name);
                wrong(&key, "this name is taken", "give each its own name");
            }
        }
        let mut routes = BTreeSet::new();
        for (n, route) in self.routes.iter().enumerate() {
            let key = format!("routes[{n}] ({})", route.name);
            if !routes.insert(route.name.as_str()) {
                wrong(&key, "this name is taken", "give each route its own name");
            }
            if route.to.is_empty() {
                wrong(&key, "it leads nowhere", "name sinks under `to`");
            }
            for sink in route.to.iter().filter(|sink| !names.contains(sink.as_str())) {
                wrong(&key, &format!("no sink {sink:?}"), &known(sink, &names));
            }
            if let Some(hours) =
                route.quiet_hours.as_ref().filter(|it| !quiet.contains(it.as_str()))
            {
                wrong(&key, &format!("no quiet hours {hours:?}"), &known(hours, &quiet));
            }
        }
        found
    }
}

fn known(name: &str, names: &BTreeSet<&str>) -> String {
    match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("there are: {}", names.iter().copied().collect::<Vec<_>>().join(", ")),
    }
}

impl SinkConfig {
    fn check(&self, wrong: &mut dyn FnMut(&str, &str)) {
        match self.kinds().as_slice() {
            [_] => {}
            [] => wrong(
                "it has no kind",
                "one of webhook, slack, teams, pagerduty, splunk, sentinel, elastic, syslog, cef, file",
            ),
            many => wrong(&format!("it has {} kinds: {}", many.len(), many.join(", ")), "one each"),
        }
        for address in self.addresses() {
            match address {
                Address::Plain(url) if url.starts_with("http://") => {
                    if self.private_addresses.is_empty() {
                        wrong(
                            "plain http can be read and changed on its way",
                            "write https, or name the server's network under privateAddresses",
                        );
                    }
                }
                Address::Plain(_) => {}
                Address::Secret(SecretRef::Invalid) => {
                    wrong("url is neither an address nor a reference", BY_REFERENCE);
                }
                Address::Secret(_) => {}
            }
        }
        for chat in [&self.slack, &self.teams].into_iter().flatten() {
            if matches!(chat.url, Address::Plain(_)) {
                wrong("whoever knows this address can write to the channel", BY_REFERENCE);
            }
        }
        if self.secrets().any(|secret| *secret == SecretRef::Invalid) {
            wrong("a secret is no reference", BY_REFERENCE);
        }
        if let Some(elastic) = &self.elastic {
            if elastic.user.is_some() != elastic.password.is_some() {
                wrong("user and password go together", "give both or neither");
            }
            if elastic.api_key.is_some() && elastic.user.is_some() {
                wrong("it has an API key and a user", "one of them");
            }
        }
        for syslog in [&self.syslog, &self.cef].into_iter().flatten() {
            if syslog.facility > 23 {
                wrong("facility is out of range", "0 to 23 (RFC 5424 section 6.2.1)");
            }
            if syslog.port == Some(0) || syslog.host.is_empty() {
                wrong("it has no host, or a port that is none", "host: siem.example, port: 6514");
            }
        }
        if self.file.as_ref().is_some_and(|file| !file.path.is_absolute()) {
            wrong("the path is not absolute", "write it from /");
        }
    }

    fn addresses(&self) -> impl Iterator<Item = &Address> {
        let chat = [&self.slack, &self.teams].into_iter().flatten().map(|chat| &chat.url);
        let sentinel = self.sentinel.iter().flat_map(|it| [&it.endpoint, &it.authority]);
        let one = [
            self.webhook.as_ref().map(|it| &it.url),
            self.pagerduty.as_ref().map(|it| &it.url),
            self.splunk.as_ref().map(|it| &it.url),
            self.elastic.as_ref().map(|it| &it.url),
        ];
        one.into_iter().flatten().chain(chat).chain(sentinel)
    }

    fn secrets(&self) -> impl Iterator<Item = &SecretRef> {
        let webhook = self.webhook.iter().flat_map(|it| it.keys.iter().chain(it.headers.values()));
        let elastic =
            self.elastic.iter().flat_map(|it| it.api_key.iter().chain(it.password.iter()));
        let one = [
            self.pagerduty.as_ref().map(|it| &it.routing_key),
            self.splunk.as_ref().map(|it| &it.token),
            self.sentinel.as_ref().map(|it| &it.client_secret),
        ];
        one.into_iter().flatten().chain(webhook).chain(elastic)
    }
}
