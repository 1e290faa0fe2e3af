//! Each program is killed in turn, while clients ask.

use std::time::Duration;

use super::stage;
use super::traffic::{Fate, Traffic, now, told};
use super::{ALLOWED, DemoError, Scene, Show};

/// Long enough to see what a failure does.
const LOOK: Duration = Duration::from_secs(2);

/// A client's own packets to the address that may not be reached uninspected.
const LEAKS: &str = "add table inet lab; \
    add chain inet lab seen { type filter hook prerouting priority 0; }; \
    add rule inet lab seen ip saddr 10.20.0.0/16 ip daddr 203.0.113.60 counter";

/// Two clients: what becomes of one's calls when nobody inspects is `withdraw`, of the other's `drop`.
struct Clients {
    openai: Traffic,
    anthropic: Traffic,
}

/// What happens, in order.
pub fn scenes(scene: &Scene<'_>, show: &mut Show) -> Result<(), DemoError> {
    show.heading("Clients ask both models all the time, and programs are killed");
    scene.ask("internet", &["nft", LEAKS])?;
    let trusted = scene.file(stage::TRUSTED).display().to_string();
    let message = r#""messages": [{"role": "user", "content": "How many words?"}]"#;
    let openai = format!(r#"{{"model": "{ALLOWED}", {message}}}"#);
    let anthropic = format!(r#"{{"model": "claude-haiku-4-5", "max_tokens": 64, {message}}}"#);
    let start = |url, body: &str| Traffic::start(scene, url, body, &trusted);
    let clients = Clients {
        openai: start("https://api.openai.com/v1/chat/completions", &openai)?,
        anthropic: start("https://api.anthropic.com/v1/messages", &anthropic)?,
    };
    clients.wait_inspected(scene, now())?;
    show.done("both are answered through the proxy");
    proxy(scene, show, &clients)?;
    others(scene, show, &clients)
}

fn proxy(scene: &Scene<'_>, show: &mut Show, clients: &Clients) -> Result<(), DemoError> {
    show.heading("kill -9 sark-proxy");
    let killed = now();
    let seconds = |at: Duration| at.saturating_sub(killed).as_secs_f64();
    scene.kill("proxy", "sark-proxy")?;
    let straight = || clients.openai.first(killed, Fate::Straight);
    scene.wait("calls to api.openai.com to go straight", &mut || straight().is_some())?;
    let at = straight().unwrap_or_default();
    show.done(&format!(
        "api.openai.com, `withdraw`: straight to the server after {:.2} s",
        seconds(at)
    ));
    let drops = || {
        stage::rules(scene).is_some_and(|rules| rules.iter().any(|rule| rule.contains("discard")))
    };
    scene.wait("the router to drop what goes to api.anthropic.com", &mut || drops())?;
    show.done(&format!(
        "api.anthropic.com, `drop`: dropped by the router after {:.2} s",
        seconds(now())
    ));
    std::thread::sleep(LOOK);
    show.say(&format!("  api.openai.com:    {}", told(&clients.openai.since(killed))));
    show.say(&format!("  api.anthropic.com: {}", told(&clients.anthropic.since(killed))));
    stage::show_rules(scene)?;
    no_leak(scene, show)?;
    show.heading("sark-proxy starts again");
    let begun = now();
    stage::start_proxy(scene)?;
    clients.wait_inspected(scene, begun)?;
    show.done("both are answered through the proxy again");
    Ok(())
}

/// What nobody has to notice.
fn others(scene: &Scene<'_>, show: &mut Show, clients: &Clients) -> Result<(), DemoError> {
    type Restart = fn(&Scene<'_>) -> Result<(), DemoError>;
    let nothing: Restart = |_| Ok(());
    let programs: [(&str, &str, &str, Restart); 4] = [
        (
            "speaker",
            "sarkd",
            "the proxy decides by its snapshot, and keeps its records",
            stage::start_sarkd,
        ),
        ("router", "sark-enforcer", "what it programmed stays", stage::start_enforcer),
        ("router", "gobgpd", "sark-enforcer keeps what it had", stage::start_gobgpd),
        ("speaker", "gobgpd", "the router keeps its routes, and sarkd starts another", nothing),
    ];
    for (node, program, why, restart) in programs {
        show.heading(&format!("{node}: kill -9 {program}"));
        let killed = now();
        scene.kill(node, program)?;
        std::thread::sleep(LOOK);
        restart(scene)?;
        std::thread::sleep(LOOK);
        let calls = [clients.openai.since(killed), clients.anthropic.since(killed)].concat();
        let unseen = calls.iter().filter(|call| call.fate != Fate::Inspected).count();
        show.say(&format!("  {}", told(&calls)));
        if unseen > 0 {
            return Err(DemoError::Unlike(format!("{unseen} calls were not inspected")));
        }
        show.done(&format!("every call was inspected: {why}"));
    }
    no_leak(scene, show)
}

impl Clients {
    fn wait_inspected(&self, scene: &Scene<'_>, since: Duration) -> Result<(), DemoError> {
        let inspected = |traffic: &Traffic| traffic.first(since, Fate::Inspected).is_some();
        scene.wait("calls to be answered through the proxy", &mut || {
            inspected(&self.openai) && inspected(&self.anthropic)
        })
    }
}

fn no_leak(scene: &Scene<'_>, show: &mut Show) -> Result<(), DemoError> {
    let counted = scene.ask("internet", &["nft", "list", "table", "inet", "lab"])?;
    if !counted.contains("counter packets 0 ") {
        return Err(DemoError::Unlike(format!("packets of the class `drop` passed: {counted}")));
    }
    show.done("not one packet of the client's own came to 203.0.113.60");
    Ok(())
}
