//! Where checkpoints are copied to: out of reach of whoever can write to the database.

use std::path::{Path, PathBuf};

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

impl Anchors {
    /// Copies a note to each; which ones failed, and why. The next note is tried anew, and one that
    /// is missing loses nothing: each covers everything before it.
    pub(super) async fn copy(&self, note: &str) -> Vec<(&'static str, String)> {
        let mut failed = Vec::new();
        if let Some(path) = &self.file {
            let (path, text) = (path.clone(), format!("{note}\n"));
            let done = tokio::task::spawn_blocking(move || append(&path, &text)).await;
            match done {
                Ok(Ok(())) => {}
                Ok(Err(error)) => failed.push(("file", error.to_string())),
                Err(error) => failed.push(("file", error.to_string())),
            }
        }
        if let Some(path) = &self.syslog
            && let Err(error) = log(path, note).await
        {
            failed.push(("syslog", error.to_string()));
        }
        if let Some((client, url)) = &self.webhook
            && let Err(error) = post(client, url, note).await
        {
            failed.push(("webhook", error));
        }
        failed
    }
}

/// On the disk when it returns.
fn append(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// One message, its lines joined: facility `log audit` (13), severity `notice` (5).
async fn log(path: &Path, note: &str) -> std::io::Result<()> {
    let line: Vec<&str> = note.lines().filter(|line| !line.is_empty()).collect();
    let message = format!("<109>sarkd: audit checkpoint: {}", line.join(" | "));
    let socket = tokio::net::UnixDatagram::unbound()?;
    socket.send_to(message.as_bytes(), path).await.map(drop)
}

async fn post(client: &Client, url: &str, note: &str) -> Result<(), String> {
    let url = url.parse().map_err(|_| "its address cannot be read".to_owned())?;
    let mut headers = header::HeaderMap::new();
    let plain = header::HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, plain);
    let request = Request::post(url, headers, note.as_bytes().to_vec());
    let sent = tokio::time::timeout(std::time::Duration::from_secs(10), client.send(request)).await;
    match sent {
        Err(_) => Err("it did not answer within 10 s".to_owned()),
        Ok(Err(error)) => Err(crate::chain::chain(&error)),
        Ok(Ok(answer)) if answer.status().is_success() => Ok(()),
        Ok(Ok(answer)) => Err(format!("it answered {}", answer.status())),
    }
}
