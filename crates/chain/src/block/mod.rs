//! One block: its modules begin it, its transactions run in order on one overlay, its modules end it; one write set.
//!
//! Promises: the cost of a transaction does not depend on how many are in the block; a transaction that fails leaves
//! its fee and sequence only; one that does not decode leaves nothing but its error; the fee collector is written once;
//! what the block gives fits the door ([`OUTPUT_BYTES_MAX`]); what finds no room is left for the next ([`meters`]).

pub(crate) mod ahead;
mod meters;
pub(crate) mod output;
#[cfg(test)]
mod tests;

pub use meters::Meter;
pub use output::{OUTPUT_BYTES_MAX, OUTPUT_TX_BYTES_MAX};

use crate::Bytes;
use crate::ctx::{BlockInfo, Ctx, ExecutionEnv, Mode, TxInfo};
use crate::error::{Fault, Stop, broken};
use crate::module::{self, Module};
use crate::modules::{BEGIN_BLOCK, END_BLOCK};
use crate::overlay::{Access, Overlay};
use crate::params::PARAMS;
use crate::ports::{EveryTx, Secrets, StateRead, Watch};
use crate::state::State;
use crate::tx::{AnteConfig, TxOutcome, decode, run_ante, run_messages, visible};
use crate::types::abci::LEFT;
use crate::types::consensus::ConsensusParams;
use crate::types::error::{chain, sdk};
use crate::types::{
    Attribute, Coin, Coins, Event, ExecTxResult, Gas, Hash, RawTx, TxError, ValidatorUpdate,
    WriteSet,
};
use ahead::Ahead;
use meters::{Meters, Use};
use std::collections::BTreeMap;

/// Result of a block.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockOutcome {
    /// One result per transaction, in order.
    pub tx_results: Vec<ExecTxResult>,
    /// Events of the block itself.
    pub events: Vec<Event>,
    /// Changes of the validator set.
    pub validator_updates: Vec<ValidatorUpdate>,
    /// New consensus parameters, if they changed.
    pub consensus_param_updates: Option<ConsensusParams>,
    /// Changes of the trees.
    pub writes: WriteSet,
    /// Content first seen in this block, by hash.
    pub new_code: BTreeMap<Hash, Bytes>,
    /// Keys that each transaction read and wrote.
    pub access: Vec<Access>,
}

/// Executes one block: what is kept from transaction to transaction beside the state.
struct BlockExecutor<'b> {
    block: &'b BlockInfo,
    env: ExecutionEnv<'b>,
    config: AnteConfig,
    meters: Meters,
    /// Number of transactions that passed the ante chain.
    passed: u32,
    /// Fees by denomination: deltas until block end.
    fees: BTreeMap<String, u128>,
}

/// Executes a decided block.
///
/// # Errors
/// A [`Fault`]: then nothing of the block may leave.
pub fn execute_block(
    base: &dyn StateRead,
    secrets: &dyn Secrets,
    env: ExecutionEnv<'_>,
    block: &BlockInfo,
    txs: &[RawTx],
) -> Result<BlockOutcome, Fault> {
    execute_watched(base, secrets, env, block, txs, &EveryTx)
}

/// [`execute_block`] where `watch` hears of every transaction before it runs. One that it leaves out fails with
/// [`chain::LEFT_OUT`], pays nothing and touches nothing.
///
/// # Errors
/// A [`Fault`]: then nothing of the block may leave.
pub fn execute_watched(
    base: &dyn StateRead,
    secrets: &dyn Secrets,
    env: ExecutionEnv<'_>,
    block: &BlockInfo,
    txs: &[RawTx],
    watch: &dyn Watch,
) -> Result<BlockOutcome, Fault> {
    let mut state = State::new(base, secrets, Overlay::default());
    let limit = block_gas(&mut state, block, env)?;
    let config = AnteConfig {
        block_gas: limit,
        min_gas_price: None,
    };
    let mut executor = BlockExecutor {
        block,
        env,
        config,
        meters: Meters::new(limit),
        passed: 0,
        fees: BTreeMap::new(),
    };
    let (mut tx_results, mut access) = (Vec::new(), Vec::new());
    let mut events = executor.begin(&mut state)?;
    // What was read so far belongs to no transaction.
    let _ = state.overlay.end_tx();
    let mut ahead = Vec::new().into_iter();
    let mut next_chunk = 0;
    for (at, tx) in txs.iter().enumerate() {
        let index = u32::try_from(at).map_err(|_| too_many())?;
        if at == next_chunk {
            let chunk = ahead::chunk(txs.get(at..).unwrap_or_default());
            next_chunk = at.saturating_add(chunk.len());
            if !executor.meters.is_full(state.overlay.bytes()) {
                ahead = ahead::look(&mut state, block, env, at, chunk, watch)?.into_iter();
                // What was read for it belongs to no transaction.
                let _ = state.overlay.end_tx();
            }
        }
        let known = ahead.next().flatten();
        let result = if watch.begins(index, tx.hash()) {
            executor.deliver(&mut state, index, tx, known)?
        } else {
            TxOutcome::undecodable(chain::LEFT_OUT.bare()).into_result(Vec::new(), Vec::new())
        };
        watch.ended();
        executor.meters.add_output(output::of_result(&result));
        tx_results.push(result);
        access.push(state.overlay.end_tx());
    }
    let (end_events, validator_updates) = executor.end(&mut state)?;
    events.extend(end_events);
    let new_code = core::mem::take(&mut state.content);
    Ok(BlockOutcome {
        tx_results,
        events,
        validator_updates,
        consensus_param_updates: None,
        writes: state.into_write_set(block.height)?,
        new_code,
        access,
    })
}

fn too_many() -> Fault {
    broken("more transactions than numbers")
}

/// The block's gas limit from the consensus parameters in the state.
pub(crate) fn block_gas(
    state: &mut State<'_>,
    block: &BlockInfo,
    env: ExecutionEnv<'_>,
) -> Result<Option<Gas>, Fault> {
    let mut ctx = Ctx::new(
        state,
        block,
        TxInfo::default(),
        Mode::Deliver,
        env,
        Gas::MAX,
    );
    let params = PARAMS.get(&mut ctx).map_err(unmetered)?;
    Ok(params
        .ok_or_else(|| broken("no consensus parameters"))?
        .block_gas())
}

/// The result of a transaction that the block has no room for: nothing happened and nothing is charged, it may come again.
fn left() -> ExecTxResult {
    let error = sdk::OUT_OF_GAS.wrap(LEFT);
    TxOutcome::undecodable(error).into_result(Vec::new(), Vec::new())
}

/// A stop where there is neither a limit nor a client.
pub(crate) fn unmetered(stop: Stop) -> Fault {
    match stop {
        Stop::Fault(fault) => fault,
        Stop::Err(e) => broken(e.text),
        Stop::OutOfGas(location) => broken(format!("out of gas in {location} without a limit")),
    }
}

/// The error of a transaction that was taken back; a long one is paid for, or is left out.
fn failed(ctx: &mut Ctx, stop: Stop) -> Result<TxError, Fault> {
    let stop = match stop {
        Stop::Err(error) => match output::charge_failed(ctx, error.text.len()) {
            Ok(()) => Stop::Err(error),
            Err(stop) => stop,
        },
        other => other,
    };
    visible(stop, ctx.gas.limit(), ctx.gas.used())
}

impl BlockExecutor<'_> {
    fn deliver(
        &mut self,
        state: &mut State<'_>,
        index: u32,
        raw: &RawTx,
        ahead: Option<Ahead>,
    ) -> Result<ExecTxResult, Fault> {
        if self.meters.is_full(state.overlay.bytes()) {
            return Ok(left());
        }
        let (decoded, signed) = match ahead {
            Some(Ahead { decoded, signed }) => (decoded, signed),
            None => (decode(raw), None),
        };
        let decoded = match decoded {
            Ok(decoded) => decoded,
            Err(error) => {
                return Ok(TxOutcome::undecodable(error).into_result(Vec::new(), Vec::new()));
            }
        };
        let tx = TxInfo {
            index: Some(index),
            counter: Some(self.passed),
            hash: *raw.hash(),
            signed,
        };
        state.code_cache.begin();
        let start = state.overlay.mark();
        let mut ctx = Ctx::new(state, self.block, tx, Mode::Deliver, self.env, 0);
        let signers = match run_ante(&mut ctx, &decoded, &self.config) {
            Ok(signers) => signers,
            Err(stop) => {
                let outcome = TxOutcome::of(&ctx, Err(stop))?;
                let gas = outcome.gas_used.min(outcome.gas_wanted);
                self.meters.consume(gas);
                return Ok(outcome.into_result(Vec::new(), Vec::new()));
            }
        };
        let messages = ctx.branch();
        let outcome = run_messages(&mut ctx, decoded, &signers).and_then(|done| {
            output::charge(&mut ctx, done.data.len())?;
            Ok(done)
        });
        let (data, error) = match outcome {
            Ok(done) => (done.data, None),
            Err(stop) => {
                ctx.take_back(messages);
                (Vec::new(), Some(failed(&mut ctx, stop)?))
            }
        };
        let outcome = TxOutcome {
            gas_wanted: ctx.gas.limit(),
            gas_used: ctx.gas.used(),
            error,
        };
        let (fees, mut content) = (ctx.fees, ctx.new_code);
        let gas = outcome.gas_used.min(outcome.gas_wanted);
        let result = outcome.into_result(data, ctx.events);
        let content_bytes = output::of_content(&content);
        let wanted = Use {
            gas,
            output: output::of_result(&result)
                .saturating_add(content_bytes)
                .saturating_add(state.overlay.bytes()),
            wants_code: state.code_cache.is_full(),
        };
        if !self.meters.has_room(&wanted) {
            // No fault of its own: as if it were not in this block.
            state.overlay.revert(start);
            return Ok(left());
        }
        self.passed = self.passed.saturating_add(1);
        self.add_fees(&fees)?;
        self.meters.consume(gas);
        self.meters.add_output(content_bytes);
        state.content.append(&mut content);
        Ok(result)
    }

    fn add_fees(&mut self, fees: &Coins) -> Result<(), Fault> {
        for coin in fees.iter() {
            let sum = self.fees.entry(coin.denom.clone()).or_default();
            *sum = sum
                .checked_add(coin.amount)
                .ok_or_else(|| broken("fees overflow"))?;
        }
        Ok(())
    }

    /// A context for what belongs to the block and to none of its transactions: there is neither a limit nor a client.
    fn context<'c, 's>(&'c self, state: &'c mut State<'s>) -> Ctx<'c, 's> {
        let (tx, mode) = (TxInfo::default(), Mode::Deliver);
        Ctx::new(state, self.block, tx, mode, self.env, Gas::MAX)
    }

    /// The modules begin the block.
    fn begin(&self, state: &mut State<'_>) -> Result<Vec<Event>, Fault> {
        let mut ctx = self.context(state);
        for module in in_order(BEGIN_BLOCK) {
            if let Some(begin) = module.begin_block {
                begin(&mut ctx).map_err(unmetered)?;
            }
        }
        Ok(with_mode(ctx.events, "BeginBlock"))
    }

    /// The modules end the block.
    fn end(&mut self, state: &mut State<'_>) -> Result<(Vec<Event>, Vec<ValidatorUpdate>), Fault> {
        let fees = core::mem::take(&mut self.fees);
        let fees = fees
            .into_iter()
            .map(|(denom, amount)| Coin::new(amount, denom));
        let mut ctx = self.context(state);
        ctx.fees = Coins::new(fees.collect()).map_err(broken)?;
        let mut updates = Vec::new();
        for module in in_order(END_BLOCK) {
            let Some(end) = module.end_block else {
                continue;
            };
            let changes = end(&mut ctx).map_err(unmetered)?;
            if !changes.is_empty() && !updates.is_empty() {
                return Err(broken("two modules change the validator set"));
            }
            updates.extend(changes);
        }
        Ok((with_mode(ctx.events, "EndBlock"), updates))
    }
}

/// The modules of an order list.
fn in_order(names: &'static [&'static str]) -> impl Iterator<Item = &'static Module> {
    names.iter().filter_map(|name| module::by_name(name))
}

/// Events of a block say where in it they happened (wire.md 1.13.2).
fn with_mode(mut events: Vec<Event>, mode: &str) -> Vec<Event> {
    for event in &mut events {
        event.attributes.push(Attribute {
            key: "mode".into(),
            value: mode.into(),
            index: true,
        });
    }
    events
}
