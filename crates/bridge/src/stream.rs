//! Lanes and their streams: what changes the enclave has streams, and room for its bytes, that nothing else can use up.
//!
//! The upper half of the stream ids belongs to the execution lane. Each lane has its own number of open streams, and in each
//! direction one message at a time that is longer than a frame; short ones go in between.

use crate::error::DoorError;
use crate::frame::{CHUNK_BYTES_MAX, cut};
use crate::link::Sink;
use crate::message::Request;
use crate::transport::lock;
use std::sync::Mutex;

/// Streams that the execution lane keeps open: a block at work, the acknowledgement of the one before, and some that wait. The host needs two.
pub const EXECUTION_STREAMS_MAX: usize = 4;
/// Streams that the query lanes keep open. Above it the host says `door.busy` to its caller.
pub const QUERY_STREAMS_MAX: usize = 64;
/// The first id of the execution lane's streams.
pub const EXECUTION_STREAMS_FROM: u32 = 1 << 31;

/// Which lane serves a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Requests that change the enclave, one after the other.
    Execution,
    /// Requests that only read.
    Query,
}

impl Lane {
    /// The lane that this stream belongs to.
    #[must_use]
    pub const fn of(stream: u32) -> Self {
        if stream >= EXECUTION_STREAMS_FROM {
            Self::Execution
        } else {
            Self::Query
        }
    }

    /// Streams of this lane that one end keeps open for the other.
    #[must_use]
    pub const fn streams_max(self) -> usize {
        match self {
            Self::Execution => EXECUTION_STREAMS_MAX,
            Self::Query => QUERY_STREAMS_MAX,
        }
    }

    /// The stream of this lane with this number; numbers start again where the lane ends.
    #[must_use]
    pub const fn stream(self, number: u32) -> u32 {
        match self {
            Self::Execution => number | EXECUTION_STREAMS_FROM,
            Self::Query => number & !EXECUTION_STREAMS_FROM,
        }
    }
}

impl Request {
    /// The lane that serves this request.
    #[must_use]
    pub const fn lane(&self) -> Lane {
        match self {
            Self::BootstrapBegin
            | Self::BootstrapSeal { .. }
            | Self::Unseal { .. }
            | Self::InitChain { .. }
            | Self::ExecuteBlock { .. }
            | Self::Committed { .. }
            | Self::JoinBegin { .. }
            | Self::JoinOpen { .. }
            | Self::BootstrapAttest { .. } => Lane::Execution,
            Self::Query { .. } | Self::Simulate { .. } | Self::Attest { .. } | Self::Status => {
                Lane::Query
            }
        }
    }
}

/// One of something for each lane.
#[derive(Debug, Default)]
pub(crate) struct PerLane<T> {
    execution: T,
    query: T,
}

impl<T> PerLane<T> {
    pub(crate) const fn of(&self, lane: Lane) -> &T {
        match lane {
            Lane::Execution => &self.execution,
            Lane::Query => &self.query,
        }
    }

    pub(crate) const fn of_mut(&mut self, lane: Lane) -> &mut T {
        match lane {
            Lane::Execution => &mut self.execution,
            Lane::Query => &mut self.query,
        }
    }
}

/// The sending half of a link, shared by all who speak.
pub(crate) struct Outbox {
    /// `None` once closed.
    sink: Mutex<Option<Box<dyn Sink>>>,
    /// Held by whoever is the next to have the sink: a lock goes to whom it finds awake, which would be the sender of a long message again
    /// and again, and all others would wait for its last frame.
    next: Mutex<()>,
    /// Whose turn it is to send a message of more than one frame.
    long: PerLane<Mutex<()>>,
}

impl Outbox {
    pub(crate) fn new(sink: Box<dyn Sink>) -> Self {
        Self {
            sink: Mutex::new(Some(sink)),
            next: Mutex::default(),
            long: PerLane::default(),
        }
    }

    /// Sends a message. The link is taken per frame, so that messages of several streams mix: a short one waits for one frame of a long one, or a few where
    /// several wait, since who is next is for the lock to say. What is longer than a frame waits for the long ones of its lane.
    pub(crate) fn send(&self, stream: u32, message: &[u8]) -> Result<(), DoorError> {
        let _turn = (message.len() > CHUNK_BYTES_MAX).then(|| lock(self.long.of(Lane::of(stream))));
        for frame in cut(stream, message) {
            let next = lock(&self.next);
            let mut sink = lock(&self.sink);
            drop(next);
            match sink.as_mut() {
                Some(sink) => sink.send(frame)?,
                None => return Err(DoorError::Closed(String::from("the link is closed"))),
            }
        }
        Ok(())
    }

    pub(crate) fn close(&self) {
        lock(&self.sink).take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Frame;
    use std::sync::mpsc::{Receiver, Sender, channel};

    /// Tells of each frame, and waits until it may go on.
    struct Slow {
        seen: Sender<u32>,
        go: Receiver<()>,
    }

    impl Sink for Slow {
        fn send(&mut self, frame: Frame) -> Result<(), DoorError> {
            self.seen.send(frame.stream).unwrap();
            self.go.recv().unwrap();
            Ok(())
        }
    }

    #[test]
    fn a_short_message_waits_for_one_frame_of_a_long_one_and_not_for_its_last() {
        const LONG: u32 = 1;
        const SHORT: u32 = 2;
        let (seen, order) = channel();
        let (go, wait) = channel();
        let outbox = Outbox::new(Box::new(Slow { seen, go: wait }));
        std::thread::scope(|scope| {
            scope.spawn(|| outbox.send(LONG, &vec![7; 20 * CHUNK_BYTES_MAX]).unwrap());
            assert_eq!(order.recv().unwrap(), LONG);
            scope.spawn(|| outbox.send(SHORT, b"short").unwrap());
            while outbox.next.try_lock().is_ok() {
                std::thread::yield_now();
            }
            // The long one goes on as fast as it can.
            (0..21).for_each(|_| go.send(()).unwrap());
            assert_eq!(order.recv().unwrap(), SHORT);
            assert!((0..19).all(|_| order.recv().unwrap() == LONG));
        });
    }
}
