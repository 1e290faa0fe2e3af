//! What is written → what is meant, and what does not fit together.

use sark_core::ContentHash;
use sark_core::document::{Diagnostic, Spanned};
use sark_core::storage::PolicyFile;

use super::document::{ActionFields, FlowSpecPolicy, Metadata, ScheduleFields, Spec, To};
use super::written::{Field, Form, OneOrMany, WordOr, Written};
use super::{
    Action, Destinations, FragmentBit, Place, Policy, Protocol, Range, Schedule, TcpFlagMatch,
    WhenProxyDown, Window, version,
};

mod action;

/// Windows of one schedule.
const MAX_WINDOWS: usize = 64;

const TCP: Protocol = Protocol::Number(6);
const UDP: Protocol = Protocol::Number(17);

/// Checks one document and keeps what is wrong with it.
pub(super) struct Checker<'f> {
    file: &'f PolicyFile,
    /// First line of the document.
    line: u32,
    pub(super) mistakes: Vec<Diagnostic>,
}

impl<'f> Checker<'f> {
    pub(super) fn new(file: &'f PolicyFile, line: u32) -> Self {
        Self { file, line, mistakes: Vec::new() }
    }

    fn wrong(
        &mut self,
        line: u32,
        column: u32,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let diagnostic = Diagnostic::at(&self.file.name, &self.file.text, line, column, message);
        let help = help.into();
        self.mistakes.push(if help.is_empty() { diagnostic } else { diagnostic.with_help(help) });
    }

    fn wrong_at<T>(
        &mut self,
        at: &Spanned<T>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.wrong(at.line, at.column, message, help);
    }

    /// The value of a key that must be there; `within` is the place to show otherwise.
    fn needed<T>(
        &mut self,
        field: Field<T>,
        key: &str,
        within: (u32, u32),
        help: &str,
    ) -> Option<Spanned<T>> {
        if field.0.is_none() {
            self.wrong(within.0, within.1, format!("missing key `{key}`"), help);
        }
        field.0
    }

    /// The policy, if nothing is wrong with it. Only for documents that could be read whole.
    pub(super) fn policy(&mut self, document: FlowSpecPolicy) -> Option<Policy> {
        let top = (self.line, 1);
        self.needed(document.api_version, "apiVersion", top, "write `apiVersion: sark/v1`");
        self.needed(document.kind, "kind", top, "write `kind: FlowSpecPolicy`");
        let metadata =
            self.needed(document.metadata, "metadata", top, "write `metadata: { name: … }`");
        let named = metadata.and_then(|metadata| self.metadata(metadata));
        let spec = self.needed(document.spec, "spec", top, "it says which packets, and the action");
        let spec = spec.and_then(|spec| self.spec(spec));
        let (mut policy, (name, owner, ticket)) = spec.zip(named)?;
        if !self.mistakes.is_empty() {
            return None;
        }
        policy.name = name;
        policy.owner = owner;
        policy.ticket = ticket;
        policy.version = version::of_policy(&policy);
        Some(policy)
    }

    fn metadata(
        &mut self,
        metadata: Spanned<Metadata>,
    ) -> Option<(String, Option<String>, Option<String>)> {
        let place = (metadata.line, metadata.column);
        let metadata = metadata.value;
        let name = self.needed(metadata.name, "name", place, "a name of the policy's own");
        let text =
            |field: Field<String>| field.0.map(|text| text.value).filter(|text| !text.is_empty());
        Some((name?.value.0, text(metadata.owner), text(metadata.ticket)))
    }

    /// A policy without its name.
    fn spec(&mut self, spec: Spanned<Spec>) -> Option<Policy> {
        let place = (spec.line, spec.column);
        let spec = spec.value;
        let from_line = spec.from.line();
        if !spec.from.is_given() && !spec.to.is_given() {
            self.wrong(
                place.0,
                place.1,
                "neither `from` nor `to`: the policy would act on all traffic",
                "say where the packets come from or where they go to",
            );
        }
        let protocols = self.protocols(&spec);
        self.check_ports(&spec, &protocols);
        let tcp_flags = self.tcp_flags(&spec, &protocols);
        let fragment = self.list(spec.fragment, "fragment");
        let when_down = spec.when_proxy_down.0.as_ref().map(|when| when.with(when.value.0));
        let action = self.needed(spec.action, "action", place, "such as `action: drop`");
        let action = action.and_then(|action| self.action(action, when_down));
        let from = self.list(spec.from, "from");
        let to = spec.to.0.map(|to| self.destinations(to));
        Some(Policy {
            name: String::new(),
            owner: None,
            ticket: None,
            place: Place { file: self.file.name.clone(), line: self.line },
            version: ContentHash::of(b""),
            priority: spec.priority.0.map_or(100, |priority| priority.value.0),
            from,
            from_line,
            to,
            protocols,
            ports: merged(self.list(spec.ports, "ports")),
            source_ports: merged(self.list(spec.source_ports, "sourcePorts")),
            packet_length: merged(self.list(spec.packet_length, "packetLength")),
            dscp: merged(self.list(spec.dscp, "dscp")),
            tcp_flags,
            fragment,
            action: action?,
            schedule: spec.schedule.0.and_then(|schedule| self.schedule(schedule)),
            expires: spec.expires.0.map(|expires| expires.value.0),
            when_proxy_down: when_down.map_or(WhenProxyDown::default(), |when| when.value),
        })
    }

    /// The values of a list, sorted, each once. An empty list selects nothing: refused.
    fn list<F: Form<Value: Ord>>(
        &mut self,
        field: Field<Vec<Written<F>>>,
        key: &str,
    ) -> Vec<F::Value> {
        let Some(list) = field.0 else { return Vec::new() };
        if list.value.is_empty() {
            self.wrong_at(
                &list,
                format!("`{key}` is empty: it would select nothing"),
                format!("leave `{key}` out if any will do"),
            );
        }
        let mut values: Vec<F::Value> = list.value.into_iter().map(|written| written.0).collect();
        values.sort();
        values.dedup();
        values
    }

    fn protocols(&mut self, spec: &Spec) -> Vec<Protocol> {
        let Some(given) = &spec.protocol.0 else { return Vec::new() };
        let OneOrMany(words) = &given.value;
        if words.is_empty() {
            self.wrong_at(
                given,
                "`protocol` is empty: it would select nothing",
                "leave `protocol` out if any will do",
            );
        }
        let mut protocols: Vec<Protocol> = words.iter().map(|word| word.0).collect();
        protocols.sort();
        protocols.dedup();
        protocols
    }

    fn check_ports(&mut self, spec: &Spec, protocols: &[Protocol]) {
        for (key, field) in [("ports", &spec.ports), ("sourcePorts", &spec.source_ports)] {
            let Some(ports) = &field.0 else { continue };
            if protocols.iter().any(|protocol| ![TCP, UDP].contains(protocol)) {
                self.wrong_at(
                    ports,
                    format!("`{key}` are of TCP or UDP; `protocol` names another"),
                    "use a policy of its own for the other protocols",
                );
            }
            let later = |word: &Written<super::forms::FragmentWord>| {
                word.0.set && matches!(word.0.bit, FragmentBit::Is | FragmentBit::Last)
            };
            if let Some(fragment) = &spec.fragment.0
                && !fragment.value.is_empty()
                && fragment.value.iter().all(later)
            {
                self.wrong_at(
                    fragment,
                    format!(
                        "fragments after the first carry no ports: with `{key}` nothing would match"
                    ),
                    format!("leave `{key}` or `fragment` out"),
                );
            }
        }
    }

    fn tcp_flags(&mut self, spec: &Spec, protocols: &[Protocol]) -> Vec<TcpFlagMatch> {
        let Some(given) = &spec.tcp_flags.0 else { return Vec::new() };
        if given.value.is_empty() {
            self.wrong_at(given, "`tcpFlags` is empty", "leave `tcpFlags` out if any will do");
        }
        if protocols.iter().any(|protocol| *protocol != TCP) {
            self.wrong_at(
                given,
                "`tcpFlags` need TCP; `protocol` names another",
                "write `protocol: tcp`",
            );
        }
        let mut flags: Vec<TcpFlagMatch> = given.value.iter().map(|word| word.0).collect();
        flags.sort();
        flags.dedup();
        if flags.windows(2).any(|pair| pair[0].bit == pair[1].bit) {
            self.wrong_at(
                given,
                "a TCP flag cannot be set and clear at once",
                "all flags of the list must hold",
            );
        }
        flags
    }

    fn destinations(&mut self, to: Spanned<To>) -> Destinations {
        let line = to.line;
        let at = to.with(());
        let to = to.value;
        let given = [
            to.providers.is_given(),
            to.services.is_given(),
            to.kinds.is_given(),
            to.tunnels.is_given(),
            to.prefixes.is_given(),
            to.names.is_given(),
        ];
        if !given.contains(&true) {
            self.wrong_at(
                &at,
                "`to` is empty: it would select nothing",
                "leave `to` out if any destination will do",
            );
        }
        Destinations {
            line,
            providers: self.list(to.providers, "providers"),
            services: self.list(to.services, "services"),
            kinds: self.list(to.kinds, "kinds"),
            tunnels: self.list(to.tunnels, "tunnels"),
            prefixes: self.list(to.prefixes, "prefixes"),
            names: self.list(to.names, "names"),
        }
    }

    fn schedule(&mut self, schedule: Spanned<ScheduleFields>) -> Option<Schedule> {
        let place = (schedule.line, schedule.column);
        let schedule = schedule.value;
        let zone = self.needed(schedule.zone, "zone", place, "such as `zone: Europe/Paris`");
        let fields = self.needed(
            schedule.windows,
            "windows",
            place,
            "such as `windows: [{ from: \"08:00\", to: \"18:00\" }]`",
        )?;
        if fields.value.is_empty() || fields.value.len() > MAX_WINDOWS {
            self.wrong_at(&fields, format!("a schedule has 1 to {MAX_WINDOWS} windows"), "");
        }
        let place = (fields.line, fields.column);
        let mut windows = Vec::new();
        for window in fields.value {
            let from = self.needed(
                window.from,
                "from",
                place,
                "begin of the window, such as `from: \"08:00\"`",
            );
            let to =
                self.needed(window.to, "to", place, "end of the window, such as `to: \"18:00\"`");
            if let Some(days) = &window.days.0
                && days.value.is_empty()
            {
                self.wrong_at(
                    days,
                    "`days` is empty: it would select nothing",
                    "leave `days` out for every day",
                );
            }
            let days = window.days.0.map(|days| days.value).unwrap_or_default();
            let mut days: Vec<_> = days.into_iter().flat_map(|day| day.0).collect();
            days.sort_by_key(|day| day.to_monday_one_offset());
            days.dedup();
            if let Some((from, to)) = from.zip(to) {
                windows.push(Window { days, from: from.value.0, to: to.value.0 });
            }
        }
        windows.sort_by_key(|window| {
            (
                window.from,
                window.to,
                window.days.iter().map(|day| day.to_monday_one_offset()).collect::<Vec<_>>(),
            )
        });
        windows.dedup();
        Some(Schedule { zone: zone?.value.0, windows })
    }

    fn action(
        &mut self,
        action: Spanned<WordOr<ActionFields>>,
        when_down: Option<Spanned<WhenProxyDown>>,
    ) -> Option<Action> {
        let at = action.with(());
        action::check(self, action.value.0, &at, when_down)
    }
}

/// Sorted ranges, those that touch or overlap made one.
fn merged(ranges: Vec<Range>) -> Vec<Range> {
    let mut merged: Vec<Range> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if u32::from(range.first) <= u32::from(last.last) + 1 => {
                last.last = last.last.max(range.last);
            }
            _ => merged.push(range),
        }
    }
    merged
}
