//! One block: its transactions in order on one overlay, the fees folded at its end, one write set.
//!
//! Promises: the cost of a transaction does not depend on how many are in the block; a transaction that fails leaves
//! its fee and sequence only; one that does not decode leaves nothing but its error; the fee collector is written once;
//! what the block gives fits the door ([`OUTPUT_BYTES_MAX`]).

pub(crate) mod output;
#[cfg(test)]
mod tests;

pub use output::OUTPUT_BYTES_MAX;

use crate::Bytes;
use crate::ctx::{BlockInfo, Ctx, Mode, Services, TxInfo};
use crate::error::{Fault, Stop, broken};
use crate::modules::bank::handler::collect_fees;
use crate::modules::consensus::state::{ConsensusParams, PARAMS};
use crate::overlay::{Access, Overlay};
use crate::ports::{EveryTx, Secrets, StateRead, Watch};
use crate::state::State;
use crate::tx::ante::Options;
use crate::tx::{Checked, decode, run_ante, run_messages, visible};
use crate::types::abci::LEFT;
use crate::types::error::{chain, sdk};
use crate::types::sha256;
use crate::types::{
    Coin, Coins, Event, ExecTxResult, Gas, Hash, TxError, ValidatorUpdate, WriteSet,
};
use std::collections::BTreeMap;

/// What a block came to.
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
    /// What changes in the trees.
    pub writes: WriteSet,
    /// Content first seen in this block, by hash.
    pub new_code: BTreeMap<Hash, Bytes>,
    /// What each transaction read and wrote.
    pub access: Vec<Access>,
}

/// The gas of a block.
struct BlockGas {
    limit: Option<Gas>,
    used: Gas,
}

impl BlockGas {
    fn is_empty(&self) -> bool {
        self.limit.is_some_and(|limit| self.used >= limit)
    }

    /// Whether the block has this much left.
    fn has(&self, gas: Gas) -> bool {
        let used = self.used.saturating_add(gas);
        self.limit.is_none_or(|limit| used <= limit)
    }

    /// Counts what a transaction used, at most its limit.
    const fn consume(&mut self, gas: Gas) {
        self.used = self.used.saturating_add(gas);
    }
}

/// What runs through a block beside its state.
struct Run<'b> {
    block: &'b BlockInfo,
    services: Services<'b>,
    options: Options,
    gas: BlockGas,
    output: output::Output,
    /// How many transactions passed the ante chain.
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
    services: Services<'_>,
    block: &BlockInfo,
    txs: &[Vec<u8>],
) -> Result<BlockOutcome, Fault> {
    execute_watched(base, secrets, services, block, txs, &EveryTx)
}

/// [`execute_block`] where `watch` hears of every transaction before it runs. One that it leaves out fails with
/// [`chain::LEFT_OUT`], pays nothing and touches nothing.
///
/// # Errors
/// A [`Fault`]: then nothing of the block may leave.
pub fn execute_watched(
    base: &dyn StateRead,
    secrets: &dyn Secrets,
    services: Services<'_>,
    block: &BlockInfo,
    txs: &[Vec<u8>],
    watch: &dyn Watch,
) -> Result<BlockOutcome, Fault> {
    let mut state = State::new(base, secrets, Overlay::default());
    let limit = block_gas(&mut state, block, services)?;
    let options = Options {
        block_gas: limit,
        min_gas_price: None,
    };
    let gas = BlockGas { limit, used: 0 };
    let mut run = Run {
        block,
        services,
        options,
        gas,
        output: output::Output::default(),
        passed: 0,
        fees: BTreeMap::new(),
    };
    let (mut tx_results, mut access) = (Vec::new(), Vec::new());
    // What was read so far belongs to no transaction.
    let _ = state.overlay.end_tx();
    for (index, bytes) in txs.iter().enumerate() {
        let index = u32::try_from(index).map_err(|_| broken("more transactions than numbers"))?;
        let result = if watch.begins(index, &sha256(bytes)) {
            run.deliver(&mut state, index, bytes)?
        } else {
            Checked::undecodable(chain::LEFT_OUT.bare()).into_result(Vec::new(), Vec::new())
        };
        run.output.tell(output::of_result(&result));
        tx_results.push(result);
        access.push(state.overlay.end_tx());
    }
    watch.all_done();
    run.fold_fees(&mut state)?;
    let new_code = core::mem::take(&mut state.content);
    Ok(BlockOutcome {
        tx_results,
        events: Vec::new(),
        validator_updates: Vec::new(),
        consensus_param_updates: None,
        writes: state.into_write_set(block.height)?,
        new_code,
        access,
    })
}

/// The block's gas limit from the consensus parameters in the state.
pub(crate) fn block_gas(
    state: &mut State<'_>,
    block: &BlockInfo,
    services: Services<'_>,
) -> Result<Option<Gas>, Fault> {
    let mut ctx = Ctx::new(
        state,
        block,
        TxInfo::default(),
        Mode::Deliver,
        services,
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
    Checked::undecodable(error).into_result(Vec::new(), Vec::new())
}

/// A stop where there is neither a limit nor a client.
pub(crate) fn unmetered(stop: Stop) -> Fault {
    match stop {
        Stop::Fault(fault) => fault,
        Stop::Err(e) => broken(e.text),
        Stop::OutOfGas(location) => broken(format!("out of gas in {location} without a limit")),
    }
}

/// The error of a transaction that was taken back; a long one is paid for, or is not told.
fn failed(ctx: &mut Ctx, block_gas: Option<Gas>, stop: Stop) -> Result<TxError, Fault> {
    let stop = match stop {
        Stop::Err(error) => match output::charge_failed(ctx, block_gas, error.text.len()) {
            Ok(()) => Stop::Err(error),
            Err(stop) => stop,
        },
        other => other,
    };
    visible(stop, ctx.gas.limit(), ctx.gas.used())
}

impl Run<'_> {
    fn deliver(
        &mut self,
        state: &mut State<'_>,
        index: u32,
        bytes: &[u8],
    ) -> Result<ExecTxResult, Fault> {
        if self.gas.is_empty()
            || self.output.is_full(state.overlay.bytes())
            || state.running.is_full()
        {
            return Ok(left());
        }
        let decoded = match decode(bytes) {
            Ok(decoded) => decoded,
            Err(error) => {
                return Ok(Checked::undecodable(error).into_result(Vec::new(), Vec::new()));
            }
        };
        let tx = TxInfo {
            index: Some(index),
            counter: Some(self.passed),
            hash: decoded.tx.hash,
        };
        state.running.begin();
        let start = state.overlay.mark();
        let mut ctx = Ctx::new(state, self.block, tx, Mode::Deliver, self.services, 0);
        if let Err(stop) = run_ante(&mut ctx, &decoded, &self.options) {
            let checked = Checked::of(&ctx, Err(stop))?;
            self.gas.consume(checked.gas_used.min(checked.gas_wanted));
            return Ok(checked.into_result(Vec::new(), Vec::new()));
        }
        let (mark, ante_events) = (ctx.state.overlay.mark(), ctx.events.len());
        let outcome = run_messages(&mut ctx, decoded);
        if ctx.state.running.is_full() && !matches!(outcome, Err(Stop::Fault(_))) {
            // No fault of its own: as if it were not in this block.
            ctx.state.overlay.revert(start);
            return Ok(left());
        }
        self.passed = self.passed.saturating_add(1);
        for coin in ctx.fees.iter() {
            let sum = self.fees.entry(coin.denom.clone()).or_default();
            *sum = sum
                .checked_add(coin.amount)
                .ok_or_else(|| broken("fees overflow"))?;
        }
        let limit = self.options.block_gas;
        let outcome = outcome.and_then(|done| {
            output::charge(&mut ctx, limit, done.data.len())?;
            Ok(done)
        });
        let fits = self.gas.has(ctx.gas.used().min(ctx.gas.limit()));
        let outcome = outcome.and_then(|done| {
            let content = output::of_content(&ctx.new_code);
            let told = output::of_success(done.data.len(), &ctx.events).saturating_add(content);
            if !fits {
                Err(Stop::OutOfGas("block gas meter"))
            } else if !self.output.fits(told, ctx.state.overlay.bytes()) {
                Err(Stop::OutOfGas(output::LOCATION))
            } else {
                self.output.tell(content);
                Ok(done)
            }
        });
        let (data, error) = match outcome {
            Ok(done) => {
                ctx.state.content.append(&mut ctx.new_code);
                (done.data, None)
            }
            Err(stop) => {
                ctx.state.overlay.revert(mark);
                ctx.events.truncate(ante_events);
                ctx.new_code.clear();
                (Vec::new(), Some(failed(&mut ctx, limit, stop)?))
            }
        };
        let (gas_wanted, gas_used) = (ctx.gas.limit(), ctx.gas.used());
        self.gas.consume(gas_used.min(gas_wanted));
        Ok(Checked {
            gas_wanted,
            gas_used,
            error,
        }
        .into_result(data, ctx.events))
    }

    /// Credits the collector once.
    fn fold_fees(&mut self, state: &mut State<'_>) -> Result<(), Fault> {
        let mut ctx = Ctx::new(
            state,
            self.block,
            TxInfo::default(),
            Mode::Deliver,
            self.services,
            Gas::MAX,
        );
        for (denom, amount) in core::mem::take(&mut self.fees) {
            let coins = Coins::new(vec![Coin::new(amount, denom)]).map_err(broken)?;
            collect_fees(&mut ctx, &coins).map_err(unmetered)?;
        }
        Ok(())
    }
}
