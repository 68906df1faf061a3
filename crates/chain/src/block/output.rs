//! What a block gives away is bounded in bytes: its result crosses the door whole.
//!
//! Gas alone does not bound it: 100,000,000 gas buy 125 MB of uploads. A block whose result did not fit the door could be
//! executed by nobody, and a chain that has decided it would stand still for ever.
//!
//! So output has a price too: a transaction uses at least that part of the block's gas which its output takes of
//! [`OUTPUT_BYTES_MAX`]. The gas limits of a proposal are at most the block's gas, so who says much fails alone. The sum
//! is counted beside it, for blocks of a proposer that took in more gas or what does not pass the ante chain.

use crate::ctx::Mode;
use crate::error::Stop;
use crate::types::{Event, ExecTxResult, Gas, Hash};
use crate::{Bytes, Ctx};
use std::collections::BTreeMap;

/// Bytes that results, new content and writes of a block may take together. The door takes 64 MiB; the rest is for what
/// no transaction can be refused for: the error of one that does not decode, fees, the collector's balance. So large,
/// that a transfer has room in the gas that it uses anyway, and the largest upload in less than half of its usual limit.
pub const OUTPUT_BYTES_MAX: usize = 47 << 20;
/// Where a transaction fails whose output takes more of the block than its gas.
pub(super) const LOCATION: &str = "block output meter";
/// Room for the error of a transaction that fails in its messages; a longer one pays as it is.
const LOG_BYTES: usize = 256;
/// The signature of a simulated transaction, as its event will show it.
const SIGNATURE_BYTES: usize = 88;

/// What an event, an attribute or a result takes beside its texts: lengths, tags, numbers.
const ITEM_BYTES: usize = 16;
/// What a result takes beside its parts.
const RESULT_BYTES: usize = 64;
/// Hash and lengths of one piece of content.
const CONTENT_BYTES: usize = 48;

/// The output of the running block so far, without its writes.
#[derive(Debug, Default)]
pub(super) struct Output {
    told: usize,
}

impl Output {
    /// Whether nothing fits any more beside `writes` bytes of writes.
    pub(super) const fn is_full(&self, writes: usize) -> bool {
        self.told.saturating_add(writes) >= OUTPUT_BYTES_MAX
    }

    /// Whether `bytes` more fit.
    pub(super) const fn fits(&self, bytes: usize, writes: usize) -> bool {
        self.told.saturating_add(bytes).saturating_add(writes) <= OUTPUT_BYTES_MAX
    }

    /// Counts what leaves for certain.
    pub(super) const fn tell(&mut self, bytes: usize) {
        self.told = self.told.saturating_add(bytes);
    }
}

/// What `bytes` of output take of a block's gas, rounded up.
fn price(bytes: usize, block_gas: Gas) -> Gas {
    let bytes = u128::try_from(bytes).unwrap_or(u128::MAX);
    let all = u128::try_from(OUTPUT_BYTES_MAX).unwrap_or(u128::MAX);
    let gas = bytes.saturating_mul(u128::from(block_gas)).div_ceil(all);
    Gas::try_from(gas).unwrap_or(Gas::MAX)
}

/// Charges what the transaction has told, stored and written so far, as far as it has not used that much gas anyway. A
/// block without a limit has no shares.
///
/// # Errors
/// Out of gas.
pub(crate) fn charge(ctx: &mut Ctx, block_gas: Option<Gas>, data: usize) -> Result<(), Stop> {
    charge_with(ctx, block_gas, data, LOG_BYTES)
}

/// As [`charge`], for a transaction that failed and was taken back: its error may be longer than is provided for.
pub(super) fn charge_failed(ctx: &mut Ctx, block_gas: Option<Gas>, log: usize) -> Result<(), Stop> {
    charge_with(ctx, block_gas, 0, log.max(LOG_BYTES))
}

fn charge_with(ctx: &mut Ctx, block_gas: Option<Gas>, data: usize, log: usize) -> Result<(), Stop> {
    let Some(block_gas) = block_gas else {
        return Ok(());
    };
    let unsigned = match ctx.mode {
        Mode::Simulate => SIGNATURE_BYTES,
        _ => 0,
    };
    let parts = [
        of_success(data, &ctx.events),
        of_content(&ctx.new_code),
        ctx.state.overlay.tx_bytes(),
        log,
        unsigned,
    ];
    let bytes = parts.into_iter().fold(0, usize::saturating_add);
    let missing = price(bytes, block_gas).saturating_sub(ctx.gas.used());
    ctx.gas.consume(missing, LOCATION)
}

/// Bytes of a transaction's result.
pub(crate) fn of_result(result: &ExecTxResult) -> usize {
    [&result.log, &result.info, &result.codespace]
        .into_iter()
        .map(String::len)
        .fold(
            of_success(result.data.len(), &result.events),
            usize::saturating_add,
        )
}

/// Bytes of the result of a transaction that ended well.
pub(super) fn of_success(data: usize, events: &[Event]) -> usize {
    let events = events.iter().map(|event| {
        let attributes = event.attributes.iter();
        let sizes = attributes.map(|a| {
            ITEM_BYTES
                .saturating_add(a.key.len())
                .saturating_add(a.value.len())
        });
        let own = ITEM_BYTES.saturating_add(event.kind.len());
        sizes.fold(own, usize::saturating_add)
    });
    events.fold(RESULT_BYTES.saturating_add(data), usize::saturating_add)
}

/// Bytes of new content.
pub(super) fn of_content(content: &BTreeMap<Hash, Bytes>) -> usize {
    let sizes = content
        .values()
        .map(|c| CONTENT_BYTES.saturating_add(c.len()));
    sizes.fold(0, usize::saturating_add)
}
