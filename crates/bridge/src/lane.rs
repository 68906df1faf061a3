//! The enclave's end: one execution lane and several query lanes, so that a query never waits for a block, and lanes for simulations, so
//! that no query waits for one of those either. The execution lane has two threads: that a block is durable is heard while the next one
//! runs.

use crate::error::DoorError;
use crate::frame::Assembler;
use crate::link::Link;
use crate::message::{
    EnclaveRequest, Failure, FailureCode, FromEnclave, FromHost, HostResponse, Message as _, Reply,
    Request,
};
use crate::stream::{Lane, Outbox};
use crate::transport::lock;
use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};

/// Stack of a lane's thread, in bytes. Contracts nest on an explicit stack; decoders and drop glue need little.
const LANE_STACK_BYTES: usize = 8 << 20;

/// What a request may ask while it is served.
pub trait HostClient {
    /// Asks the host and waits for its answer.
    ///
    /// # Errors
    /// [`DoorError::Closed`] if the host is gone, [`DoorError::TooLarge`] if the ask is above its limit.
    fn request(&self, request: EnclaveRequest) -> Result<HostResponse, DoorError>;
}

/// The enclave's side of one conversation.
pub struct LaneClient<'a> {
    door: &'a Door,
    stream: u32,
    answers: &'a Receiver<HostResponse>,
}

impl HostClient for LaneClient<'_> {
    fn request(&self, request: EnclaveRequest) -> Result<HostResponse, DoorError> {
        let message = FromEnclave::Request(request).encode()?;
        self.door.expect_answer(self.stream, true);
        self.door.outbox.send(self.stream, &message)?;
        self.answers
            .recv()
            .map_err(|_| DoorError::Closed(String::from("the host is gone")))
    }
}

/// How many requests that only read are served at one time.
#[derive(Clone, Copy, Debug)]
pub struct Lanes {
    /// Queries, and the like.
    pub query: usize,
    /// Simulations: no other lane runs one.
    pub simulation: usize,
}

struct Job {
    stream: u32,
    request: Request,
    answers: Receiver<HostResponse>,
}

struct Stream {
    answers: SyncSender<HostResponse>,
    /// The enclave has asked and has no answer yet.
    asked: bool,
}

struct Door {
    outbox: Outbox,
    streams: Mutex<BTreeMap<u32, Stream>>,
}

/// Serves the enclave's end of `link` on this thread and the lanes' threads, until the host is gone or breaks the
/// format; returns why. Requests under way are not waited for: their replies have nowhere to go.
///
/// # Errors
/// Always: why it ended. [`DoorError::Closed`] is the ordinary way.
pub fn serve(
    link: Link,
    execution: impl FnMut(Request, &LaneClient<'_>) -> Reply + Send + 'static,
    acknowledge: impl FnMut(Request, &LaneClient<'_>) -> Reply + Send + 'static,
    query: impl Fn(Request, &LaneClient<'_>) -> Reply + Send + Sync + 'static,
    lanes: Lanes,
) -> DoorError {
    let door = Arc::new(Door {
        outbox: Outbox::new(link.sink),
        streams: Mutex::default(),
    });
    let (to_execution, jobs) = sync_channel(Lane::Execution.streams_max());
    if let Err(error) = lane("execution", &door, jobs_of(jobs), execution) {
        return error;
    }
    let (to_acknowledge, jobs) = sync_channel(Lane::Execution.streams_max());
    if let Err(error) = lane("acknowledge", &door, jobs_of(jobs), acknowledge) {
        return error;
    }
    let query = Arc::new(query);
    let readers = |name, number: usize| {
        let (to, jobs) = sync_channel(Lane::Query.streams_max());
        let jobs = jobs_of(jobs);
        for _ in 0..number.max(1) {
            let query = Arc::clone(&query);
            lane(name, &door, Arc::clone(&jobs), move |r, a| query(r, a))?;
        }
        Ok(to)
    };
    let (to_query, to_simulation) = match (
        readers("query", lanes.query),
        readers("simulation", lanes.simulation),
    ) {
        (Ok(query), Ok(simulation)) => (query, simulation),
        (Err(error), _) | (_, Err(error)) => return error,
    };
    let mut source = link.source;
    let mut assembler = Assembler::default();
    let error = loop {
        match source.receive().and_then(|frame| assembler.push(frame)) {
            Ok(None) => {}
            Ok(Some((stream, FromHost::Request(request)))) => {
                let queue = match (&request, request.lane()) {
                    (Request::Committed { .. }, _) => &to_acknowledge,
                    (_, Lane::Execution) => &to_execution,
                    (Request::Simulate { .. }, _) => &to_simulation,
                    (_, Lane::Query) => &to_query,
                };
                if let Err(error) = door.open(stream, request, queue) {
                    break error;
                }
            }
            Ok(Some((stream, FromHost::Response(answer)))) => {
                if let Err(error) = door.answer(stream, answer) {
                    break error;
                }
            }
            Err(error) => {
                if let DoorError::Version { .. } | DoorError::Message(_) = error {
                    door.tell_version();
                }
                break error;
            }
        }
    };
    door.close();
    error
}

type Jobs = Arc<Mutex<Receiver<Job>>>;

fn jobs_of(receiver: Receiver<Job>) -> Jobs {
    Arc::new(Mutex::new(receiver))
}

fn lane(
    name: &str,
    door: &Arc<Door>,
    jobs: Jobs,
    mut handle: impl FnMut(Request, &LaneClient<'_>) -> Reply + Send + 'static,
) -> Result<(), DoorError> {
    let door = Arc::clone(door);
    std::thread::Builder::new()
        .name(name.to_owned())
        .stack_size(LANE_STACK_BYTES)
        .spawn(move || {
            let _closing = CloseOnPanic(&door);
            loop {
                let Ok(job) = lock(&jobs).recv() else { return };
                let reply = handle(
                    job.request,
                    &LaneClient {
                        door: &door,
                        stream: job.stream,
                        answers: &job.answers,
                    },
                );
                if door.reply(job.stream, reply).is_err() {
                    return;
                }
            }
        })
        .map(|_| ())
        .map_err(|e| DoorError::Threads(e.to_string()))
}

/// A lane that panicked serves nobody: the other end must hear of it.
struct CloseOnPanic<'a>(&'a Door);

impl Drop for CloseOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.close();
        }
    }
}

impl Door {
    /// Sends some message of ours, on no stream: its head tells a host of another build which one this is, before the door closes. What
    /// else is in it does not matter.
    fn tell_version(&self) {
        let failure = Failure {
            code: FailureCode::NotReady,
            text: String::new(),
            tx: None,
        };
        if let Ok(message) = FromEnclave::Reply(Reply::Failed(failure)).encode() {
            let _ = self.outbox.send(0, &message);
        }
    }

    fn open(
        &self,
        stream: u32,
        request: Request,
        queue: &SyncSender<Job>,
    ) -> Result<(), DoorError> {
        let (answers, inbox) = sync_channel(1);
        {
            let mut streams = lock(&self.streams);
            if streams.contains_key(&stream) {
                return Err(DoorError::Turn("a request on a stream that is open"));
            }
            let lane = request.lane();
            if Lane::of(stream) != lane {
                return Err(DoorError::Turn("a request on a stream of another lane"));
            }
            let of_lane = streams.keys().filter(|s| Lane::of(**s) == lane);
            if of_lane.count() >= lane.streams_max() {
                return Err(DoorError::Turn("too many streams"));
            }
            streams.insert(
                stream,
                Stream {
                    answers,
                    asked: false,
                },
            );
        }
        // Each waiting request has an open stream, so the queue has room.
        let job = Job {
            stream,
            request,
            answers: inbox,
        };
        queue.try_send(job).map_err(|e| match e {
            TrySendError::Full(_) => DoorError::Turn("too many requests wait"),
            TrySendError::Disconnected(_) => DoorError::Closed(String::from("a lane is gone")),
        })
    }

    fn expect_answer(&self, stream: u32, asked: bool) -> bool {
        match lock(&self.streams).get_mut(&stream) {
            Some(open) => std::mem::replace(&mut open.asked, asked),
            None => false,
        }
    }

    fn answer(&self, stream: u32, answer: HostResponse) -> Result<(), DoorError> {
        if !self.expect_answer(stream, false) {
            return Err(DoorError::Turn("an answer that nobody asked for"));
        }
        match lock(&self.streams).get(&stream) {
            Some(open) => open
                .answers
                .try_send(answer)
                .map_err(|_| DoorError::Turn("an answer that nobody asked for")),
            None => Err(DoorError::Turn("an answer that nobody asked for")),
        }
    }

    fn reply(&self, stream: u32, reply: Reply) -> Result<(), DoorError> {
        let message = FromEnclave::Reply(reply).encode().or_else(|e| {
            FromEnclave::Reply(Reply::Failed(Failure {
                code: FailureCode::TooLarge,
                text: e.to_string(),
                tx: None,
            }))
            .encode()
        })?;
        lock(&self.streams).remove(&stream);
        self.outbox.send(stream, &message)
    }

    fn close(&self) {
        lock(&self.streams).clear();
        self.outbox.close();
    }
}
