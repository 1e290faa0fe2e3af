//! A line of a local file, on the disk before it counts.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use jiff::Timestamp;
use sark_alerts::sink::json_line;
use sark_alerts::{Message, Verdict, Words};

use super::Deliver;

/// See the module.
pub(super) struct IntoFile {
    pub(super) path: PathBuf,
}

#[async_trait]
impl Deliver for IntoFile {
    async fn deliver(&self, message: &Message, words: &Words, id: &str, _: Timestamp) -> Verdict {
        let (path, line) = (self.path.clone(), json_line(message, words, id));
        let written = tokio::task::spawn_blocking(move || append(&path, &line)).await;
        match written.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
            Ok(()) => Verdict::Delivered { said: "written".to_owned() },
            Err(error) => Verdict::Retry { after: None, why: format!("cannot write it: {error}") },
        }
    }
}

fn append(path: &Path, line: &[u8]) -> std::io::Result<()> {
    // A FIFO that nobody reads would hold the thread for good.
    if std::fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return Err(std::io::Error::other("it is no file"));
    }
    let mut file = OpenOptions::new().append(true).create(true).mode(0o640).open(path)?;
    file.write_all(line)?;
    file.sync_data()
}
