//! Reads a trail once and names the first record that is not as it was written.

use std::collections::BTreeMap;

use sark_core::audit::{Digest, Head, Index, Stored};

use crate::{Checkpoint, Tree, prune};

/// What is wrong with the trail, where it begins to be wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("record {sequence}: {fault}")]
pub struct Bad {
    /// The first bad record.
    pub sequence: u64,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The next one that is there has another number.
    #[error("it is missing; the next one that is there is {0}")]
    Missing(u64),
    /// The number before it, or its own, comes again.
    #[error("it comes again, after {0}")]
    Again(u64),
    /// Text, hash, or its place between the others.
    #[error("its hash is not that of its text after the record before it: it was changed or moved")]
    Changed,
    /// The text is no record.
    #[error("it is not an audit record: {0}")]
    Unreadable(String),
    /// The row, not the text in it.
    #[error("its {0} cannot be read: the row was changed, or the disk is damaged")]
    Damaged(String),
    /// A column beside the text.
    #[error("it is found by another {0} than its text has: the column was changed")]
    Column(&'static str),
    /// A checkpoint covers it, and says something else.
    #[error(
        "it is the first one that the checkpoint of record {0} covers and none before it does, and \
         that checkpoint was signed over another trail: records up to {0} were written anew"
    )]
    Rewritten(u64),
    /// The end.
    #[error("it is missing, and so are those after it: a checkpoint of record {0} was signed")]
    CutOff(u64),
    /// The end, as the store itself knows it.
    #[error("it is missing, and so are those after it: the store's head is record {0}")]
    BeyondHead(u64),
    /// The head row and the last record.
    #[error("the store's head has another hash")]
    Head,
    /// Records before the beginning are gone, and nothing in the trail says that they went.
    #[error(
        "it and those before it are gone, and no record in the trail says that they were pruned: \
         somebody removed them"
    )]
    Unrecorded,
    /// What a checkpoint covers is gone and its beginning does not fit.
    #[error("the trail begins after it, and the checkpoint of it was signed over another trail")]
    Beginning,
}

/// Takes the records of a trail in their order.
#[derive(Debug, Clone)]
pub struct Verifier {
    began: u64,
    head: Head,
    tree: Tree,
    /// Those not reached yet, by their number.
    anchors: BTreeMap<u64, Checkpoint>,
    /// The last one that held.
    vouched: u64,
    reached: usize,
    /// What was pruned, as long as no record says so.
    unrecorded: Option<Head>,
}

impl Verifier {
    /// Of a trail that begins after this record, whose tree so far is this: [`Head::BEGINNING`] and
    /// an empty one if nothing was pruned. Checkpoints are those that are believed: signed, and from
    /// where whoever changes a trail cannot change them.
    pub fn new(
        beginning: Head,
        tree: Tree,
        anchors: impl IntoIterator<Item = Checkpoint>,
    ) -> Result<Self, Bad> {
        let began = beginning.sequence;
        let mut verifier = Self {
            began,
            head: beginning,
            tree,
            anchors: BTreeMap::new(),
            vouched: 0,
            reached: 0,
            unrecorded: None,
        };
        let bad = |sequence| Bad { sequence, fault: Fault::Beginning };
        if verifier.tree.size() != began {
            return Err(bad(began));
        }
        for anchor in anchors {
            let sequence = anchor.head.sequence;
            if sequence == began && began > 0 && !verifier.agrees(&anchor) {
                return Err(bad(began));
            }
            let known = verifier.anchors.insert(sequence, anchor.clone());
            // Two that were signed and say two things.
            if known.is_some_and(|known| (known.head, known.root) != (anchor.head, anchor.root)) {
                return Err(Bad { sequence, fault: Fault::Rewritten(sequence) });
            }
        }
        verifier.vouched = began;
        verifier.anchors = verifier.anchors.split_off(&(began + 1));
        Ok(verifier)
    }

    /// Of a whole trail: if records were pruned before it, one of its own has to say so. Not for what
    /// goes on from a checkpoint.
    #[must_use]
    pub fn from_beginning(mut self) -> Self {
        self.unrecorded = Some(self.head).filter(|head| head.sequence > 0);
        self
    }

    /// The next record.
    pub fn push(&mut self, stored: &Stored) -> Result<(), Bad> {
        let expected = self.head.sequence + 1;
        let sequence = stored.head.sequence;
        let bad = |sequence, fault| Err(Bad { sequence, fault });
        if sequence > expected {
            return bad(expected, Fault::Missing(sequence));
        }
        if sequence < expected {
            return bad(sequence, Fault::Again(self.head.sequence));
        }
        if let Some(column) = &stored.unreadable {
            return bad(sequence, Fault::Damaged(column.clone()));
        }
        let leaf = stored.leaf();
        let head = self.head.with(&leaf);
        if head.hash != stored.head.hash {
            return bad(sequence, Fault::Changed);
        }
        match stored.record() {
            Err(error) => return bad(sequence, Fault::Unreadable(error.to_string())),
            Ok(record) => {
                if let Some(column) = difference(&Index::of(&record), &stored.index) {
                    return bad(sequence, Fault::Column(column));
                }
                if self.unrecorded.is_some_and(|gone| prune::says(&record, &gone)) {
                    self.unrecorded = None;
                }
            }
        }
        self.head = head;
        self.tree.push(leaf);
        if let Some(anchor) = self.anchors.remove(&sequence) {
            if !self.agrees(&anchor) {
                return bad(self.vouched + 1, Fault::Rewritten(sequence));
            }
            self.vouched = sequence;
            self.reached += 1;
        }
        Ok(())
    }

    /// After the last record: whether anything is missing at the end. `head` is what the store
    /// itself holds for its end, if it says.
    pub fn finish(self, head: Option<Head>) -> Result<Verified, Bad> {
        let next = self.head.sequence + 1;
        if let Some(gone) = self.unrecorded {
            return Err(Bad { sequence: gone.sequence, fault: Fault::Unrecorded });
        }
        if let Some(last) = self.anchors.keys().next_back() {
            return Err(Bad { sequence: next, fault: Fault::CutOff(*last) });
        }
        match head {
            Some(head) if head.sequence > self.head.sequence => {
                Err(Bad { sequence: next, fault: Fault::BeyondHead(head.sequence) })
            }
            Some(head) if head != self.head => {
                Err(Bad { sequence: self.head.sequence, fault: Fault::Head })
            }
            _ => Ok(Verified {
                began: self.began,
                head: self.head,
                root: self.tree.root(),
                tree: self.tree,
                checkpoints: self.reached,
                vouched: self.vouched,
            }),
        }
    }

    /// The last record that was taken.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.head
    }

    fn agrees(&self, anchor: &Checkpoint) -> bool {
        anchor.head == self.head && anchor.root == self.tree.root()
    }
}

/// A trail that is as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The last record that was pruned; 0 if none was.
    pub began: u64,
    /// The last record.
    pub head: Head,
    /// Root of the Merkle tree over all records.
    pub root: Digest,
    /// That tree.
    pub tree: Tree,
    /// How many checkpoints agreed.
    pub checkpoints: usize,
    /// The last record that a checkpoint vouches for.
    pub vouched: u64,
}

fn difference(is: &Index, stored: &Index) -> Option<&'static str> {
    let columns = [
        (is.at == stored.at, "time"),
        (is.actor == stored.actor, "actor"),
        (is.event == stored.event, "event"),
        (is.severity == stored.severity, "severity"),
        (is.is_alert == stored.is_alert, "mark of alerts"),
        (is.host == stored.host, "host"),
        (is.user == stored.user, "user"),
        (is.request == stored.request, "request"),
        (is.policies == stored.policies, "policy"),
    ];
    columns.into_iter().find(|(same, _)| !same).map(|(_, column)| column)
}

#[cfg(test)]
mod tests;
