//! The host's end: any thread opens a stream, serves the enclave's asks on it, and gets the reply.

use crate::error::DoorError;
use crate::frame::Assembler;
use crate::link::{Link, Source};
use crate::message::{
    EnclaveRequest, FromEnclave, FromHost, HostResponse, Message as _, Reply, Request,
};
use crate::stream::{Lane, Outbox};
use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A way to the enclave. Safe to call from many threads at once; calls do not wait for each other here: a lane whose
/// streams are all in use answers [`DoorError::Busy`] at once, and never takes a stream of the other lane.
pub trait Transport: Send + Sync {
    /// One conversation: sends `request`, answers every ask through `serve` on this thread, returns the reply.
    ///
    /// # Errors
    /// [`DoorError::Failed`] if the enclave answered that the request failed; otherwise what went wrong on the way.
    fn call(
        &self,
        request: Request,
        serve: &mut dyn FnMut(EnclaveRequest) -> HostResponse,
    ) -> Result<Reply, DoorError>;
}

/// The host's end of a link.
pub struct Host {
    shared: Arc<Shared>,
}

struct Shared {
    outbox: Outbox,
    streams: Mutex<Streams>,
}

#[derive(Default)]
struct Streams {
    next: u32,
    /// Messages go to their conversations undecoded: the results of a block take milliseconds to decode, and every query would wait.
    open: BTreeMap<u32, Sender<Vec<u8>>>,
    closed: Option<DoorError>,
}

impl Host {
    /// Takes the host's end of `link`; a thread of its own reads it until it closes.
    ///
    /// # Errors
    /// [`DoorError::Threads`] if no thread can be started.
    pub fn new(link: Link) -> Result<Self, DoorError> {
        let shared = Arc::new(Shared {
            outbox: Outbox::new(link.sink),
            streams: Mutex::default(),
        });
        let reader = Arc::clone(&shared);
        std::thread::Builder::new()
            .name(String::from("door"))
            .spawn(move || reader.read(link.source))
            .map_err(|e| DoorError::Threads(e.to_string()))?;
        Ok(Self { shared })
    }

    /// Closes the link; calls under way end with an error.
    pub fn close(&self) {
        self.shared
            .close(DoorError::Closed(String::from("closed by the host")));
    }

    /// Why the link is closed, if it is.
    #[must_use]
    pub fn closed(&self) -> Option<DoorError> {
        lock(&self.shared.streams).closed.clone()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.close();
    }
}

impl Transport for Host {
    fn call(
        &self,
        request: Request,
        serve: &mut dyn FnMut(EnclaveRequest) -> HostResponse,
    ) -> Result<Reply, DoorError> {
        let lane = request.lane();
        let request = FromHost::Request(request).encode()?;
        let mut conversation = self.shared.open(lane)?;
        self.shared.send(&conversation, &request)?;
        loop {
            let Ok(message) = conversation.inbox.recv() else {
                return Err(self
                    .closed()
                    .unwrap_or(DoorError::Turn("stream ended without a reply")));
            };
            let message = FromEnclave::decode(&message).inspect_err(|error| {
                self.shared.close(error.clone());
            })?;
            match message {
                FromEnclave::Request(request) => {
                    let answer = FromHost::Response(serve(request)).encode().or_else(|e| {
                        FromHost::Response(HostResponse::Unavailable {
                            text: e.to_string(),
                        })
                        .encode()
                    })?;
                    self.shared.send(&conversation, &answer)?;
                }
                FromEnclave::Reply(reply) => {
                    conversation.done = true;
                    return match reply {
                        Reply::Failed(failure) => Err(DoorError::Failed(failure)),
                        reply => Ok(reply),
                    };
                }
            }
        }
    }
}

/// An open stream. If it is left before the reply (a panic in `serve`), the enclave would wait for ever: the door closes.
struct Conversation<'a> {
    shared: &'a Shared,
    stream: u32,
    inbox: Receiver<Vec<u8>>,
    done: bool,
}

impl Drop for Conversation<'_> {
    fn drop(&mut self) {
        lock(&self.shared.streams).open.remove(&self.stream);
        if !self.done {
            self.shared.close(DoorError::Closed(String::from(
                "a conversation was left before its reply",
            )));
        }
    }
}

impl Shared {
    /// Sends a message of this conversation. If the enclave has gone, it may have said why first: the reader hears that to the
    /// end, and what it heard comes before the broken pipe.
    fn send(&self, conversation: &Conversation<'_>, message: &[u8]) -> Result<(), DoorError> {
        self.outbox
            .send(conversation.stream, message)
            .map_err(|error| {
                if matches!(error, DoorError::Closed(_)) {
                    while conversation.inbox.recv().is_ok() {}
                    return lock(&self.streams).closed.clone().unwrap_or(error);
                }
                error
            })
    }

    fn open(&self, lane: Lane) -> Result<Conversation<'_>, DoorError> {
        let mut streams = lock(&self.streams);
        if let Some(error) = &streams.closed {
            return Err(error.clone());
        }
        let of_lane = streams.open.keys().filter(|s| Lane::of(**s) == lane);
        if of_lane.count() >= lane.streams_max() {
            return Err(DoorError::Busy(match lane {
                Lane::Execution => "all streams of the execution lane are in use",
                Lane::Query => "too many queries run",
            }));
        }
        while streams.open.contains_key(&lane.stream(streams.next)) {
            streams.next = streams.next.wrapping_add(1);
        }
        let stream = lane.stream(streams.next);
        streams.next = streams.next.wrapping_add(1);
        let (sender, inbox) = channel();
        streams.open.insert(stream, sender);
        Ok(Conversation {
            shared: self,
            stream,
            inbox,
            done: false,
        })
    }

    fn read(&self, mut source: Box<dyn Source>) {
        let mut assembler = Assembler::default();
        let error = loop {
            let complete = match source
                .receive()
                .and_then(|frame| assembler.push_undecoded::<FromEnclave>(frame))
            {
                Ok(None) => continue,
                Ok(Some(complete)) => complete,
                Err(error) => break error,
            };
            let streams = lock(&self.streams);
            let Some(sender) = streams.open.get(&complete.0) else {
                break DoorError::Turn("a message on a stream that is not open");
            };
            if sender.send(complete.1).is_err() {
                break DoorError::Turn("a message after the reply");
            }
        };
        self.close(error);
    }

    fn close(&self, error: DoorError) {
        {
            let mut streams = lock(&self.streams);
            streams.closed.get_or_insert(error);
            streams.open.clear();
        }
        self.outbox.close();
    }
}

/// A poisoned lock: some thread panicked while it held it; what it guards is still consistent, since every critical
/// section here changes one thing.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
