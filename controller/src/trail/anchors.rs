//! Where checkpoints are copied to: out of reach of whoever can write to the database.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sark_audit::{TORN, syslog_line};
use sark_outbound::{Client, Request, header};

/// All of them.
#[derive(Debug, Default)]
pub struct Anchors {
    /// A file that is appended to.
    pub file: Option<PathBuf>,
    /// A syslog daemon's socket.
    pub syslog: Option<PathBuf>,
    /// An address that takes a POST.
    pub webhook: Option<(Client, String)>,
}

/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(10);

impl Anchors {
    /// Those that there are.
    pub(super) fn names(&self) -> Vec<&'static str> {
        let all = [
            ("file", self.file.is_some()),
            ("syslog", self.syslog.is_some()),
            ("webhook", self.webhook.is_some()),
        ];
        all.into_iter().filter(|(_, is_there)| *is_there).map(|(name, _)| name).collect()
    }

    /// Copies a note to one of them. One that is missing there loses nothing: each covers everything
    /// before it.
    pub(super) async fn copy(&self, name: &str, note: &str) -> Result<(), String> {
        match (name, &self.file, &self.syslog, &self.webhook) {
            ("file", Some(path), ..) => {
                let (path, note) = (path.clone(), format!("{note}\n"));
                let done = tokio::task::spawn_blocking(move || append(&path, &note)).await;
                done.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
            }
            ("syslog", _, Some(path), _) => {
                let sent = tokio::time::timeout(PATIENCE, log(path, note)).await;
                sent.map_err(|_| "it took nothing within 10 s".to_owned())?
                    .map_err(|error| error.to_string())
            }
            ("webhook", .., Some((client, url))) => post(client, url, note).await,
            _ => Ok(()),
        }
    }
}

/// On the disk when it returns. After a note that was not written whole it begins anew, and says so:
/// what is there stays, for a file that can only be appended to.
fn append(path: &Path, note: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let open = |read| OpenOptions::new().create(true).append(true).read(read).open(path);
    let mut file = match open(true) {
        // It can only be written: nobody here sees its end.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => open(false)?,
        opened => opened?,
    };
    let begin = match is_torn(&mut file) {
        Ok(true) => format!("\n{TORN}\n\n"),
        // Of a pipe nothing is seen either.
        Ok(false) | Err(_) => String::new(),
    };
    file.write_all(format!("{begin}{note}").as_bytes())?;
    file.sync_all()
}

/// Whether the last note is not whole.
fn is_torn(file: &mut File) -> std::io::Result<bool> {
    let length = file.seek(SeekFrom::End(0))?;
    if length < 2 {
        return Ok(length > 0);
    }
    let mut end = [0; 2];
    file.seek(SeekFrom::End(-2))?;
    file.read_exact(&mut end)?;
    Ok(end != *b"\n\n")
}

/// One message: facility `log audit` (13), severity `notice` (5).
async fn log(path: &Path, note: &str) -> std::io::Result<()> {
    let message = format!("<109>sarkd: {}", syslog_line(note));
    let socket = tokio::net::UnixDatagram::unbound()?;
    socket.send_to(message.as_bytes(), path).await.map(drop)
}

async fn post(client: &Client, url: &str, note: &str) -> Result<(), String> {
    let url = url.parse().map_err(|_| "its address cannot be read".to_owned())?;
    let mut headers = header::HeaderMap::new();
    let plain = header::HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, plain);
    let request = Request::post(url, headers, note.as_bytes().to_vec());
    let sent = tokio::time::timeout(PATIENCE, client.send(request)).await;
    match sent {
        Err(_) => Err("it did not answer within 10 s".to_owned()),
        Ok(Err(error)) => Err(crate::chain(&error)),
        Ok(Ok(answer)) if answer.status().is_success() => Ok(()),
        Ok(Ok(answer)) => Err(format!("it answered {}", answer.status())),
    }
}

#[cfg(test)]
mod tests;
