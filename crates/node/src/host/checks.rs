//! Checks of transactions before a block: for our mempool, and for one that is not ours.
//!
//! Promises: a check that cannot be made now refuses nobody for good and drops nothing that waits.

use super::{At, Content, HostChain};
use crate::chain::check::{self, CheckState};
use crate::chain::{ExecutionEnv, Fault};
use crate::shares::PENDING_OF_ONE_MAX;
use std::sync::atomic::Ordering;
use strongroom_comet_rpc::mempool::{CheckKind, Checked, Checker, Outline};
use strongroom_types::error::sdk;
use strongroom_types::{ExecTxResult, Height};

impl HostChain {
    /// CheckTx for a mempool that is not ours, which shares its room among nobody: no payer has more waiting than its part of it. What cannot be
    /// checked again now goes on waiting, as in ours, with all behind it; nothing new is taken until it can after another block.
    pub fn check_in_share(&self, tx: &[u8], kind: CheckKind) -> ExecTxResult {
        let said = (kind == CheckKind::New)
            .then(|| check::outline(tx))
            .flatten();
        let payer = said.as_ref().and_then(|said| said.parties.first());
        if payer.is_some_and(|payer| self.shares.is_full(payer)) {
            return not_now(&format!(
                "{PENDING_OF_ONE_MAX} txs of this sender wait, try again after the next block"
            ));
        }
        let unchecked = self.unchecked_since.load(Ordering::Relaxed);
        let checked = (!unchecked).then(|| self.check_tx(tx, kind, 0)).flatten();
        let Some(checked) = checked else {
            if kind == CheckKind::Recheck {
                self.unchecked_since.store(true, Ordering::Relaxed);
                return ExecTxResult::default();
            }
            return not_now("the transaction cannot be checked now, try again");
        };
        if let Some(payer) = checked.parties.first() {
            self.shares.add(payer);
        }
        checked.answer
    }

    fn check(&self, tx: &[u8], kind: CheckKind, earliest: Height) -> Result<Checked, Fault> {
        let mut probe = CheckState::default();
        let mut pending = self.pending();
        let mut head = self.head();
        let view = self
            .state
            .view(head.height)
            .map_err(|e| Fault::State(e.to_string()))?;
        let content = Content(&self.content);
        let env = ExecutionEnv {
            code: &content,
            engine: &self.engine,
        };
        let state = if kind == CheckKind::Probe {
            &mut probe
        } else {
            &mut *pending
        };
        let recheck = kind == CheckKind::Recheck;
        // The block that runs cannot take in what was not given to it.
        head.height = head.height.max(earliest.saturating_sub(1));
        if let Some(clock) = self.clock.get() {
            head.time = head.time.max(clock.now());
        }
        let checked = state.check(&At(&view), env, &head, &self.min_gas_price, tx, recheck)?;
        Ok(Checked {
            answer: checked.result.into_result(Vec::new(), checked.events),
            timeout_height: checked.timeout_height,
            parties: checked.parties,
        })
    }
}

impl Checker for HostChain {
    fn check_tx(&self, tx: &[u8], kind: CheckKind, earliest: Height) -> Option<Checked> {
        let fault = match self.check(tx, kind, earliest) {
            Ok(checked) => return Some(checked),
            Err(fault) => fault,
        };
        tracing::error!(%fault, "a transaction could not be checked");
        // What cannot be read now may be read later; what breaks an invariant of ours is better in no block.
        if matches!(fault, Fault::State(_) | Fault::Content(_)) {
            return None;
        }
        let refused = ExecTxResult {
            code: 1,
            codespace: "undefined".to_owned(),
            log: fault.to_string(),
            ..ExecTxResult::default()
        };
        Some(refused.into())
    }

    fn outline(&self, tx: &[u8]) -> Option<Outline> {
        let said = check::outline(tx)?;
        Some(Outline {
            parties: said.parties,
            gas_wanted: i64::try_from(said.gas).unwrap_or(i64::MAX),
            timeout_height: said.timeout_height,
        })
    }
}

/// CheckTx of what may pass later.
fn not_now(why: &str) -> ExecTxResult {
    let error = sdk::MEMPOOL_IS_FULL.wrap(why);
    ExecTxResult {
        code: error.code,
        codespace: error.codespace,
        log: error.text,
        ..ExecTxResult::default()
    }
}
