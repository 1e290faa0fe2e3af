//! Text → feeds.

use std::collections::BTreeSet;

use sark_core::document::{Diagnostic, Spanned, listed, parse_all};

use super::{
    Change, Columns, CsvForm, Feed, Format, JsonForm, Limits, Location, Output, PRICE_LIST,
    Selector, Transport, Trust,
    form::{self, Form, Spec, Word},
    url,
};
use crate::{
    Sharedness,
    endpoint::check_slug,
    overlay::{UNSURE, role_of},
    schedule::Schedule,
};

/// Widest that a feed may be allowed: what an overlay takes.
const WIDEST: (u64, u64) = (8, 16);

/// All feeds of a file, in its order; or every mistake in it. A name is there once.
pub fn parse(file: &str, text: &str) -> Result<Vec<Feed>, Vec<Diagnostic>> {
    let parsed = parse_all::<Form>(file, text);
    let mut reader = Reader { file, text, whole: true, mistakes: parsed.mistakes };
    let (mut feeds, mut names) = (Vec::new(), BTreeSet::new());
    for read in parsed.documents {
        reader.whole = read.whole;
        let form = read.document.value;
        if !names.insert(form.metadata.name.value.clone()) {
            let name = &form.metadata.name;
            reader.mistake(name, format!("the feed {:?} is there twice", name.value));
        }
        feeds.extend(reader.feed(form));
    }
    if reader.mistakes.is_empty() {
        return Ok(feeds);
    }
    reader.mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
    Err(reader.mistakes)
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    /// Nothing was left out of the document: what is missing is missing in the file.
    whole: bool,
    mistakes: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn mistake<T>(&mut self, place: &Spanned<T>, message: impl Into<String>) {
        let at = Diagnostic::at(self.file, self.text, place.line, place.column, message);
        self.mistakes.push(at);
    }

    /// Only said if nothing was left out before.
    fn missing<T>(&mut self, place: &Spanned<T>, message: impl Into<String>) {
        if self.whole {
            self.mistake(place, message);
        }
    }

    fn check<T>(&mut self, place: &Spanned<T>, outcome: Result<(), String>) {
        if let Err(message) = outcome {
            self.mistake(place, message);
        }
    }

    fn text(&mut self, text: &Spanned<String>, what: &str) {
        if text.trim().is_empty() {
            self.mistake(text, format!("{what} is empty"));
        }
    }

    fn feed(&mut self, form: Form) -> Option<Feed> {
        let Form { metadata, spec, .. } = form;
        if let Err(error) = check_slug(&metadata.name) {
            self.mistake(&metadata.name, error.to_string());
        }
        if metadata.name.value == PRICE_LIST {
            let message = "the name of the feed that `registry.prices` of the configuration makes";
            self.mistake(&metadata.name, message);
        }
        self.text(&metadata.owner, "the owner");
        self.text(&spec.title, "the title");
        let private = spec.transport.private.unwrap_or(false);
        let schedule = spec.schedule.parse::<Schedule>();
        if let Err(error) = &schedule {
            self.mistake(&spec.schedule, error.to_string());
        }
        let location = self.location(&spec, private);
        let format = self.format(&spec);
        let outputs = self.outputs(&spec);
        if matches!(location, Some(Location::Taxii { .. })) && spec.format.value != Word::Stix {
            self.mistake(&spec.format, "a TAXII server speaks `stix`");
        }
        let (limits, trust) = (self.limits(spec.limits), self.trust(spec.trust, private));
        let transport = self.transport(spec.transport);
        Some(Feed {
            name: metadata.name.value,
            title: spec.title.value,
            owner: metadata.owner.value,
            licence: spec.licence,
            enabled: spec.enabled.unwrap_or(true),
            location: location?,
            format: format?,
            schedule: schedule.ok()?,
            outputs,
            limits,
            trust,
            transport,
        })
    }

    fn location(&mut self, spec: &Spec, private: bool) -> Option<Location> {
        let mut found = Vec::new();
        if let Some(urls) = &spec.urls {
            if urls.is_empty() {
                self.missing(urls, "`urls` is empty");
            }
            for url in urls.iter() {
                self.check(url, url::check(url, private));
            }
            let urls = urls.iter().map(|url| url.value.clone()).collect();
            found.push(Location::Urls(urls));
        }
        if let Some(file) = &spec.file {
            self.text(file, "`file`");
            found.push(Location::File(file.value.as_str().into()));
        }
        if let Some(directory) = &spec.directory {
            self.text(directory, "`directory`");
            found.push(Location::Directory(directory.value.as_str().into()));
        }
        if let Some(taxii) = &spec.taxii {
            self.check(&taxii.root, url::check(&taxii.root, private));
            if !taxii.root.ends_with('/') {
                self.mistake(&taxii.root, "an API root ends with /");
            }
            if !is_uuid(&taxii.collection) {
                self.mistake(&taxii.collection, "a collection's id is a UUID");
            }
            let (root, collection) = (taxii.root.value.clone(), taxii.collection.value.clone());
            found.push(Location::Taxii { root, collection });
        }
        if found.len() != 1 {
            let message = "say where it is: one of `urls`, `file`, `directory`, `taxii`";
            self.missing(&spec.title, message);
        }
        found.into_iter().next()
    }

    /// The format with its options; those of other formats are mistakes.
    fn format(&mut self, spec: &Spec) -> Option<Format> {
        let word = spec.format.value;
        let wrong = |belongs| format!("only `format: {belongs}` has this");
        if let Some(csv) = spec.csv.as_ref().filter(|_| word != Word::Csv) {
            self.mistake(csv, wrong("csv"));
        }
        if let Some(json) = spec.json.as_ref().filter(|_| word != Word::Json) {
            self.mistake(json, wrong("json"));
        }
        if let Some(list) = spec.list.as_ref().filter(|_| word != Word::DomainList) {
            self.mistake(list, wrong("domain-list"));
        }
        Some(match word {
            Word::Csv => return self.csv(spec),
            Word::Json => return self.json(spec),
            Word::DomainList => {
                let Some(list) = &spec.list else {
                    let message = "name the list to start from, such as `list: category-ai-!cn`";
                    self.missing(&spec.format, message);
                    return None;
                };
                self.text(list, "`list`");
                Format::DomainList { list: list.value.clone() }
            }
            Word::Text => Format::Text,
            Word::Misp => Format::Misp,
            Word::Stix => Format::Stix,
            Word::Prefixes => Format::Prefixes,
            Word::Google => Format::Google,
            Word::Aws => Format::Aws,
            Word::Azure => Format::Azure,
            Word::Fastly => Format::Fastly,
            Word::Github => Format::Github,
            Word::Onionoo => Format::Onionoo,
            Word::TorExitAddresses => Format::TorExitAddresses,
            Word::Mullvad => Format::Mullvad,
            Word::Nordvpn => Format::Nordvpn,
            Word::Proton => Format::Proton,
            Word::Pia => Format::Pia,
            Word::Surfshark => Format::Surfshark,
            Word::Ivpn => Format::Ivpn,
            Word::Airvpn => Format::Airvpn,
            Word::Windscribe => Format::Windscribe,
            Word::PrivateRelay => Format::PrivateRelay,
            Word::Derp => Format::Derp,
            Word::RipeAnnounced => Format::RipeAnnounced,
            Word::IpToAsn => Format::IpToAsn,
            Word::PublicSuffixes => Format::PublicSuffixes,
        })
    }

    fn csv(&mut self, spec: &Spec) -> Option<Format> {
        let Some(csv) = &spec.csv else {
            let message = "say which column: `csv: { header: true, subject: prefix }`";
            self.missing(&spec.format, message);
            return None;
        };
        let header = csv.header.unwrap_or(false);
        for column in std::iter::once(&csv.subject).chain(&csv.tag) {
            self.text(column, "the column");
            if !header && !column.parse::<u32>().is_ok_and(|number| (1..=1000).contains(&number)) {
                let message = "without `header: true` a column is a number from 1";
                self.mistake(column, message);
            }
        }
        let delimiter = match csv.delimiter.as_ref().map(|text| (text, text.as_bytes())) {
            None => b',',
            Some((_, b"tab" | b"\t")) => b'\t',
            Some((_, &[octet])) if octet.is_ascii_punctuation() || octet == b' ' => octet,
            Some((place, _)) => {
                self.mistake(place, "a delimiter is one character, or `tab`");
                b','
            }
        };
        let columns = Columns {
            subject: csv.subject.value.clone(),
            tag: csv.tag.as_ref().map(|tag| tag.value.clone()),
        };
        Some(Format::Csv(CsvForm { delimiter, header, columns }))
    }

    fn json(&mut self, spec: &Spec) -> Option<Format> {
        let Some(json) = &spec.json else {
            let message = "say where: `json: { items: \"$.prefixes[*]\", subjects: [$.prefix] }`";
            self.missing(&spec.format, message);
            return None;
        };
        for path in std::iter::once(&json.items).chain(&json.subjects).chain(&json.tag) {
            if !path.starts_with('$') {
                self.mistake(path, "a path begins with $, such as $.prefixes[*] (RFC 9535)");
            }
        }
        if json.subjects.is_empty() {
            self.missing(&json.items, "`subjects` is empty: where is the prefix in an item?");
        }
        Some(Format::Json(JsonForm {
            items: json.items.value.clone(),
            subjects: json.subjects.iter().map(|path| path.value.clone()).collect(),
            tag: json.tag.as_ref().map(|tag| tag.value.clone()),
        }))
    }

    fn outputs(&mut self, spec: &Spec) -> Vec<Output> {
        let lookup = matches!(spec.format.value, Word::IpToAsn | Word::PublicSuffixes);
        if lookup && let Some(output) = spec.outputs.first() {
            self.mistake(&output.endpoint, "this format makes no endpoints");
        } else if !lookup && spec.outputs.is_empty() {
            self.missing(&spec.format, "it has no `outputs`: say which endpoint it makes");
        }
        spec.outputs.iter().map(|output| self.output(output)).collect()
    }

    fn output(&mut self, output: &form::Output) -> Output {
        let id = &output.endpoint;
        let slugs = id.split_once('/').map(|(a, b)| check_slug(a).and_then(|()| check_slug(b)));
        match slugs {
            Some(Ok(())) => {}
            Some(Err(error)) => self.mistake(id, error.to_string()),
            None => self.mistake(id, "an endpoint is provider/service, such as tor/guards"),
        }
        if output.title.trim().is_empty() {
            self.mistake(id, format!("{} has no title", id.value));
        }
        for values in output.select.values().filter(|values| values.is_empty()) {
            self.mistake(values, "no value: nothing would be selected");
        }
        let select = output
            .select
            .iter()
            .map(|(label, values)| Selector { label: label.clone(), any: values.value.clone() });
        let mut ports = output.ports.clone();
        ports.sort_unstable();
        ports.dedup();
        Output {
            endpoint: id.value.clone(),
            title: output.title.clone(),
            kind: output.kind,
            role: output.role.unwrap_or_else(|| role_of(output.kind)),
            sharedness: output.sharedness.unwrap_or(Sharedness::Cdn),
            confidence: output.confidence.map_or(UNSURE, |percent| percent.0),
            verified: output.verified.unwrap_or(false),
            ports,
            select: select.collect(),
        }
    }

    fn limits(&mut self, form: form::Limits) -> Limits {
        let least = Limits::default();
        let mut widest = |length: Option<Spanned<u64>>, usual: u8, least: u64, most: u64| {
            let Some(length) = length else { return usual };
            let fits = (least..=most).contains(&length.value);
            if !fits {
                self.mistake(&length, format!("{}: from {least} to {most}", length.value));
            }
            u8::try_from(length.value).unwrap_or(usual)
        };
        let widest_ipv4 = widest(form.widest_ipv4, least.widest_ipv4, WIDEST.0, 32);
        let widest_ipv6 = widest(form.widest_ipv6, least.widest_ipv6, WIDEST.1, 128);
        let least_entries = form.least_entries.map_or(least.least_entries, |n| n.value);
        let most_entries = form.most_entries.map_or(least.most_entries, |n| n.value);
        if most_entries < least_entries.max(1)
            && let Some(place) = form.most_entries.or(form.least_entries)
        {
            self.mistake(&place, "`mostEntries` is less than `leastEntries`, or 0");
        }
        Limits {
            widest_ipv4,
            widest_ipv6,
            change: Change {
                percent: form.change.percent.map_or(least.change.percent, |percent| percent.0),
                entries: form.change.entries.unwrap_or(least.change.entries),
            },
            least_entries,
            most_entries,
            most_octets: form.most_octets.map_or(least.most_octets, |octets| octets.0),
            private_ranges: form.private_ranges.unwrap_or(false),
        }
    }

    fn trust(&mut self, form: form::Trust, private: bool) -> Trust {
        let is_hash = |text: &str| {
            text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        if let Some(hash) = form.sha256.as_ref().filter(|hash| !is_hash(hash)) {
            self.mistake(hash, "a SHA-256 is 64 digits of lower-case hex");
        }
        if let Some(minisign) = &form.minisign {
            let is_key = minisign.key.len() == 56 && minisign.key.starts_with("RW");
            if !is_key {
                self.mistake(&minisign.key, "a minisign key is 56 characters and begins with RW");
            }
            self.check(&minisign.signature, url::check(&minisign.signature, private));
        }
        Trust {
            sha256: form.sha256.map(|hash| hash.value),
            minisign: form.minisign.map(|both| (both.key.value, both.signature.value)),
        }
    }

    fn transport(&mut self, form: form::Transport) -> Transport {
        if let Some(proxy) = &form.proxy {
            self.check(proxy, url::check_proxy(proxy));
        }
        for (name, value) in &form.headers {
            if !url::is_header(name) {
                self.mistake(value, format!("{name:?} is not a header's name"));
            }
            let reference = ["env:", "file:"].iter().find_map(|kind| value.strip_prefix(kind));
            if reference.is_none_or(str::is_empty) {
                let kinds = listed(["env:NAME", "file:/path"]);
                self.mistake(value, format!("a header's value is a secret's reference: {kinds}"));
            }
        }
        let usual = Transport::default();
        Transport {
            timeout: form.timeout.map_or(usual.timeout, |span| span.0),
            proxy: form.proxy.map(|proxy| proxy.value),
            ca_file: form.ca_file.map(Into::into),
            headers: form.headers.into_iter().map(|(name, v)| (name, v.value)).collect(),
            private: form.private.unwrap_or(usual.private),
        }
    }
}

/// RFC 9562, in either case.
fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let hex = |part: &&str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    parts.iter().all(hex) && parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
}
