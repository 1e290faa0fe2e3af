//! Users of this machine, by the user id that the kernel tells.

use std::collections::BTreeMap;

use sark_api::config::ApiConfig;
use sark_core::identity::{Identity, Known, Rights, Role};

/// What each user may do.
#[derive(Debug, Clone, Default)]
pub struct Users(BTreeMap<u32, Rights>);

impl Users {
    /// As configured; root, and the user that `sarkd` runs as, are admins.
    #[must_use]
    pub fn of(config: &ApiConfig, own: u32) -> Self {
        let operators = config.allow_uids.iter().map(|uid| (*uid, Rights::of([Role::Operator])));
        let users = config.users.iter().map(|user| (user.uid, user.rights()));
        let admins = [0, own].map(|uid| (uid, Rights::of([Role::Admin])));
        Self(operators.chain(users).chain(admins).collect())
    }

    /// Of these alone, for tests.
    #[must_use]
    pub fn only(users: impl IntoIterator<Item = (u32, Rights)>) -> Self {
        Self(users.into_iter().collect())
    }

    /// Who this is, if they may use `sarkd` at all.
    pub(super) async fn identity(&self, uid: u32) -> Option<Identity> {
        let rights = self.0.get(&uid)?.clone();
        Some(Identity { name: name_of(uid).await, known: Known::User, rights, made_by: None })
    }
}

async fn name_of(uid: u32) -> String {
    // The user database may be on a network.
    let name = tokio::task::spawn_blocking(move || {
        nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(uid)).ok().flatten().map(|u| u.name)
    });
    match name.await {
        Ok(Some(name)) => format!("uid:{uid}({name})"),
        _ => format!("uid:{uid}"),
    }
}
