//! What a handler has: block and transaction, metered state, gas, events, and the services of the house.

use crate::Bytes;
use crate::error::{Fault, Stop};
use crate::gas::{self, GasMeter};
use crate::overlay::Slot;
use crate::ports::CodeRead;
use crate::state::State;
use crate::types::{Attribute, Coins, Event, Gas, Hash, Height, Timestamp};
use std::collections::BTreeMap;

/// The verified header's fields that execution depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockInfo {
    /// Chain id.
    pub chain_id: String,
    /// Height.
    pub height: Height,
    /// Block time.
    pub time: Timestamp,
    /// Hash of the header, the source of randomness.
    pub header_hash: Hash,
    /// `version.app` of the header: selects price and rule tables.
    pub version_app: u64,
}

/// Which transaction runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TxInfo {
    /// Position among the transactions of the block, from 0. `None` in checks, simulation and queries.
    pub index: Option<u32>,
    /// What contracts see as `env.transaction.index`: how many transactions of the block passed the ante chain before
    /// this one. `None` where there is no block.
    pub counter: Option<u32>,
    /// SHA-256 of the raw transaction.
    pub hash: Hash,
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
    /// An estimate of gas by the host.
    Simulate,
    /// A query.
    Query,
}

/// Services shared by all calls: content by hash and the contract engine.
#[derive(Clone, Copy)]
pub struct Services<'a> {
    /// Content by hash.
    pub code: &'a dyn CodeRead,
    /// Engine and cache of loaded modules.
    pub vm: &'a crate::modules::compute::Machine,
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
    pub services: Services<'a>,
    /// Fees taken by this transaction: a delta, credited to the fee collector at block end.
    pub fees: Coins,
    /// Content first seen in this transaction, for the host to keep: hash → wasm.
    pub new_code: BTreeMap<Hash, Bytes>,
    /// Contract calls so far in this transaction: the counter of `random`.
    pub calls: u32,
}

impl<'a, 's> Ctx<'a, 's> {
    /// A fresh context.
    pub fn new(
        state: &'a mut State<'s>,
        block: &'a BlockInfo,
        tx: TxInfo,
        mode: Mode,
        services: Services<'a>,
        gas_limit: Gas,
    ) -> Self {
        Self {
            state,
            gas: GasMeter::new(gas_limit),
            events: Vec::new(),
            block,
            tx,
            mode,
            services,
            fees: Coins::default(),
            new_code: BTreeMap::new(),
            calls: 0,
        }
    }

    /// Reads a native key; charges 100 + 1 per byte of key and value.
    ///
    /// # Errors
    /// Out of gas or a fault.
    pub fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>, Stop> {
        self.gas.consume(gas::READ_FLAT, "ReadFlat")?;
        let value = self.state.get(&Slot::Native(key.to_vec()))?;
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
        Ok(self.state.get(&Slot::Native(key.to_vec()))?.is_some())
    }

    /// Writes a native key; charges 200 + 5 per byte of key and value.
    ///
    /// # Errors
    /// Out of gas.
    pub fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), Stop> {
        self.gas.consume(gas::WRITE_FLAT, "WriteFlat")?;
        let bytes = len(key).saturating_add(len(value));
        self.gas
            .consume(bytes.saturating_mul(gas::WRITE_PER_BYTE), "WritePerByte")?;
        self.state
            .put(Slot::Native(key.to_vec()), Some(Bytes::from(value)));
        Ok(())
    }

    /// Removes a native key; charges 100.
    ///
    /// # Errors
    /// Out of gas.
    pub fn remove(&mut self, key: &[u8]) -> Result<(), Stop> {
        self.gas.consume(gas::DELETE, "Delete")?;
        self.state.put(Slot::Native(key.to_vec()), None);
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
    Event {
        kind: kind.to_owned(),
        attributes: attributes
            .iter()
            .map(|(key, value)| Attribute {
                key: (*key).to_owned(),
                value: (*value).to_owned(),
                index: true,
            })
            .collect(),
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
