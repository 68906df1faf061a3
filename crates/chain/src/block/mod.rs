//! One block: its modules begin it, its transactions run in order on one overlay, its modules end it; one write set.
//!
//! Promises: the cost of a transaction does not depend on how many are in the block; a transaction that fails leaves
//! its fee and sequence only; one that does not decode leaves nothing but its error; the fee collector is written once;
//! what the block gives fits the door ([`OUTPUT_BYTES_MAX`]); what finds no room is left for the next ([`meters`]).

pub(crate) mod ahead;
mod beside;
mod meters;
mod one;
pub(crate) mod output;
mod pace;
#[cfg(test)]
mod tests;

pub use ahead::CHUNK;
pub use meters::Meter;
pub use output::{OUTPUT_BYTES_MAX, OUTPUT_TX_BYTES_MAX};
pub use pace::{Figures, Pace, Seen, THREADS_MAX, Turn};

use crate::Bytes;
use crate::ctx::{BlockInfo, Ctx, ExecutionEnv, TxInfo};
use crate::error::{Fault, Stop, broken};
use crate::module::{self, Module};
use crate::modules::{BEGIN_BLOCK, END_BLOCK};
use crate::overlay::{Access, Mark, Overlay};
use crate::params::PARAMS;
use crate::ports::{EveryTx, Secrets, StateRead, Watch};
use crate::state::State;
use crate::tx::{AnteConfig, TxOutcome, decode};
use crate::types::abci::LEFT;
use crate::types::consensus::ConsensusParams;
use crate::types::error::{chain, sdk};
use crate::types::{
    Attribute, Coin, Coins, Event, ExecTxResult, Gas, Hash, RawTx, ValidatorUpdate, WriteSet,
};
use ahead::Ahead;
use beside::{Beside, Next, Turns};
use meters::{Meters, Use};
use one::{Ran, Setting};
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
    setting: Setting<'b>,
    meters: Meters,
    /// Number of transactions that passed the ante chain.
    passed: u32,
    /// Fees by denomination: deltas until block end.
    fees: BTreeMap<String, u128>,
    pace: Pace,
}

/// What the transactions of a block gave so far.
#[derive(Default)]
struct Done {
    results: Vec<ExecTxResult>,
    access: Vec<Access>,
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
        ..AnteConfig::default()
    };
    let mut executor = BlockExecutor {
        setting: Setting {
            block,
            env,
            config: &config,
        },
        meters: Meters::new(limit),
        passed: 0,
        fees: BTreeMap::new(),
        pace: env.engine.pace(),
    };
    let mut done = Done::default();
    let mut events = executor.begin(&mut state)?;
    // What was read so far belongs to no transaction.
    let _ = state.overlay.end_tx();
    let mut first = 0;
    while let Some(rest) = txs.get(first..).filter(|rest| !rest.is_empty()) {
        let chunk = ahead::chunk(rest);
        executor.chunk(&mut state, first, chunk, watch, &mut done)?;
        first = first.saturating_add(chunk.len());
    }
    env.engine.keep_pace(executor.pace);
    let (end_events, validator_updates) = executor.end(&mut state)?;
    events.extend(end_events);
    let new_code = core::mem::take(&mut state.content);
    Ok(BlockOutcome {
        tx_results: done.results,
        events,
        validator_updates,
        consensus_param_updates: None,
        writes: state.into_write_set(block.height)?,
        new_code,
        access: done.access,
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
    let mut ctx = Ctx::of_block(state, block, env);
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

/// The result of a transaction that is an exception.
fn left_out() -> ExecTxResult {
    TxOutcome::undecodable(chain::LEFT_OUT.bare()).into_result(Vec::new(), Vec::new())
}

/// A stop where there is neither a limit nor a client.
pub(crate) fn unmetered(stop: Stop) -> Fault {
    match stop {
        Stop::Fault(fault) => fault,
        Stop::Err(e) => broken(e.text),
        Stop::OutOfGas(location) => broken(format!("out of gas in {location} without a limit")),
    }
}

impl BlockExecutor<'_> {
    /// Runs transactions of which the first has this place in the block, as many as are looked at together.
    fn chunk(
        &mut self,
        state: &mut State<'_>,
        first: usize,
        txs: &[RawTx],
        watch: &dyn Watch,
        done: &mut Done,
    ) -> Result<(), Fault> {
        let all = txs.iter().zip(first..);
        let all = all.map(|(raw, at)| {
            let index = u32::try_from(at).map_err(|_| too_many())?;
            Ok(Next::new(index, raw))
        });
        let mut waiting = all.collect::<Result<Vec<_>, Fault>>()?;
        while !waiting.is_empty() {
            let turn = self.pace.turn(waiting.len());
            if matches!(turn, Turn::Alone(_)) {
                // At all that may run alone soon, for each time costs threads. What runs beside others after all is looked at already.
                self.look(state, &mut waiting, watch)?;
            }
            let (Turn::Alone(size) | Turn::Beside(size)) = turn;
            let later = waiting.split_off(size.clamp(1, waiting.len()));
            self.window(state, waiting, turn, watch, done)?;
            waiting = later;
        }
        Ok(())
    }

    /// Runs transactions, beside each other first if it is their turn.
    fn window(
        &mut self,
        state: &mut State<'_>,
        mut window: Vec<Next<'_>>,
        turn: Turn,
        watch: &dyn Watch,
        done: &mut Done,
    ) -> Result<(), Fault> {
        let mut is_beside = false;
        if matches!(turn, Turn::Beside(_)) && !self.is_full(state) {
            is_beside = self.beside(watch).run(state, &mut window);
            if !is_beside {
                self.look(state, &mut window, watch)?;
            }
        }
        let mut turns = Turns::new(&state.overlay);
        let mut seen = Seen::default();
        let mut all: Gas = 0;
        for mut next in window {
            let (did, strand, tried) = (next.did.take(), next.strand, next.tried);
            let is_next = watch.begins(next.index, next.raw.hash());
            let is_full = self.is_full(state);
            let start = state.overlay.mark();
            let ran = turns.take(state, did.filter(|_| is_next && !is_full), self.passed);
            let is_taken = ran.is_some();
            let result = match ran {
                _ if !is_next => left_out(),
                _ if is_full => left(),
                Some(ran) => self.settle(state, start, ran)?,
                None => {
                    let ran = self.run(state, next)?;
                    self.settle(state, start, ran)?
                }
            };
            watch.ended();
            let gas = Gas::try_from(result.gas_used).unwrap_or(0);
            all = all.saturating_add(gas);
            if let Some(strand) = strand {
                seen.count(is_taken, strand, tried, gas);
            }
            self.meters.add_output(output::of_result(&result));
            done.results.push(result);
            done.access.push(state.overlay.end_tx());
        }
        match is_beside {
            true => self.pace.learn(&seen),
            false => self.pace.rested(all),
        }
        Ok(())
    }

    /// What those have that run beside each other.
    fn beside<'w>(&'w self, watch: &'w dyn Watch) -> Beside<'w> {
        Beside {
            block: self.setting.block,
            config: self.setting.config,
            engine: self.setting.env.engine,
            watch: watch.ahead(),
            threads: self.pace.threads(),
            passed: self.passed,
            gas_left: self.meters.gas_left(),
        }
    }

    fn is_full(&self, state: &State<'_>) -> bool {
        self.meters.is_full(state.overlay.bytes())
    }

    /// Looks at those that nobody has looked at, on all cores. In a block that is full none of them runs.
    fn look(
        &self,
        state: &mut State<'_>,
        waiting: &mut [Next<'_>],
        watch: &dyn Watch,
    ) -> Result<(), Fault> {
        if self.is_full(state) {
            return Ok(());
        }
        let Setting { block, env, .. } = self.setting;
        let mut new: Vec<_> = waiting.iter_mut().filter(|n| !n.is_looked_at).collect();
        let txs: Vec<_> = new.iter().map(|next| (next.index, next.raw)).collect();
        let ahead = ahead::look(state, block, env, &txs, watch)?;
        new.iter_mut().for_each(|next| next.is_looked_at = true);
        for (next, ahead) in new.iter_mut().zip(ahead) {
            next.ahead = ahead;
        }
        // What was read for it belongs to no transaction.
        let _ = state.overlay.end_tx();
        Ok(())
    }

    /// Runs a transaction at its turn.
    fn run(&self, state: &mut State<'_>, next: Next<'_>) -> Result<Ran, Fault> {
        let (decoded, signed) = match next.ahead {
            Some(Ahead { decoded, signed }) => (decoded, signed),
            None => (decode(next.raw), next.signed),
        };
        let decoded = match decoded {
            Ok(decoded) => decoded,
            Err(error) => return Ok(Ran::undecodable(error)),
        };
        let tx = TxInfo {
            index: Some(next.index),
            counter: Some(self.passed),
            hash: *next.raw.hash(),
            signed,
        };
        self.setting.run(state, tx, decoded)
    }

    /// Takes what a transaction did into the block, or back to `start` if there is no room for it.
    fn settle(
        &mut self,
        state: &mut State<'_>,
        start: Mark,
        ran: Ran,
    ) -> Result<ExecTxResult, Fault> {
        let Ran {
            result,
            gas,
            passed,
            ..
        } = ran;
        let Some(mut passed) = passed else {
            self.meters.consume(gas);
            return Ok(result);
        };
        let content_bytes = output::of_content(&passed.content);
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
        self.add_fees(&passed.fees)?;
        self.meters.consume(gas);
        self.meters.add_output(content_bytes);
        state.content.append(&mut passed.content);
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

    fn context<'c, 's>(&'c self, state: &'c mut State<'s>) -> Ctx<'c, 's> {
        Ctx::of_block(state, self.setting.block, self.setting.env)
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
