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
    self, Claims, Collateral, Evidence, Item, Policy, Refusal, Statement, Verdict,
};
use crate::error::{Stop, broken};
use crate::types::{Gas, TxError};

/// Gas of verifying evidence: 5 ms (the slowest kind, docs/benchmarks.md) at 10 gas for each microsecond.
pub(super) const EVIDENCE_GAS: Gas = 50_000;
/// Gas of verifying an item of collateral, twice, since its key is known after the first time only.
pub(super) const COLLATERAL_GAS: Gas = 100_000;

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
    let (policy, time) = (policy(ctx)?, now(ctx));
    match attest::judge(&evidence, &collateral, &policy, ctx.block.height, time) {
        Verdict::Refused(reason) => {
            let why = format!("{} ({})", reason.text(), reason.code());
            Err(refused(why).into())
        }
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
    for key in evidence.collateral_keys() {
        if let Some(record) = COLLATERAL.get(ctx, &key.to_string().as_str())? {
            let item = Item::decode(&record.item);
            collateral.insert(key, item.ok_or_else(|| broken("stored collateral"))?);
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
    let refused = |refusal: Refusal| error::COLLATERAL.wrap(refusal);
    let item = Item::decode(bytes);
    let item = item.ok_or_else(|| error::COLLATERAL.wrap("not an item of a known kind"))?;
    let time = now(ctx);
    let id = attest::admit(&item, None, time)
        .map_err(refused)?
        .to_string();
    if let Some(record) = COLLATERAL.get(ctx, &id.as_str())? {
        let old = Item::decode(&record.item).ok_or_else(|| broken("stored collateral"))?;
        attest::admit(&item, Some(&old), time).map_err(refused)?;
    }
    let height = ctx.block.height;
    let item = bytes.to_vec();
    insert(ctx, &id, &CollateralRecord { item, height })?;
    Ok(id)
}

/// Writes an item.
pub(super) fn insert(ctx: &mut Ctx, id: &str, record: &CollateralRecord) -> Result<(), Stop> {
    COLLATERAL.set(ctx, &id, record)?;
    COLLATERAL_IDS.at(&()).insert(ctx, id.as_bytes())?;
    Ok(())
}
