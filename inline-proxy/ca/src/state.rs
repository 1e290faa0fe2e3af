//! The directory that the authority is kept in.
//!
//! ```text
//! ca/issuing.pem   issuing.key    the chain that signs leaves now, and its key (0600)
//!    standby.pem   standby.key    the chain that takes over, or that has been relieved
//!    trusted.pem                  the roots that clients shall trust
//!
//!  create, import ─→ issuing ──── rotate ────→ issuing, standby, both trusted
//!                       ↑                        │ clients get trusted.pem
//!                       └─ retire ── standby ←── activate (and once more: back again)
//! ```
//!
//! Each file changes in one step. Two files do not: the order of steps is such that after each of them
//! there is an authority to load, and that the next change ([`settle`](CaDirectory::settle)) finishes
//! what was begun. A key is trusted by nobody before it is on the disk.

use std::path::PathBuf;

use jiff::Timestamp;
use sark_core::secret::Secret;

use crate::authority::{Authority, Below, MakeError};
use crate::bundle::Bundle;
use crate::certificate::CaCertificate;
use crate::files;
use crate::fingerprint::Fingerprint;
use crate::import::ImportError;
use crate::profile::Profile;

mod error;
mod pair;

pub use error::StateError;
use pair::Pair;

/// Whether what is there may be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overwrite {
    /// It stays, and the operation fails.
    #[default]
    Refuse,
    /// It goes.
    Replace,
}

/// An authority to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The root that clients shall trust.
    pub root: Profile,
    /// An authority below it that issues; the root's key is then not kept in the directory.
    pub intermediate: Option<Profile>,
}

impl Plan {
    /// The authority that issues, and its root if that is another one.
    fn carry_out(&self, now: Timestamp) -> Result<(Authority, Option<Authority>), MakeError> {
        match &self.intermediate {
            None => Ok((Authority::root(&self.root, Below::Leaves, now)?, None)),
            Some(profile) => {
                let root = Authority::root(&self.root, Below::Intermediate, now)?;
                Ok((root.intermediate(profile, now)?, Some(root)))
            }
        }
    }
}

/// Where an authority is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaDirectory {
    path: PathBuf,
}

impl CaDirectory {
    /// At this place, which need not exist.
    #[must_use]
    pub const fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// The bundle for clients.
    #[must_use]
    pub fn trusted(&self) -> PathBuf {
        self.path.join("trusted.pem")
    }

    /// A new authority that issues at once. The root is given back if it is not the one that issues:
    /// its key is nowhere else, and belongs where no proxy is.
    pub fn create(
        &self,
        plan: &Plan,
        overwrite: Overwrite,
        now: Timestamp,
    ) -> Result<Option<Authority>, StateError> {
        let _lock = files::lock(&self.path)?;
        self.may_replace(overwrite)?;
        let (authority, root) = plan.carry_out(now)?;
        self.install(&authority, Bundle::default())?;
        Ok(root)
    }

    /// Another's authority, which issues at once. Roots are given where the chain leaves its own out.
    pub fn import(
        &self,
        chain: &[u8],
        key: &Secret,
        roots: Option<&[u8]>,
        overwrite: Overwrite,
        now: Timestamp,
    ) -> Result<(), StateError> {
        let _lock = files::lock(&self.path)?;
        self.may_replace(overwrite)?;
        let authority = Authority::import(chain, key, now)?;
        self.install(&authority, given(roots)?)
    }

    /// A new authority that stands by, and whose root is trusted. Until it is activated the old one
    /// issues. The root is given back as by [`create`](Self::create).
    pub fn rotate(
        &self,
        plan: &Plan,
        overwrite: Overwrite,
        now: Timestamp,
    ) -> Result<Option<Authority>, StateError> {
        let _lock = files::lock(&self.path)?;
        let trusted = self.may_stand_by(overwrite)?;
        let (authority, root) = plan.carry_out(now)?;
        self.stand_by(&authority, trusted, Bundle::default())?;
        Ok(root)
    }

    /// Another's authority that stands by, otherwise as [`rotate`](Self::rotate).
    pub fn rotate_to(
        &self,
        chain: &[u8],
        key: &Secret,
        roots: Option<&[u8]>,
        overwrite: Overwrite,
        now: Timestamp,
    ) -> Result<(), StateError> {
        let _lock = files::lock(&self.path)?;
        let trusted = self.may_stand_by(overwrite)?;
        let authority = Authority::import(chain, key, now)?;
        self.stand_by(&authority, trusted, given(roots)?)
    }

    /// The one that stands by issues, and the one that has issued stands by. A proxy does so when it
    /// loads the authority again.
    pub fn activate(&self, now: Timestamp) -> Result<(), StateError> {
        let _lock = files::lock(&self.path)?;
        self.settle()?;
        let standby = self.pair("standby").load(now)?;
        anchored(&standby, &self.bundle()?)?;
        self.exchange()
    }

    /// This root is trusted no more: the one of the authority that was relieved, or of one that shall
    /// not take over after all. What stands by below it goes first.
    pub fn retire(&self, root: Fingerprint) -> Result<(), StateError> {
        let _lock = files::lock(&self.path)?;
        self.settle()?;
        let trusted = self.bundle()?;
        let found = trusted.roots().iter().find(|known| known.fingerprint() == root);
        let found = found.ok_or(StateError::Unknown(root))?;
        let is_root_of = |chain: &[CaCertificate]| trusted.anchor(chain) == Some(found);
        if is_root_of(&self.pair("issuing").chain()?) {
            return Err(StateError::InUse(found.subject().to_owned()));
        }
        let standby = self.pair("standby");
        if standby.exists() && is_root_of(&standby.chain()?) {
            standby.remove()?;
        }
        self.trust(&trusted.without(root))
    }

    /// The authority that issues, with its root, and the roots that clients shall trust.
    pub fn load(&self, now: Timestamp) -> Result<(Authority, Bundle), StateError> {
        let trusted = self.bundle()?;
        // Between the two steps of an exchange, the key that issues is that of the chain that stands by.
        let loaded = self.pair("issuing").load(now).or_else(|error| match error {
            StateError::Import { source: ImportError::WrongKey { .. }, .. }
            | StateError::Missing(_) => {
                let half = self.pair("issuing").with_chain_of(&self.pair("standby"));
                // Or both steps were between our two looks.
                half.load(now).or_else(|_| self.pair("issuing").load(now)).map_err(|_| error)
            }
            _ => Err(error),
        })?;
        let root = anchored(&loaded, &trusted)?.clone();
        Ok((loaded.below(root), trusted))
    }

    fn may_replace(&self, overwrite: Overwrite) -> Result<(), StateError> {
        let pair = self.pair("issuing");
        let places = [pair.chain_path(), pair.key_path(), self.trusted()];
        match places.into_iter().find(|place| place.symlink_metadata().is_ok()) {
            Some(place) if overwrite == Overwrite::Refuse => Err(StateError::Exists(place)),
            _ => Ok(()),
        }
    }

    /// The roots that are trusted now.
    fn may_stand_by(&self, overwrite: Overwrite) -> Result<Bundle, StateError> {
        self.settle()?;
        let (issuing, standby) = (self.pair("issuing"), self.pair("standby"));
        if !issuing.exists() {
            return Err(StateError::Missing(issuing.chain_path()));
        }
        let trusted = self.bundle()?;
        if overwrite == Overwrite::Refuse && standby.exists() {
            let chain = standby.chain()?;
            // One whose root is not trusted was left by a rotation that came no further.
            if let (Some(_), Some(found)) = (trusted.anchor(&chain), chain.first()) {
                return Err(StateError::Pending(found.subject().to_owned()));
            }
        }
        Ok(trusted)
    }

    /// The old root is trusted until the new one issues: a proxy may load at any time.
    fn install(&self, authority: &Authority, roots: Bundle) -> Result<(), StateError> {
        let roots = with_root_of(authority, roots)?;
        let mut both = self.bundle().unwrap_or_default();
        for root in roots.roots() {
            both.add(root.clone())?;
        }
        let standby = self.pair("standby");
        standby.write(authority)?;
        self.trust(&both)?;
        standby.move_to(&self.pair("issuing"))?;
        self.pair("previous").remove()?;
        self.trust(&roots)
    }

    fn stand_by(
        &self,
        authority: &Authority,
        mut trusted: Bundle,
        roots: Bundle,
    ) -> Result<(), StateError> {
        for root in with_root_of(authority, roots)?.roots() {
            trusted.add(root.clone())?;
        }
        self.pair("standby").write(authority)?;
        self.trust(&trusted)
    }

    fn exchange(&self) -> Result<(), StateError> {
        let [issuing, standby, previous] = ["issuing", "standby", "previous"].map(|n| self.pair(n));
        issuing.copy_to(&previous)?;
        standby.move_to(&issuing)?;
        previous.move_to(&standby)
    }

    /// Finishes what was begun when a program or the machine stopped.
    fn settle(&self) -> Result<(), StateError> {
        let [issuing, standby, previous] = ["issuing", "standby", "previous"].map(|n| self.pair(n));
        for pair in [&issuing, &standby, &previous] {
            pair.remove_halves()?;
        }
        files::remove(&files::half(&self.trusted()))?;
        let half = issuing.with_chain_of(&standby);
        if issuing.key_path().exists() && !issuing.belongs()? && half.belongs()? {
            files::rename(&standby.chain_path(), &issuing.chain_path())?;
        }
        if previous.chain_path().exists() {
            if issuing.with_chain_of(&previous).belongs()? {
                // The copy was made, and nothing else yet.
                previous.remove()?;
            } else {
                previous.move_to(&standby)?;
            }
        }
        // A rotation that came no further, or that replaced another one.
        if standby.exists() && standby.belongs()? { Ok(()) } else { standby.remove() }
    }

    fn pair(&self, name: &'static str) -> Pair {
        Pair::at(&self.path, name)
    }

    fn bundle(&self) -> Result<Bundle, StateError> {
        let path = self.trusted();
        let pem = files::read(&path)?.ok_or_else(|| StateError::Missing(path.clone()))?;
        Bundle::parse(&pem).map_err(|source| StateError::Bundle { path, source })
    }

    fn trust(&self, roots: &Bundle) -> Result<(), StateError> {
        Ok(files::write(&self.trusted(), 0o644, roots.to_pem().as_bytes())?)
    }

    pub(crate) fn trusted_roots(&self) -> Result<Bundle, StateError> {
        self.bundle()
    }

    pub(crate) fn issuing_chain(&self) -> Result<Vec<CaCertificate>, StateError> {
        self.pair("issuing").chain()
    }

    pub(crate) fn standby_chain(&self) -> Result<Vec<CaCertificate>, StateError> {
        self.pair("standby").chain()
    }
}

fn given(roots: Option<&[u8]>) -> Result<Bundle, StateError> {
    Ok(roots.map_or(Ok(Bundle::default()), Bundle::parse)?)
}

/// These, and the chain's own root.
fn with_root_of(authority: &Authority, mut roots: Bundle) -> Result<Bundle, StateError> {
    if let Some(last) = authority.chain().last().filter(|last| last.is_root()) {
        roots.add(last.clone())?;
    }
    anchored(authority, &roots)?;
    Ok(roots)
}

fn anchored<'a>(
    authority: &Authority,
    trusted: &'a Bundle,
) -> Result<&'a CaCertificate, StateError> {
    trusted.anchor(authority.chain()).ok_or_else(|| {
        let last = authority.chain().last().unwrap_or(authority.issuing());
        let (subject, issuer) = (last.subject().to_owned(), last.issuer().to_owned());
        StateError::NoRoot { subject, issuer }
    })
}

#[cfg(test)]
mod tests;
