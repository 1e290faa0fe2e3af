use super::*;

fn check(text: &str) -> Result<Topology, String> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    read("lab.clab.yml", text, dir).map_err(|wrong| wrong.to_string())
}

const TWO: &str =
    "name: two\ntopology:\n  nodes:\n    a: { kind: linux }\n    b: { kind: linux }\n";

#[test]
fn the_shipped_lab_is_read() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../containerlab/edge");
    let text = std::fs::read_to_string(dir.join("edge.clab.yml")).unwrap();
    let lab = read("edge.clab.yml", &text, &dir).unwrap();
    let routers: Vec<_> = lab.nodes.iter().filter(|node| node.is_router).collect();
    assert_eq!(routers.iter().map(|node| node.name.as_str()).collect::<Vec<_>>(), ["r1", "r2"]);
    assert_eq!((lab.nodes.len(), lab.links.len()), (6, 6));
    assert_eq!(lab.warnings, Vec::<String>::new());
}

#[test]
fn the_more_special_layer_wins() {
    let lab = check(
        "name: x\ntopology:\n  defaults: { kind: linux, env: { A: '1', B: '1', C: '1' } }\n  \
         kinds: { linux: { env: { B: '2', C: '2' }, exec: [kind] } }\n  nodes:\n    \
         a: { env: { C: '3' }, exec: ['ip \"a b\" c\\ d'] }\n    b:\n",
    )
    .unwrap();
    let env = |n: usize| lab.nodes[n].env.values().map(String::as_str).collect::<Vec<_>>();
    assert_eq!((env(0), env(1)), (vec!["1", "2", "3"], vec!["1", "2", "2"]));
    assert_eq!(lab.nodes[0].exec, [vec!["kind"], vec!["ip", "a b", "c d"]]);
}

#[test]
fn containerlab_keys_we_do_not_realise_are_warned_of_once() {
    let text = format!(
        "{TWO}  links:\n    - endpoints: ['a:e1', 'b:e1']\n      vars: {{ x: 1 }}\n    \
        - endpoints: ['a:e2', 'b:e2']\n      vars: {{ x: 1 }}\nmgmt: {{ network: m }}\n"
    );
    assert_eq!(
        check(&text).unwrap().warnings,
        [
            "lab.clab.yml: `links.vars` is not realised here",
            "lab.clab.yml: `mgmt` is not realised here"
        ]
    );
}

#[test]
fn mistakes_are_shown_with_their_line() {
    let link = |ends: &str| format!("{TWO}  links:\n    - endpoints: {ends}\n");
    for (text, place, words) in [
        (link("['a:e1', 'c:e1']"), ":7:", "there is no node \"c\""),
        (link("['a:e1']"), ":7:", "a link has two endpoints, this one 1"),
        (link("['a:e1', 'a:e1']"), ":7:", "this interface has a link already"),
        (link("['a', 'b:e1']"), ":7:", "NODE:INTERFACE"),
        (link("['a:toolonginterface', 'b:e1']"), ":7:", "cannot be an interface's name"),
        (TWO.replace("b: { kind: linux }", "b: { kind: srl }"), ":5:", "needs containerlab itself"),
        (TWO.replace("b: { kind: linux }", "b: { knd: linux }"), ":5:", "`kind`"),
        (TWO.replace("b: { kind: linux }", "b:"), "", "node b has no kind"),
        (
            TWO.replace("b: { kind: linux }", "b: { kind: linux, binds: ['nowhere:/x'] }"),
            ":5:",
            "cannot bind",
        ),
        (
            TWO.replace("b: { kind: linux }", "b: { kind: linux, binds: ['src:x'] }"),
            ":5:",
            "not a full path",
        ),
        (
            TWO.replace("b: { kind: linux }", "b: { kind: linux, image: frr }"),
            ":5:",
            "/etc/frr/daemons",
        ),
        (TWO.replace("name: two", "name: '../up'"), ":1:", "cannot be a lab's name"),
        (TWO.replace("topology:", "topologie:"), ":2:", "topology"),
    ] {
        let said = check(&text).unwrap_err();
        assert!(said.contains(place) && said.contains(words), "for\n{text}\nit said\n{said}");
    }
}
