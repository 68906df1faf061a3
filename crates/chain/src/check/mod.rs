//! What the host decides before consensus: entry into the mempool (ante chain only), and estimates of gas.
//!
//! Runs with the host's own snapshot and without secrets: a contract message can be checked, not executed. Where genesis lets it, the
//! enclave executes it for an estimate ([`simulate_sealed`], ADR 27).
//!
//! Promises: what passes is charged if the block that it was checked for delivers it, in the same order. That is the earliest one that
//! it can get into, and what the messages before it may take from its payer counts as gone.

#[cfg(test)]
mod tests;
#[cfg(test)]
mod unpaid;
mod waiting;

use crate::block::{block_gas, output};
use crate::ctx::{BlockInfo, Ctx, ExecutionEnv, Mode, TxInfo};
use crate::error::{Fault, Stop};
use crate::gas::SIMULATION_MAX;
use crate::modules::simulates_contracts;
use crate::overlay::Overlay;
use crate::ports::{NoSecrets, Secrets, StateRead};
use crate::query::{GrpcCode, QueryError, QueryStop};
use crate::state::State;
use crate::tx::{
    AnteConfig, DecodedTx, GasPrice, Msg, TxOutcome, decode, run_ante, run_messages, signers_of,
};
use crate::types::error::sdk;
use crate::types::proto;
use crate::types::proto::cosmos::base::abci::v1beta1 as abci;
use crate::types::proto::cosmos::tx::v1beta1::SimulateResponse;
use crate::types::proto::tendermint::abci::EventAttribute;
use crate::types::tx::Tx;
use crate::types::{Address, Attribute, Event, Gas, Hash, Height, TxError, WriteSet, sha256};
use prost::{DecodeError, Message as _};
use waiting::Waiting;

/// Read values that a check state keeps between blocks at most: bounds its memory against a flood of checks.
pub const READS_KEPT_MAX: usize = 50_000;

/// Messages of a transaction that is simulated: nobody has paid for them, and no wallet puts so many into one
/// transaction. Whoever has more names the gas himself.
pub const SIMULATED_MESSAGES_MAX: usize = 1_024;

/// How far ahead of the committed state a sequence may be where contracts are simulated: the enclave does not know what waits, and no
/// mempool holds more transactions.
pub const SEQUENCES_AHEAD_MAX: u64 = 5_000;

/// Result of a check.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckOutcome {
    /// Gas and error.
    pub result: TxOutcome,
    /// Events of the ante chain.
    pub events: Vec<Event>,
    /// Who answers for the fee with a signature, then who else signs, and whose allowance pays; none if it did not pass. What the check took, it took from them alone: transactions without
    /// a party in common pass in any order, those with one in the order of their checks.
    pub parties: Vec<Address>,
    /// The last block that it may be in, as it says; 0: any.
    pub timeout_height: Height,
}

/// The pending state of the mempool: what the transactions that passed have changed (fees, sequences) over the newest
/// committed state. After every block what it changed otherwise is taken out, and whatever waits and depends on that is rechecked.
#[derive(Debug, Default)]
pub struct CheckState {
    overlay: Overlay,
    waiting: Waiting,
}

impl CheckState {
    /// Forgets everything pending, for whoever checks all that waits again.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// A block that wrote `writes` is the newest committed state. Of the transactions that passed, `left` still wait, in order: gives
    /// for each whether it has to be checked again.
    pub fn committed(&mut self, writes: &WriteSet, left: &[Hash]) -> Vec<bool> {
        self.waiting.committed(&mut self.overlay, writes, left)
    }

    /// What the waiting transactions have changed so far, for [`simulate`].
    #[must_use]
    pub fn pending(&self) -> Overlay {
        self.overlay.fork()
    }

    /// Checks a transaction against the pending state, at the height after `head`; it stays there if it passes. `base` is the newest
    /// committed state. While the block after it runs, `head` is that one for whatever it was not given. A recheck skips the signatures.
    ///
    /// # Errors
    /// A [`Fault`] if the state could not be read; what was pending still is.
    pub fn check(
        &mut self,
        base: &dyn StateRead,
        env: ExecutionEnv<'_>,
        head: &BlockInfo,
        min_gas_price: &GasPrice,
        bytes: &[u8],
        recheck: bool,
    ) -> Result<CheckOutcome, Fault> {
        // Time and hash of the next block are nobody's to know; the ante chain asks for neither.
        let block = BlockInfo {
            height: head.height.saturating_add(1),
            ..head.clone()
        };
        let refused = |error| CheckOutcome {
            result: TxOutcome::undecodable(error),
            events: Vec::new(),
            parties: Vec::new(),
            timeout_height: 0,
        };
        let decoded = match decode(bytes) {
            Ok(decoded) => decoded,
            Err(error) => return Ok(refused(error)),
        };
        let mut waiting = core::mem::take(&mut self.waiting);
        let mut state = State::new(base, &NoSecrets, core::mem::take(&mut self.overlay));
        // What fails has taken back what it wrote, a fault of the state as well.
        let outcome = ante(&mut state, env, &block, min_gas_price, &decoded, recheck);
        self.overlay = state.overlay;
        let access = self.overlay.end_check(READS_KEPT_MAX);
        if outcome.as_ref().is_ok_and(|o| o.result.error.is_none()) {
            // An allowance may run out with the time.
            let body = &decoded.tx.body;
            let expires = body.timeout_height != 0 || !decoded.tx.fee().granter.is_empty();
            waiting.passed(sha256(bytes), access, &self.overlay, expires);
        }
        self.waiting = waiting;
        outcome
    }
}

fn ante(
    state: &mut State<'_>,
    env: ExecutionEnv<'_>,
    block: &BlockInfo,
    min_gas_price: &GasPrice,
    decoded: &DecodedTx,
    recheck: bool,
) -> Result<CheckOutcome, Fault> {
    let config = AnteConfig {
        block_gas: block_gas(state, block, env)?,
        min_gas_price: Some(min_gas_price.clone()),
        ..AnteConfig::default()
    };
    let mode = if recheck { Mode::Recheck } else { Mode::Check };
    // Neither position nor hash: both are for contracts, and none runs here.
    let tx = TxInfo::default();
    let mut ctx = Ctx::new(state, block, tx, mode, env, 0);
    let passed = run_ante(&mut ctx, decoded, &config);
    let (parties, passed) = match passed {
        Ok(signers) => (parties(&decoded.tx, signers), Ok(())),
        Err(stop) => (Vec::new(), Err(stop)),
    };
    Ok(CheckOutcome {
        result: TxOutcome::of(&ctx, passed)?,
        events: ctx.events,
        parties,
        timeout_height: decoded.tx.body.timeout_height,
    })
}

/// What a transaction says of itself. Nothing of it is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// As [`CheckOutcome::parties`].
    pub parties: Vec<Address>,
    /// Its gas limit.
    pub gas: Gas,
    /// As [`CheckOutcome::timeout_height`].
    pub timeout_height: Height,
}

/// Reads what a transaction says of itself, if it can be read and has a signature for each of its signers. Nobody has paid for it: of the
/// tens of thousands that a message may name the ante chain refuses all but as many as signed, and nothing may be worked out for the others.
#[must_use]
pub fn outline(bytes: &[u8]) -> Option<Outline> {
    let DecodedTx { tx, messages, .. } = decode(bytes).ok()?;
    let signers = signers_of(&messages, &tx.fee().payer).ok()?;
    if signers.len() != tx.signatures.len() {
        return None;
    }
    Some(Outline {
        parties: parties(&tx, signers),
        gas: tx.fee().gas_limit,
        timeout_height: tx.body.timeout_height,
    })
}

/// Who answers for a fee with a signature comes first: its payer, else who signs first. Whose allowance it is taken from signs nothing, and is a party
/// behind it.
fn parties(tx: &Tx, signers: Vec<Address>) -> Vec<Address> {
    let fee = tx.fee();
    let payer: Option<Address> = match fee.payer.is_empty() {
        true => signers.first().cloned(),
        false => fee.payer.parse().ok(),
    };
    let granter = fee.granter.parse().ok();
    let mut parties: Vec<Address> = payer.into_iter().collect();
    for party in signers.into_iter().chain(granter) {
        if !parties.contains(&party) {
            parties.push(party);
        }
    }
    parties
}

/// Result of a simulation.
#[derive(Clone, Debug, PartialEq)]
pub struct Simulated {
    /// The limit that the transaction named.
    pub gas_wanted: Gas,
    /// Gas that it would use.
    pub gas_used: Gas,
    /// Encoded `TxMsgData`.
    pub data: Vec<u8>,
    /// Events of the ante chain and of the messages.
    pub events: Vec<Event>,
}

impl Simulated {
    /// As the host gets it: the responses of the messages are not told beside the data, which has them, so that an answer is no longer than its gas allows.
    #[must_use]
    pub fn into_response(self) -> SimulateResponse {
        let attribute = |a: Attribute| EventAttribute {
            key: a.key,
            value: a.value,
            index: a.index,
        };
        let event = |e: Event| proto::tendermint::abci::Event {
            r#type: e.kind,
            attributes: e.attributes.into_iter().map(attribute).collect(),
        };
        SimulateResponse {
            gas_info: Some(abci::GasInfo {
                gas_wanted: self.gas_wanted,
                gas_used: self.gas_used,
            }),
            result: Some(abci::Result {
                data: self.data,
                log: String::new(),
                events: self.events.into_iter().map(event).collect(),
                msg_responses: Vec::new(),
            }),
        }
    }
}

/// As clients get it: with the responses of the messages, which the data has.
///
/// # Errors
/// If the data is not what a transaction gives.
pub fn with_msg_responses(mut response: SimulateResponse) -> Result<SimulateResponse, DecodeError> {
    if let Some(result) = &mut response.result {
        result.msg_responses = abci::TxMsgData::decode(&*result.data)?.msg_responses;
    }
    Ok(response)
}

/// Estimates the gas of a transaction: everything runs but the signatures, on a state that is thrown away. `None`, if it has messages to
/// contracts, its ante chain passes, and genesis lets the enclave run it ([`simulate_sealed`]). Elsewhere such messages fail, for the
/// host has no secrets.
///
/// `pending` is what waits ([`CheckState::pending`]), so that a client can estimate its next transaction while the one
/// before it waits. A transaction with a sequence that does not follow what waits is estimated as if nothing did: that
/// of the committed state is good, too.
///
/// # Errors
/// gRPC 2 `<E> with gas used: '<n>'`; gRPC 3 for no bytes, or more than [`SIMULATED_MESSAGES_MAX`] messages; a fault.
pub fn simulate(
    base: &dyn StateRead,
    pending: Overlay,
    env: ExecutionEnv<'_>,
    block: &BlockInfo,
    bytes: &[u8],
) -> Result<Option<Simulated>, QueryStop> {
    let decoded = simulatable(bytes)?;
    let mut state = State::new(base, &NoSecrets, pending);
    let config = AnteConfig {
        block_gas: block_gas(&mut state, block, env)?,
        ..AnteConfig::default()
    };
    // Where neither fits, the error says what is expected after what waits.
    let follows = |state: &mut State<'_>| {
        let mark = state.overlay.mark();
        let mut ctx = Ctx::new(state, block, TxInfo::default(), Mode::Simulate, env, 0);
        let passed = run_ante(&mut ctx, &decoded, &config);
        state.overlay.revert(mark);
        !matches!(passed, Err(Stop::Err(e)) if e.is(&sdk::WRONG_SEQUENCE))
    };
    if !follows(&mut state) {
        let waiting = core::mem::take(&mut state.overlay);
        if !follows(&mut state) {
            state.overlay = waiting;
        }
    }
    if decoded.messages.iter().any(Msg::runs_contract) && simulates_contracts(base)? {
        let mut ctx = Ctx::new(&mut state, block, TxInfo::default(), Mode::Simulate, env, 0);
        let passed = run_ante(&mut ctx, &decoded, &config);
        return match passed {
            Ok(_) => Ok(None),
            Err(stop) => Err(failed(&TxOutcome::of(&ctx, Err(stop))?).into()),
        };
    }
    let tx = TxInfo::default();
    run(&mut state, env, (block, tx), decoded, &config).map(Some)
}

/// As [`simulate`], where the secrets are, so that messages to contracts run too: on the committed state, whose sequences may be behind by
/// what waits ([`SEQUENCES_AHEAD_MAX`]), and with at most [`SIMULATION_MAX`] gas. For whoever has seen that genesis lets him
/// ([`simulates_contracts`]). Nothing is kept, and no signature is looked at.
///
/// # Errors
/// As [`simulate`].
pub fn simulate_sealed(
    base: &dyn StateRead,
    secrets: &dyn Secrets,
    env: ExecutionEnv<'_>,
    block: &BlockInfo,
    bytes: &[u8],
) -> Result<Simulated, QueryStop> {
    let decoded = simulatable(bytes)?;
    let mut state = State::new(base, secrets, Overlay::default());
    let config = AnteConfig {
        block_gas: block_gas(&mut state, block, env)?,
        simulated_gas: Some(SIMULATION_MAX),
        sequences_ahead: SEQUENCES_AHEAD_MAX,
        ..AnteConfig::default()
    };
    // Contracts do more where they are told of a transaction: of this one, as if it were the first of a block.
    let tx = TxInfo {
        counter: Some(0),
        hash: sha256(bytes),
        ..TxInfo::default()
    };
    run(&mut state, env, (block, tx), decoded, &config)
}

/// Decodes a transaction that is to be simulated.
fn simulatable(bytes: &[u8]) -> Result<DecodedTx, QueryStop> {
    if bytes.is_empty() {
        return Err(QueryError::invalid_argument("empty txBytes is not allowed").into());
    }
    let decoded = decode(bytes).map_err(|error: TxError| failed(&TxOutcome::undecodable(error)))?;
    if decoded.messages.len() > SIMULATED_MESSAGES_MAX {
        let text = format!("a simulation takes at most {SIMULATED_MESSAGES_MAX} messages");
        return Err(QueryError::invalid_argument(text).into());
    }
    Ok(decoded)
}

/// Runs ante chain and messages.
fn run(
    state: &mut State<'_>,
    env: ExecutionEnv<'_>,
    (block, tx): (&BlockInfo, TxInfo),
    decoded: DecodedTx,
    config: &AnteConfig,
) -> Result<Simulated, QueryStop> {
    let gas_wanted = decoded.tx.fee().gas_limit;
    let mut ctx = Ctx::new(state, block, tx, Mode::Simulate, env, 0);
    let run = |ctx: &mut Ctx<'_, '_>| -> Result<_, Stop> {
        let signers = run_ante(ctx, &decoded, config)?;
        let data = run_messages(ctx, decoded, &signers)?;
        output::charge(ctx, data.len())?;
        Ok(data)
    };
    match run(&mut ctx) {
        Ok(data) => Ok(Simulated {
            gas_wanted,
            gas_used: ctx.gas.used(),
            data,
            events: ctx.events,
        }),
        Err(stop) => {
            let mut outcome = TxOutcome::of(&ctx, Err(stop))?;
            // A limit that nobody named, where a block may have more.
            let own = config
                .simulated_gas
                .filter(|own| config.block_gas.is_none_or(|block| block > *own));
            if let (Some(own), Some(error)) = (own, &mut outcome.error)
                && error.is(&sdk::OUT_OF_GAS)
                && ctx.gas.used() > own
            {
                error.text = format!(
                    "{}: a simulation has at most {own} gas, send it with a gas limit of your own",
                    error.text
                );
            }
            Err(failed(&outcome).into())
        }
    }
}

fn failed(outcome: &TxOutcome) -> QueryError {
    let text = outcome
        .error
        .as_ref()
        .map(|e| e.text.as_str())
        .unwrap_or_default();
    let text = format!("{text} with gas used: '{}'", outcome.gas_used);
    QueryError::Status {
        code: GrpcCode::Unknown,
        text,
    }
}
