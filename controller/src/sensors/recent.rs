//! How many reports of late one is counted with.

use jiff::Timestamp;
use sark_api::ReportTaken;
use sark_core::decision::Action;
use sark_core::storage::{ReportFilter, StoredReport};

use super::kinds::Counted;
use super::{ReportError, Storage};

/// Reports that are read at first; if these are too few, eight times as many.
const FIRST: u32 = 64;
/// Most reports of a kind that are looked at one by one. Older ones count: rather an alert too much.
const MOST: u32 = 16_384;

/// Which reports are counted together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Alike<'a> {
    /// Of this kind.
    pub kind: &'a str,
    /// Of this event.
    pub event: &'a str,
    /// From here.
    pub site: Option<&'a str>,
    /// Later than this.
    pub after: Timestamp,
}

impl Alike<'_> {
    fn has(&self, one: &StoredReport) -> bool {
        one.at > self.after
            && one.report.event == self.event
            && one.report.site.as_deref() == self.site
    }

    /// How many there are that count.
    pub(super) async fn count(
        &self,
        store: &dyn Storage,
        counted: Counted,
    ) -> Result<u64, ReportError> {
        let all = store.count_reports(self.kind, self.event, self.site, self.after).await?;
        if counted == Counted::All || all == 0 {
            return Ok(all);
        }
        let filter = ReportFilter { kind: Some(self.kind.to_owned()), sensor: None };
        let mut limit = FIRST;
        loop {
            let reports = store.reports(&filter, limit).await?;
            let is_end = limit >= MOST || reports.len() < limit as usize;
            let alike: Vec<_> = reports.iter().filter(|one| self.has(one)).collect();
            let unseen = all.saturating_sub(alike.len() as u64);
            if unseen == 0 || is_end {
                let mut alerts = unseen;
                for one in alike {
                    alerts += u64::from(is_alert(one)?);
                }
                return Ok(alerts);
            }
            limit = limit.saturating_mul(8).min(MOST);
        }
    }
}

/// Whether somebody was to be told of it. Where nobody decided, nobody said that it counts for nothing.
fn is_alert(one: &StoredReport) -> Result<bool, ReportError> {
    let taken: ReportTaken = serde_json::from_str(&one.answer)?;
    Ok(taken.action.is_none_or(|action| action >= Action::Alert))
}
