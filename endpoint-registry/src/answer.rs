//! "Who is this?": a question as a person writes it, and who answers to it.

use std::{fmt, net::IpAddr};

use ipnet::IpNet;
use sark_core::document::nearest;

use crate::{
    AddressHit, Endpoint, Learned, NameError, NameHit, NamePattern, Reason, Sharedness, Snapshot,
    feed::Subject, overlay::NeverTouch,
};

/// What may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// An address; IPv4 inside IPv6 has become IPv4.
    Address(IpAddr),
    /// A prefix, host bits zero.
    Prefix(IpNet),
    /// A name, or a wildcard as it is written.
    Name(NamePattern),
}

/// Matches of one answer: a wide prefix may hold a million prefixes.
const MOST_MATCHES: usize = 100;

/// Who answers to a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer<'a> {
    /// The question as it was understood.
    pub question: Question,
    /// The closest first, a hundred at most; empty if the registry knows nobody there.
    pub matches: Vec<Match<'a>>,
    /// How many more there are.
    pub left_out: usize,
    /// What no rule may touch there.
    pub never_touch: Vec<&'a NeverTouch>,
}

/// One endpoint that answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Match<'a> {
    /// Its prefix or name pattern that fits.
    pub matched: String,
    /// Who, how sure, since when, from what; its `layers` say which layer gave what.
    pub endpoint: &'a Endpoint,
    /// The names that led to the address; empty if its owner or a document gives it.
    pub learned: Vec<&'a Learned>,
    /// What else lives there.
    pub sharedness: Sharedness,
    /// Why, strongest first.
    pub reasons: Vec<Reason>,
}

/// Why a question could not be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum QuestionError {
    #[error("nothing was asked: give an address, a prefix or a name")]
    Empty,
    #[error("{query:?} is not a prefix: write an address and a length, such as 192.0.2.0/24")]
    Prefix { query: String },
    #[error("{prefix} has bits set after its length: ask for {network}")]
    HostBits { prefix: IpNet, network: IpNet },
    #[error("{query:?} is an endpoint, not an address or name: `sarkctl registry show {query}`")]
    EndpointId { query: String },
    #[error(
        "{query:?} is a provider, not an address or name: try one of its names, such as {name}"
    )]
    Provider { query: String, name: String },
    #[error("{query:?} is neither an address nor a name: did you mean the provider {meant:?}?")]
    Nearly { query: String, meant: String },
    #[error(transparent)]
    Name(#[from] NameError),
}

impl Snapshot {
    /// Answers for an address, a prefix or a name.
    pub fn answer(&self, query: &str) -> Result<Answer<'_>, QuestionError> {
        let query = query.trim();
        let question = self.question(query).map_err(|error| self.meant(query, error))?;
        let hits = self.hits(&question).take(MOST_MATCHES);
        let matches: Vec<Match<'_>> = hits.map(|hit| Match::of(self, &question, hit)).collect();
        let left_out = match matches.len() {
            MOST_MATCHES => self.count(&question).saturating_sub(MOST_MATCHES),
            _ => 0,
        };
        let never_touch = self.never_touch().iter().filter(|never| question.meets(never)).collect();
        Ok(Answer { question, matches, left_out, never_touch })
    }

    /// The first match alone, without its reasons: the endpoint that answers best, by what, and what
    /// else lives there. For questions by the million; what is not understood is not explained as far.
    pub fn best(&self, query: &str) -> Result<Option<Best<'_>>, QuestionError> {
        let question = self.question(query.trim())?;
        Ok(self.hits(&question).next().map(|hit| Best {
            matched: hit.matched(),
            endpoint: hit.endpoint(),
            sharedness: hit.sharedness(self, &question),
        }))
    }

    /// Who answers, the closest first. Made one by one.
    fn hits<'q, 'a: 'q>(&'a self, question: &'q Question) -> impl Iterator<Item = Found<'a>> + 'q {
        let (mut address, mut prefix, mut name) = (None, None, None);
        match question {
            Question::Address(asked) => address = Some(self.covering(*asked)),
            Question::Prefix(asked) => prefix = Some(self.overlaps(*asked)),
            Question::Name(asked) => name = Some(self.named(asked.as_str())),
        }
        let prefixes = address.into_iter().flatten().chain(prefix.into_iter().flatten());
        prefixes.map(Found::Prefix).chain(name.into_iter().flatten().map(Found::Name))
    }

    /// How many [`Snapshot::hits`] gives; what lies in a prefix is not gone through.
    fn count(&self, question: &Question) -> usize {
        match question {
            Question::Prefix(asked) => self.count_overlaps(*asked),
            Question::Address(_) | Question::Name(_) => self.hits(question).count(),
        }
    }

    fn question(&self, query: &str) -> Result<Question, QuestionError> {
        if query.is_empty() {
            return Err(QuestionError::Empty);
        }
        let bare = query.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(query);
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Ok(Question::Address(address.to_canonical()));
        }
        if query.contains('/') {
            return self.prefix(query).map(Question::Prefix);
        }
        if !query.contains('.')
            && let Some(name) = self.by_provider(query).find_map(|it| it.names.first())
        {
            let (query, name) = (query.to_owned(), name.to_string());
            return Err(QuestionError::Provider { query, name });
        }
        Ok(Question::Name(query.parse()?))
    }

    fn prefix(&self, query: &str) -> Result<IpNet, QuestionError> {
        let Ok(prefix) = query.parse::<IpNet>() else {
            let query = query.to_owned();
            return Err(match self.by_id(&query) {
                Some(_) => QuestionError::EndpointId { query },
                None => QuestionError::Prefix { query },
            });
        };
        let network = prefix.trunc();
        if network == prefix {
            Ok(prefix)
        } else {
            Err(QuestionError::HostBits { prefix, network })
        }
    }

    /// A word without a dot is not a name; perhaps a provider was meant. Compares it with all.
    fn meant(&self, word: &str, error: QuestionError) -> QuestionError {
        if word.contains('.') || !matches!(error, QuestionError::Name(_)) {
            return error;
        }
        nearest(word, self.providers()).map_or(error, |meant| QuestionError::Nearly {
            query: word.to_owned(),
            meant: meant.to_owned(),
        })
    }
}

/// The first of an [`Answer`]'s matches, in short.
#[derive(Debug, Clone, PartialEq)]
pub struct Best<'a> {
    /// Its prefix or name pattern that fits.
    pub matched: String,
    /// Who.
    pub endpoint: &'a Endpoint,
    /// What else lives there.
    pub sharedness: Sharedness,
}

/// A match to be.
#[derive(Clone, Copy)]
enum Found<'a> {
    Prefix(AddressHit<'a>),
    Name(NameHit<'a>),
}

impl<'a> Found<'a> {
    fn endpoint(&self) -> &'a Endpoint {
        match self {
            Self::Prefix(hit) => hit.endpoint,
            Self::Name(hit) => hit.endpoint,
        }
    }

    fn matched(&self) -> String {
        match self {
            Self::Prefix(hit) => hit.prefix.to_string(),
            Self::Name(hit) => hit.pattern.to_string(),
        }
    }

    fn sharedness(&self, snapshot: &Snapshot, question: &Question) -> Sharedness {
        match self {
            Self::Prefix(hit) => {
                snapshot.effective_within(hit.endpoint, hit.prefix, question.part_of(hit.prefix))
            }
            Self::Name(hit) => hit.endpoint.sharedness,
        }
    }
}

impl Question {
    /// What is asked about of a prefix that overlaps it: what lives elsewhere in a wide prefix says
    /// nothing of an address.
    fn part_of(&self, prefix: IpNet) -> IpNet {
        match self {
            Self::Address(address) => (*address).into(),
            Self::Prefix(asked) if prefix.contains(asked) => *asked,
            Self::Prefix(_) | Self::Name(_) => prefix,
        }
    }

    /// Whether a never-touch entry is about it.
    fn meets(&self, never: &NeverTouch) -> bool {
        match (self, &never.subject) {
            (Self::Address(address), Subject::Prefix(prefix)) => prefix.contains(address),
            (Self::Prefix(net), Subject::Prefix(prefix)) => {
                prefix.contains(net) || net.contains(prefix)
            }
            (Self::Name(name), Subject::Name(never)) => {
                never == name || never.matches(name.as_str()) || name.matches(never.as_str())
            }
            _ => false,
        }
    }
}

impl<'a> Match<'a> {
    fn of(snapshot: &Snapshot, question: &Question, found: Found<'a>) -> Self {
        let (matched, endpoint) = (found.matched(), found.endpoint());
        let Found::Prefix(AddressHit { prefix, .. }) = found else {
            let (sharedness, reasons) = (endpoint.sharedness, vec![Reason::Declared]);
            return Self { matched, endpoint, learned: Vec::new(), sharedness, reasons };
        };
        let part = question.part_of(prefix);
        let (sharedness, reasons) = snapshot.sharedness_within(endpoint, prefix, part);
        let published = endpoint.prefixes.binary_search(&prefix).is_ok();
        let is_host = prefix.prefix_len() == prefix.max_prefix_len();
        let learned = if published || !is_host {
            Vec::new()
        } else {
            endpoint.learned_at(prefix.addr()).iter().collect()
        };
        Self { matched, endpoint, learned, sharedness, reasons }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Prefix(prefix) => prefix.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Role;

    fn snapshot() -> Snapshot {
        Snapshot::build(crate::seed())
    }

    #[test]
    fn an_address_has_who_how_sure_since_when_from_what() {
        let snapshot = snapshot();
        let answer = snapshot.answer("160.79.104.10").unwrap();
        assert_eq!(answer.question, Question::Address("160.79.104.10".parse().unwrap()));
        let Match { matched, endpoint, .. } = &answer.matches[0];
        assert_eq!((endpoint.id.as_str(), endpoint.title.as_str()), ("anthropic/api", "Anthropic"));
        assert_eq!(matched, "160.79.104.0/23");
        assert_eq!((endpoint.role, endpoint.sharedness), (Role::Ingress, Sharedness::Dedicated));
        assert!(endpoint.verified && endpoint.confidence > 90);
        assert_eq!(endpoint.first_seen().unwrap().to_string(), "2026-11-21T00:00:00Z");
        assert!(endpoint.sources[0].source.starts_with("https://platform.claude.com/"));
    }

    #[test]
    fn names_and_prefixes_are_answered() {
        let snapshot = snapshot();
        let answer = snapshot.answer(" API.OpenAI.com. ").unwrap();
        assert_eq!(answer.question.to_string(), "api.openai.com");
        assert_eq!(answer.matches[0].endpoint.id, "openai/api");
        assert_eq!(answer.matches[0].endpoint.sharedness, Sharedness::Cdn);
        let answer = snapshot.answer("x.openai.azure.com").unwrap();
        assert_eq!(answer.matches[0].matched, "*.openai.azure.com");
        let answer = snapshot.answer("160.79.0.0/16").unwrap();
        let found: Vec<_> = answer.matches.iter().map(|m| m.endpoint.id.as_str()).collect();
        assert_eq!(found, ["anthropic/egress", "anthropic/api"]);
        let answer = snapshot.answer("[2607:6bc0::1]").unwrap();
        assert_eq!(answer.matches[0].endpoint.id, "anthropic/api");
        let answer = snapshot.answer("::ffff:1.1.1.1").unwrap();
        assert_eq!(answer.question.to_string(), "1.1.1.1");
        assert_eq!(answer.matches[0].endpoint.id, "cloudflare-dns/resolver");
        assert!(snapshot.answer("192.0.2.1").unwrap().matches.is_empty());
        assert!(snapshot.answer("www.example.com").unwrap().matches.is_empty());
    }

    #[test]
    fn a_question_that_is_none_is_explained() {
        let snapshot = snapshot();
        for (query, part) in [
            ("", "nothing was asked"),
            ("192.0.2.1/24", "ask for 192.0.2.0/24"),
            ("192.0.2.0/33", "is not a prefix"),
            ("https://api.openai.com", "is not a prefix"),
            ("anthropic/api", "registry show anthropic/api"),
            ("openai", "such as api.openai.com"),
            ("antropic", "the provider \"anthropic\""),
            ("zzzzzzzzzzz", "is one label"),
            ("api.\u{43e}penai.com", "mixes scripts"),
            ("300.1.2.3", "is an address"),
        ] {
            let message = snapshot.answer(query).unwrap_err().to_string();
            assert!(message.contains(part), "{query}: {message}");
        }
    }
}
