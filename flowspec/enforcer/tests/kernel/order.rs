//! The order of section 5.1 and every component, against `sark_flowspec::acting`, on random rule
//! sets and packets.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sark_enforcer::{Counter, Kernel, Options, Program, Rule, Sample, Target};
use sark_flowspec::{Action, Afi, Packet, Rate, acting};

use crate::frame::{Shape, octets};
use crate::gate::has_gate;
use crate::namespace::{Wire, in_namespace, wait};
use crate::random::{Random, packet, rules};
use crate::topology::VRFS;

const RULE_SETS: u64 = 120;
const PACKETS: u64 = 100;

/// Mark and DSCP of the packets that are not dropped, and how many.
type Fates = BTreeMap<(u32, u8), u64>;

/// Comes before our table and counts what comes to it, and after it and counts what has come through
/// it: marks by DSCP.
fn witness() -> String {
    let (mut sets, mut rules) = (String::new(), String::new());
    for dscp in 0..64 {
        for (family, test) in [
            ("ipv4", format!("@nh,8,8 & 0xfc == {}", dscp << 2)),
            ("ipv6", format!("@nh,0,16 & 0x0fc0 == {}", dscp << 6)),
        ] {
            let name = format!("{family}_{dscp}");
            sets += &format!("set {name} {{ type mark; flags dynamic; counter; size 4096; }}\n");
            rules += &format!("meta nfproto {family} {test} add @{name} {{ meta mark }}\n");
        }
    }
    format!(
        "table inet witness\ndelete table inet witness\ntable inet witness {{\n{sets}\
         chain before {{ type filter hook prerouting priority -460; policy accept;\n\
         iifname \"in0\" counter\n}}\n\
         chain after {{ type filter hook prerouting priority -440; policy accept;\n\
         iifname != \"in0\" accept\n{rules}}}\n}}\n"
    )
}

#[test]
fn random_rules_act_on_random_packets_as_the_order_says() {
    let seed = std::env::var("SARK_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    in_namespace(|| {
        let wire = Wire::new("in0", 1);
        // Something to tell packets of ours from others'.
        let other = Wire::new("other0", 2);
        let (mut matched, mut all, mut by_address, mut gated) = (0, 0, 0, 0);
        for set in 0..RULE_SETS {
            let mut random = Random(seed * 1_000_000 + set);
            let afi = random.pick(&[Afi::Ipv4, Afi::Ipv6]);
            let wide = random.one_in(8);
            let mut rules = rules(&mut random, afi, wide);
            let program = Program::compile(&rules, &options(), None).unwrap();
            let refused = program.refusals();
            rules.retain(|rule| refused.iter().all(|refusal| refusal.nlri != rule.nlri));
            by_address += usize::from(program.ruleset().lines().any(|line| {
                line.contains("vmap @map") && line.trim_start().starts_with("meta l4proto == ")
            }));
            gated += u64::from(has_gate(&program, afi));
            all += rules.len();
            let packets: Vec<_> = (0..PACKETS).map(|_| packet(&mut random, afi, wide)).collect();
            let place = format!("seed {seed}, set {set}");
            match check(&wire, &other, &rules, &packets) {
                Ok(matches) => matched += matches,
                // One by one, to see which it is.
                Err(wrong) => {
                    let alone = packets.iter().map(std::slice::from_ref).find_map(|packet| {
                        let wrong = check(&wire, &other, &rules, packet).err()?;
                        Some(format!("{packet:?}\n{wrong}"))
                    });
                    panic!("{place}\n{}", alone.unwrap_or(wrong));
                }
            }
        }
        let sent = RULE_SETS * PACKETS;
        println!(
            "{sent} packets, {RULE_SETS} sets of {all} rules, {gated} with a gate, {matched} matches"
        );
        assert!(matched > sent / 2, "the packets miss the rules: {matched} matches");
        assert!((10..RULE_SETS - 10).contains(&gated), "{gated} sets have a gate");
        assert!(by_address > 5, "only {by_address} sets have maps of addresses behind a condition");
    });
}

fn options() -> Options {
    let mut options = Options::new(["in0"]);
    options.merged_segments = false;
    options.vrf_tables = VRFS.into_iter().collect();
    options.sample = Sample { one_in: std::num::NonZeroU32::MIN, ..options.sample };
    options
}

fn check(
    wire: &Wire,
    other: &Wire,
    rules: &[Rule],
    packets: &[(Packet, Shape)],
) -> Result<u64, String> {
    let program = Program::compile(rules, &options(), None).unwrap();
    assert_eq!(program.refusals(), []);
    let kernel = Kernel::default();
    wait(kernel.apply(&program)).unwrap_or_else(|e| panic!("{e}\n{}", program.ruleset()));
    nft(&witness());
    for (packet, shape) in packets {
        let octets = octets(packet, *shape, 1);
        wire.send(&octets);
        other.send(&octets);
    }
    let began = Instant::now();
    loop {
        let came = came();
        if came >= packets.len() as u64 {
            assert_eq!(came, packets.len() as u64);
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(5), "only {came} came in");
    }
    let counted = wait(kernel.counters(&program)).unwrap();
    let (expected, fates) = expect(&program, rules, packets);
    let describe = || {
        let rules: Vec<String> = program
            .rules()
            .iter()
            .zip(expected.iter().zip(&counted))
            .enumerate()
            .map(|(index, (rule, (expected, counted)))| {
                let wrong = if expected == counted { ' ' } else { '!' };
                let actions: Vec<String> = rule.actions.iter().map(ToString::to_string).collect();
                format!(
                    "{wrong} r{index} {} → {}: {expected:?} {counted:?}",
                    rule.nlri,
                    actions.join(", ")
                )
            })
            .collect();
        format!("{}\n{}", rules.join("\n"), program.ruleset())
    };
    if expected != counted {
        return Err(describe());
    }
    let found = witnessed();
    if fates != found {
        return Err(format!("{fates:?}\n{found:?}\n{}", describe()));
    }
    Ok(expected.iter().map(|counter| counter.packets).sum())
}

/// What counters and marks should be, by the RFC's own words and ours where it has none.
fn expect(program: &Program, rules: &[Rule], packets: &[(Packet, Shape)]) -> (Vec<Counter>, Fates) {
    let mut counters = vec![Counter::default(); program.rules().len()];
    let mut fates = Fates::new();
    for (packet, _) in packets {
        let (mut target, mut dscp, mut dropped) = (None, None, false);
        for rule in acting(rules, packet) {
            let index = program.rules().iter().position(|p| p.nlri == rule.nlri).unwrap();
            counters[index].packets += 1;
            counters[index].bytes += u64::from(packet.length);
            for action in &rule.actions {
                match *action {
                    Action::TrafficRateBytes { rate: Rate::DROP, .. } => dropped = true,
                    Action::RedirectVrf(vrf) => {
                        let table = program.options().vrf_tables[&vrf];
                        target = target.or(Some(Target::Vrf { table, afi: rule.nlri.afi() }));
                    }
                    Action::RedirectIp { address, .. } => {
                        target = target.or(Some(Target::NextHop(address)));
                    }
                    Action::TrafficMarking { dscp: value } => dscp = dscp.or(Some(value)),
                    _ => {}
                }
            }
            if dropped {
                break;
            }
        }
        if !dropped {
            let redirects = program.redirects();
            let mark = target.map_or(0, |target| {
                redirects.iter().find(|redirect| redirect.target == target).unwrap().mark
            });
            *fates.entry((mark, dscp.unwrap_or(packet.dscp))).or_default() += 1;
        }
    }
    (counters, fates)
}

fn nft(text: &str) {
    use std::io::Write;
    let mut child = std::process::Command::new("nft")
        .args(["-f", "-"])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

fn listed(what: &str) -> serde_json::Value {
    let listed = crate::namespace::run("nft", &format!("-j -n list {what}"));
    serde_json::from_str(&listed).unwrap()
}

/// Packets that came in through the interface.
fn came() -> u64 {
    let listed = listed("chain inet witness before");
    let mut objects = listed["nftables"].as_array().unwrap().iter();
    let packets = |object: &serde_json::Value| {
        object.pointer("/rule/expr/1/counter/packets").and_then(serde_json::Value::as_u64)
    };
    objects.find_map(packets).unwrap()
}

fn witnessed() -> Fates {
    let listed = listed("table inet witness");
    let mut fates = Fates::new();
    for object in listed["nftables"].as_array().unwrap() {
        let name = object.pointer("/set/name").and_then(|name| name.as_str()).unwrap_or_default();
        for element in object.pointer("/set/elem").and_then(|e| e.as_array()).into_iter().flatten()
        {
            let element = &element["elem"];
            let (_, dscp) = name.split_once('_').unwrap();
            let mark = u32::try_from(element["val"].as_u64().unwrap()).unwrap();
            let packets = element["counter"]["packets"].as_u64().unwrap();
            *fates.entry((mark, dscp.parse().unwrap())).or_default() += packets;
        }
    }
    fates
}
