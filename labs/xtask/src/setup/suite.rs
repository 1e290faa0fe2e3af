//! Daemons of another Debian release, unpacked into a directory of ours.
//!
//! apt does the work with state, cache and sources of its own: the sources are the machine's, with
//! the release's name replaced. The result is a small root file system to `chroot` into (FRR) and
//! wrapper scripts for programs that need nothing but their libraries.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{SetupError, write};
use crate::place::Place;
use crate::run::{RunError, capture};

/// The release, as apt names it.
const SUITE: &str = "trixie";

/// What to unpack, with all it depends on. The shell and its tools make `lab exec` useful.
const PACKAGES: &[&str] = &[
    "frr",
    "gobgpd",
    // Debian 12 has none.
    "suricata",
    "base-files",
    "bash",
    "coreutils",
    "dash",
    "iproute2",
    "iputils-ping",
    "procps",
    "sed",
    "grep",
];

/// Programs that run outside the root too, by a script at its top.
const WRAPPED: &[&str] = &["gobgpd", "suricata"];

/// A file that is written last and names what was unpacked.
const COMPLETE: &str = ".complete";

/// Users FRR's package would have made.
const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\nfrr:x:100:100::/nonexistent:/usr/sbin/nologin\n\
     nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
const GROUP: &str = "root:x:0:\nfrr:x:100:\nfrrvty:x:101:frr\nnogroup:x:65534:\n";

/// vtysh asks PAM; the file in the package wants others that maintainer scripts would have made.
const PAM: &str = "auth required pam_permit.so\naccount required pam_permit.so\n\
     password required pam_deny.so\nsession required pam_permit.so\n";

/// Where it is unpacked.
pub fn root(place: &Place) -> PathBuf {
    place.target.join("setup").join(SUITE)
}

/// Whether all of it is there.
pub fn is_complete(place: &Place) -> bool {
    let unpacked = fs::read_to_string(root(place).join(COMPLETE));
    unpacked.is_ok_and(|packages| packages == PACKAGES.join(" "))
}

/// Fetches and unpacks it, once.
pub fn ensure(place: &Place) -> Result<(), SetupError> {
    let root = root(place);
    if is_complete(place) {
        return Ok(());
    }
    eprintln!(
        "unpacking FRR 10, gobgpd 3.36 and Suricata 7 of Debian {SUITE} under {}",
        root.display()
    );
    let work = place.target.join("setup").join(format!("{SUITE}.apt"));
    for dir in [&root, &work] {
        if dir.exists() {
            fs::remove_dir_all(dir).map_err(|source| cannot_write(dir, source))?;
        }
    }
    for dir in ["state/lists/partial", "cache/archives/partial", "sources"] {
        let dir = work.join(dir);
        fs::create_dir_all(&dir).map_err(|source| cannot_write(&dir, source))?;
    }
    write(work.join("status"), "")?;
    copy_sources(&work.join("sources"))?;

    let failed = |source: RunError| SetupError::Command { what: format!("Debian {SUITE}"), source };
    capture(apt(&work).arg("update")).map_err(failed)?;
    let download = ["install", "-y", "--no-install-recommends", "--download-only"];
    capture(apt(&work).args(download).args(PACKAGES)).map_err(failed)?;

    fs::create_dir_all(&root).map_err(|source| cannot_write(&root, source))?;
    let archives = work.join("cache/archives");
    let listed = fs::read_dir(&archives).map_err(|source| cannot_write(&archives, source))?;
    let mut files: Vec<_> = listed.flatten().map(|entry| entry.path()).collect();
    // base-files brings the links from /bin and /lib to /usr: it has to come first.
    files.sort_by_key(|file| !file.to_string_lossy().contains("/base-files_"));
    for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "deb")) {
        let unpack = capture(Command::new("dpkg-deb").arg("-x").arg(file).arg(&root));
        unpack.map_err(failed)?;
    }
    furnish(&root)?;
    fs::remove_dir_all(&work).map_err(|source| cannot_write(&work, source))?;
    write(root.join(COMPLETE), &PACKAGES.join(" "))
}

fn apt(work: &Path) -> Command {
    let mut apt = Command::new("apt-get");
    apt.env("LC_ALL", "C").env("DEBIAN_FRONTEND", "noninteractive").arg("-q");
    for (key, file) in [
        ("Dir::State", "state"),
        ("Dir::State::status", "status"),
        ("Dir::Cache", "cache"),
        ("Dir::Etc::sourcelist", "sources/none.list"),
        ("Dir::Etc::sourceparts", "sources"),
        ("Dir::Etc::preferencesparts", "none"),
        ("Dir::Etc::preferences", "none"),
    ] {
        apt.arg("-o").arg(format!("{key}={}", work.join(file).display()));
    }
    for option in [
        "Debug::NoLocking=true",
        // Unpacked as another user than apt's own.
        "APT::Sandbox::User=root",
        "Acquire::Languages=none",
        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
        "Acquire::IndexTargets::deb::DEP-11-icons::DefaultEnabled=false",
        "Acquire::Retries=3",
    ] {
        apt.arg("-o").arg(option);
    }
    apt
}

/// The machine's own sources with the release replaced; those of other archives are left out.
fn copy_sources(to: &Path) -> Result<(), SetupError> {
    let own = own_release().ok_or(SetupError::NoMirror(SUITE))?;
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    let parts = fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().flatten();
    files.extend(parts.map(|entry| entry.path()));
    let mut copied = 0;
    for file in files {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        let (text, end) = match file.extension().and_then(|end| end.to_str()) {
            Some("list") => (one_line_sources(&text, &own), "list"),
            Some("sources") => (stanza_sources(&text, &own), "sources"),
            _ => continue,
        };
        if !text.is_empty() {
            copied += 1;
            write(to.join(format!("{copied}.{end}")), &text)?;
        }
    }
    if copied == 0 { Err(SetupError::NoMirror(SUITE)) } else { Ok(()) }
}

fn own_release() -> Option<String> {
    let text = fs::read_to_string("/etc/os-release").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="))?;
    Some(line.trim_matches('"').to_owned()).filter(|name| !name.is_empty())
}

/// `deb [options] URI bookworm-updates main …`
fn one_line_sources(text: &str, own: &str) -> String {
    let lines = text.lines().filter_map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        if words.first() != Some(&"deb") {
            return None;
        }
        // Of the machine's release at all?
        words.iter().find_map(|word| suite_for(word, own))?;
        Some(replaced(&words, own) + "\n")
    });
    lines.collect()
}

/// deb822: paragraphs of `Key: value` lines.
fn stanza_sources(text: &str, own: &str) -> String {
    let mut out = String::new();
    for stanza in text.split("\n\n") {
        let mut ours = false;
        let mut copy = String::new();
        for line in stanza.lines().filter(|line| !line.starts_with('#')) {
            if let Some(suites) = line.strip_prefix("Suites:") {
                let words: Vec<_> = suites.split_whitespace().collect();
                ours = words.iter().any(|word| suite_for(word, own).is_some());
                copy.push_str(&format!("Suites: {}\n", replaced(&words, own)));
            } else {
                copy.push_str(line);
                copy.push('\n');
            }
        }
        if ours {
            out.push_str(&copy);
            out.push('\n');
        }
    }
    out
}

fn replaced(words: &[&str], own: &str) -> String {
    let words = words.iter().map(|word| suite_for(word, own).unwrap_or_else(|| (*word).to_owned()));
    words.collect::<Vec<_>>().join(" ")
}

/// `bookworm-security` → `trixie-security`; also the older spelling `bookworm/updates`.
fn suite_for(word: &str, own: &str) -> Option<String> {
    let rest = word.strip_prefix(own)?;
    let suite = rest.is_empty() || rest.starts_with(['-', '/']);
    suite.then(|| format!("{SUITE}{}", rest.replace('/', "-")))
}

/// What maintainer scripts would have done.
fn furnish(root: &Path) -> Result<(), SetupError> {
    for dir in ["etc/frr", "run", "tmp", "proc", "sys", "dev", "root", "var/lib/frr", "var/log/frr"]
    {
        let dir = root.join(dir);
        fs::create_dir_all(&dir).map_err(|source| cannot_write(&dir, source))?;
    }
    let var_run = root.join("var/run");
    if !var_run.exists() && !var_run.is_symlink() {
        let link = std::os::unix::fs::symlink("/run", &var_run);
        link.map_err(|source| cannot_write(&var_run, source))?;
    }
    write(root.join("etc/passwd"), PASSWD)?;
    write(root.join("etc/group"), GROUP)?;
    write(root.join("etc/pam.d/other"), PAM)?;
    WRAPPED.iter().try_for_each(|program| wrap(root, program))
}

/// With its own loader and libraries it runs outside the root too.
fn wrap(root: &Path, program: &str) -> Result<(), SetupError> {
    let wrapper = root.join(program);
    let script = format!(
        "#!/bin/sh\nhere=$(dirname \"$(readlink -f \"$0\")\")\nset -- \"$here/usr/bin/{program}\" \"$@\"\n\
         for loader in \"$here\"/usr/lib64/ld-*.so.* \"$here\"/usr/lib/ld-*.so.*; do\n    \
         [ -e \"$loader\" ] || continue\n    libraries=\n    \
         for dir in \"$here\"/usr/lib/*-linux-gnu*; do libraries=$libraries:$dir; done\n    \
         exec \"$loader\" --library-path \"${{libraries#:}}\" \"$@\"\ndone\nexec \"$@\"\n"
    );
    write(wrapper.clone(), &script)?;
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(&wrapper, mode).map_err(|source| cannot_write(&wrapper, source))
}

fn cannot_write(path: &Path, source: std::io::Error) -> SetupError {
    SetupError::Write { path: path.to_path_buf(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_of_the_machine_become_the_other_releases() {
        let text = "# comment\nTypes: deb\nURIs: http://mirror.example/debian\n\
            Suites: bookworm bookworm-updates\nComponents: main\nSigned-By: /k.gpg\n\n\
            Types: deb\nURIs: http://other.example/x\nSuites: nodistro\nComponents: main\n";
        assert_eq!(
            stanza_sources(text, "bookworm"),
            "Types: deb\nURIs: http://mirror.example/debian\nSuites: trixie trixie-updates\n\
             Components: main\nSigned-By: /k.gpg\n\n"
        );
        let text = "deb [signed-by=/k.gpg] http://mirror.example/debian bookworm main\n\
            deb-src http://mirror.example/debian bookworm main\n\
            deb http://mirror.example/security bookworm-security main\n\
            deb http://other.example/apt cloud-bookworm main\n";
        assert_eq!(
            one_line_sources(text, "bookworm"),
            "deb [signed-by=/k.gpg] http://mirror.example/debian trixie main\n\
             deb http://mirror.example/security trixie-security main\n"
        );
    }
}
