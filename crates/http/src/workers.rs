//! Threads that may block, made once: no request ever makes one.
//!
//! Promises: the threads are there before the first request, or the node does not start; a job that panics takes no
//! thread with it; jobs that may take long never hold more than half of the threads, and of these simulations in the enclave no more than
//! [`SIMULATIONS_MAX`]; those that read whole blocks have [`BLOCKS_MAX`] threads of their own. Refuses: work that found no free thread within [`WAITS`].

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

/// Simulations of one server that are in the enclave, or at the gate before it, at one time: as many as run there. All others wait without a thread.
pub const SIMULATIONS_MAX: usize = crate::gate::RUNNING_MAX;

/// Class of a job: how much it asks of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// It is done soon, in little memory.
    Light,
    /// It may take long, or wait for its turn.
    Long,
    /// It runs in the enclave what nobody has decided, for as long as that takes.
    Simulation,
    /// It reads a whole block, or its results.
    WholeBlock,
}

/// What a job has come to.
pub enum Progress<T> {
    /// Its end.
    Done(T),
    /// What is left of it is [`Work::Simulation`].
    Simulates(Box<dyn FnOnce() -> T + Send>),
}

impl<T: 'static> Progress<T> {
    /// Does what is left of it here and now.
    pub fn finish(self) -> T {
        match self {
            Self::Done(end) => end,
            Self::Simulates(rest) => rest(),
        }
    }

    /// The same, and what `then` makes of its end.
    pub fn map<U>(self, then: impl FnOnce(T) -> U + Send + 'static) -> Progress<U> {
        match self {
            Self::Done(end) => Progress::Done(then(end)),
            Self::Simulates(rest) => Progress::Simulates(Box::new(move || then(rest()))),
        }
    }
}

impl<T, E> Progress<Result<T, E>> {
    /// That of a job which may have failed before it got anywhere.
    pub fn of(begun: Result<Self, E>) -> Self {
        begun.unwrap_or_else(|error| Self::Done(Err(error)))
    }
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
    /// Of these, those of simulations.
    simulations: Arc<Semaphore>,
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
            simulations: Arc::new(Semaphore::new(SIMULATIONS_MAX)),
            waits: WAITS,
        })
    }

    /// As [`Workers::run`], and what is left of it where it waits for its turn to simulate.
    ///
    /// # Errors
    /// [`WorkError`]
    pub async fn run_all<T: Send + 'static>(
        &self,
        work: Work,
        job: impl FnOnce() -> Progress<T> + Send + 'static,
    ) -> Result<T, WorkError> {
        match self.run(work, job).await? {
            Progress::Done(end) => Ok(end),
            Progress::Simulates(rest) => self.run(Work::Simulation, rest).await,
        }
    }

    /// Runs `job` on a free thread of its kind, and waits for one if need be. Places among the jobs that simulate or may take long are
    /// waited for first, without a thread.
    ///
    /// # Errors
    /// [`WorkError`]
    pub async fn run<T: Send + 'static>(
        &self,
        work: Work,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, WorkError> {
        let (simulates, long, threads) = match work {
            Work::Light => (None, None, &self.threads),
            Work::Long => (None, Some(&self.long), &self.threads),
            Work::Simulation => (Some(&self.simulations), Some(&self.long), &self.threads),
            Work::WholeBlock => (None, None, &self.blocks),
        };
        let mut places = Vec::new();
        for places_of in simulates.into_iter().chain(long).chain([&threads.free]) {
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

    const THREADS: usize = 6;

    /// Runs many jobs of a kind that end only when told to, and checks how many threads they take meanwhile, of their
    /// six and of those for blocks.
    async fn take_at_most(work: Work, threads: usize, of_blocks: usize) {
        let workers = Arc::new(Workers::new("test", THREADS).unwrap());
        let taken = |workers: &Workers| {
            (
                THREADS - workers.threads.free.available_permits(),
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
        take_at_most(Work::Long, THREADS / 2, 0).await;
    }

    #[tokio::test]
    async fn simulations_hold_no_more_threads_than_run_at_one_time_however_many_wait_for_their_turn()
     {
        take_at_most(Work::Simulation, SIMULATIONS_MAX, 0).await;
    }

    #[tokio::test]
    async fn what_is_left_of_a_job_waits_for_its_turn_without_a_thread() {
        let workers = Arc::new(Workers::new("test", 1).unwrap());
        let turn = Arc::clone(&workers.simulations)
            .acquire_many_owned(2)
            .await
            .unwrap();
        let (begun, has_begun) = mpsc::channel();
        let job = {
            let workers = Arc::clone(&workers);
            tokio::spawn(async move {
                let begin = move || {
                    begun.send(()).unwrap();
                    Progress::Simulates(Box::new(|| 7))
                };
                workers.run_all(Work::Long, begin).await
            })
        };
        while has_begun.try_recv().is_err() {
            tokio::task::yield_now().await;
        }
        // The one thread that there is.
        assert_eq!(workers.run(Work::Long, || 8).await, Ok(8));
        assert!(!job.is_finished());
        drop(turn);
        assert_eq!(job.await.unwrap(), Ok(7));
    }

    #[tokio::test]
    async fn what_may_take_long_finds_a_thread_while_simulations_wait_and_run() {
        let workers = Arc::new(Workers::new("test", THREADS).unwrap());
        let (go, wait) = mpsc::channel::<()>();
        let wait = Arc::new(Mutex::new(wait));
        let simulate = || {
            let (workers, wait) = (Arc::clone(&workers), Arc::clone(&wait));
            tokio::spawn(async move {
                let job = move || wait.lock().unwrap().recv().is_err();
                workers.run(Work::Simulation, job).await
            })
        };
        let many: Vec<_> = (0..12).map(|_| simulate()).collect();
        while workers.simulations.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(workers.run(Work::Long, || 7).await, Ok(7));
        drop(go);
        for job in many {
            assert_eq!(job.await.unwrap(), Ok(true), "it had its turn");
        }
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
