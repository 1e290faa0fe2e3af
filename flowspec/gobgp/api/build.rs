//! Compiles the protos with protox (no protoc needed) into tonic clients.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let files = protox::compile(["apipb.proto", "api.proto"], ["proto"])?;
    let mut config = tonic_prost_build::Config::new();
    // For `Any::from_msg`; GoBGP reads the part after the slash.
    config.enable_type_names();
    config.type_name_domain(["."], "type.googleapis.com");
    tonic_prost_build::configure()
        .build_server(std::env::var_os("CARGO_FEATURE_SERVER").is_some())
        // Holds the session's password: lib.rs writes a `Debug` that does not show it.
        .skip_debug(["apipb.PeerConf"])
        .compile_fds_with_config(files, config)?;
    Ok(())
}
