//! What the kernel has, for comparison.

use crate::namespace::{ip, run};

/// Of everything that we make.
pub fn state() -> [String; 4] {
    [
        run("nft", "list tables"),
        ip("-4 rule show") + &ip("-6 rule show"),
        ip("-4 route show table all"),
        ip("-6 route show table all"),
    ]
}

/// Rules of the routing policy that are ours.
pub fn policy_rules() -> usize {
    let rules = ip("-N -4 rule show") + &ip("-N -6 rule show");
    rules.lines().filter(|rule| rule.contains("proto 83")).count()
}
