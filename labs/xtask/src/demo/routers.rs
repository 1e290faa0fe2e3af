//! What the routers themselves say, through FRR's own shell.

use serde_json::Value;

use super::DemoError;
use super::scene::Scene;

/// The routers of the lab.
pub struct Routers<'a> {
    scene: &'a Scene<'a>,
    names: Vec<&'a str>,
}

/// Rules of a plan, by family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// IPv4.
    pub ipv4: u64,
    /// IPv6.
    pub ipv6: u64,
}

const FAMILIES: [&str; 2] = ["ipv4", "ipv6"];

impl<'a> Routers<'a> {
    /// All nodes that run FRR.
    pub fn new(scene: &'a Scene<'a>) -> Result<Self, DemoError> {
        let routers = scene.state.nodes.iter().filter(|(_, node)| node.is_router);
        Ok(Self { scene, names: routers.map(|(name, _)| name.as_str()).collect() })
    }

    /// vtysh's answer.
    pub fn ask(&self, router: &str, question: &str) -> Result<String, DemoError> {
        self.scene.ask(router, &["vtysh", "-c", question])
    }

    /// Every FlowSpec session of every router is up.
    pub fn are_established(&self) -> bool {
        self.everywhere(|_, peer| peer["state"] == "Established")
    }

    /// Every router holds this many rules.
    pub fn hold(&self, expected: Expected) -> bool {
        self.everywhere(|family, peer| {
            let wanted = if family == "ipv4" { expected.ipv4 } else { expected.ipv6 };
            peer["state"] == "Established" && peer["pfxRcd"].as_u64() == Some(wanted)
        })
    }

    /// How often sessions were lost, all together.
    pub fn drops(&self) -> Result<u64, DemoError> {
        let mut total = 0;
        for router in &self.names {
            let peers = self.peers(router, FAMILIES[0])?;
            total +=
                peers.iter().filter_map(|peer| peer["connectionsDropped"].as_u64()).sum::<u64>();
        }
        Ok(total)
    }

    /// Every router's answer has these words in it.
    pub fn all_say(&self, question: &str, words: &str) -> bool {
        let says =
            |router: &&str| self.ask(router, question).is_ok_and(|said| said.contains(words));
        self.names.iter().all(says)
    }

    fn everywhere(&self, is_so: impl Fn(&str, &Value) -> bool) -> bool {
        let all = |router: &&str, family: &&str| {
            let peers = self.peers(router, family);
            peers.is_ok_and(|peers| {
                !peers.is_empty() && peers.iter().all(|peer| is_so(family, peer))
            })
        };
        self.names.iter().all(|router| FAMILIES.iter().all(|family| all(router, family)))
    }

    fn peers(&self, router: &str, family: &str) -> Result<Vec<Value>, DemoError> {
        let question = format!("show bgp {family} flowspec summary json");
        let answer = self.ask(router, &question)?;
        let value: Value =
            serde_json::from_str(&answer).map_err(|_| DemoError::Answer(question.clone()))?;
        let peers = value["peers"].as_object().ok_or(DemoError::Answer(question))?;
        Ok(peers.values().cloned().collect())
    }
}

impl Expected {
    /// What the routers hold once a plan is applied.
    pub fn of_plan(plan: &str) -> Result<Self, DemoError> {
        let wrong = || DemoError::Answer("sarkctl flowspec plan -o json".to_owned());
        let plan: Value = serde_json::from_str(plan).map_err(|_| wrong())?;
        let rules = plan["rules"].as_array().ok_or_else(wrong)?;
        let of = |family: &str| {
            let stays = |rule: &&Value| rule["afi"] == family && rule["change"] != "withdraw";
            rules.iter().filter(stays).count() as u64
        };
        Ok(Self { ipv4: of("ipv4"), ipv6: of("ipv6") })
    }
}
