//! What a handler has: block and transaction, metered state, gas, events, and what all calls share.

use crate::Bytes;
use crate::engine::ContractEngine;
use crate::error::{Fault, Stop};
use crate::gas::{self, GasMeter};
use crate::overlay::{Mark, Slot};
use crate::ports::CodeRead;
use crate::state::State;
use crate::tx::looked::Looked;
use crate::tx::{Msg, no_handler};
use crate::types::consensus::Misbehavior;
use crate::types::error::sdk;
use crate::types::proto::Any;
use crate::types::{Address, Attribute, Coins, Event, Gas, Hash, Height, Timestamp, TxError};
use std::collections::BTreeMap;

/// Longest raw key of the native tree, in bytes: no collection writes a longer one (labels have 512, denominations 128), and
/// a host is never asked for one, however long a name in a query is. Every key of it fits the door.
pub const NATIVE_KEY_BYTES_MAX: usize = 1_024;

/// What execution depends on in a verified block, beside its transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockInfo {
    /// Chain id.
    pub chain_id: String,
    /// SHA-256 of the genesis file: what evidence and shares are bound to.
    pub genesis_hash: Hash,
    /// Height.
    pub height: Height,
    /// Block time.
    pub time: Timestamp,
    /// Hash of the header, the source of randomness.
    pub header_hash: Hash,
    /// `version.app` of the header: selects price and rule tables.
    pub version_app: u64,
    /// What validators did against the rules, by the block's evidence.
    pub misbehavior: Vec<Misbehavior>,
}

/// Which transaction runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TxInfo {
    /// Position among the transactions of the block, from 0. `None` in checks, simulation and queries.
    pub index: Option<u32>,
    /// What contracts see as `env.transaction.index`: how many transactions of the block passed the ante chain before
    /// this one. `None` where there is no block; 0 in the simulations of the enclave.
    pub counter: Option<u32>,
    /// SHA-256 of the raw transaction.
    pub hash: Hash,
    /// The signature that was looked at before it ran, if one was.
    pub signed: Option<Looked>,
}

/// Why the state machine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A decided block.
    Deliver,
    /// Entry into the mempool: ante only, with the node's minimum gas price.
    Check,
    /// Again after a block: ante without signatures.
    Recheck,
    /// An estimate of gas: by the host, or of messages to contracts by the enclave, where genesis lets it.
    Simulate,
    /// A query.
    Query,
}

/// ExecutionEnv shared by all calls: content by hash and the contract engine.
#[derive(Clone, Copy)]
pub struct ExecutionEnv<'a> {
    /// Content by hash.
    pub code: &'a dyn CodeRead,
    /// Engine and cache of loaded modules.
    pub engine: &'a ContractEngine,
}

/// The context of one transaction, message or query.
pub struct Ctx<'a, 's> {
    /// State below.
    pub state: &'a mut State<'s>,
    /// Gas of this transaction.
    pub gas: GasMeter,
    /// Events so far.
    pub events: Vec<Event>,
    /// The block.
    pub block: &'a BlockInfo,
    /// The transaction.
    pub tx: TxInfo,
    /// Why we run.
    pub mode: Mode,
    /// Content and engine.
    pub env: ExecutionEnv<'a>,
    /// Fees taken by this transaction: a delta. At block end: those of the block, for whoever credits them.
    pub fees: Coins,
    /// Content first seen in this transaction, for the host to keep: hash → wasm.
    pub new_code: BTreeMap<Hash, Bytes>,
    /// The keys of `new_code` in the order in which they came.
    new_code_order: Vec<Hash>,
    /// Contract calls so far in this transaction: the counter of `random`. A call that is taken back has seen its random, so
    /// this never goes back.
    pub calls: u32,
    /// Whether a contract sent `finalize_tx`: no message may follow in this transaction.
    pub finalized: bool,
}

/// A point of a transaction to which [`Ctx::take_back`] goes back: state, events, content. Gas stays used.
#[derive(Debug)]
#[must_use]
pub struct Branch {
    mark: Mark,
    events: usize,
    new_code: usize,
    finalized: bool,
}

impl Branch {
    /// Number of the transaction's events before it.
    pub const fn events(&self) -> usize {
        self.events
    }
}

impl<'a, 's> Ctx<'a, 's> {
    /// A context for what belongs to the block and to none of its transactions: there is neither a limit nor a client.
    pub fn of_block(state: &'a mut State<'s>, block: &'a BlockInfo, env: ExecutionEnv<'a>) -> Self {
        let tx = TxInfo::default();
        Self::new(state, block, tx, Mode::Deliver, env, Gas::MAX)
    }

    /// A fresh context.
    pub fn new(
        state: &'a mut State<'s>,
        block: &'a BlockInfo,
        tx: TxInfo,
        mode: Mode,
        env: ExecutionEnv<'a>,
        gas_limit: Gas,
    ) -> Self {
        Self {
            state,
            gas: GasMeter::new(gas_limit),
            events: Vec::new(),
            block,
            tx,
            mode,
            env,
            fees: Coins::default(),
            new_code: BTreeMap::new(),
            new_code_order: Vec::new(),
            calls: 0,
            finalized: false,
        }
    }

    /// Reads a native key; charges 100 + 1 per byte of key and value.
    ///
    /// # Errors
    /// Out of gas or a fault.
    pub fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>, Stop> {
        self.gas.consume(gas::READ_FLAT, "ReadFlat")?;
        let value = self.look_up(key)?;
        let bytes = len(key).saturating_add(value.as_ref().map_or(0, |v| len(v)));
        self.gas
            .consume(bytes.saturating_mul(gas::READ_PER_BYTE), "ReadPerByte")?;
        Ok(value)
    }

    /// Whether a native key is present; charges 100.
    ///
    /// # Errors
    /// Out of gas or a fault.
    pub fn has(&mut self, key: &[u8]) -> Result<bool, Stop> {
        self.gas.consume(gas::HAS, "Has")?;
        Ok(self.look_up(key)?.is_some())
    }

    /// A key that is too long to have been written is absent.
    fn look_up(&mut self, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        if key.len() > NATIVE_KEY_BYTES_MAX {
            return Ok(None);
        }
        self.state.get(&Slot::Native(key.into()))
    }

    /// Writes a native key; charges 200 + 5 per byte of key and value.
    ///
    /// # Errors
    /// sdk 18 for a key above [`NATIVE_KEY_BYTES_MAX`]; out of gas.
    pub fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), Stop> {
        if key.len() > NATIVE_KEY_BYTES_MAX {
            let text = format!("key of {} bytes, at most {NATIVE_KEY_BYTES_MAX}", key.len());
            return Err(sdk::INVALID_REQUEST.wrap(text).into());
        }
        self.gas.consume(gas::WRITE_FLAT, "WriteFlat")?;
        let bytes = len(key).saturating_add(len(value));
        self.gas
            .consume(bytes.saturating_mul(gas::WRITE_PER_BYTE), "WritePerByte")?;
        self.state
            .put(Slot::Native(key.into()), Some(Bytes::from(value)));
        Ok(())
    }

    /// Removes a native key; charges 100.
    ///
    /// # Errors
    /// Out of gas.
    pub fn remove(&mut self, key: &[u8]) -> Result<(), Stop> {
        self.gas.consume(gas::DELETE, "Delete")?;
        self.state.put(Slot::Native(key.into()), None);
        Ok(())
    }

    /// Runs a message on behalf of `signers`: the one way for the messages of transactions and of contracts. Gives the encoded
    /// response.
    ///
    /// # Errors
    /// sdk 6 for a message that nobody handles, those of [`Msg::decode`] and [`Ctx::run`].
    pub fn dispatch(&mut self, message: &Any, signers: &[Address]) -> Result<Vec<u8>, Stop> {
        let decoded = Msg::decode(message)?;
        let decoded = decoded.ok_or_else(|| no_handler(&message.type_url))?;
        self.run(decoded, signers)
    }

    /// As [`Ctx::dispatch`], for a message that was decoded before.
    ///
    /// # Errors
    /// sdk 4 if one must sign it who is none of `signers`; the handler's.
    pub fn run(&mut self, message: Msg, signers: &[Address]) -> Result<Vec<u8>, Stop> {
        if let Some(other) = message.signers()?.iter().find(|s| !signers.contains(s)) {
            return Err(sdk::UNAUTHORIZED
                .wrap(format!("{other} has not signed this message"))
                .into());
        }
        message.run(self)
    }

    /// Hands content to the host to keep.
    pub fn keep_code(&mut self, hash: Hash, wasm: Bytes) {
        if self.new_code.insert(hash, wasm).is_none() {
            self.new_code_order.push(hash);
        }
    }

    /// A point to go back to.
    pub fn branch(&self) -> Branch {
        Branch {
            mark: self.state.overlay.mark(),
            events: self.events.len(),
            new_code: self.new_code_order.len(),
            finalized: self.finalized,
        }
    }

    /// Takes back all that was written, told and kept since.
    pub fn take_back(&mut self, branch: Branch) {
        self.state.overlay.revert(branch.mark);
        self.events.truncate(branch.events);
        while self.new_code_order.len() > branch.new_code {
            if let Some(hash) = self.new_code_order.pop() {
                self.new_code.remove(&hash);
            }
        }
        self.finalized = branch.finalized;
    }

    /// Whether a message may be sent: after `finalize_tx`, none may.
    ///
    /// # Errors
    /// sdk 40404.
    pub fn may_send(&self) -> Result<(), TxError> {
        if self.finalized {
            let text = "Cannot send messages or submessages after last tx marker was set";
            return Err(sdk::LAST_MESSAGE_SENT.wrap(text));
        }
        Ok(())
    }

    /// Adds an event.
    pub fn emit(&mut self, event: Event) {
        self.events.push(event);
    }
}

/// An event from string pairs, all indexed.
#[must_use]
pub fn event(kind: &str, attributes: &[(&str, &str)]) -> Event {
    let pairs = attributes.iter();
    from_pairs(kind, pairs.map(|(key, value)| (*key, (*value).to_owned())))
}

/// As [`event`], of values that were made for it.
#[must_use]
pub fn event_of<const N: usize>(kind: &str, attributes: [(&str, String); N]) -> Event {
    from_pairs(kind, attributes.into_iter())
}

fn from_pairs<'k>(kind: &str, pairs: impl ExactSizeIterator<Item = (&'k str, String)>) -> Event {
    // Room for `msg_index`, which each event of a message gets.
    let mut attributes = Vec::with_capacity(pairs.len().saturating_add(1));
    attributes.extend(pairs.map(|(key, value)| Attribute {
        key: key.to_owned(),
        value,
        index: true,
    }));
    Event {
        kind: kind.to_owned(),
        attributes,
    }
}

/// Length as gas units.
fn len(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// A fault for a value that does not decode.
impl From<borsh::io::Error> for Fault {
    fn from(e: borsh::io::Error) -> Self {
        Self::Broken(format!("stored value does not decode: {e}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::overlay::Overlay;
    use crate::ports::{NoSecrets, StateRead};
    use crate::testing::block_info;
    use crate::types::Tree;

    /// A host that is asked only for keys that can be.
    struct Short;

    impl StateRead for Short {
        fn get(&self, _: Tree, key: &[u8]) -> Result<Option<Bytes>, Fault> {
            assert!(key.len() <= NATIVE_KEY_BYTES_MAX);
            Ok(Some(Bytes::from([1].as_slice())))
        }
    }

    impl CodeRead for Short {
        fn code(&self, _: &Hash) -> Result<Bytes, Fault> {
            Err(Fault::Content("none".into()))
        }
    }

    #[test]
    fn what_a_branch_did_is_taken_back_but_for_its_gas() {
        let (engine, block) = (ContractEngine::default(), block_info(1));
        let mut state = State::new(&Short, &NoSecrets, Overlay::default());
        let env = ExecutionEnv {
            code: &Short,
            engine: &engine,
        };
        let tx = TxInfo::default();
        let mut ctx = Ctx::new(&mut state, &block, tx, Mode::Deliver, env, 10_000);
        ctx.set(b"k", b"before").unwrap();
        ctx.keep_code([9; 32], Bytes::from([9].as_slice()));
        ctx.emit(event("before", &[]));
        let branch = ctx.branch();
        ctx.set(b"k", b"after").unwrap();
        ctx.keep_code([9; 32], Bytes::from([9].as_slice()));
        ctx.keep_code([1; 32], Bytes::from([1].as_slice()));
        ctx.emit(event("after", &[]));
        (ctx.finalized, ctx.calls) = (true, 3);
        let used = ctx.gas.used();
        ctx.take_back(branch);
        assert_eq!((ctx.gas.used(), ctx.calls), (used, 3));
        assert_eq!(ctx.get(b"k").unwrap().unwrap().as_ref(), b"before");
        assert_eq!(ctx.new_code.keys().collect::<Vec<_>>(), [&[9; 32]]);
        assert_eq!(ctx.events, [event("before", &[])]);
        assert!(ctx.may_send().is_ok());
    }

    #[test]
    fn a_native_key_that_cannot_be_is_absent_without_asking_and_costs_its_bytes() {
        let (engine, block) = (ContractEngine::default(), block_info(1));
        let mut state = State::new(&Short, &NoSecrets, Overlay::default());
        let env = ExecutionEnv {
            code: &Short,
            engine: &engine,
        };
        let mut ctx = Ctx::new(
            &mut state,
            &block,
            TxInfo::default(),
            Mode::Deliver,
            env,
            10_000,
        );
        let (most, over) = (
            vec![7; NATIVE_KEY_BYTES_MAX],
            vec![7; NATIVE_KEY_BYTES_MAX + 1],
        );
        assert!(ctx.get(&most).unwrap().is_some() && ctx.has(&most).unwrap());
        let before = ctx.gas.used();
        assert!(ctx.get(&over).unwrap().is_none() && !ctx.has(&over).unwrap());
        assert_eq!(ctx.gas.used() - before, 100 + 1_025 + 100);
        assert!(ctx.set(&most, b"v").is_ok());
        let Err(Stop::Err(e)) = ctx.set(&over, b"v") else {
            panic!("written")
        };
        assert_eq!(e.text, "key of 1025 bytes, at most 1024: invalid request");
    }
}
