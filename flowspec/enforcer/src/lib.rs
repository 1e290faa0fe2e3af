//! feed → registry → policy → plan → NLRI → GoBGP → [router]
//!
//! What a Linux router does with FlowSpec rules: rules in, one nftables table of each family and a
//! few policy routes out. [`Program::compile`] is pure and says all there is to say, in text that can be read,
//! compared and refused; [`Kernel`] hands it to `nft` and `ip` of the network namespace it runs in,
//! reads the counters back and removes everything that was made.
//!
//! ```text
//! Rule ─ effect (actions) ──┐
//!      └ matching (NLRI) ───┴─ layers ─ steps ─ Program ┬ ruleset ─ nft -f ─▶ tables ip, ip6
//!        order of RFC 8955 section 5.1 ──────▲          └ targets ─ ip rule, ip route ─▶ tables
//!
//! packet ─ gate ─ interface? ─ layer n … layer 0 ─ rules without prefixes ─▶ accept
//!          └▶ accept             │ map: address, protocol, ports → verdict
//!                                └ chain of the prefix: one nft rule after another
//! ```
//!
//! **Order.** A rule with a destination prefix comes before all without, and of two that overlap
//! the more specific first. So the prefixes of a family are laid in layers, each of prefixes that do
//! not overlap: a layer for each length where lengths are few, else the most nested first. A layer is
//! a few lookups however many prefixes it has, in hash tables where its lengths are few. Rules
//! of one prefix whose order could matter are kept in it, in later lookups or one by one. Rules
//! without destination are laid out by source in the same way, the rest one by one or, where they
//! exclude each other, as maps.
//!
//! **The gate.** Most packets are none that a rule is about, and one lookup of four octets of their
//! address tells: those are let through as they came. What passes is looked at as if there were no
//! gate. Rules that nothing so short tells, such as many without a prefix, have none.
//!
//! **Why a table of each family in `prerouting`, before defragmentation.** Both are in one
//! transaction. In one `inet` table each packet would be asked for its family, and again by each
//! rule that looks at an address. The kernel has checked and trimmed the IP header, a mark set here
//! is seen by routing, fragments are still as they were on the wire (priority −450; conntrack
//! reassembles at −400), and an interface that goes and comes back needs no new rules. A `netdev`
//! table has none of this but the fragments. What bypasses `prerouting`, a flowtable for example,
//! bypasses the rules.
//!
//! **What it refuses.** Nothing is approximated: see [`Reason`]. A rule whose packets can be told
//! but whose actions cannot be carried out keeps its place and does nothing, so that no less
//! specific rule acts on packets that were not its own; every [`Refusal`] is reported.
//!
//! **Where the RFC leaves it to us** (RFC 8955 section 7.7). A rule with two actions of one kind is
//! refused. Of rules that act together because of the T bit, all rates hold, and the first in order
//! decides next hop and DSCP. A packet that is dropped is gone: later rules neither count nor
//! sample it. Components look at the packet as it came, also after a rule has marked it.
//!
//! **Where the kernel sees a packet otherwise.** IPv6 packets with an authentication header have
//! that as their upper-layer protocol (51), not what is behind it. Packets to the router itself
//! are looked at like all others: a rule on ICMPv6 or TCP port 179 also means neighbour discovery
//! and BGP. They are delivered, not redirected. Reverse-path filters know nothing of redirects:
//! strict ones drop what comes back another way.
//!
//! Read [`Program`] first, then [`Options`] and [`Kernel`]. This crate knows no BGP: whoever calls
//! it brings the routes.
//!
//! [router]: Kernel

mod cost;
mod effect;
mod field;
mod gate;
mod kernel;
mod layers;
mod matching;
mod options;
mod prefix;
mod program;
mod refusal;
mod rule;
mod ruleset;
mod steps;
mod target;
mod values;

pub use kernel::{Applied, Counter, Installed, Kernel, KernelError};
pub use options::{Options, OptionsError, Sample};
pub use program::{Placed, Program};
pub use refusal::{Reason, Refusal};
pub use rule::Rule;
pub use target::{Redirect, Target};
