//! What the kernel needs for the transparent entrance: one nftables table and, for TPROXY, a policy
//! route. `sark-proxy net show` prints it, `up` makes it, `down` takes it away.

use std::fmt::Write as _;
use std::process::{Command, Stdio};

use super::transparent::Steering;

/// Name of the table.
pub const TABLE: &str = "sark_proxy";

/// Before destination NAT, after connection tracking: where mangling is usual.
const MANGLE: i32 = -150;
const DNAT: i32 = -100;

/// What to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Net {
    /// How connections come.
    pub steering: Steering,
    /// Only packets that come in here.
    pub interfaces: Vec<String>,
    /// Of the transparent listener.
    pub port: u16,
    /// TCP ports that clients mean.
    pub ports: Vec<u16>,
    /// Mark of packets that are for the listener.
    pub mark: u32,
    /// Routing table that says so, and priority of the rule that asks it.
    pub table: u32,
    /// See `table`.
    pub priority: u32,
    /// Whether UDP to those ports is refused, so that clients of QUIC fall back to TCP.
    pub refuse_quic: bool,
}

/// Why it could not be made.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// The program is missing, or may not.
    #[error("cannot run {0}")]
    Run(&'static str, #[source] std::io::Error),
    /// It said no.
    #[error("{program} failed: {said}")]
    Failed {
        /// Which.
        program: &'static str,
        /// Its words.
        said: String,
    },
    /// Nothing to steer.
    #[error("transparent takes at least one of {0}")]
    Empty(&'static str),
    /// A name of an interface that is none.
    #[error("{0:?} is no name of an interface")]
    Interface(String),
}

impl Net {
    /// The table, as `nft -f` reads it: replaces the one that is there.
    pub fn ruleset(&self) -> Result<String, NetError> {
        if self.ports.is_empty() || self.interfaces.is_empty() {
            let what = if self.ports.is_empty() { "ports" } else { "interfaces" };
            return Err(NetError::Empty(what));
        }
        let mut text = format!("table inet {TABLE}\ndelete table inet {TABLE}\n");
        let interfaces = self.interface_set()?;
        let ports = list(self.ports.iter());
        let (hook, priority) = match self.steering {
            Steering::Tproxy => ("filter", MANGLE),
            Steering::Redirect => ("nat", DNAT),
        };
        let port = self.port;
        let verdict = match self.steering {
            Steering::Tproxy => format!("tproxy to :{port} meta mark set {:#x} accept", self.mark),
            Steering::Redirect => format!("redirect to :{port}"),
        };
        // Without a listener tproxy does nothing, and packets would be routed on: they are refused instead.
        let dead = match self.steering {
            Steering::Tproxy => format!("\t\ttcp dport {ports} counter reject with tcp reset\n"),
            Steering::Redirect => String::new(),
        };
        // Writing into a String does not fail.
        let _ = write!(
            text,
            "table inet {TABLE} {{\n\
             \tchain steer {{\n\
             \t\ttype {hook} hook prerouting priority {priority}; policy accept;\n\
             \t\tiifname != {interfaces} return\n\
             \t\tfib daddr type local return\n\
             \t\ttcp dport {ports} counter {verdict}\n\
             {dead}\
             \t}}\n"
        );
        if self.refuse_quic {
            let _ = write!(
                text,
                "\tchain quic {{\n\
                 \t\ttype filter hook prerouting priority {MANGLE}; policy accept;\n\
                 \t\tiifname != {interfaces} return\n\
                 \t\tfib daddr type local return\n\
                 \t\tudp dport {ports} counter reject with icmpx type port-unreachable\n\
                 \t}}\n"
            );
        }
        text.push_str("}\n");
        Ok(text)
    }

    /// The policy routes, as arguments of `ip`; none for NAT.
    #[must_use]
    pub fn routes(&self, verb: Verb) -> Vec<Vec<String>> {
        if self.steering == Steering::Redirect {
            return Vec::new();
        }
        let (mark, table) = (format!("{:#x}", self.mark), self.table.to_string());
        let priority = self.priority.to_string();
        let word = match verb {
            Verb::Add => "add",
            Verb::Delete => "del",
        };
        let commands = ["-4", "-6"].map(|family| {
            let rule =
                [family, "rule", word, "fwmark", &mark, "lookup", &table, "priority", &priority];
            let default = if family == "-4" { "0.0.0.0/0" } else { "::/0" };
            let route = [family, "route", word, "local", default, "dev", "lo", "table", &table];
            [rule.map(str::to_owned), route.map(str::to_owned)].map(Vec::from)
        });
        commands.into_iter().flatten().collect()
    }

    /// What [`up`](Self::up) runs, for people to read.
    pub fn shown(&self) -> Result<String, NetError> {
        let lines =
            self.routes(Verb::Add).into_iter().map(|words| format!("ip {}\n", words.join(" ")));
        let ruleset = self.ruleset()?;
        Ok(format!("{}nft -f - <<EOF\n{ruleset}EOF\n", lines.collect::<String>()))
    }

    /// Makes all of it. What was there of it before is replaced.
    pub fn up(&self) -> Result<(), NetError> {
        let ruleset = self.ruleset()?;
        // Marked packets have somewhere to go before there are any, and as long as there are.
        self.down_routes();
        for arguments in self.routes(Verb::Add) {
            run("ip", &arguments, "")?;
        }
        run("nft", &["-f".to_owned(), "-".to_owned()], &ruleset)
    }

    /// Takes all of it away, as often as one likes.
    pub fn down(&self) -> Result<(), NetError> {
        let gone = format!("table inet {TABLE}\ndelete table inet {TABLE}\n");
        run("nft", &["-f".to_owned(), "-".to_owned()], &gone)?;
        self.down_routes();
        Ok(())
    }

    fn down_routes(&self) {
        for arguments in self.routes(Verb::Delete) {
            // Gone already is as well; more than one is there if somebody else added it.
            for _ in 0..4 {
                if run("ip", &arguments, "").is_err() {
                    break;
                }
            }
        }
    }

    fn interface_set(&self) -> Result<String, NetError> {
        for name in &self.interfaces {
            // As the kernel: at most 15 octets, no slash, no white space; and nothing that nft reads.
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
            if name.is_empty() || name.len() > 15 || !name.chars().all(is_plain) {
                return Err(NetError::Interface(name.clone()));
            }
        }
        Ok(list(self.interfaces.iter().map(|name| format!("\"{name}\""))))
    }
}

/// For [`Net::routes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words say it")]
pub enum Verb {
    Add,
    Delete,
}

fn list(items: impl Iterator<Item = impl ToString>) -> String {
    let items: Vec<_> = items.map(|item| item.to_string()).collect();
    format!("{{ {} }}", items.join(", "))
}

fn run(program: &'static str, arguments: &[String], input: &str) -> Result<(), NetError> {
    let failed = |error| NetError::Run(program, error);
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        std::io::Write::write_all(&mut stdin, input.as_bytes()).map_err(failed)?;
    }
    let done = child.wait_with_output().map_err(failed)?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
    Err(NetError::Failed { program, said })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(steering: Steering) -> Net {
        Net {
            steering,
            interfaces: vec!["eth1".into(), "eth2".into()],
            port: 15001,
            ports: vec![80, 443],
            mark: 0x5a01,
            table: 15001,
            priority: 150,
            refuse_quic: true,
        }
    }

    #[test]
    fn the_table_reads_as_it_works() {
        let text = net(Steering::Tproxy).ruleset().unwrap();
        let expected = "table inet sark_proxy\n\
            delete table inet sark_proxy\n\
            table inet sark_proxy {\n\
            \tchain steer {\n\
            \t\ttype filter hook prerouting priority -150; policy accept;\n\
            \t\tiifname != { \"eth1\", \"eth2\" } return\n\
            \t\tfib daddr type local return\n\
            \t\ttcp dport { 80, 443 } counter tproxy to :15001 meta mark set 0x5a01 accept\n\
            \t\ttcp dport { 80, 443 } counter reject with tcp reset\n\
            \t}\n\
            \tchain quic {\n\
            \t\ttype filter hook prerouting priority -150; policy accept;\n\
            \t\tiifname != { \"eth1\", \"eth2\" } return\n\
            \t\tfib daddr type local return\n\
            \t\tudp dport { 80, 443 } counter reject with icmpx type port-unreachable\n\
            \t}\n\
            }\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn names_of_interfaces_are_no_rules() {
        for name in ["", "a b", "eth0\" }", "a/b", "abcdefghijklmnop", "x\n"] {
            let net = Net { interfaces: vec![name.into()], ..net(Steering::Redirect) };
            assert!(matches!(net.ruleset(), Err(NetError::Interface(_))), "{name:?}");
        }
    }
}
