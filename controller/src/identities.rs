//! Tokens: made, listed, revoked, and believed.
//!
//! A token is looked up in the store for each request: one that is revoked is refused at once, by
//! every `sarkd` on that store. What has no right checksum never gets there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use sark_core::Clock;
use sark_core::audit::{AuditRecord, Outcome};
use sark_core::identity::{
    Identity, Malformed, Presented, Rights, Scope, Token, TokenState, is_name,
};
use sark_core::secret::Secret;
use sark_core::storage::StorageError;
use serde_json::json;

use crate::Storage;
use crate::chain;

/// Use is remembered to this.
const USE: SignedDuration = SignedDuration::from_secs(60);
/// A token holds no longer.
pub const LONGEST_LIFE: SignedDuration = SignedDuration::from_hours(24 * 366);
/// Tokens that are listed.
const LISTED: u32 = 1000;
/// Scopes of a token.
const MOST_SCOPES: usize = 32;

/// Why a token is not believed.
#[derive(Debug, thiserror::Error)]
pub enum Disbelieved {
    /// It is none, or none of ours, or its text is wrong: they are not told apart.
    #[error("the token is not known")]
    Unknown {
        /// Which one it says it is, if it is well formed.
        id: Option<String>,
    },
    /// It is ours, and holds no longer.
    #[error("the token {name} {}", if *.revoked { "was revoked" } else { "has expired" })]
    Ended {
        /// Its name.
        name: String,
        /// Which of both.
        revoked: bool,
    },
    /// The store does not answer.
    #[error("cannot look the token up")]
    Store(#[from] StorageError),
}

/// Why a token is not made or revoked.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// What was asked for is wrong.
    #[error("{0}")]
    Input(String),
    /// Somebody would give away more than they have.
    #[error("{0} may not give what they do not have")]
    Beyond(String),
    /// The name is taken.
    #[error("there is a token named {0:?}")]
    Taken(String),
    /// There is none.
    #[error("there is no token {0:?}")]
    Absent(String),
    /// It was revoked before.
    #[error("the token {0} was revoked before")]
    Revoked(String),
    /// The store does not answer.
    #[error("cannot use the store")]
    Store(#[from] StorageError),
    /// The machine has no random numbers.
    #[error("cannot make a secret: {0}")]
    Random(String),
}

/// A token to be.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Its name.
    pub name: String,
    /// What it may do.
    pub rights: Rights,
    /// How long it holds.
    pub life: SignedDuration,
}

/// Tokens.
pub struct Identities {
    store: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    /// When use was last remembered, by id.
    used: Mutex<HashMap<String, Timestamp>>,
}

impl Identities {
    /// In this store.
    #[must_use]
    pub fn new(store: Arc<dyn Storage>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, used: Mutex::default() }
    }

    /// Whose this text is. `from` is an address, or `socket`.
    pub async fn believe(&self, text: &str, from: &str) -> Result<Identity, Disbelieved> {
        let presented =
            Presented::read(text).map_err(|Malformed| Disbelieved::Unknown { id: None })?;
        let unknown = || Disbelieved::Unknown { id: Some(presented.id.clone()) };
        let token = self.store.token(&presented.id).await?.ok_or_else(unknown)?;
        if !token.is_text(&presented) {
            return Err(unknown());
        }
        let now = self.clock.now();
        match token.state(now) {
            TokenState::Active => {}
            state => {
                let revoked = state == TokenState::Revoked;
                return Err(Disbelieved::Ended { name: token.name, revoked });
            }
        }
        self.remember(&token.id, now, from).await;
        Ok(token.identity())
    }

    async fn remember(&self, id: &str, now: Timestamp, from: &str) {
        {
            let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
            if used.get(id).is_some_and(|last| now.duration_since(*last) < USE) {
                return;
            }
            used.insert(id.to_owned(), now);
        }
        if let Err(error) = self.store.token_used(id, now, from).await {
            tracing::warn!(error = chain(&error), id, "the use of a token is not remembered");
        }
    }

    /// Makes one. Its text is in the answer and nowhere else.
    pub async fn make(&self, new: NewToken, by: &Identity) -> Result<(Token, Secret), TokenError> {
        let NewToken { name, rights, life } = new;
        if !is_name(&name) {
            let what = "a name is 1 to 64 small letters, digits, `-`, `_` and `.`";
            return Err(TokenError::Input(format!("{name:?}: {what}")));
        }
        let suffices = |scope: &Scope| !matches!(scope, Scope::Line(_));
        if rights.roles.is_empty()
            && (rights.scopes.is_empty() || !rights.scopes.iter().all(suffices))
        {
            let what = "a token without a role has scopes sensors:KIND, decide, proxy or enforcer, and no \
                        other";
            return Err(TokenError::Input(what.to_owned()));
        }
        if rights.scopes.len() > MOST_SCOPES {
            return Err(TokenError::Input(format!("more than {MOST_SCOPES} scopes")));
        }
        if life <= SignedDuration::ZERO || life > LONGEST_LIFE {
            return Err(TokenError::Input(
                "it holds for more than nothing, and at most 366 days".into(),
            ));
        }
        if !by.rights.cover(&rights) {
            return Err(TokenError::Beyond(by.name.clone()));
        }
        let mut random = [0; 40];
        getrandom::fill(&mut random).map_err(|error| TokenError::Random(error.to_string()))?;
        let (text, made) = Presented::make(&random);
        let now = self.clock.now();
        let token = Token {
            id: made.id,
            name,
            hash: made.hash,
            rights,
            created_at: now,
            created_by: by.name.clone(),
            expires_at: now.checked_add(life).ok(),
            revoked_at: None,
            revoked_by: None,
            last_used_at: None,
            last_used_from: None,
        };
        let detail = json!({
            "token": token.name,
            "id": token.id,
            "roles": token.rights.roles,
            "scopes": token.rights.scopes,
            "expiresAt": token.expires_at,
        });
        let record = AuditRecord::new(now, &by.name, "auth.token.create", Outcome::Ok, detail);
        if self.store.add_token(&token, &record).await? {
            Ok((token, text))
        } else {
            Err(TokenError::Taken(token.name))
        }
    }

    /// Newest first.
    pub async fn list(&self) -> Result<Vec<Token>, TokenError> {
        Ok(self.store.tokens(LISTED).await?)
    }

    /// By its id, or by the name of one that is not revoked.
    pub async fn find(&self, which: &str) -> Result<Token, TokenError> {
        if let Some(token) = self.store.token(which).await? {
            return Ok(token);
        }
        let tokens = self.list().await?;
        let named = || tokens.iter().filter(|token| token.name == which);
        let found = named().find(|token| token.revoked_at.is_none()).or_else(|| named().next());
        found.cloned().ok_or_else(|| TokenError::Absent(which.to_owned()))
    }

    /// From now on it does not hold.
    pub async fn revoke(&self, which: &str, by: &Identity) -> Result<Token, TokenError> {
        let token = self.find(which).await?;
        let now = self.clock.now();
        let detail = json!({ "token": token.name, "id": token.id });
        let record = AuditRecord::new(now, &by.name, "auth.token.revoke", Outcome::Ok, detail);
        if !self.store.revoke_token(&token.id, now, &by.name, &record).await? {
            return Err(TokenError::Revoked(token.name));
        }
        Ok(Token { revoked_at: Some(now), revoked_by: Some(by.name.clone()), ..token })
    }
}
