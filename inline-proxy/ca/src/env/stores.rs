//! Stores that no variable leads to.

/// A store, and the command that adds our roots to it. `{}` is the path, quoted for a POSIX shell or for
/// PowerShell, as the command is.
pub(super) struct Store {
    pub(super) name: &'static str,
    before: &'static str,
    after: &'static str,
    windows: bool,
}

impl Store {
    pub(super) fn command(&self, quote: impl Fn(bool) -> String) -> String {
        format!("{}{}{}", self.before, quote(self.windows), self.after)
    }
}

/// Java and Debian take one certificate of a file.
pub(super) const STORES: [Store; 6] = [
    Store {
        name: "Java, for each certificate of the file by itself",
        before: "keytool -importcert -noprompt -cacerts -storepass changeit -alias sark -file ",
        after: "",
        windows: false,
    },
    Store {
        name: "Debian, Ubuntu, Alpine, for each certificate of the file by itself",
        before: "cp ",
        after: " /usr/local/share/ca-certificates/sark.crt && update-ca-certificates",
        windows: false,
    },
    Store {
        name: "Red Hat, Fedora",
        before: "cp ",
        after: " /etc/pki/ca-trust/source/anchors/sark.pem && update-ca-trust",
        windows: false,
    },
    Store {
        name: "macOS",
        before: "security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain ",
        after: "",
        windows: false,
    },
    Store {
        name: "Windows",
        before: "Import-Certificate -CertStoreLocation Cert:\\LocalMachine\\Root -FilePath ",
        after: "",
        windows: true,
    },
    Store {
        name: "Firefox and Chrome on Linux",
        before: "certutil -A -d sql:$HOME/.pki/nssdb -t C,, -n sark -i ",
        after: "",
        windows: false,
    },
];
