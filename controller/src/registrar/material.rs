//! What a version is made of. Cheap to clone: the parts are shared.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use sark_registry::assemble::{Assembled, FeedCopy, Layers, assemble};
use sark_registry::feed::Feed;
use sark_registry::overlay::{NeverTouch, Overlay};
use sark_registry::{Endpoint, Learned};

use super::{Beginning, CopyInUse};

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Material {
    seed: Arc<[Endpoint]>,
    feeds: Vec<(Arc<Feed>, Option<CopyInUse>)>,
    pub(super) overlays: Arc<[Overlay]>,
    pub(super) entries: Arc<[Overlay]>,
    pub(super) learned: Arc<BTreeMap<Arc<str>, Vec<Learned>>>,
}

impl Material {
    pub(super) fn new(beginning: Beginning) -> Self {
        let Beginning { feeds, mut copies, overlays, .. } = beginning;
        let with_copy = |feed: Arc<Feed>| {
            let copy = copies.remove(&feed.name);
            (feed, copy)
        };
        Self {
            seed: sark_registry::seed().into(),
            feeds: feeds.into_iter().map(with_copy).collect(),
            overlays: overlays.into(),
            entries: Arc::default(),
            learned: Arc::default(),
        }
    }

    pub(super) fn copy(&self, feed: &str) -> Option<&CopyInUse> {
        self.feeds.iter().find(|(known, _)| known.name == feed)?.1.as_ref()
    }

    pub(super) fn set_copy(&mut self, feed: &str, copy: CopyInUse) {
        if let Some((_, place)) = self.feeds.iter_mut().find(|(known, _)| known.name == feed) {
            *place = Some(copy);
        }
    }

    /// What no rule may touch by what is given now, whichever version is in use.
    pub(super) fn never_touch(&self, now: Timestamp) -> Vec<NeverTouch> {
        let holds = |end: Option<Timestamp>| end.is_none_or(|end| end > now);
        let overlays = self.overlays.iter().chain(self.entries.iter());
        let never = overlays.filter(|o| holds(o.expires_at)).flat_map(|o| &o.never_touch);
        never.filter(|never| holds(never.expires_at)).cloned().collect()
    }

    /// Without what names lead to.
    pub(super) fn unled(&self) -> Self {
        Self { learned: Arc::default(), ..self.clone() }
    }

    pub(super) fn assemble(&self, now: Timestamp) -> Assembled {
        let feeds: Vec<FeedCopy<'_>> =
            self.feeds.iter().filter_map(|(feed, copy)| of(feed, copy.as_ref())).collect();
        assemble(&Layers {
            seed: &self.seed,
            feeds: &feeds,
            overlays: &self.overlays,
            entries: &self.entries,
            learned: &self.learned,
            now,
        })
    }
}

fn of<'a>(feed: &'a Feed, copy: Option<&'a CopyInUse>) -> Option<FeedCopy<'a>> {
    let copy = copy?;
    let (first_seen, changed_at) = (copy.first_seen, copy.changed_at);
    Some(FeedCopy { feed, copy: &copy.parsed, first_seen, changed_at })
}
