//! The kernel of the network namespace that we run in, through `nft` and `ip`.

mod command;
mod counters;
mod routing;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::ruleset::{self, BASE, FAMILIES, FORMER};
use crate::{Options, Program, Redirect};
use command::Tool;

/// Applies programs. Everything that it makes can be told by its name or number: one table of each
/// family, and the rules and routes of [`Options::protocol`].
#[derive(Debug, Clone)]
pub struct Kernel {
    nft: Tool,
    ip: Tool,
}

/// What [`Kernel::apply`] could not do for want of a route.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applied {
    /// Next hops that the router cannot reach, and why. Packets that are redirected there go on as
    /// if they were not (draft-ietf-idr-flowspec-redirect-ip section 3), until a later `apply`
    /// finds a route.
    pub unreachable: BTreeMap<IpAddr, String>,
}

/// Packets that a rule matched since its table was applied, dropped ones included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counter {
    /// Packets, as the kernel handed them over: merged segments are one.
    pub packets: u64,
    /// Bytes of IP packets, headers included.
    pub bytes: u64,
}

/// Our tables in the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// [`Program::fingerprint`] of the program that they are.
    pub fingerprint: Option<String>,
}

/// Why the kernel did not do as it was told.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message says each field")]
pub enum KernelError {
    #[error("could not run {program}")]
    Start { program: String, source: std::io::Error },
    #[error("{program} did not end within {limit:?}")]
    Timeout { program: String, limit: Duration },
    #[error("{program} failed: {said}")]
    Failed { program: String, said: String },
    #[error("{program} printed what we cannot read: {why}")]
    Unreadable { program: String, why: String },
}

impl Default for Kernel {
    fn default() -> Self {
        Self::new("nft", "ip", Duration::from_secs(30))
    }
}

impl Kernel {
    /// With these programs, each of which may take so long.
    pub fn new(nft: impl Into<PathBuf>, ip: impl Into<PathBuf>, limit: Duration) -> Self {
        Self { nft: Tool::new(nft.into(), limit), ip: Tool::new(ip.into(), limit) }
    }

    /// Puts the program in the place of whatever was there: new routes first, then the tables in one
    /// transaction, then stale routes go. Applying it again changes nothing but counters and
    /// buckets, which start anew, and finds next hops again.
    ///
    /// After an error the tables are as they were; `apply` and [`Kernel::remove`] clear up the rest.
    pub async fn apply(&self, program: &Program) -> Result<Applied, KernelError> {
        let options = program.options();
        let applied = routing::prepare(&self.ip, options, program.redirects()).await?;
        self.nft.run(&["-f", "-"], program.ruleset()).await?;
        routing::clear_stale(&self.ip, options, program.redirects()).await?;
        Ok(applied)
    }

    /// The counters of the program that was applied last, one for each of its rules.
    pub async fn counters(&self, program: &Program) -> Result<Vec<Counter>, KernelError> {
        let table = &program.options().table;
        let mut counters = vec![Counter::default(); program.rules().len()];
        for family in FAMILIES {
            let listed = self.nft.run(&["-j", "list", "table", family, table], "").await?;
            counters::add(&listed, &mut counters).map_err(|why| self.nft.unreadable(why))?;
        }
        Ok(counters)
    }

    /// Our tables, if they are there. Says nothing of what others may have changed in them.
    pub async fn installed(&self, options: &Options) -> Result<Option<Installed>, KernelError> {
        let mut found = Vec::new();
        for family in FAMILIES {
            let words = ["-j", "list", "chain", family, &options.table, BASE];
            match self.nft.ask(&words).await? {
                Ok(listed) => {
                    let fingerprint = counters::fingerprint(&listed);
                    found.push(fingerprint.map_err(|why| self.nft.unreadable(why))?);
                }
                Err(said) if said.contains("No such file or directory") => return Ok(None),
                Err(said) => return Err(self.nft.failed(&words, said)),
            }
        }
        // Halves of two programs are none, and beside a former version's table ours are applied anew.
        let former = self.nft.ask(&["list", "chain", FORMER, &options.table, BASE]).await?.is_ok();
        let same = !former && found.iter().all(|fingerprint| Some(fingerprint) == found.first());
        let fingerprint = found.pop().flatten().filter(|_| same);
        Ok(Some(Installed { fingerprint }))
    }

    /// Finds next hops again, and puts back rules and routes of this program that others took
    /// away; the tables stay as they are.
    pub async fn reroute(&self, program: &Program) -> Result<Applied, KernelError> {
        let options = program.options();
        let applied = routing::prepare(&self.ip, options, program.redirects()).await?;
        routing::clear_stale(&self.ip, options, program.redirects()).await?;
        Ok(applied)
    }

    /// The redirects that the kernel has rules for, read back. A next hop behind another router is
    /// told as the gateway to it.
    pub async fn redirects(&self, options: &Options) -> Result<Vec<Redirect>, KernelError> {
        routing::found(&self.ip, options).await
    }

    /// Removes the tables, and all rules and routes of our protocol number; what is not there is
    /// no error.
    pub async fn remove(&self, options: &Options) -> Result<(), KernelError> {
        self.nft.run(&["-f", "-"], &ruleset::removal(options)).await?;
        routing::clear_stale(&self.ip, options, &[]).await
    }
}
