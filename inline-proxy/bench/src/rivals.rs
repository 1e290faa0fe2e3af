//! The others, as their own documentation sets them up, and the servers behind all.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::Options;
use crate::certificates::Certificates;
use crate::chat;
use crate::inside::{Cores, MODELS};
use crate::program::{Running, directory};

/// Where the servers are: of models, and of octets.
pub const SERVER: u16 = 9443;
pub const SOURCE: u16 = 9500;
/// Where a proxy is: for TLS that it opens, for TLS that it does not, and for octets.
pub const OPENED: u16 = 8443;
pub const TIED: u16 = 8444;
pub const BULK: u16 = 8445;
/// Where ours is for TLS that it opens, and decides nothing.
pub const UNDECIDED: u16 = 8446;

/// All that are measured.
pub const ALL: [&str; 5] = ["sark", "nginx", "envoy", "mitmproxy", "haproxy"];

/// What every round needs.
pub struct Place {
    pub directory: PathBuf,
    pub certificates: Certificates,
    pub cores: Cores,
}

/// Whether all programs are here.
pub fn check(options: &Options) -> Result<(), String> {
    let setup = "cargo xtask setup --only bench";
    for name in &options.only {
        if !ALL.contains(&name.as_str()) {
            return Err(format!("there is no {name} here: {}", ALL.join(", ")));
        }
    }
    for program in ["nginx", "wrk", "haproxy", "taskset", "unshare", "ip"] {
        if which(program).is_none() {
            return Err(format!("{program} is not installed: {setup}"));
        }
    }
    let wanted = |name: &str| options.only.is_empty() || options.only.iter().any(|it| it == name);
    for (name, file) in [("envoy", envoy_program()), ("mitmproxy", mitmdump_program())] {
        if wanted(name) && !file.as_ref().is_some_and(|file| file.is_file()) {
            return Err(format!("SARK_PROXIES names no directory with {name}: {setup}"));
        }
    }
    if wanted("sark") && std::env::var_os("SARK_PROXY").is_none() {
        return Err("SARK_PROXY does not name sark-proxy: run cargo xtask bench proxy".to_owned());
    }
    Ok(())
}

fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    let mut places = std::env::split_paths(&path).chain(more);
    places.find_map(|place| Some(place.join(program)).filter(|file| file.is_file()))
}

fn proxies() -> Option<PathBuf> {
    std::env::var_os("SARK_PROXIES").map(PathBuf::from)
}

fn envoy_program() -> Option<PathBuf> {
    Some(proxies()?.join("envoy/_bin/envoy"))
}

fn mitmdump_program() -> Option<PathBuf> {
    Some(proxies()?.join("bin/mitmdump"))
}

/// What they say they are.
pub fn version(name: &str) -> String {
    let mut command = match name {
        "envoy" => Command::new(envoy_program().unwrap()),
        "mitmproxy" => mitmdump(),
        "sark" => Command::new(std::env::var_os("SARK_PROXY").unwrap()),
        other => Command::new(which(other).unwrap()),
    };
    let flag = if matches!(name, "nginx" | "haproxy" | "wrk") { "-v" } else { "--version" };
    let output = command.arg(flag).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    let number = |word: &str| {
        let word = word.rsplit('/').find(|part| part.starts_with(|c: char| c.is_ascii_digit()))?;
        word.contains('.').then(|| word.split(['-', '+', '~']).next().unwrap_or(word).to_owned())
    };
    text.split_whitespace().find_map(number).unwrap_or_default()
}

/// Answers as a model's server does, with TLS.
pub fn server(place: &Place) -> Running {
    let at = directory(&place.directory, "server");
    let answer = chat::answer();
    let body = format!("location / {{ default_type application/json; return 200 '{answer}'; }}");
    nginx_like(place, &at, SERVER, "", &body, &place.cores.others)
}

pub fn nginx(place: &Place) -> Running {
    let at = directory(&place.directory, "nginx");
    let root = place.certificates.root.display();
    let upstream = format!(
        "upstream models {{ server 127.0.0.1:{SERVER}; keepalive 512; keepalive_requests 100000000; }}"
    );
    let body = format!(
        "location / {{ proxy_pass https://models; proxy_http_version 1.1;\n\
         proxy_set_header Connection \"\"; proxy_set_header Host $host;\n\
         proxy_ssl_verify on; proxy_ssl_trusted_certificate {root}; proxy_ssl_name {MODELS};\n\
         proxy_ssl_server_name on; proxy_ssl_protocols TLSv1.3; }}"
    );
    nginx_like(place, &at, OPENED, &upstream, &body, &[place.cores.proxy])
}

fn nginx_like(
    place: &Place,
    at: &Path,
    port: u16,
    upstream: &str,
    body: &str,
    cores: &[usize],
) -> Running {
    let Certificates { leaf, key, .. } = &place.certificates;
    let (leaf, key, dir) = (leaf.display(), key.display(), at.display());
    let text = format!(
        "daemon off; worker_processes 1; user root; pid {dir}/pid; error_log stderr warn;\n\
         events {{ worker_connections 8192; }}\n\
         http {{ access_log off; keepalive_timeout 300; keepalive_requests 100000000;\n\
         client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy;\n\
         fastcgi_temp_path {dir}/fastcgi; uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;\n\
         {upstream}\n\
         server {{ listen 127.0.0.1:{port} ssl reuseport backlog=4096;\n\
         ssl_certificate {leaf}; ssl_certificate_key {key};\n\
         ssl_protocols TLSv1.2 TLSv1.3; ssl_session_tickets off; ssl_session_cache off;\n\
         {body} }} }}\n"
    );
    let file = at.join("nginx.conf");
    fs::write(&file, text).unwrap();
    let mut command = Command::new(which("nginx").unwrap());
    command.arg("-p").arg(at).arg("-e").arg(at.join("start.log")).arg("-c").arg(&file);
    Running::start(&command, cores, at.join("log"), &[port])
}

pub fn envoy(place: &Place) -> Running {
    let at = directory(&place.directory, "envoy");
    let Certificates { root, leaf, key, .. } = &place.certificates;
    let kind = |name: &str| format!("type.googleapis.com/envoy.extensions.{name}");
    let tls = "transport_sockets.tls.v3";
    let manager = json!({
        "@type": kind("filters.network.http_connection_manager.v3.HttpConnectionManager"),
        "stat_prefix": "in",
        "codec_type": "AUTO",
        "http_filters": [{ "name": "router", "typed_config": {
            "@type": kind("filters.http.router.v3.Router") } }],
        "route_config": { "virtual_hosts": [{ "name": "all", "domains": ["*"], "routes": [{
            "match": { "prefix": "/" }, "route": { "cluster": "models", "timeout": "60s" } }] }] },
    });
    let listener = json!({
        "name": "in",
        "address": { "socket_address": { "address": "127.0.0.1", "port_value": OPENED } },
        "filter_chains": [{
            "transport_socket": { "name": "tls", "typed_config": {
                "@type": kind(&format!("{tls}.DownstreamTlsContext")),
                "common_tls_context": { "alpn_protocols": ["h2", "http/1.1"], "tls_certificates": [{
                    "certificate_chain": { "filename": leaf }, "private_key": { "filename": key },
                }] },
                "disable_stateless_session_resumption": true,
            } },
            "filters": [{ "name": "http", "typed_config": manager }],
        }],
    });
    let many = json!([{ "max_connections": 65_536, "max_pending_requests": 65_536, "max_requests": 65_536 }]);
    let cluster = json!({
        "name": "models",
        "type": "STATIC",
        "connect_timeout": "5s",
        "circuit_breakers": { "thresholds": many },
        "load_assignment": { "cluster_name": "models", "endpoints": [{ "lb_endpoints": [{
            "endpoint": { "address": { "socket_address": {
                "address": "127.0.0.1", "port_value": SERVER } } } }] }] },
        "transport_socket": { "name": "tls", "typed_config": {
            "@type": kind(&format!("{tls}.UpstreamTlsContext")),
            "sni": MODELS,
            "common_tls_context": { "validation_context": {
                "trusted_ca": { "filename": root },
                "match_typed_subject_alt_names": [{ "san_type": "DNS", "matcher": { "exact": MODELS } }],
            }, "tls_params": { "tls_maximum_protocol_version": "TLSv1_3" } },
        } },
    });
    // Envoy reads JSON where it reads YAML.
    let config = json!({ "static_resources": { "listeners": [listener], "clusters": [cluster] } });
    let file = at.join("envoy.json");
    fs::write(&file, config.to_string()).unwrap();
    let mut command = Command::new(envoy_program().unwrap());
    command.args(["--concurrency", "1", "--disable-hot-restart", "-l", "error", "-c"]).arg(&file);
    Running::start(&command, &[place.cores.proxy], at.join("log"), &[OPENED])
}

fn mitmdump() -> Command {
    let mut command = Command::new("python3");
    command.arg("-c").arg("from mitmproxy.tools.main import mitmdump; mitmdump()");
    command.env("PYTHONPATH", proxies().unwrap());
    command
}

pub fn mitmproxy(place: &Place) -> Running {
    let at = directory(&place.directory, "mitmproxy");
    let set = |name: &str, value: &Path| format!("{name}={}", value.display());
    let mut command = mitmdump();
    command.args(["-q", "--listen-host", "127.0.0.1", "--listen-port", &OPENED.to_string()]);
    command.args(["--mode", &format!("reverse:https://{MODELS}:{SERVER}")]);
    command.arg("--set").arg(set("confdir", &at));
    let root = &place.certificates.root;
    command.arg("--set").arg(set("ssl_verify_upstream_trusted_ca", root));
    command.arg("--certs").arg(format!("*={}", place.certificates.both.display()));
    Running::start(&command, &[place.cores.proxy], at.join("log"), &[OPENED])
}

pub fn haproxy(place: &Place) -> Running {
    let at = directory(&place.directory, "haproxy");
    let text = format!(
        "global\n  nbthread 1\n  maxconn 4096\n\
         defaults\n  mode tcp\n  option splice-auto\n  timeout connect 5s\n  timeout client 300s\n\
         \x20 timeout server 300s\n\
         listen tied\n  bind 127.0.0.1:{TIED}\n  server one 127.0.0.1:{SERVER}\n\
         listen bulk\n  bind 127.0.0.1:{BULK}\n  server one 127.0.0.1:{SOURCE}\n"
    );
    let file = at.join("haproxy.cfg");
    fs::write(&file, text).unwrap();
    let mut command = Command::new(which("haproxy").unwrap());
    command.arg("-db").arg("-f").arg(&file);
    Running::start(&command, &[place.cores.proxy], at.join("log"), &[TIED, BULK])
}
