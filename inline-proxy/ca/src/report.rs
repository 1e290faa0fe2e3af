//! What there is in the directory, for people and for alerts.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::bundle::Bundle;
use crate::certificate::CaCertificate;
use crate::fingerprint::Fingerprint;
use crate::state::{CaDirectory, StateError};

/// A certificate, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Described {
    /// Whose.
    pub subject: String,
    /// Signed by whom.
    pub issuer: String,
    /// SHA-256.
    pub fingerprint: Fingerprint,
    /// From.
    pub not_before: Timestamp,
    /// To.
    pub not_after: Timestamp,
    /// Whole days until then; negative once it is over.
    pub days_left: i64,
    /// Whether it signs leaves, now or when it is activated.
    pub issues: bool,
}

/// What somebody should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "finding", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Finding {
    /// The authority cannot be loaded: the proxy does not start with it.
    #[error("the authority cannot be used: {why}")]
    Unusable {
        /// The error and its causes.
        why: String,
    },
    /// Over.
    #[error("{subject} has expired")]
    Expired {
        /// Whose.
        subject: String,
    },
    /// Nearly.
    #[error("{subject} expires in {days_left} days: rotate")]
    ExpiresSoon {
        /// Whose.
        subject: String,
        /// Whole days.
        days_left: i64,
    },
    /// Both roots are trusted, and one of them will go.
    #[error("{subject} stands by: activate it when clients trust its root, or retire its root")]
    StandsBy {
        /// Whose.
        subject: String,
    },
    /// Its root is not in the bundle: a rotation that came no further.
    #[error("{subject} stands by, and its root is not trusted: rotate again")]
    NotTrusted {
        /// Whose.
        subject: String,
    },
    /// A root of nobody.
    #[error("{subject} is trusted, and no authority here is below it: retire it")]
    Unused {
        /// Whose.
        subject: String,
    },
}

/// The authority, the one that stands by, and the roots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The chain that issues.
    pub issuing: Vec<Described>,
    /// The chain that stands by; empty if there is none.
    pub standby: Vec<Described>,
    /// What clients shall trust.
    pub trusted: Vec<Described>,
    /// The root that what issues ends at.
    pub root: Option<Fingerprint>,
    /// What somebody should look at; empty is well.
    pub findings: Vec<Finding>,
}

impl CaDirectory {
    /// What is there now; `soon` is how long before the end of a certificate somebody should know. It is
    /// made of what can be read, and what cannot is a finding.
    #[must_use]
    pub fn report(&self, soon: SignedDuration, now: Timestamp) -> Report {
        let mut findings = Vec::new();
        if let Err(error) = self.load(now) {
            findings.push(Finding::Unusable { why: told(&error) });
        }
        let trusted = self.trusted_roots().unwrap_or_default();
        let issuing = self.issuing_chain().unwrap_or_default();
        let standby = self.standby_chain().unwrap_or_default();
        let root = trusted.anchor(&issuing);
        standing_by(&standby, &trusted, &mut findings);
        let anchors = [root, trusted.anchor(&standby)];
        let is_unused = |found: &&CaCertificate| !anchors.contains(&Some(*found));
        for unused in trusted.roots().iter().filter(is_unused) {
            findings.push(Finding::Unused { subject: unused.subject().to_owned() });
        }
        let mut seen = Vec::new();
        for certificate in issuing.iter().chain(&standby).chain(trusted.roots()) {
            if !seen.contains(&certificate.fingerprint()) {
                seen.push(certificate.fingerprint());
                ends(certificate, soon, now, &mut findings);
            }
        }
        let chain = |chain: &[CaCertificate]| {
            let numbered = chain.iter().enumerate();
            numbered.map(|(number, found)| described(found, number == 0, now)).collect()
        };
        let is_first = |found: &CaCertificate| issuing.first() == Some(found);
        let roots = trusted.roots().iter();
        Report {
            root: root.map(CaCertificate::fingerprint),
            trusted: roots.map(|found| described(found, is_first(found), now)).collect(),
            issuing: chain(&issuing),
            standby: chain(&standby),
            findings,
        }
    }
}

fn standing_by(standby: &[CaCertificate], trusted: &Bundle, findings: &mut Vec<Finding>) {
    if let Some(first) = standby.first() {
        let subject = first.subject().to_owned();
        findings.push(match trusted.anchor(standby) {
            Some(_) => Finding::StandsBy { subject },
            None => Finding::NotTrusted { subject },
        });
    }
}

fn ends(found: &CaCertificate, soon: SignedDuration, now: Timestamp, findings: &mut Vec<Finding>) {
    let subject = found.subject().to_owned();
    let left = found.not_after().duration_since(now);
    if left.is_negative() {
        findings.push(Finding::Expired { subject });
    } else if left < soon {
        findings.push(Finding::ExpiresSoon { subject, days_left: days(left) });
    }
}

fn described(found: &CaCertificate, issues: bool, now: Timestamp) -> Described {
    Described {
        subject: found.subject().to_owned(),
        issuer: found.issuer().to_owned(),
        fingerprint: found.fingerprint(),
        not_before: found.not_before(),
        not_after: found.not_after(),
        days_left: days(found.not_after().duration_since(now)),
        issues,
    }
}

const fn days(left: SignedDuration) -> i64 {
    left.as_secs().div_euclid(24 * 60 * 60)
}

/// With its causes: a report has no `source`.
fn told(error: &StateError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
