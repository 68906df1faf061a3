//! One transaction of a block on the state that it is given: that of the block, or one beside it ([`super::beside`]).

use super::output;
use crate::Bytes;
use crate::ctx::{BlockInfo, Ctx, ExecutionEnv, Mode, TxInfo};
use crate::error::{Fault, Stop};
use crate::state::State;
use crate::tx::looked::Looked;
use crate::tx::{AnteConfig, DecodedTx, TxOutcome, run_ante, run_messages, visible};
use crate::types::{Coins, ExecTxResult, Gas, Hash, TxError};
use std::collections::BTreeMap;

/// What all transactions of a block run with.
#[derive(Clone, Copy)]
pub(super) struct Setting<'b> {
    pub(super) block: &'b BlockInfo,
    pub(super) env: ExecutionEnv<'b>,
    pub(super) config: &'b AnteConfig,
}

/// What a transaction did, as long as the block has not taken it. Its writes stand in the state.
pub(super) struct Ran {
    pub(super) result: ExecTxResult,
    /// Gas used, at most its limit.
    pub(super) gas: Gas,
    /// The signature that was verified.
    pub(super) signed: Option<Looked>,
    /// Nothing if it did not pass the ante chain.
    pub(super) passed: Option<Passed>,
}

/// What else a transaction did that passed the ante chain.
pub(super) struct Passed {
    pub(super) fees: Coins,
    pub(super) content: BTreeMap<Hash, Bytes>,
    /// Whether a contract was called, which sees [`TxInfo::counter`].
    pub(super) called: bool,
}

impl Ran {
    /// A transaction that did not decode.
    pub(super) fn undecodable(error: TxError) -> Self {
        Self {
            result: TxOutcome::undecodable(error).into_result(Vec::new(), Vec::new()),
            gas: 0,
            signed: None,
            passed: None,
        }
    }
}

impl Setting<'_> {
    /// Runs a transaction.
    ///
    /// # Errors
    /// A fault.
    pub(super) fn run(
        &self,
        state: &mut State<'_>,
        tx: TxInfo,
        decoded: DecodedTx,
    ) -> Result<Ran, Fault> {
        state.code_cache.begin();
        let mut ctx = Ctx::new(state, self.block, tx, Mode::Deliver, self.env, 0);
        let signers = match run_ante(&mut ctx, &decoded, self.config) {
            Ok(signers) => signers,
            Err(stop) => {
                let outcome = TxOutcome::of(&ctx, Err(stop))?;
                return Ok(Ran {
                    gas: outcome.gas_used.min(outcome.gas_wanted),
                    signed: None,
                    result: outcome.into_result(Vec::new(), Vec::new()),
                    passed: None,
                });
            }
        };
        let messages = ctx.branch();
        let outcome = run_messages(&mut ctx, decoded, &signers).and_then(|data| {
            output::charge(&mut ctx, data.len())?;
            Ok(data)
        });
        let (data, error) = match outcome {
            Ok(data) => (data, None),
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
        Ok(Ran {
            gas: outcome.gas_used.min(outcome.gas_wanted),
            signed: ctx.tx.signed,
            passed: Some(Passed {
                fees: ctx.fees,
                content: ctx.new_code,
                called: ctx.calls > 0,
            }),
            result: outcome.into_result(data, ctx.events),
        })
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
