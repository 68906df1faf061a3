//! The ante chain, in the order of wire.md 1.12.1: gas and block limit, extension options, stateless checks, timeout,
//! memo, size gas, fee, public keys, signature limit, signature gas, signatures and sequence, increment.
//!
//! It belongs to auth, whose accounts it moves on; the core runs it as `crate::modules::ante`.
//!
//! Check, recheck, delivery and simulation run the same chain; what differs is written at each difference.

mod documents;
mod fee;
mod multisig;
mod signature;

use self::documents::Documents;
use super::event;
use super::keeper::{account, params};
use super::state::{ACCOUNTS, Account, Params};
use crate::Ctx;
use crate::block::output;
use crate::ctx::Mode;
use crate::error::Stop;
use crate::gas::GasMeter;
use crate::tx::{AnteConfig, Msg, signers};
use crate::types::error::sdk;
use crate::types::multisig::SignatureData;
use crate::types::tx::Tx;
use crate::types::{Address, Gas, PublicKey, TxError};

/// The largest gas limit that a result can hold.
pub const GAS_WANTED_MAX: Gas = i64::MAX.unsigned_abs();
/// Gas that a checked transaction must have left: at delivery the ante chain may cost more, when the fee leaves another
/// balance than it did in the check (to take an entry away is cheaper than to write it). No message is had for so little.
pub const CHECK_MARGIN: Gas = 1_000;
/// Length of a secp256k1 signature in bytes.
const SIGNATURE_BYTES: usize = 64;

/// Stands in a simulation for a key that nobody knows yet: to bring it, and to write it, costs gas.
const USUAL_KEY: PublicKey = PublicKey::Secp256k1([0; 33]);

/// A signer as the chain knows it.
struct Signer<'a> {
    address: Address,
    account: Account,
    key: Option<PublicKey>,
    /// What it gave; `None` in simulation.
    given: Option<SignatureData<'a>>,
}

/// Runs the chain. On success fees are taken, sequences are up by one, and the events stand in `ctx`.
///
/// # Errors
/// The table of wire.md 1.12.2; the caller takes back what was written.
pub fn run(
    ctx: &mut Ctx,
    tx: &Tx,
    messages: &[Msg],
    config: &AnteConfig,
) -> Result<Vec<Address>, Stop> {
    let fee = tx.fee();
    setup_gas_meter(ctx, fee.gas_limit, config)?;
    if !tx.body.extension_options.is_empty() {
        return Err(sdk::UNKNOWN_EXTENSION_OPTIONS.bare().into());
    }
    fee::check_not_negative(&fee.amount)?;
    let signers = check_signers(tx, messages, &fee.payer)?;
    check_timeout(ctx, tx.body.timeout_height)?;
    let params = params(ctx)?;
    check_memo(&tx.body.memo, &params)?;
    charge_bytes(ctx, tx.len, &params)?;

    let coins = fee::coins(&fee.amount)?;
    if let (Mode::Check | Mode::Recheck, Some(price)) = (ctx.mode, &config.min_gas_price) {
        price.check(&coins, fee.gas_limit)?;
    }
    let payer = payer(&signers, &fee.payer)?;
    let granter = match fee.granter.as_str() {
        "" => None,
        text => Some(signers::fee_address(text, "granter")?),
    };
    fee::deduct(ctx, &coins, &payer, granter.as_ref(), messages)?;

    let mut known = set_pub_keys(ctx, tx, &signers)?;
    check_signature_limit(&known, params.tx_sig_limit)?;
    charge_bytes(
        ctx,
        documents::missing_key_bytes(tx, known.iter().map(|s| s.key.as_ref())),
        &params,
    )?;
    for (index, signer) in known.iter().enumerate() {
        charge_signature(ctx, tx, index, signer, &params)?;
    }
    let chain_id = ctx.block.chain_id.clone();
    let mut documents = Documents::new(tx, &chain_id, ctx.tx.signed.take());
    for (index, signer) in known.iter().enumerate() {
        verify(ctx.mode, config, &mut documents, index, signer)?;
    }
    ctx.tx.signed = documents.looked;
    for signer in &mut known {
        signer.account.sequence = signer.account.sequence.saturating_add(1);
        ACCOUNTS.set(ctx, &&signer.address, &signer.account)?;
    }
    // Whatever becomes of the messages, so much is told and written.
    output::charge(ctx, 0)?;
    if matches!(ctx.mode, Mode::Check | Mode::Recheck) && ctx.gas.left() < CHECK_MARGIN {
        return Err(Stop::OutOfGas("check margin"));
    }
    if matches!(ctx.mode, Mode::Check | Mode::Recheck) {
        set_aside(ctx, messages)?;
    }
    Ok(signers)
}

/// Takes from the pending state what the messages may take from their signers (coins, allowances): a fee that is to be paid
/// from it later in the same block could not be. Nobody else's message takes anything from them. Outside the transaction's gas,
/// which is that of delivery.
fn set_aside(ctx: &mut Ctx, messages: &[Msg]) -> Result<(), Stop> {
    let gas = core::mem::replace(&mut ctx.gas, GasMeter::new(Gas::MAX));
    let outcome = messages.iter().try_for_each(|m| m.set_aside(ctx));
    ctx.gas = gas;
    outcome
}

/// Limits first: the largest number, zero, the block's. In simulation the limit is the block's, or its own if that is
/// less, whatever was asked.
fn setup_gas_meter(ctx: &mut Ctx, limit: Gas, config: &AnteConfig) -> Result<(), TxError> {
    if limit > GAS_WANTED_MAX {
        let text = format!("invalid gas supplied; {limit} > {GAS_WANTED_MAX}");
        return Err(sdk::INVALID_REQUEST.wrap(text));
    }
    let simulate = ctx.mode == Mode::Simulate;
    if limit == 0 && !simulate {
        return Err(sdk::INVALID_GAS_LIMIT.wrap("must provide positive gas"));
    }
    if let Some(max) = config.block_gas.filter(|max| limit > *max) {
        return Err(sdk::INVALID_GAS_LIMIT
            .wrap(format!("tx gas limit {limit} exceeds block max gas {max}")));
    }
    ctx.gas = GasMeter::new(if simulate {
        let own = config.simulated_gas.unwrap_or(GAS_WANTED_MAX);
        config.block_gas.unwrap_or(GAS_WANTED_MAX).min(own)
    } else {
        limit
    });
    Ok(())
}

fn check_signers(tx: &Tx, messages: &[Msg], payer: &str) -> Result<Vec<Address>, TxError> {
    if tx.signatures.is_empty() {
        return Err(sdk::NO_SIGNATURES.bare());
    }
    let signers = signers::of_tx(messages, payer)?;
    let (expected, got) = (signers.len(), tx.signatures.len());
    if expected != got {
        return Err(sdk::UNAUTHORIZED.wrap(format!(
            "wrong number of signers; expected {expected}, got {got}"
        )));
    }
    let infos = tx.auth_info.signer_infos.len();
    if expected != infos {
        let text = format!("invalid number of signer;  expected: {expected}, got {infos}");
        return Err(sdk::UNAUTHORIZED.wrap(text));
    }
    Ok(signers)
}

fn check_timeout(ctx: &Ctx, timeout: u64) -> Result<(), TxError> {
    let height = ctx.block.height;
    if timeout != 0 && height > timeout {
        return Err(sdk::TX_TIMEOUT_HEIGHT
            .wrap(format!("block height: {height}, timeout height: {timeout}")));
    }
    Ok(())
}

/// The limit counts bytes.
fn check_memo(memo: &str, params: &Params) -> Result<(), TxError> {
    let (max, got) = (params.max_memo_characters, memo.len());
    if u64::try_from(got).is_ok_and(|got| got <= max) {
        return Ok(());
    }
    let text = format!("maximum number of characters is {max} but received {got} characters");
    Err(sdk::MEMO_TOO_LARGE.wrap(text))
}

/// Every byte costs.
fn charge_bytes(ctx: &mut Ctx, bytes: usize, params: &Params) -> Result<(), Stop> {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    ctx.gas
        .consume(bytes.saturating_mul(params.tx_size_cost_per_byte), "txSize")
}

fn payer(signers: &[Address], payer: &str) -> Result<Address, TxError> {
    if !payer.is_empty() {
        return signers::fee_address(payer, "payer");
    }
    signers
        .first()
        .cloned()
        .ok_or_else(|| sdk::NO_SIGNATURES.bare())
}

/// Accounts of the signers, with their keys and what they gave: an unknown key comes with the transaction and must be the signer's.
fn set_pub_keys<'a>(
    ctx: &mut Ctx,
    tx: &'a Tx,
    signers: &[Address],
) -> Result<Vec<Signer<'a>>, Stop> {
    let simulate = ctx.mode == Mode::Simulate;
    let mut known = Vec::new();
    for (index, address) in signers.iter().enumerate() {
        let info = tx.auth_info.signer_infos.get(index);
        let key = info.and_then(|i| i.public_key.as_ref());
        let key = key.map(PublicKey::from_any).transpose()?;
        if let Some(key) = &key
            && !simulate
            && key.address() != *address
        {
            let text = format!(
                "pubKey does not match signer address {address} with signer index: {index}"
            );
            return Err(sdk::INVALID_PUBKEY.wrap(text).into());
        }
        let Some(mut account) = account(ctx, address)? else {
            return Err(sdk::UNKNOWN_ADDRESS
                .wrap(format!("account {address} does not exist"))
                .into());
        };
        if account.pubkey.is_none()
            && let Some(PublicKey::Secp256k1(_) | PublicKey::Multisig(_)) = &key
        {
            account.pubkey.clone_from(&key);
        }
        if simulate && account.pubkey.is_none() && key.is_none() {
            account.pubkey = Some(USUAL_KEY);
        }
        // The account's own key decides, once it is known.
        let key = account.pubkey.clone().or(key);
        let given = (!simulate).then(|| tx.signature(index)).transpose()?;
        known.push(Signer {
            address: address.clone(),
            account,
            key,
            given,
        });
    }
    for (index, signer) in known.iter().enumerate() {
        let info = tx.auth_info.signer_infos.get(index);
        let sequence = info.map_or(0, |i| i.sequence);
        ctx.emit(event::acc_seq(&signer.address, sequence));
        // Of a multisig each of its signatures, then all of them as they came.
        if let Some(given @ SignatureData::Multi { .. }) = &signer.given {
            for signature in given.leaves() {
                ctx.emit(event::signature(signature));
            }
        }
        let signature = tx.signatures.get(index);
        ctx.emit(event::signature(
            signature.map(Vec::as_slice).unwrap_or_default(),
        ));
    }
    Ok(known)
}

/// Every key of a multisig counts, whether it signs or not: as much may have to be verified.
fn check_signature_limit(signers: &[Signer<'_>], limit: u64) -> Result<(), TxError> {
    let mut count = 0_u64;
    for signer in signers {
        let keys = signer.key.as_ref().map_or(1, PublicKey::leaves);
        count = count.saturating_add(u64::try_from(keys).unwrap_or(u64::MAX));
        if count > limit {
            let text = format!("signatures: {count}, limit: {limit}");
            return Err(sdk::TOO_MANY_SIGNATURES.wrap(text));
        }
    }
    Ok(())
}

/// Gas of the signatures. A simulated transaction may come without them, and without a key: they are counted as if they were
/// there, with their bytes, so that the estimate holds.
fn charge_signature(
    ctx: &mut Ctx,
    tx: &Tx,
    index: usize,
    signer: &Signer<'_>,
    params: &Params,
) -> Result<(), Stop> {
    match (&signer.key, &signer.given) {
        (Some(key), Some(given)) => multisig::charge(ctx, key, given, params),
        (Some(key @ PublicKey::Ed25519(_)), None) => {
            let given = SignatureData::read(None, &[])?;
            multisig::charge(ctx, key, &given, params)
        }
        (key, None) => {
            let info = tx.auth_info.signer_infos.get(index);
            let info = info.and_then(|i| i.mode_info.as_ref());
            let signature = tx.signatures.get(index);
            let signature = signature.map(Vec::as_slice).unwrap_or_default();
            let (signatures, missing) = multisig::estimate(key.as_ref(), info, signature);
            charge_bytes(ctx, missing, params)?;
            (0..signatures).try_for_each(|_| multisig::charge_one(ctx, params))
        }
        (None, Some(_)) => multisig::charge_one(ctx, params),
    }
}

/// Key, sequence, signature. The sequence is checked in every mode; the signature neither in simulation, where it is
/// zeros, nor in a recheck, where it was checked before.
fn verify(
    mode: Mode,
    config: &AnteConfig,
    documents: &mut Documents<'_>,
    index: usize,
    signer: &Signer<'_>,
) -> Result<(), TxError> {
    let info = documents.tx.auth_info.signer_infos.get(index);
    if signer.key.is_none() && signer.given.is_some() {
        return Err(sdk::INVALID_PUBKEY.wrap("pubkey on account is not set"));
    }
    let (expected, got) = (signer.account.sequence, info.map_or(0, |i| i.sequence));
    let ahead = match mode {
        Mode::Simulate => config.sequences_ahead,
        _ => 0,
    };
    if !(expected..=expected.saturating_add(ahead)).contains(&got) {
        let text = format!("account sequence mismatch, expected {expected}, got {got}");
        return Err(sdk::WRONG_SEQUENCE.wrap(text));
    }
    let account = &signer.account;
    match (&signer.key, &signer.given) {
        (Some(key), Some(given)) if mode != Mode::Recheck => {
            signature::verify(documents, key, given, account)
        }
        (_, Some(_)) => Ok(()),
        (_, None) => {
            let info = info.and_then(|i| i.mode_info.as_ref());
            signature::check_simulated(info, documents.chain_id, account)?;
            documents::check_simulated(documents.tx, signer.key.as_ref(), info)
        }
    }
}
