//! The address line: two edge routers, and from a policy file to their tables.

use std::fs;
use std::time::Instant;

use super::dns::Dns;
use super::routers::{Expected, Routers};
use super::scene::Scene;
use super::show::Show;
use super::{DemoError, Options};
use crate::lab::Lab;
use crate::place::Place;
use crate::run::run;

/// Where to look while it is up.
pub const LOOK: &[&str] = &[
    "r1 -- vtysh -c 'show bgp ipv4 flowspec detail'",
    "speaker -- SARKCTL flowspec list",
    "client -- ping 203.0.113.10",
];

/// What happens, in order.
pub fn scenes(
    place: &Place,
    options: &Options,
    lab: &Lab,
    show: &mut Show,
) -> Result<(), DemoError> {
    show.heading("Two edge routers, a client, a server and a speaker");
    // What an earlier demo left in the tables would not be this one's doing.
    if lab.down(place)? {
        show.say("took down the lab that an earlier demo left");
    }
    let state = lab.up(place, options.frr)?;
    show.say("  client ── r1 ───── r2 ── server");
    show.say("             \\      /");
    show.say("              speaker ── dns");
    show.done(&format!("{} nodes are up, FRR {}", state.nodes.len(), state.frr));

    let scene = Scene::new(place, &state, &lab.name);
    let routers = Routers::new(&scene)?;
    show.heading("sarkd starts in `speaker`, with a gobgpd of its own");
    scene.start("speaker", "sarkd", &["--config", "/etc/sark/sark.yaml"])?;
    let wait = |what, is_so: &mut dyn FnMut() -> bool| scene.wait(what, is_so);
    wait("sarkd to answer", &mut || scene.sarkctl(&["flowspec", "list"]).is_ok())?;
    show.done("sarkd answers");
    wait("the BGP sessions", &mut || routers.are_established())?;
    show.done("both routers have their session, IPv4 and IPv6 FlowSpec");

    let dns = Dns::start(&scene)?;
    wait("a name to lead to its address", &mut || knows(&scene, "203.0.113.50"))?;
    show.done("api.openai.com leads to 203.0.113.50, says the lab's DNS");

    show.heading(&format!("sarkctl flowspec plan -f {}", options.policies));
    let files = ["-f", options.policies.as_str()];
    run(&mut scene.sarkctl_command(&[&["flowspec", "plan"], &files[..]].concat())?)?;
    let plan = scene.sarkctl(&[&["flowspec", "plan", "-o", "json"], &files[..]].concat())?;
    let expected = Expected::of_plan(&plan)?;
    show.done(&format!("{} rules for IPv4, {} for IPv6", expected.ipv4, expected.ipv6));

    show.heading(&format!("sarkctl flowspec apply --yes -f {}", options.policies));
    let said = scene.sarkctl(&[&["flowspec", "apply", "--yes"], &files[..]].concat())?;
    // It prints the plan again before it says what it did.
    show.say(said.trim_end().rsplit("\n\n").next().unwrap_or(&said));
    wait("the routers to hold the rules", &mut || routers.hold(expected))?;
    show.done("both routers hold exactly these rules");
    for (router, question) in [
        ("r1", "show bgp ipv4 flowspec"),
        ("r1", "show bgp ipv4 flowspec detail"),
        ("r1", "show bgp ipv6 flowspec"),
        ("r2", "show bgp ipv4 flowspec"),
        ("r2", "show bgp ipv6 flowspec"),
    ] {
        show.say(&format!("\n{router}# {question}"));
        show.excerpt(&routers.ask(router, question)?);
    }

    show.heading("gobgpd is killed");
    let before = routers.drops()?;
    let killed = Instant::now();
    scene.kill("speaker", "gobgpd")?;
    show.say("kill -9, as if it had crashed: its table is gone, and the routers lose every rule");
    wait("the routers to notice", &mut || routers.drops().is_ok_and(|now| now > before))?;
    show.done("the sessions are down");
    wait("the rules to come back", &mut || routers.hold(expected))?;
    let seconds = killed.elapsed().as_secs_f64();
    show.done(&format!("all rules are back on both routers, {seconds:.1} s after the kill"));

    show.heading("A name moves: api.openai.com is 203.0.113.51 now");
    let question = "show bgp ipv4 flowspec";
    let holds = |address: &str| routers.all_say(question, &format!("{address}/32"));
    let moved = Instant::now();
    dns.lead("api.openai.com", "203.0.113.51")?;
    wait("the routers to hold a rule for the new address", &mut || holds("203.0.113.51"))?;
    let seconds = moved.elapsed().as_secs_f64();
    show.done(&format!("both routers redirect it too, {seconds:.1} s after the DNS said so"));
    show.say("Nobody did anything. What made it so, in the registry's history:");
    run(&mut scene.sarkctl_command(&["registry", "history", "203.0.113.51"])?)?;
    show.say("203.0.113.50 stays for its grace time: clients outlive TTLs.");
    decisions(&scene, show)
}

/// What the proxy and the connectors will ask, asked by hand.
fn decisions(scene: &Scene<'_>, show: &mut Show) -> Result<(), DemoError> {
    let set = "policies/decision";
    show.heading(&format!("sarkctl policy activate {set}"));
    run(&mut scene.sarkctl_command(&["policy", "activate", set, "--yes"])?)?;
    let path = scene.file("questions.json");
    let failed = |source| DemoError::File { path: path.display().to_string(), source };
    fs::write(&path, QUESTIONS).map_err(failed)?;
    let path = path.display().to_string();
    show.heading("sarkctl policy ask: a call, one with a key in its prompt, and a tunnel");
    run(&mut scene.sarkctl_command(&["policy", "ask", "--durable", "-i", &path])?)?;
    show.heading("What the trail has of it, and that nobody changed it");
    run(&mut scene.sarkctl_command(&["audit", "tail", "-n", "4"])?)?;
    run(&mut scene.sarkctl_command(&["audit", "verify"])?)?;
    Ok(())
}

/// As sensors of traffic would describe them.
const QUESTIONS: &str = r#"
{"id": "call-1", "operation": "chat", "user": "ada", "groups": ["staff"], "provider": "openai",
 "endpoint": "openai/api", "model": "gpt-5-mini", "inspected": true}
{"id": "call-2", "operation": "chat", "user": "ada", "groups": ["staff"], "provider": "openai",
 "endpoint": "openai/api", "model": "gpt-5-mini", "inspected": true,
 "findings": [{"class": "secret", "kind": "aws_access_key", "count": 1, "confidence": 0.9}]}
{"id": "seen-1", "kind": "tunnel", "service": "ngrok", "confidence": 0.9, "user": "eve", "host": "lap-3"}
"#;

/// The registry in use knows this address by itself.
fn knows(scene: &Scene<'_>, address: &str) -> bool {
    let answer = scene.sarkctl(&["registry", "lookup", "-o", "json", address]);
    answer.is_ok_and(|answer| answer.contains("\"learned\""))
}
