//! Threads that may block, made once: no request ever makes one.
//!
//! Promises: the threads are there before the first request, or the node does not start; a job that panics takes no
//! thread with it; jobs that may take long never hold more than half of the threads; those that read whole blocks have
//! [`BLOCKS_MAX`] threads of their own. Refuses: work that found no free thread within [`WAITS`].

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

/// How long a job waits for a thread. Longer than that, the caller is better told to come again.
pub const WAITS: Duration = Duration::from_secs(10);

/// Whole blocks that are read and printed at one time: each takes about ten times its bytes. Always on the same threads, as
/// the allocator keeps for each thread the most that it once used.
pub const BLOCKS_MAX: usize = 2;
/// Of so many parts of the threads one is for work that may take long, at most.
pub const LONG_PARTS: usize = 2;

/// Class of a job: how much it asks of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// It is done soon, in little memory.
    Light,
    /// It may take long, or wait for its turn.
    Long,
    /// It reads a whole block, or its results.
    WholeBlock,
}

type Job = Box<dyn FnOnce() + Send>;

/// A number of threads with one queue.
#[derive(Debug)]
pub struct Threads {
    free: Arc<Semaphore>,
    jobs: mpsc::Sender<Job>,
}

/// See the module.
#[derive(Debug)]
pub struct Workers {
    threads: Threads,
    /// The threads for whole blocks.
    blocks: Threads,
    /// Places of jobs that may take long.
    long: Arc<Semaphore>,
    waits: Duration,
}

/// Why a job has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WorkError {
    /// All threads were busy for [`WAITS`].
    #[error("the node is busy, try again")]
    Busy,
    /// The job panicked.
    #[error("the method failed")]
    Failed,
}

impl Threads {
    /// Makes `count` threads whose names begin with `name`.
    ///
    /// # Errors
    /// If the system gives no more threads; none of these is left then.
    pub fn new(name: &str, count: usize) -> io::Result<Self> {
        let (jobs, next) = mpsc::channel::<Job>();
        let next = Arc::new(Mutex::new(next));
        for index in 0..count {
            let next = Arc::clone(&next);
            thread::Builder::new()
                .name(format!("{name}-{index}"))
                .spawn(move || work(&next))?;
        }
        Ok(Self {
            free: Arc::new(Semaphore::new(count)),
            jobs,
        })
    }

    /// Runs `job` after all that were queued before it. The caller bounds how many there are.
    pub fn queue<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> oneshot::Receiver<T> {
        let (tell, told) = oneshot::channel();
        // The threads live as long as the sender: sending cannot fail.
        let _ = self.jobs.send(Box::new(move || {
            // Nobody may wait for the result any more.
            let _ = tell.send(job());
        }));
        told
    }
}

impl Workers {
    /// Makes `count` threads whose names begin with `name`, and [`BLOCKS_MAX`] besides.
    ///
    /// # Errors
    /// As [`Threads::new`].
    pub fn new(name: &str, count: usize) -> io::Result<Self> {
        Ok(Self {
            threads: Threads::new(name, count)?,
            blocks: Threads::new(&format!("{name}-block"), BLOCKS_MAX)?,
            long: Arc::new(Semaphore::new((count / LONG_PARTS).max(1))),
            waits: WAITS,
        })
    }

    /// Runs `job` on a free thread of its kind, and waits for one if need be. A place among the jobs that may take long is
    /// waited for first, without a thread.
    ///
    /// # Errors
    /// [`WorkError`]
    pub async fn run<T: Send + 'static>(
        &self,
        work: Work,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, WorkError> {
        let (long, threads) = match work {
            Work::Light => (None, &self.threads),
            Work::Long => (Some(&self.long), &self.threads),
            Work::WholeBlock => (None, &self.blocks),
        };
        let mut places = Vec::new();
        for places_of in long.into_iter().chain([&threads.free]) {
            let place = timeout(self.waits, Arc::clone(places_of).acquire_owned());
            let Ok(Ok(place)) = place.await else {
                return Err(WorkError::Busy);
            };
            places.push(place);
        }
        // The job has the places, as nobody may wait for it any more.
        let result = threads.queue(move || {
            let result = job();
            drop(places);
            result
        });
        result.await.map_err(|_| WorkError::Failed)
    }
}

fn work(next: &Mutex<mpsc::Receiver<Job>>) {
    loop {
        let job = next.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        if catch_unwind(AssertUnwindSafe(job)).is_err() {
            tracing::error!("a request failed by a panic");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_job_that_panics_takes_no_thread_and_no_place_with_it() {
        let workers = Workers::new("test", 1).unwrap();
        for _ in 0..3 {
            let failed = workers.run(Work::Light, || panic!("on purpose")).await;
            assert_eq!(failed, Err::<(), _>(WorkError::Failed));
        }
        assert_eq!(workers.run(Work::Light, || 7).await, Ok(7));
    }

    /// Runs many jobs of a kind that end only when told to, and checks how many threads they take meanwhile, of their
    /// four and of those for blocks.
    async fn take_at_most(work: Work, threads: usize, of_blocks: usize) {
        let workers = Arc::new(Workers::new("test", 4).unwrap());
        let taken = |workers: &Workers| {
            (
                4 - workers.threads.free.available_permits(),
                BLOCKS_MAX - workers.blocks.free.available_permits(),
            )
        };
        let (go, wait) = mpsc::channel::<()>();
        let wait = Arc::new(Mutex::new(wait));
        let many: Vec<_> = (0..12)
            .map(|_| {
                let (workers, wait) = (Arc::clone(&workers), Arc::clone(&wait));
                tokio::spawn(async move {
                    let job = move || wait.lock().unwrap().recv();
                    workers.run(work, job).await
                })
            })
            .collect();
        while taken(&workers) != (threads, of_blocks) {
            tokio::task::yield_now().await;
        }
        assert_eq!(workers.run(Work::Light, || 7).await, Ok(7));
        assert_eq!(taken(&workers), (threads, of_blocks));
        drop(go);
        for job in many {
            assert!(job.await.unwrap().is_ok(), "it had its turn");
        }
    }

    #[tokio::test]
    async fn long_jobs_leave_half_of_the_threads_to_the_others_however_many_come() {
        take_at_most(Work::Long, 2, 0).await;
    }

    #[tokio::test]
    async fn no_more_whole_blocks_are_read_at_one_time_than_may_be_however_many_are_asked_for() {
        take_at_most(Work::WholeBlock, 0, BLOCKS_MAX).await;
    }

    #[tokio::test]
    async fn whole_blocks_are_always_read_on_the_same_threads() {
        let workers = Workers::new("test", 8).unwrap();
        let name = || std::thread::current().name().map(str::to_owned);
        for _ in 0..20 {
            let name = workers.run(Work::WholeBlock, name).await.unwrap().unwrap();
            assert!(name.starts_with("test-block-"), "{name}");
        }
    }

    #[tokio::test]
    async fn a_job_that_finds_no_thread_in_time_is_told_so() {
        let mut workers = Workers::new("test", 1).unwrap();
        workers.waits = Duration::from_millis(50);
        let (go, wait) = mpsc::channel::<()>();
        let first = workers.threads.queue(move || wait.recv());
        let place = Arc::clone(&workers.threads.free)
            .acquire_owned()
            .await
            .unwrap();
        assert_eq!(workers.run(Work::Light, || 1).await, Err(WorkError::Busy));
        drop(place);
        go.send(()).unwrap();
        first.await.unwrap().unwrap();
        workers.waits = WAITS;
        assert_eq!(workers.run(Work::Light, || 1).await, Ok(1));
    }
}
