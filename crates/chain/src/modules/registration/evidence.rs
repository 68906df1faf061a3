//! What the chain asks of evidence, and the collateral that it is checked with.
//!
//! Verifying is paid for before it begins, at [`EVIDENCE_GAS`]; how long it takes depends on nothing that the sender chooses
//! beyond the bounds of the decoders.

use super::error;
use super::state::{
    COLLATERAL, COLLATERAL_IDS, CollateralRecord, NETWORK_KEYS, NetworkKeys, POLICY,
};
use crate::Ctx;
use crate::attest::{
    self, Claims, Collateral, Evidence, Item, Policy, Reason, Refusal, Statement, Verdict,
};
use crate::error::{Stop, broken};
use crate::types::{Gas, TxError};
use strongroom_vm::guard;

/// Gas of verifying evidence: 10 ms (Nitro, the slowest kind, docs/benchmarks.md) at 10 gas for each microsecond.
pub(super) const EVIDENCE_GAS: Gas = 100_000;
/// Gas of verifying an item of collateral: 5 ms.
pub(super) const COLLATERAL_GAS: Gas = 50_000;

/// The time of the block as attestation counts it.
pub(super) fn now(ctx: &Ctx) -> u64 {
    u64::try_from(ctx.block.time.seconds).unwrap_or(0)
}

/// The policy.
pub(super) fn policy(ctx: &mut Ctx) -> Result<Policy, Stop> {
    let policy = POLICY.get(ctx)?;
    policy.ok_or_else(|| broken("no policy").into())
}

/// The network's keys.
pub(super) fn network_keys(ctx: &mut Ctx) -> Result<NetworkKeys, Stop> {
    let keys = NETWORK_KEYS.get(ctx)?;
    keys.ok_or_else(|| broken("no network keys").into())
}

fn refused(why: impl core::fmt::Display) -> TxError {
    error::EVIDENCE.wrap(why)
}

/// What a reason means, what to do, and its code.
fn shown(reason: Reason) -> String {
    format!("{} ({})", reason.text(), reason.code())
}

/// Runs a verifier. A panic of its parsers is a mistake that somebody's bytes have found, the same in every enclave: they are
/// refused, and the network goes on.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, TxError> {
    let broken = |_| refused("the verifier cannot read it (attest.broken)");
    guard::caught(work).map_err(broken)
}

/// What evidence proves, if it is valid now, the policy takes it, and it binds the statement.
///
/// # Errors
/// register 101; out of gas; a fault.
pub(super) fn verify(
    ctx: &mut Ctx,
    evidence: &[u8],
    statement: &Statement,
) -> Result<Claims, Stop> {
    ctx.gas.consume(EVIDENCE_GAS, "Verifying evidence")?;
    let evidence = Evidence::decode(evidence);
    let evidence = evidence.ok_or_else(|| refused("not evidence of a known kind"))?;
    let collateral = needed(ctx, &evidence)?;
    let (policy, height, time) = (policy(ctx)?, ctx.block.height, now(ctx));
    match guarded(|| attest::judge(&evidence, &collateral, &policy, height, time))? {
        Verdict::Refused(reason) => Err(refused(shown(reason)).into()),
        Verdict::Accepted(claims) if claims.report_data == statement.report_data() => Ok(claims),
        Verdict::Accepted(_) => Err(refused(BINDS_OTHER).into()),
    }
}

/// Evidence that is good, and of something else.
const BINDS_OTHER: &str =
    "it binds another statement: another chain, genesis, key, operator, version or challenge";

/// The items of the state that this evidence is checked with.
fn needed(ctx: &mut Ctx, evidence: &Evidence) -> Result<Collateral, Stop> {
    let mut collateral = Collateral::new();
    for key in guarded(|| evidence.collateral_keys())? {
        if let Some(record) = COLLATERAL.get(ctx, &key.to_string().as_str())? {
            collateral.insert(key, stored(&record)?);
        }
    }
    Ok(collateral)
}

/// Takes an item of collateral if its vendor signed it, it is valid now and newer than what is there. Gives its id.
///
/// # Errors
/// register 107; out of gas; a fault.
pub(super) fn submit(ctx: &mut Ctx, bytes: &[u8]) -> Result<String, Stop> {
    ctx.gas.consume(COLLATERAL_GAS, "Verifying collateral")?;
    let refused = |why: &dyn core::fmt::Display| error::COLLATERAL.wrap(why);
    let item = Item::decode(bytes).ok_or_else(|| refused(&"not an item of a known kind"))?;
    let key = guarded(|| item.key())?.ok_or_else(|| refused(&"it cannot be read"))?;
    let id = key.to_string();
    let old = match COLLATERAL.get(ctx, &id.as_str())? {
        Some(record) => Some(stored(&record)?),
        None => None,
    };
    let time = now(ctx);
    guarded(|| attest::admit(&item, old.as_ref(), time))?
        .map_err(|e: Refusal| refused(&shown(e.reason)))?;
    let height = ctx.block.height;
    let item = bytes.to_vec();
    insert(ctx, &id, &CollateralRecord { item, height })?;
    Ok(id)
}

/// Whether an item of the state would be taken now if it were not there.
pub(super) fn is_good(ctx: &Ctx, record: &CollateralRecord) -> Result<bool, Stop> {
    let (item, time) = (stored(record)?, now(ctx));
    Ok(guarded(|| attest::admit(&item, None, time))?.is_ok())
}

fn stored(record: &CollateralRecord) -> Result<Item, Stop> {
    Item::decode(&record.item).ok_or_else(|| broken("stored collateral").into())
}

/// Writes an item.
pub(super) fn insert(ctx: &mut Ctx, id: &str, record: &CollateralRecord) -> Result<(), Stop> {
    COLLATERAL.set(ctx, &id, record)?;
    COLLATERAL_IDS.at(&()).insert(ctx, id.as_bytes())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_a_verifier_is_a_refusal() {
        assert_eq!(guarded(|| 5), Ok(5));
        let Err(e) = guarded(|| -> u8 { panic!("bytes that nobody thought of") }) else {
            panic!("it went through")
        };
        assert!(e.is(&error::EVIDENCE) && e.text.contains("attest.broken"));
    }
}
