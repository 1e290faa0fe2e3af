//! What a parser has found so far.

use std::{collections::HashSet, sync::Arc};

use sark_registry::{
    PortRange,
    feed::{Content, Entry, Label, Parsed, Skipped, Subject},
};

use crate::{ParseError, ParseLimits, text};

/// How many skipped are kept.
const SKIPPED: usize = 100;
/// How many versions are kept, of feeds with many parts or events.
const PUBLISHED: usize = 8;
/// How many words of a list become labels. Where many entries share them, more would cost the
/// product of the two.
pub(crate) const MOST_LABELS: usize = 64;

/// Entries, without duplicates in the end; what was skipped; and where the parser is.
pub(crate) struct Collect {
    part: String,
    many_parts: bool,
    most: usize,
    /// At this many entries, duplicates are taken out.
    full: usize,
    entries: Vec<Entry>,
    values: HashSet<Arc<str>>,
    published: Vec<String>,
    skipped: Vec<Skipped>,
    skipped_count: u64,
}

impl Collect {
    pub(crate) fn new(limits: &ParseLimits, many_parts: bool) -> Self {
        let most = usize::try_from(limits.most_entries).unwrap_or(usize::MAX);
        Self {
            part: String::new(),
            many_parts,
            most,
            full: most.saturating_mul(2).saturating_add(1),
            entries: Vec::new(),
            values: HashSet::new(),
            published: Vec::new(),
            skipped: Vec::new(),
            skipped_count: 0,
        }
    }

    /// The next part.
    pub(crate) fn begin(&mut self, part: &str) {
        part.clone_into(&mut self.part);
    }

    pub(crate) fn part(&self) -> String {
        self.part.clone()
    }

    /// Limit of entries.
    pub(crate) fn most(&self) -> usize {
        self.most
    }

    pub(crate) fn published(&mut self, version: impl Into<String>) {
        let version = text::brief(&version.into());
        let room = self.published.len() < PUBLISHED;
        if room && !version.is_empty() && !self.published.contains(&version) {
            self.published.push(version);
        }
    }

    /// A label; values are shared.
    pub(crate) fn label(&mut self, key: &'static str, value: &str) -> Label {
        if let Some(value) = self.values.get(value) {
            return Label { key, value: Arc::clone(value) };
        }
        let shared: Arc<str> = Arc::from(value);
        self.values.insert(Arc::clone(&shared));
        Label { key, value: shared }
    }

    /// Labels of those pairs that have a value.
    pub(crate) fn labels(&mut self, pairs: &[(&'static str, &str)]) -> Vec<Label> {
        let given = pairs.iter().filter(|(_, value)| !value.is_empty());
        given.map(|(key, value)| self.label(key, value)).collect()
    }

    /// An address or prefix with labels; skipped with the reason if it is none.
    pub(crate) fn address(
        &mut self,
        text: &str,
        labels: &[Label],
        place: impl FnOnce() -> String,
    ) -> Result<(), ParseError> {
        self.found(text::address(text), labels, Vec::new(), place)
    }

    /// As [`address`](Self::address), or a name.
    pub(crate) fn subject(
        &mut self,
        text: &str,
        labels: &[Label],
        place: impl FnOnce() -> String,
    ) -> Result<(), ParseError> {
        self.found(text::subject(text), labels, Vec::new(), place)
    }

    pub(crate) fn found(
        &mut self,
        subject: Result<Subject, String>,
        labels: &[Label],
        ports: Vec<PortRange>,
        place: impl FnOnce() -> String,
    ) -> Result<(), ParseError> {
        match subject {
            Ok(subject) => self.entry(subject, labels.to_vec(), ports),
            Err(reason) => {
                self.skip(place, reason);
                Ok(())
            }
        }
    }

    pub(crate) fn entry(
        &mut self,
        subject: Subject,
        mut labels: Vec<Label>,
        mut ports: Vec<PortRange>,
    ) -> Result<(), ParseError> {
        labels.sort();
        labels.dedup();
        ports.sort();
        ports.dedup();
        self.entries.push(Entry { subject, labels, ports });
        if self.entries.len() >= self.full { self.compact() } else { Ok(()) }
    }

    pub(crate) fn skip(&mut self, place: impl FnOnce() -> String, reason: impl Into<String>) {
        self.skipped_count += 1;
        if self.skipped.len() < SKIPPED {
            let place = place();
            let place = if self.many_parts { format!("{}: {place}", self.part) } else { place };
            self.skipped.push(Skipped { place, reason: text::brief(&reason.into()) });
        }
    }

    pub(crate) fn too_many(&self) -> ParseError {
        ParseError::Many { part: self.part(), most: self.most.try_into().unwrap_or(u64::MAX) }
    }

    /// Each at least doubles or fails: a sort now and then costs no more than one at the end.
    fn compact(&mut self) -> Result<(), ParseError> {
        self.entries.sort_unstable();
        self.entries.dedup();
        if self.entries.len() > self.most { Err(self.too_many()) } else { Ok(()) }
    }

    pub(crate) fn finish(mut self) -> Result<Parsed, ParseError> {
        self.compact()?;
        self.entries.shrink_to_fit();
        let content = Content::Entries(std::mem::take(&mut self.entries));
        self.parsed(content)
    }

    /// With other content. Nothing usable at all is an error, an empty list is not.
    pub(crate) fn parsed(self, content: Content) -> Result<Parsed, ParseError> {
        if let (0, Some(first)) = (content.count(), self.skipped.first()) {
            let Skipped { place, reason } = first.clone();
            return Err(ParseError::Useless { count: self.skipped_count, place, reason });
        }
        Ok(Parsed {
            content,
            published: (!self.published.is_empty()).then(|| self.published.join(" ")),
            skipped: self.skipped,
            skipped_count: self.skipped_count,
        })
    }
}
