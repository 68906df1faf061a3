//! Commits on a thread of their own: while a block is made durable and published, the next one is decided and executed.
//!
//! Promises: commits happen one after the other, in order, and at most one is under way; the signer's state is written after each; whoever
//! settles hears how the last one ended. A commit that fails stops the engine at once.

use super::EngineError;
use crate::patience::{Signals, patiently};
use crate::privval::Unsaved;
use crate::{Application, ChainState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, JoinHandle};

/// A block that was executed.
struct Commit {
    after: ChainState,
    unsaved: Option<Unsaved>,
}

/// See the module. Dropping it waits for the commit that is under way.
pub(super) struct Commits {
    /// `None` once dropped.
    work: Option<Sender<Commit>>,
    done: Receiver<Result<(), EngineError>>,
    under_way: bool,
    thread: Option<JoinHandle<()>>,
}

impl Commits {
    /// Starts the thread.
    pub(super) fn new(
        app: Arc<dyn Application>,
        signals: Arc<Signals>,
    ) -> Result<Self, EngineError> {
        let ((work, next), (tell, done)) = (channel(), channel());
        let builder = Builder::new().name("commit".to_owned());
        let thread = builder.spawn(move || commit_all(&*app, &signals, &next, &tell));
        Ok(Self {
            work: Some(work),
            done,
            under_way: false,
            thread: Some(thread.map_err(EngineError::Thread)?),
        })
    }

    /// Begins the commit of the block that was executed last, once that of the one before is done.
    ///
    /// # Errors
    /// How that one ended.
    pub(super) fn begin(
        &mut self,
        after: ChainState,
        unsaved: Option<Unsaved>,
    ) -> Result<(), EngineError> {
        self.settle()?;
        let commit = Commit { after, unsaved };
        if self.work.as_ref().is_none_or(|w| w.send(commit).is_err()) {
            return Err(EngineError::Panicked);
        }
        self.under_way = true;
        Ok(())
    }

    /// Waits for the commit that is under way, if one is.
    ///
    /// # Errors
    /// How it ended.
    pub(super) fn settle(&mut self) -> Result<(), EngineError> {
        if !core::mem::take(&mut self.under_way) {
            return Ok(());
        }
        self.done.recv().unwrap_or(Err(EngineError::Panicked))
    }
}

impl Drop for Commits {
    fn drop(&mut self) {
        self.work = None;
        if let Some(thread) = self.thread.take() {
            // How it ended was told to whoever settled.
            let _ = thread.join();
        }
    }
}

fn commit_all(
    app: &dyn Application,
    signals: &Signals,
    next: &Receiver<Commit>,
    tell: &Sender<Result<(), EngineError>>,
) {
    while let Ok(Commit { after, unsaved }) = next.recv() {
        let run = AssertUnwindSafe(|| {
            patiently::<_, EngineError>(signals, || Ok(app.commit(after.height(), &after)?))?;
            // Last, so that nobody waits for it: until here the saved block stands for it.
            patiently::<_, EngineError>(signals, || {
                Ok(unsaved.as_ref().map_or(Ok(()), Unsaved::write)?)
            })
        });
        let end = catch_unwind(run).unwrap_or(Err(EngineError::Panicked));
        if end.is_err() {
            signals.stop();
        }
        // Nobody listens any more: the engine ends.
        let _ = tell.send(end);
        signals.set_pending();
    }
}
