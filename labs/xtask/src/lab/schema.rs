//! containerlab's topology file, as its own schema has it.
//!
//! Keys that this runner does not realise are still keys: they are accepted and named in a warning.
//! Keys that containerlab does not have are mistakes.

use std::collections::BTreeMap;

use sark_core::document::Spanned;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Some value of a key that is not realised here.
pub type Unrealised = Option<IgnoredAny>;

/// A type with the keys we use and the keys we only know, and the list of the latter that a file
/// sets.
macro_rules! keys {
    (
        $(#[$about:meta])*
        pub struct $name:ident {
            realised { $($(#[$field_about:meta])* $field:ident: $type:ty,)* }
            unrealised { $($other:ident = $key:literal,)* }
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Default, Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case")]
        pub struct $name {
            $($(#[$field_about])* pub $field: $type,)*
            $(#[serde(default, rename = $key)] $other: Unrealised,)*
        }

        impl $name {
            /// Keys that are set and that this runner does not realise.
            pub fn unrealised(&self) -> Vec<&'static str> {
                let set = [$(($key, self.$other.is_some()),)*];
                set.into_iter().filter(|(_, is_set)| *is_set).map(|(key, _)| key).collect()
            }
        }
    };
}

keys! {
    /// The file.
    pub struct File {
        realised {
            name: Spanned<String>,
            topology: Topology,
        }
        unrealised {
            prefix = "prefix",
            mgmt = "mgmt",
            settings = "settings",
            debug = "debug",
        }
    }
}

keys! {
    /// `topology`
    pub struct Topology {
        realised {
            nodes: BTreeMap<String, Option<Spanned<NodeConfig>>>,
            #[serde(default)]
            kinds: BTreeMap<String, NodeConfig>,
            #[serde(default)]
            defaults: NodeConfig,
            #[serde(default)]
            groups: BTreeMap<String, NodeConfig>,
            #[serde(default)]
            links: Vec<Spanned<Link>>,
        }
        unrealised {}
    }
}

keys! {
    /// A node, or what is common to all nodes of a kind, of a group, or of the lab.
    pub struct NodeConfig {
        realised {
            kind: Option<Spanned<String>>,
            group: Option<String>,
            image: Option<String>,
            #[serde(default)]
            binds: Vec<Spanned<String>>,
            #[serde(default)]
            exec: Vec<Spanned<String>>,
            #[serde(default)]
            env: BTreeMap<String, String>,
            #[expect(dead_code, reason = "labels are for people and for other programs")]
            #[serde(default)]
            labels: BTreeMap<String, String>,
        }
        unrealised {
            aliases = "aliases",
            auto_remove = "auto-remove",
            cap_add = "cap-add",
            certificate = "certificate",
            cmd = "cmd",
            components = "components",
            config = "config",
            cpu = "cpu",
            cpu_set = "cpu-set",
            devices = "devices",
            dns = "dns",
            enforce_startup_config = "enforce-startup-config",
            entrypoint = "entrypoint",
            env_files = "env-files",
            extras = "extras",
            healthcheck = "healthcheck",
            image_pull_policy = "image-pull-policy",
            kernel = "kernel",
            license = "license",
            memory = "memory",
            mgmt_ipv4 = "mgmt-ipv4",
            mgmt_ipv4_old = "mgmt_ipv4",
            mgmt_ipv6 = "mgmt-ipv6",
            mgmt_ipv6_old = "mgmt_ipv6",
            network_mode = "network-mode",
            position = "position",
            ports = "ports",
            publish = "publish",
            restart_policy = "restart-policy",
            runtime = "runtime",
            sandbox = "sandbox",
            sans = "SANs",
            shm_size = "shm-size",
            stages = "stages",
            startup_config = "startup-config",
            startup_delay = "startup-delay",
            suppress_startup_config = "suppress-startup-config",
            sysctls = "sysctls",
            r#type = "type",
            user = "user",
            wait_for = "wait-for",
        }
    }
}

keys! {
    /// A link in the brief form: two `NODE:INTERFACE`.
    pub struct Link {
        realised {
            #[serde(default)]
            endpoints: Vec<Spanned<String>>,
            mtu: Option<u32>,
        }
        unrealised {
            r#type = "type",
            vars = "vars",
            labels = "labels",
        }
    }
}
