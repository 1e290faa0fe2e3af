//! Servers that speak like models', for labs: `standin ROOT.pem ADDRESS…`. They serve any name; the authorities
//! that vouch for them are written to the file once all listen.

#![expect(clippy::unwrap_used, reason = "for labs and tests")]
#![allow(dead_code, reason = "the tests' own server, of which a lab uses some")]

#[path = "../tests/mcp_server.rs"]
mod mcp_server;
#[path = "../tests/models.rs"]
mod models;
#[path = "../tests/realtime.rs"]
mod realtime;
#[path = "../tests/server.rs"]
mod server;

use server::Server;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().expect("usage: standin ROOT.pem ADDRESS…");
    let mut servers = Vec::new();
    for address in arguments {
        servers.push(Server::at(&address, &["h2", "http/1.1"]).await);
    }
    let roots: String = servers.iter().map(|server| server.root.as_str()).collect();
    std::fs::write(&file, roots).unwrap();
    println!("{} servers listen", servers.len());
    std::future::pending::<()>().await;
}
