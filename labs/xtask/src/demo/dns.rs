//! The lab's DNS: a real unbound on the node `dns`.

use std::os::unix::process::CommandExt;
use std::process::Stdio;

use super::DemoError;
use super::scene::Scene;
use crate::run::run;

const CONFIG: &str = "/etc/unbound/unbound.conf";

/// Running until the lab goes.
pub struct Dns<'a> {
    scene: &'a Scene<'a>,
}

impl<'a> Dns<'a> {
    /// Starts it; it ends with its node.
    pub fn start(scene: &'a Scene<'a>) -> Result<Self, DemoError> {
        let words = ["unbound", "-d", "-c", CONFIG];
        let mut command = scene.inside("dns", &words)?;
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let failed = |source| DemoError::File { path: "unbound".to_owned(), source };
        command.spawn().map_err(failed)?;
        Ok(Self { scene })
    }

    /// From now on the name leads there, and nowhere else.
    pub fn lead(&self, name: &str, address: &str) -> Result<(), DemoError> {
        self.control(&["local_data_remove", name])?;
        self.control(&["local_data", &format!("{name}. 1 A {address}")])
    }

    fn control(&self, words: &[&str]) -> Result<(), DemoError> {
        let all = [&["unbound-control", "-q", "-c", CONFIG], words].concat();
        Ok(run(&mut self.scene.inside("dns", &all)?)?)
    }
}
