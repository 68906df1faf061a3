//! The ante chain, in the order of wire.md 1.12.1: gas and block limit, extension options, stateless checks, timeout,
//! memo, size gas, fee, public keys, signature limit, signature gas, signatures and sequence, increment.
//!
//! It belongs to auth, whose accounts it moves on; the core runs it as `crate::modules::ante`.
//!
//! Check, recheck, delivery and simulation run the same chain; what differs is written at each difference.

mod fee;
mod signature;

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
use crate::types::tx::Tx;
use crate::types::{Address, Gas, TxError};
use signature::Key;

/// The largest gas limit that a result can hold.
pub const GAS_WANTED_MAX: Gas = i64::MAX.unsigned_abs();
/// Gas that a checked transaction must have left: at delivery the ante chain may cost more, when the fee leaves another
/// balance than it did in the check (to take an entry away is cheaper than to write it). No message is had for so little.
pub const CHECK_MARGIN: Gas = 1_000;
/// Length of a secp256k1 signature in bytes.
const SIGNATURE_BYTES: usize = 64;

/// A signer as the chain knows it.
struct Signer {
    address: Address,
    account: Account,
    key: Option<Key>,
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
    charge_size(ctx, tx, &params)?;

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
    if u64::try_from(known.len()).unwrap_or(u64::MAX) > params.tx_sig_limit {
        let text = format!(
            "signatures: {}, limit: {}",
            known.len(),
            params.tx_sig_limit
        );
        return Err(sdk::TOO_MANY_SIGNATURES.wrap(text).into());
    }
    for signer in &known {
        charge_signature(ctx, signer, &params)?;
    }
    for (index, signer) in known.iter().enumerate() {
        verify(ctx, tx, index, signer)?;
    }
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

/// Limits first: the largest number, zero, the block's. In simulation the limit is the block's, whatever was asked.
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
        config.block_gas.unwrap_or(GAS_WANTED_MAX)
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

/// Every byte costs. A simulated transaction may come without signatures: they are counted as if they were there, so
/// that the estimate holds.
fn charge_size(ctx: &mut Ctx, tx: &Tx, params: &Params) -> Result<(), Stop> {
    let missing = match ctx.mode {
        Mode::Simulate => tx
            .signatures
            .iter()
            .map(|s| SIGNATURE_BYTES.saturating_sub(s.len()))
            .sum(),
        _ => 0_usize,
    };
    let bytes = u64::try_from(tx.len.saturating_add(missing)).unwrap_or(u64::MAX);
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

/// Accounts of the signers, with their keys: an unknown key comes with the transaction and must be the signer's.
fn set_pub_keys(ctx: &mut Ctx, tx: &Tx, signers: &[Address]) -> Result<Vec<Signer>, Stop> {
    let simulate = ctx.mode == Mode::Simulate;
    let mut known = Vec::new();
    for (index, address) in signers.iter().enumerate() {
        let info = tx.auth_info.signer_infos.get(index);
        let key = Key::of(info.and_then(|i| i.public_key.as_ref()))?;
        if let Some(key) = &key
            && !simulate
            && key.address().is_some_and(|a| a != *address)
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
            && let Some(Key::Secp256k1(bytes)) = &key
        {
            account.pubkey = Some(*bytes);
        }
        // The account's own key decides, once it is known.
        let key = account.pubkey.map(Key::Secp256k1).or(key);
        known.push(Signer {
            address: address.clone(),
            account,
            key,
        });
    }
    for (index, address) in signers.iter().enumerate() {
        let sequence = tx
            .auth_info
            .signer_infos
            .get(index)
            .map_or(0, |i| i.sequence);
        ctx.emit(event::acc_seq(address, sequence));
        let signature = tx
            .signatures
            .get(index)
            .map(Vec::as_slice)
            .unwrap_or_default();
        ctx.emit(event::signature(signature));
    }
    Ok(known)
}

/// A simulation without a key is charged as for the usual one.
fn charge_signature(ctx: &mut Ctx, signer: &Signer, params: &Params) -> Result<(), Stop> {
    match &signer.key {
        Some(Key::Ed25519(_)) => {
            ctx.gas
                .consume(params.sig_verify_cost_ed25519, "ante verify: ed25519")?;
            Err(sdk::INVALID_PUBKEY
                .wrap("ED25519 public keys are unsupported")
                .into())
        }
        Some(Key::Unknown(name)) => Err(sdk::INVALID_PUBKEY
            .wrap(format!("unrecognized public key type: {name}"))
            .into()),
        Some(Key::Secp256k1(_)) | None => ctx
            .gas
            .consume(params.sig_verify_cost_secp256k1, "ante verify: secp256k1"),
    }
}

/// Key, sequence, signature. The sequence is checked in every mode; the signature neither in simulation, where it is
/// zeros, nor in a recheck, where it was checked before.
fn verify(ctx: &Ctx, tx: &Tx, index: usize, signer: &Signer) -> Result<(), TxError> {
    let simulate = ctx.mode == Mode::Simulate;
    let pubkey = match &signer.key {
        Some(Key::Secp256k1(key)) => Some(key),
        _ if simulate => None,
        _ => return Err(sdk::INVALID_PUBKEY.wrap("pubkey on account is not set")),
    };
    let (expected, got) = (
        signer.account.sequence,
        tx.auth_info
            .signer_infos
            .get(index)
            .map_or(0, |info| info.sequence),
    );
    if expected != got {
        let text = format!("account sequence mismatch, expected {expected}, got {got}");
        return Err(sdk::WRONG_SEQUENCE.wrap(text));
    }
    let (chain_id, account) = (&ctx.block.chain_id, &signer.account);
    match pubkey {
        Some(key) if !simulate && ctx.mode != Mode::Recheck => {
            signature::verify(tx, index, key, chain_id, account)
        }
        _ => signature::check_mode(tx, index, chain_id, account, simulate),
    }
}
