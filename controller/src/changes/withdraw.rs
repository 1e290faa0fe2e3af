//! Withdraw: policies leave the current set.

use sark_core::document::nearest;
use sark_core::storage::{PolicyFile, Revision};
use sark_policy::parse_set;

use super::record::{Attempt, Kind};
use super::{Actor, ChangeError, Changed, Changes, excise};

/// What leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// Everything.
    All,
    /// These.
    Named(Vec<String>),
}

impl Changes {
    /// Makes a revision without these policies.
    pub async fn withdraw(&self, which: Which, actor: &Actor) -> Result<Changed, ChangeError> {
        let _turn = self.turn.lock().await;
        let cause = match &which {
            Which::All => "withdraw all".to_owned(),
            Which::Named(names) => format!("withdraw {}", names.join(", ")),
        };
        let attempt = Attempt::new(Kind::Withdraw, actor, cause);
        let outcome = self.try_withdraw(which, &attempt).await;
        self.finish(attempt, outcome).await
    }

    async fn try_withdraw(&self, which: Which, attempt: &Attempt) -> Result<Changed, ChangeError> {
        let files = match which {
            // Works whatever the current set is, also when it no longer parses.
            Which::All => Vec::new(),
            Which::Named(names) if names.is_empty() => return Err(ChangeError::NothingNamed),
            Which::Named(names) => {
                let current = self.store.current().await.map_err(ChangeError::Store)?;
                without(current.as_ref(), &names)?
            }
        };
        let candidate = self.candidate(files).await?;
        self.accept(candidate, attempt).await
    }
}

fn without(current: Option<&Revision>, names: &[String]) -> Result<Vec<PolicyFile>, ChangeError> {
    let input = |mistakes: Vec<sark_core::document::Diagnostic>| {
        ChangeError::Input(mistakes.into_iter().map(Into::into).collect())
    };
    let files = current.map_or(&[][..], |revision| &revision.files);
    let set = parse_set(files).map_err(input)?;
    let known = || set.policies.iter().map(|policy| policy.name.as_str());
    for name in names {
        if !known().any(|n| n == name) {
            return Err(ChangeError::UnknownPolicy {
                name: name.clone(),
                nearest: nearest(name, known()).map(str::to_owned),
            });
        }
    }
    let goes = |policy: &&sark_policy::Policy| names.contains(&policy.name);
    let going: Vec<_> = set.policies.iter().filter(goes).map(|p| p.place.clone()).collect();
    let rest = excise::documents(files, &going);
    // The text was cut by its markers, so read it again: what is left is exactly the others.
    let left = parse_set(&rest).map_err(input)?;
    let stay = set.policies.iter().filter(|policy| !goes(policy));
    if stay.map(|p| (&p.name, &p.version)).eq(left.policies.iter().map(|p| (&p.name, &p.version))) {
        Ok(rest)
    } else {
        Err(ChangeError::Internal(
            "the files could not be split; apply them without these policies instead".to_owned(),
        ))
    }
}
