//! What a block gives away is bounded in bytes: its result crosses the door whole.
//!
//! Gas alone does not bound it: the protocol's prices sell 125 MB of uploads for 100,000,000 gas. A block whose result did
//! not fit the door could be executed by nobody, and a chain that has decided it would stand still for ever.
//!
//! So output has a least price, [`GAS_PER_BYTE`], the same on every chain: who says much and pays little fails alone. And the
//! block has a bound, [`OUTPUT_BYTES_MAX`]: what finds no room under it waits for the next block, uncharged
//! ([`super::meters`]). A transaction may take half of it, so every one fits an empty block.

use crate::ctx::Mode;
use crate::error::Stop;
use crate::types::{Event, ExecTxResult, Gas, Hash};
use crate::{Bytes, Ctx};
use std::collections::BTreeMap;

/// Bytes that results, new content and writes of a block may take together. The door takes 64 MiB; the rest is for what
/// no transaction can be refused for: the error of one that does not decode, fees, the collector's balance. So large,
/// that at [`GAS_PER_BYTE`] a block of the usual gas can hardly reach it.
pub const OUTPUT_BYTES_MAX: usize = 47 << 20;
/// Bytes that one transaction may take of it.
pub const OUTPUT_TX_BYTES_MAX: usize = OUTPUT_BYTES_MAX / 2;
/// The least that a byte of output costs. The local network's gas of a block buys about [`OUTPUT_BYTES_MAX`].
pub(super) const GAS_PER_BYTE: Gas = 2;
/// Gas location of a transaction that has not the gas for its output.
const PRICE: &str = "block output meter";
/// Gas location of a transaction that takes more than [`OUTPUT_TX_BYTES_MAX`].
const PER_TX: &str = "transaction output meter";
/// Room for the error of a transaction that fails in its messages; a longer one pays as it is.
const LOG_BYTES: usize = 256;
/// The signature of a simulated transaction, as its event will show it.
const SIGNATURE_BYTES: usize = 88;

/// Overhead of an event, an attribute or a result, in bytes: lengths, tags, numbers.
const ITEM_BYTES: usize = 16;
/// Overhead of a result, in bytes.
const RESULT_BYTES: usize = 64;
/// Hash and lengths of one piece of content.
const CONTENT_BYTES: usize = 48;

/// Charges what the transaction has told, stored and written so far, as far as it has not used that much gas anyway.
///
/// # Errors
/// Out of gas.
pub(crate) fn charge(ctx: &mut Ctx, data: usize) -> Result<(), Stop> {
    charge_with(ctx, data, LOG_BYTES)
}

/// As [`charge`], for a transaction that failed and was taken back: its error may be longer than is provided for.
pub(super) fn charge_failed(ctx: &mut Ctx, log: usize) -> Result<(), Stop> {
    charge_with(ctx, 0, log.max(LOG_BYTES))
}

fn charge_with(ctx: &mut Ctx, data: usize, log: usize) -> Result<(), Stop> {
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
    if bytes > OUTPUT_TX_BYTES_MAX {
        return Err(Stop::OutOfGas(PER_TX));
    }
    let price = Gas::try_from(bytes).unwrap_or(Gas::MAX);
    let missing = price
        .saturating_mul(GAS_PER_BYTE)
        .saturating_sub(ctx.gas.used());
    ctx.gas.consume(missing, PRICE)
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
