//! Decides by one set: where it is asked, and if that takes too long on threads, each with a worker of its own.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sark_core::decision::Decision;
use sark_policy::decision::{Bounds, DecisionSet, Worker, WorkerError};
use tokio::sync::oneshot;

use crate::Question;
use crate::here::Here;
use crate::queue::Queue;

/// How a pool decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolSettings {
    /// Threads.
    pub threads: usize,
    /// Questions that wait for one.
    pub queue: usize,
    /// From a question to the answer that its set names for errors.
    pub patience: Duration,
    /// Of one policy.
    pub bounds: Bounds,
}

impl Default for PoolSettings {
    fn default() -> Self {
        let bounds = Bounds::default();
        Self { threads: 2, queue: 1024, patience: Duration::from_millis(500), bounds }
    }
}

/// Ends its threads when it is dropped, after what waits.
#[derive(Debug)]
pub struct Pool {
    set: Arc<DecisionSet>,
    settings: PoolSettings,
    here: Here,
    jobs: Arc<Queue<Job>>,
    lost: Lost,
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.jobs.close();
    }
}

/// Threads left behind that have not come back.
#[derive(Debug, Clone)]
struct Lost {
    /// Of this pool: no other uses up what this one may leave behind.
    own: Arc<AtomicUsize>,
    /// Of all that count here.
    all: Arc<AtomicUsize>,
}

impl Lost {
    /// One more, if that are not more than `most` of this pool.
    fn add(&self, most: usize) -> bool {
        let count = |lost: usize| (lost < most).then_some(lost + 1);
        let added = self.own.fetch_update(Ordering::AcqRel, Ordering::Acquire, count).is_ok();
        if added {
            self.all.fetch_add(1, Ordering::AcqRel);
        }
        added
    }

    fn remove(&self) {
        self.own.fetch_sub(1, Ordering::AcqRel);
        self.all.fetch_sub(1, Ordering::AcqRel);
    }
}

#[derive(Debug)]
struct Job {
    question: Arc<Question>,
    answer: oneshot::Sender<Decision>,
    /// Who took it.
    taken: Arc<OnceLock<Arc<AtomicBool>>>,
}

impl Pool {
    /// Makes the workers, which takes as long as the set is large.
    /// `all` counts threads left behind, of all pools that have it; each has successors of its own.
    pub fn new(
        set: Arc<DecisionSet>,
        settings: PoolSettings,
        all: Arc<AtomicUsize>,
    ) -> Result<Self, WorkerError> {
        let lost = Lost { own: Arc::default(), all };
        let jobs = Arc::new(Queue::new(settings.queue.max(1)));
        let here = Here::new(&set, &settings)?;
        let pool = Self { set, settings, here, jobs, lost };
        for _ in 0..settings.threads.max(1) {
            pool.begin()?;
        }
        Ok(pool)
    }

    /// The set it decides by.
    #[must_use]
    pub fn set(&self) -> &Arc<DecisionSet> {
        &self.set
    }

    /// Decides. There is always an answer: at once, or by one of the threads, and then never later than the
    /// settings say.
    pub async fn decide(&self, question: &Arc<Question>) -> Decision {
        match self.here.decide(question) {
            Some(decision) => decision,
            None => self.decide_elsewhere(question).await,
        }
    }

    /// Decides by one of the threads.
    pub(crate) async fn decide_elsewhere(&self, question: &Arc<Question>) -> Decision {
        let line = question.input.line();
        let (answer, decided) = oneshot::channel();
        let taken = Arc::new(OnceLock::new());
        let job = Job { question: Arc::clone(question), answer, taken: Arc::clone(&taken) };
        if !self.jobs.push(job) {
            return self.set.unanswered(line, "too many questions wait for an answer");
        }
        match tokio::time::timeout(self.settings.patience, decided).await {
            Ok(Ok(decision)) => decision,
            Ok(Err(_)) => self.set.unanswered(line, "the worker ended"),
            Err(_) => {
                if let Some(by) = taken.get() {
                    self.leave_behind(by);
                }
                let patience = self.settings.patience.as_millis();
                self.set.unanswered(line, &format!("there was no answer within {patience} ms"))
            }
        }
    }

    /// Another thread takes the place of one that does not come back: as many as there are, and no
    /// more, or a policy that hangs would take all memory.
    fn leave_behind(&self, thread: &Arc<AtomicBool>) {
        let most = self.settings.threads.max(1);
        if thread.load(Ordering::Acquire) || !self.lost.add(most) {
            return;
        }
        if thread.swap(true, Ordering::AcqRel) {
            return self.lost.remove();
        }
        if let Err(error) = self.begin() {
            tracing::error!(%error, "a worker that hangs has no successor");
        }
    }

    fn begin(&self) -> Result<(), WorkerError> {
        let (jobs, lost) = (Arc::clone(&self.jobs), self.lost.clone());
        let (set, bounds) = (Arc::clone(&self.set), self.settings.bounds);
        let thread = std::thread::Builder::new().name("decide".to_owned());
        let begun = thread.spawn(move || {
            // It takes as much memory as the set is large, and most threads are never asked.
            let Some(job) = jobs.take() else { return };
            match Worker::new(set, &bounds) {
                Ok(worker) => work(worker, job, &jobs, &lost),
                Err(error) => tracing::error!(%error, "there is a thread less that decides"),
            }
        });
        begun.map(drop).map_err(|error| WorkerError {
            version: self.set.version().to_string(),
            why: error.to_string(),
        })
    }
}

fn work(mut worker: Worker, first: Job, jobs: &Queue<Job>, lost: &Lost) {
    let left_behind = Arc::new(AtomicBool::new(false));
    let mut next = Some(first);
    while let Some(Job { question, answer, taken }) = next.take().or_else(|| jobs.take()) {
        if answer.is_closed() {
            continue;
        }
        // Nobody else takes it.
        let _ = taken.set(Arc::clone(&left_behind));
        let Question { input, facts, at } = &*question;
        // Nobody waits any more if it came too late.
        let _ = answer.send(worker.decide_with(input, facts.clone(), *at));
        if left_behind.load(Ordering::Acquire) {
            return lost.remove();
        }
    }
}
