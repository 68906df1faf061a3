//! Giving a contract other code.

use super::governance::unknown_code;
use super::known;
use crate::crypto::bound::Target;
use crate::ctx::Ctx;
use crate::error::Stop;
use crate::modules::compute::calls::{self, Call, OnSuccess};
use crate::modules::compute::input::{CallInput, open};
use crate::modules::compute::keeper::{position, seal_data};
use crate::modules::compute::output::EntryPoint;
use crate::modules::compute::state::{
    AUTHORIZED_MIGRATION, CODES, CONTRACTS, Contract, ContractRecord, HISTORY, HISTORY_LENGTH,
    HistoryEntry, Operation, StorageLayout,
};
use crate::modules::compute::{code_list, env, error as compute, gas};
use crate::types::proto::secret::compute::v1beta1 as pb;
use crate::types::{Address, Coins};

/// Gas location of loading the new code (wire.md 1.12.2).
const LOAD_MIGRATE: &str = "Loading CosmWasm module: migrate";

const NO_ORDER: &str = "the code iterates, and the contract keeps no order of its keys: it was made with code that does not";

/// A checked `MsgMigrateContract`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::modules::compute) struct Migrate {
    /// Who must be the admin.
    pub sender: Address,
    /// The contract.
    pub contract: Address,
    /// The new code, not 0.
    pub code_id: u64,
    /// The message, encrypted if a user sends it.
    pub msg: Vec<u8>,
}

/// A migration that counts if the new code's `migrate` succeeds.
pub struct Migration {
    /// The new code.
    pub code_id: u64,
    /// The encrypted message for the history.
    pub msg: Vec<u8>,
    /// What the new code's `migrate` is told beside its message, if it wants to.
    pub info: Option<Vec<u8>>,
}

/// Migrates a contract on behalf of a user.
///
/// # Errors
/// As the tables of wire.md 1.12.4 and 1.12.5; out of gas; a fault.
pub(in crate::modules::compute) fn migrate(
    ctx: &mut Ctx<'_, '_>,
    msg: Migrate,
) -> Result<pb::MsgMigrateContractResponse, Stop> {
    let (sender, contract, code_id) = (msg.sender.clone(), msg.contract.clone(), msg.code_id);
    let (call, key) = prepare_migrate(ctx, msg, |ctx, wire| {
        let contract = contract.as_bytes();
        let target = Target::Migrate { contract, code_id };
        open(ctx, EntryPoint::Migrate, wire, Some((&sender, target)))
    })?;
    let data = calls::run(ctx, &key, call)?;
    let data = seal_data(ctx, &key, data)?;
    Ok(pb::MsgMigrateContractResponse { data })
}

/// The steps of a migration up to the call, the same for users and for contracts. `open` gives the plain message and
/// what belongs to it.
pub(in crate::modules::compute) fn prepare_migrate<K>(
    ctx: &mut Ctx<'_, '_>,
    msg: Migrate,
    open: impl FnOnce(&mut Ctx<'_, '_>, Vec<u8>) -> Result<CallInput<K>, Stop>,
) -> Result<(Call, K), Stop> {
    ctx.gas.consume(gas::load(0), LOAD_MIGRATE)?;
    let contract = known(ctx, &msg.contract)?;
    check_sender(&contract, &msg.sender)?;
    if contract.require_governance {
        use_authorized_code(ctx, &msg.contract, msg.code_id)?;
    }
    let code = CODES.get(ctx, &msg.code_id)?;
    let code = code.ok_or_else(|| unknown_code(msg.code_id))?;
    let wants_info = code.migrate_words().wants_info;
    let code = code.into_code();
    // Its first scan would fail, for ever: what it holds has never been listed.
    if code.iterates && contract.storage_layout == StorageLayout::Flat {
        return Err(compute::MIGRATE_FAILED.wrap(NO_ORDER).into());
    }
    let by_weight = gas::load(code.weight).saturating_sub(gas::load(0));
    ctx.gas.consume(by_weight, LOAD_MIGRATE)?;
    let input = open(ctx, msg.msg)?;
    let info = if wants_info {
        let old = CODES.get(ctx, &contract.code_id)?;
        let version = old.and_then(|code| code.migrate_words().version);
        Some(env::migrate_info(&msg.sender, version)?)
    } else {
        None
    };
    let call = Call {
        entry_point: EntryPoint::Migrate,
        sender: msg.sender,
        contract: msg.contract,
        storage_layout: contract.storage_layout,
        code,
        code_hash: input.code_hash,
        funds: Coins::default(),
        msg: input.message,
        bound: input.bound,
        on_success: OnSuccess::Migrated(Box::new(Migration {
            code_id: msg.code_id,
            msg: input.kept,
            info,
        })),
    };
    Ok((call, input.key))
}

fn check_sender(contract: &Contract, sender: &Address) -> Result<(), Stop> {
    let refuse = |why: &str| Err(compute::MIGRATE_FAILED.wrap(why).into());
    match &contract.admin {
        Some(admin) if admin == sender => Ok(()),
        None if !contract.require_governance => refuse("contract is not upgradable"),
        _ => refuse("requires migrate from admin"),
    }
}

/// Uses up the authority's word for this code.
fn use_authorized_code(
    ctx: &mut Ctx<'_, '_>,
    contract: &Address,
    code_id: u64,
) -> Result<(), Stop> {
    let refuse = |why: &str| Err(compute::MIGRATE_FAILED.wrap(why).into());
    match AUTHORIZED_MIGRATION.get(ctx, contract)? {
        None => refuse("requires governance approval for migration"),
        Some(authorized) if authorized != code_id => refuse("mismatch code id for migration"),
        Some(_) => AUTHORIZED_MIGRATION.remove(ctx, contract),
    }
}

/// Records the new code of a contract whose `migrate` succeeded.
pub(in crate::modules::compute) fn record_migration(
    ctx: &mut Ctx<'_, '_>,
    address: &Address,
    migration: Migration,
) -> Result<(), Stop> {
    let Migration { code_id, msg, .. } = migration;
    let mut contract = known(ctx, address)?;
    if contract.code_id != code_id {
        code_list::leave(ctx, &contract)?;
        contract.code_id = code_id;
        code_list::enter(ctx, address, &mut contract)?;
        CONTRACTS.set(ctx, address, &ContractRecord::V1(contract))?;
    }
    let entry = HistoryEntry {
        operation: Operation::Migrate,
        code_id,
        updated: position(ctx),
        msg,
    };
    let n = HISTORY_LENGTH.get(ctx, address)?.unwrap_or(0);
    HISTORY.set(ctx, &(address, n), &entry)?;
    HISTORY_LENGTH.set(ctx, address, &n.saturating_add(1))
}
