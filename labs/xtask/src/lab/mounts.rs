//! A node's file system: the machine's own or an unpacked one, with the node's own `/proc`, `/run`
//! and binds. All of it happens in the node's mount namespace and goes away with it.

use std::fs;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};

use super::init::Orders;
use super::topology::Bind;

/// Why a node's file system could not be made.
#[derive(Debug, thiserror::Error)]
#[error("could not {what} {}: {cause}", .path.display())]
pub struct MountError {
    what: &'static str,
    path: PathBuf,
    cause: std::io::Error,
}

type Result<T> = std::result::Result<T, MountError>;

/// Makes it, from inside the new mount namespace.
pub fn make(orders: &Orders) -> Result<()> {
    // From here on nothing we mount is seen outside.
    let none = None::<&str>;
    let private = mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none);
    private.map_err(|errno| failed("unshare mounts of", Path::new("/"), errno.into()))?;
    // Sources are named by their path on the machine, which the mounts below may hide.
    let sources = open(&orders.binds)?;
    let root = orders.root.as_deref().unwrap_or(Path::new("/"));
    if orders.root.is_some() {
        bind(root, root, false)?;
        for dir in ["dev", "sys"] {
            let from = Path::new("/").join(dir);
            mount_at(Some(&from), &root.join(dir), None, MsFlags::MS_BIND | MsFlags::MS_REC)?;
        }
    }
    let inside = |path: &Path| root.join(path.strip_prefix("/").unwrap_or(path));
    mount_at(Some(Path::new("proc")), &inside(Path::new("/proc")), Some("proc"), nothing())?;
    for dir in &orders.private {
        let dir = inside(dir);
        make_dir(&dir)?;
        mount_at(Some(Path::new("tmpfs")), &dir, Some("tmpfs"), nothing())?;
    }
    for (wanted, source) in orders.binds.iter().zip(&sources) {
        show(source, &inside(&wanted.to), wanted.read_only)?;
    }
    if orders.root.is_some() { change_root(root) } else { Ok(()) }
}

/// `root` becomes `/`, and the machine's file system goes out of sight.
fn change_root(root: &Path) -> Result<()> {
    let pivot = |errno: nix::Error| failed("enter", root, errno.into());
    nix::unistd::chdir(root).map_err(pivot)?;
    // The old root lands on top of the new one, and is taken off it.
    nix::unistd::pivot_root(".", ".").map_err(pivot)?;
    umount2(".", MntFlags::MNT_DETACH).map_err(pivot)?;
    nix::unistd::chdir("/").map_err(pivot)
}

fn open(binds: &[Bind]) -> Result<Vec<fs::File>> {
    let open =
        |bind: &Bind| fs::File::open(&bind.from).map_err(|cause| failed("open", &bind.from, cause));
    binds.iter().map(open).collect()
}

/// Shows a file or directory at a place, which is made if it is missing.
fn show(source: &fs::File, place: &Path, read_only: bool) -> Result<()> {
    let is_dir = source.metadata().is_ok_and(|meta| meta.is_dir());
    if !place.exists() {
        make_place(place, is_dir)?;
    }
    let source = PathBuf::from(format!("/proc/self/fd/{}", source.as_raw_fd()));
    bind(&source, place, read_only)
}

/// A place to mount on. It must not be made in the machine's own file system: the nearest directory
/// that exists is covered by an empty one that shows the old entries.
fn make_place(place: &Path, is_dir: bool) -> Result<()> {
    let Some(parent) = place.ancestors().skip(1).find(|dir| dir.is_dir()) else { return Ok(()) };
    if !is_ours(parent)? {
        cover(parent)?;
    }
    if is_dir {
        return make_dir(place);
    }
    if let Some(dir) = place.parent() {
        make_dir(dir)?;
    }
    fs::write(place, "").map_err(|cause| failed("make", place, cause))
}

/// Whether a directory lies in memory of the node's own.
fn is_ours(dir: &Path) -> Result<bool> {
    let dir = dir.canonicalize().map_err(|cause| failed("find", dir, cause))?;
    let mounts = Path::new("/proc/self/mountinfo");
    let text = fs::read_to_string(mounts).map_err(|cause| failed("read", mounts, cause))?;
    // Fields: … mount point (5th) … " - " type source options. Later lines cover earlier ones.
    let mut best = (0, false);
    for line in text.lines() {
        let point = line.split(' ').nth(4).map(Path::new);
        let Some(point) = point.filter(|point| dir.starts_with(point)) else { continue };
        let depth = point.components().count();
        if depth >= best.0 {
            best = (depth, line.contains(" - tmpfs tmpfs "));
        }
    }
    Ok(best.1)
}

fn cover(dir: &Path) -> Result<()> {
    let aside = Path::new("/run/.covered");
    make_dir(aside)?;
    mount_at(Some(dir), aside, None, MsFlags::MS_BIND | MsFlags::MS_REC)?;
    mount_at(Some(Path::new("tmpfs")), dir, Some("tmpfs"), nothing())?;
    let entries = fs::read_dir(aside).map_err(|cause| failed("list", dir, cause))?;
    for entry in entries.flatten() {
        let (from, to) = (entry.path(), dir.join(entry.file_name()));
        let kind = entry.file_type().map_err(|cause| failed("look at", &from, cause))?;
        if kind.is_symlink() {
            let target = fs::read_link(&from).map_err(|cause| failed("read", &from, cause))?;
            let link = std::os::unix::fs::symlink(target, &to);
            link.map_err(|cause| failed("link", &to, cause))?;
            continue;
        }
        if kind.is_dir() {
            make_dir(&to)?;
        } else {
            fs::write(&to, "").map_err(|cause| failed("make", &to, cause))?;
        }
        mount_at(Some(&from), &to, None, MsFlags::MS_BIND | MsFlags::MS_REC)?;
    }
    umount2(aside, MntFlags::MNT_DETACH).map_err(|errno| failed("leave", aside, errno.into()))
}

fn bind(from: &Path, to: &Path, read_only: bool) -> Result<()> {
    mount_at(Some(from), to, None, MsFlags::MS_BIND)?;
    if read_only {
        // The kernel takes the flag only the second time.
        let again = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
        mount_at(None, to, None, again)?;
    }
    Ok(())
}

fn mount_at(from: Option<&Path>, to: &Path, kind: Option<&str>, flags: MsFlags) -> Result<()> {
    mount(from, to, kind, flags, None::<&str>).map_err(|errno| failed("mount on", to, errno.into()))
}

fn nothing() -> MsFlags {
    MsFlags::empty()
}

fn make_dir(dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).map_err(|cause| failed("make", dir, cause))
}

fn failed(what: &'static str, path: &Path, cause: std::io::Error) -> MountError {
    MountError { what, path: path.to_path_buf(), cause }
}
