//! The line of packets and decisions: from a client through a router and a proxy to models' servers, and what
//! becomes of it when each program is killed.

mod failures;
mod libraries;
mod stage;
mod traffic;

use super::DemoError;
use super::scene::Scene;
use super::show::Show;
use crate::lab::Lab;
use crate::place::Place;
use crate::run::run;

/// Where to look while it is up.
pub const LOOK: &[&str] = &[
    "router -- nft list table ip sark_flowspec",
    "speaker -- SARKCTL flowspec list",
    "speaker -- SARKCTL audit tail",
];

/// A model that the lab's client may ask, and one that it may not.
const ALLOWED: &str = "gpt-5-mini";
const DENIED: &str = "gpt-5";

/// What happens, in order.
pub fn scenes(place: &Place, lab: &Lab, show: &mut Show) -> Result<(), DemoError> {
    show.heading("A client, a router that obeys FlowSpec, a proxy, and an Internet");
    if lab.down(place)? {
        show.say("took down the lab that an earlier demo left");
    }
    let state = lab.up(place, None)?;
    show.say("  client ── router ── internet    203.0.113.50: api.openai.com and www.example.org");
    show.say("             │  │                 203.0.113.60: api.anthropic.com");
    show.say("       speaker  proxy              others, one of them over IPv6 alone");
    show.done(&format!("{} nodes are up", state.nodes.len()));
    let scene = Scene::new(place, &state, &lab.name);
    stage::set(&scene, show)?;
    unrelated(&scene, show)?;
    let id = call(&scene, show)?;
    story(&scene, show, &id)?;
    libraries::scenes(&scene, show)?;
    failures::scenes(&scene, show)
}

/// A site at the shared address that is nobody's business.
fn unrelated(scene: &Scene<'_>, show: &mut Show) -> Result<(), DemoError> {
    show.heading("client$ curl https://www.example.org/");
    show.say("Its address is redirected, because api.openai.com lives there too. The proxy reads the name and lets");
    show.say("it pass unopened: the client, which believes the site's own authority alone, sees its certificate.");
    let root = scene.file(stage::INTERNET).display().to_string();
    let words = ["curl", "-sS", "-m", "5", "--cacert", &root, "https://www.example.org/"];
    show.say(&format!("  {}", scene.ask("client", &words)?.trim()));
    show.done("the unrelated site answers");
    Ok(())
}

/// Calls to a model. The id of the denied one.
fn call(scene: &Scene<'_>, show: &mut Show) -> Result<String, DemoError> {
    show.heading(&format!("client$ a streamed call of {ALLOWED}, as its user ada may"));
    let ask = |model: &str, more: &str| {
        let body = format!(
            r#"{{"model": "{model}", "stream": true, "messages": [{{"role": "user", "content": "How many words?"}}]}}"#
        );
        let trusted = scene.file(stage::TRUSTED);
        // Each line with the milliseconds since the first.
        let script = format!(
            "curl -sS -N -m 10 {more} --cacert {} -H 'content-type: application/json' -H 'authorization: Bearer x' \
             -d '{body}' https://api.openai.com/v1/chat/completions | while read -r line || [ -n \"$line\" ]; do t=$(date +%s%3N); \
             : ${{first:=$t}}; [ -n \"$line\" ] && printf '%5s ms  %s\\n' $((t - first)) \"$line\"; done; true",
            trusted.display()
        );
        scene.ask("client", &["sh", "-c", &script])
    };
    for line in ask(ALLOWED, "")?.lines() {
        show.say(&format!("  {}", line.chars().take(118).collect::<String>()));
    }
    show.done("its events came one by one");
    show.heading(&format!("client$ the same call of {DENIED}"));
    let said = ask(DENIED, "-i")?;
    for line in said.lines() {
        show.say(&format!("  {}", line.split_once("ms  ").map_or(line, |(_, line)| line)));
    }
    let id = said.lines().find_map(|line| line.split_once("x-sark-request-id: "));
    let id = id.map(|(_, id)| id.trim().to_owned());
    show.done(
        "an error as the provider writes it, which its libraries raise as PermissionDeniedError",
    );
    id.ok_or_else(|| DemoError::Answer("a denial without its id".to_owned()))
}

/// What is known of one request.
fn story(scene: &Scene<'_>, show: &mut Show, id: &str) -> Result<(), DemoError> {
    scene.wait("the router to have told what its rules counted", &mut || {
        scene.sarkctl(&["flowspec", "list", "-o", "json"]).is_ok_and(|said| counted(&said) > 0)
    })?;
    show.heading("sarkctl flowspec list");
    run(&mut scene.sarkctl_command(&["flowspec", "list"])?)?;
    show.heading(&format!("sarkctl explain {id}"));
    scene.wait("the record of the request to reach sarkd", &mut || {
        scene.sarkctl(&["explain", id]).is_ok_and(|said| said.contains("model-allow-list"))
    })?;
    Ok(run(&mut scene.sarkctl_command(&["explain", id])?)?)
}

/// Packets of all rules.
fn counted(list: &str) -> u64 {
    let list: serde_json::Value = serde_json::from_str(list).unwrap_or_default();
    let rules = list["rules"].as_array().into_iter().flatten();
    rules.filter_map(|rule| rule["counters"]["packets"].as_u64()).sum()
}
