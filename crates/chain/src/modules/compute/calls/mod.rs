//! Contract calls, nested on an explicit stack: the machine's own stack does not grow with the depth of calls.
//!
//! There are two kinds of frames. A *running* frame holds an instance that executes, or that waits for the answer to its query: the
//! frames above it run that query. When the instance of a call ends ([`end`]), a *dispatching* frame takes its place: it holds
//! no instance and sends the messages of the response one after the other, each to its end before the next (depth first,
//! [`send`]). A message that asked for it is followed by a reply, a call of the sender with a frame of its own ([`reply`]).
//! An error that no reply may see ends all frames.

mod end;
mod enter;
mod query;
mod reply;
mod send;

use super::admin::Migration;
use super::keeper::PendingContract;
use super::limits::CALL_DEPTH_MAX;
use super::output::{EntryPoint, dispatched};
use super::response::{CosmosMsg, SubMsg};
use super::state::{Code, Library, StorageLayout};
use super::storage::Keeping;
use crate::crypto::io::TxKey;
use crate::ctx::Ctx;
use crate::error::{Fault, Stop, broken};
use crate::gas::GasMeter;
use crate::modules::compute::error as compute;
use crate::types::{Address, Coins, Hash};
use reply::{Sent, SentResponse};
use strongroom_vm::{Generation, Instance, Step, VmFault};

/// A call to make.
pub struct Call {
    /// Entry point.
    pub entry_point: EntryPoint,
    /// Caller; not shown to queries and replies.
    pub sender: Address,
    /// The contract.
    pub contract: Address,
    /// How it keeps its data.
    pub storage_layout: StorageLayout,
    /// Its code.
    pub code: Code,
    /// The code hash to which the caller bound the message; `None` if it is missing or no hash.
    pub code_hash: Option<Hash>,
    /// Coins sent with the call; the bank has moved them already.
    pub funds: Coins,
    /// The plain message.
    pub msg: Vec<u8>,
    /// Whether nobody but the sender can have sent this message to this contract: a user bound it, or a contract sends it.
    pub bound: bool,
    /// What to do when it succeeds, before its messages are sent.
    pub on_success: OnSuccess,
}

/// What to do when a call succeeds, before its messages are sent.
pub enum OnSuccess {
    /// Emit the event `execute`, unless the contract is of v0.10.
    Executed,
    /// Record the contract, emit the event `instantiate`, unless the contract is of v0.10.
    Instantiated(Box<PendingContract>),
    /// Record the new code, emit the event `migrate`.
    Migrated(Box<Migration>),
    /// Nothing but the contract's own events: `sudo`.
    Told,
    /// Emit the event `reply`.
    Replied,
    /// Nothing: a query.
    Answered,
}

/// A call whose instance executes or waits for an answer.
struct Running {
    entry_point: EntryPoint,
    generation: Generation,
    library: Library,
    contract: Address,
    code_hash: Hash,
    on_success: OnSuccess,
    instance: Instance,
    keeping: Keeping,
    /// Wasm gas that the instance was given.
    gas_limit: u64,
    /// Whether the meter held more than one call may use.
    capped: bool,
    /// The meter of the instance that asked, if this is its query.
    outer: Option<GasMeter>,
}

/// A call that succeeded and whose messages are sent.
struct Dispatching {
    entry_point: EntryPoint,
    /// How it reads replies.
    library: Library,
    contract: Address,
    /// The code that sends the messages: replies are for no other.
    code_hash: Hash,
    messages: std::vec::IntoIter<SubMsg>,
    /// The message that is under way.
    sent: Option<Sent>,
    data: Option<Vec<u8>>,
    /// Length of its response: about the memory that it holds while its messages are sent.
    bytes: usize,
}

enum Frame {
    Running(Box<Running>),
    Dispatching(Box<Dispatching>),
}

/// Why a call failed. Who learns of it decides its form: a calling contract or the client.
enum Failure {
    /// The contract's own error text, which only the sender may read, and where it came from.
    Contract(EntryPoint, String),
    /// Anything else.
    Stop(Stop),
}

impl<T: Into<Stop>> From<T> for Failure {
    fn from(stop: T) -> Self {
        Self::Stop(stop.into())
    }
}

/// What the loop of [`run`] does next.
enum Next {
    /// Handle a step of the instance on top.
    Step(Step),
    /// Let the frame on top send its next message, or end it if there is none.
    Dispatch,
    /// Return the data or the answer of the outermost call.
    Finished(Option<Vec<u8>>),
}

/// Runs a call, and the messages it sends, to the end. Returns the contract's data (or a query's answer) in plaintext.
///
/// # Errors
/// The transaction's error, sealed to `key` where it is the contract's own, with one `dispatch: submessages: ` per level
/// of nesting; out of gas; or a fault. The caller reverts the state.
pub fn run(ctx: &mut Ctx<'_, '_>, key: &TxKey, call: Call) -> Result<Option<Vec<u8>>, Stop> {
    let mut calls = Calls {
        ctx,
        key,
        frames: Vec::new(),
        waiting: 0,
    };
    let mut next = calls
        .enter(call, None)
        .map_err(|failure: Failure| shown(key, failure));
    loop {
        next = match next {
            Ok(Next::Finished(data)) => return Ok(data),
            Ok(Next::Step(step)) => calls.step(step),
            Ok(Next::Dispatch) => calls.dispatch(),
            Err(stop) => return Err(calls.unwind(stop)),
        };
    }
}

/// A failure as the client sees it.
fn shown(key: &TxKey, failure: Failure) -> Stop {
    match failure {
        Failure::Contract(entry_point, text) => entry_point.contract_error(key, &text),
        Failure::Stop(stop) => stop,
    }
}

struct Calls<'c, 'a, 's> {
    ctx: &'c mut Ctx<'a, 's>,
    key: &'c TxKey,
    frames: Vec<Frame>,
    /// Bytes of the responses of all dispatching frames.
    waiting: usize,
}

impl Calls<'_, '_, '_> {
    /// Handles a step of the instance on top: it asks a query, or it has ended.
    fn step(&mut self, step: Step) -> Result<Next, Stop> {
        match step {
            Step::Query(query) => self.ask(&query.request, query.gas_left),
            Step::Done(outcome) => self.ended(outcome),
        }
    }

    /// Sends the next message of the dispatching frame on top, or ends the frame.
    fn dispatch(&mut self) -> Result<Next, Stop> {
        let depth = self.frames.len();
        let top = self.dispatching()?;
        if let Some(message) = top.messages.next() {
            let last = matches!(message.msg, CosmosMsg::FinalizeTx(_));
            if last {
                // What follows in this response is not sent.
                top.messages = Vec::new().into_iter();
            }
            if depth > CALL_DEPTH_MAX {
                return Err(compute::MAX_CALL_DEPTH.bare().into());
            }
            self.ctx.may_send()?;
            if last {
                self.ctx.finalized = true;
                return Ok(Next::Dispatch);
            }
            return self.send(message);
        }
        let Some(Frame::Dispatching(done)) = self.frames.pop() else {
            return Err(broken("the frame on top changed").into());
        };
        self.waiting = self.waiting.saturating_sub(done.bytes);
        match (self.frames.is_empty(), done.entry_point) {
            (true, _) => Ok(Next::Finished(done.data)),
            (false, EntryPoint::Reply) => self.replied(done.data),
            (false, entry_point) => {
                let response = SentResponse::Contract {
                    entry_point,
                    contract: done.contract,
                    data: done.data,
                };
                self.sent_well(response)
            }
        }
    }

    /// The frame on top, where it can only be one that sends messages.
    fn dispatching(&mut self) -> Result<&mut Dispatching, Fault> {
        match self.frames.last_mut() {
            Some(Frame::Dispatching(top)) => Ok(top),
            _ => Err(broken("no call to dispatch messages of")),
        }
    }

    /// Ends all frames because of an error: every dispatching frame adds its prefix, every meter is restored.
    fn unwind(&mut self, mut stop: Stop) -> Stop {
        while let Some(frame) = self.frames.pop() {
            match frame {
                // What a query used is charged to the instance that asked, and that instance ends too.
                Frame::Running(running) => {
                    if let Some(outer) = running.outer {
                        self.ctx.gas = outer;
                    }
                }
                Frame::Dispatching(frame) => {
                    if let Some(sent) = frame.sent {
                        stop = self.lost(sent, stop);
                    }
                    if let Stop::Err(e) = stop {
                        stop = dispatched(e).into();
                    }
                }
            }
        }
        stop
    }
}

fn vm_fault(fault: VmFault) -> Stop {
    match fault {
        VmFault::Host(host) => match host.0.downcast::<Fault>() {
            Ok(fault) => Stop::Fault(*fault),
            Err(other) => broken(other).into(),
        },
        other => broken(other).into(),
    }
}
