//! Storing code, making contracts, calling them: the order of steps of contract-abi.md 7.4 to 7.6.

use super::calls::{self, Call, OnSuccess};
use super::input::{CallInput, open};
use super::limits::CODE_BYTES_MAX;
use super::msg::{Execute, Instantiate, StoreCode};
use super::output::{self, EntryPoint};
use super::querier::code_of;
use super::state::{
    CODES, CONTRACTS, Code, CodeRecord, Contract, ContractRecord, HISTORY, HISTORY_LENGTH,
    HistoryEntry, LABELS, LAST_CODE_ID, LAST_INSTANCE_ID, Operation, PARAMS, Position, SIMULATION,
    SimulationPolicy, contract_address, predictable_address,
};
use super::{code_list, gas, gzip};
use crate::Bytes;
use crate::crypto::Secret;
use crate::crypto::bound::Target;
use crate::crypto::io::TxKey;
use crate::ctx::{Ctx, Mode, event, event_of};
use crate::error::{Fault, Stop, broken};
use crate::modules::compute::error as compute;
use crate::modules::{accounts, auth, bank};
use crate::ports::StateRead;
use crate::types::address::AddressError;
use crate::types::error::sdk;
use crate::types::proto::secret::compute::v1beta1 as pb;
use crate::types::{Address, Coins, Hash, sha256};
use strongroom_vm::{Generation, ModuleInfo, PREP_VERSION, PrepareError};

/// The module's own account.
const MODULE_NAME: &str = "compute";
/// What a module says of itself that nobody has looked into.
const NOT_LOOKED_AT: ModuleInfo = ModuleInfo {
    generation: Generation::V1,
    entries: Vec::new(),
    features: Vec::new(),
    iterates: false,
    stock: false,
    migrate_info: false,
    migrate_version: None,
};
/// Stands for the hash of a code that a simulation stored: no code has it.
pub(super) const UNSEEN_CODE: Hash = [0; 32];
/// Location of gas for what a contract tells: events, data, errors.
pub(super) const CONTRACT_OUTPUT: &str = "Contract output";

/// A contract that comes into being if its `instantiate` succeeds.
pub struct PendingContract {
    /// Its record.
    pub contract: Contract,
    /// The encrypted message for the history.
    pub msg: Vec<u8>,
}

/// Whether messages to contracts may run in a simulation, by a committed state.
///
/// # Errors
/// A fault.
pub fn simulates_contracts(base: &dyn StateRead) -> Result<bool, Fault> {
    Ok(SIMULATION.read(base)? == Some(SimulationPolicy::Open))
}

/// Stores code: unzip and charge, validate, next id.
///
/// # Errors
/// compute 15 or 31 for code that is refused, naming function and reason; out of gas; a fault.
pub(super) fn store_code(
    ctx: &mut Ctx<'_, '_>,
    msg: StoreCode,
) -> Result<pb::MsgStoreCodeResponse, Stop> {
    let sender = msg.sender.to_string();
    ctx.emit(event(
        "message",
        &[
            ("module", "compute"),
            ("sender", &sender),
            ("signer", &sender),
        ],
    ));
    let params = PARAMS.get(ctx)?.unwrap_or_default();
    let most = usize::try_from(params.max_contract_size)
        .map_or(CODE_BYTES_MAX, |max| max.min(CODE_BYTES_MAX));
    let simulated = ctx.mode == Mode::Simulate;
    // What is sent was paid for as part of the transaction; what comes out of it is paid for as it comes.
    let mut paid = 0;
    let mut pay = |bytes: usize| {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let due = gas::compile(bytes, params.compile_cost_e18);
        let more = due.saturating_sub(paid);
        paid = due;
        ctx.gas.consume(more, "Compiling WASM Bytecode")
    };
    // Whoever simulates has paid nothing: there the upload costs by the length that it declares, and nothing is unzipped,
    // loaded or hashed. Of an upload that delivery takes both lengths are the same.
    let wasm = if gzip::is_gzip(&msg.wasm) {
        if simulated {
            pay(gzip::declared_len(&msg.wasm, most))?;
            Vec::new()
        } else {
            gzip::gunzip(&msg.wasm, most, pay)?
        }
    } else if msg.wasm.len() > most {
        return Err(compute::MAX_CONTRACT_SIZE.bare().into());
    } else {
        pay(msg.wasm.len())?;
        msg.wasm
    };
    let (hash, weight, info) = if simulated {
        (UNSEEN_CODE, 0, NOT_LOOKED_AT)
    } else {
        let hash = sha256(&wasm);
        let module = ctx
            .env
            .engine
            .validate_upload(&hash, &wasm)?
            .map_err(|e: PrepareError| {
                compute::CREATE_FAILED.wrap(format!(
                    "Execution error: Error during static Wasm validation: {e}"
                ))
            })?;
        let bytes = u64::try_from(wasm.len()).unwrap_or(u64::MAX);
        let weight = u64::try_from(module.weight).unwrap_or(u64::MAX);
        // Known only when it is loaded: an estimate is that of a contract, which is not odd.
        ctx.gas
            .consume(gas::odd(bytes, weight), "Compiling WASM Bytecode")?;
        (hash, weight, module.info.clone())
    };
    let id = next(ctx, &LAST_CODE_ID)?;
    let code = Code {
        hash,
        weight,
        creator: msg.sender,
        source: msg.source,
        builder: msg.builder,
        prep_version: PREP_VERSION,
        requires_random: info.requires_random(),
        iterates: info.iterates,
        stock: info.stock,
        generation: info.generation,
    };
    CODES.set(ctx, &id, &CodeRecord::of(code, &info))?;
    if !simulated {
        ctx.keep_code(hash, Bytes::from(wasm));
    }
    ctx.emit(event("message", &[("code_id", &id.to_string())]));
    Ok(pb::MsgStoreCodeResponse { code_id: id })
}

/// Makes a contract on behalf of a user.
///
/// # Errors
/// As the table of wire.md 1.12.4 and 1.12.5; out of gas; a fault.
pub(super) fn instantiate(
    ctx: &mut Ctx<'_, '_>,
    msg: Instantiate,
) -> Result<pb::MsgInstantiateContractResponse, Stop> {
    let (sender, label, code_id) = (msg.sender.clone(), msg.label.clone(), msg.code_id);
    let (call, key) = prepare_instantiate(ctx, msg, |ctx, wire| {
        let label = &label;
        let target = Target::Instantiate { code_id, label };
        open(ctx, EntryPoint::Instantiate, wire, Some((&sender, target)))
    })?;
    let address = call.contract.clone();
    let data = calls::run(ctx, &key, call)?;
    let contract_address = address.to_string();
    ctx.emit(event(
        "message",
        &[
            ("module", "compute"),
            ("sender", &sender.to_string()),
            ("contract_address", &contract_address),
        ],
    ));
    let data = seal_data(ctx, &key, data)?;
    Ok(pb::MsgInstantiateContractResponse {
        address: contract_address,
        data,
    })
}

/// Calls a contract on behalf of a user.
///
/// # Errors
/// As the table of wire.md 1.12.5; out of gas; a fault.
pub(super) fn execute(
    ctx: &mut Ctx<'_, '_>,
    msg: Execute,
) -> Result<pb::MsgExecuteContractResponse, Stop> {
    ctx.emit(event_of(
        "message",
        [
            ("module", "compute".to_owned()),
            ("sender", msg.sender.to_string()),
            ("contract_address", msg.contract.to_string()),
        ],
    ));
    let (record, code) = loaded(ctx, &msg.contract, LOAD_EXECUTE)?;
    move_funds(ctx, &msg.sender, &msg.contract, &msg.funds)?;
    let target = Target::Execute(msg.contract.as_bytes());
    let by = Some((&msg.sender, target));
    let input = open(ctx, EntryPoint::Execute, msg.msg, by)?;
    let call = Call {
        entry_point: EntryPoint::Execute,
        sender: msg.sender,
        contract: msg.contract,
        storage_layout: record.storage_layout,
        code,
        code_hash: input.code_hash,
        funds: msg.funds,
        msg: input.message,
        bound: input.bound,
        on_success: OnSuccess::Executed,
    };
    let data = calls::run(ctx, &input.key, call)?;
    Ok(pb::MsgExecuteContractResponse {
        data: seal_data(ctx, &input.key, data)?,
    })
}

/// Lets a module of the chain call a contract's `sudo`; gives its data in plaintext. Nobody on chain does so yet: the
/// acknowledgements and timeouts of IBC will. No user sent the message, so what the contract seals to its sender nobody opens.
///
/// # Errors
/// compute 9 for an unknown contract; those of a call; out of gas; a fault. The caller reverts the state.
pub fn sudo(
    ctx: &mut Ctx<'_, '_>,
    contract: &Address,
    msg: Vec<u8>,
) -> Result<Option<Vec<u8>>, Stop> {
    let (record, code) = loaded(ctx, contract, LOAD_EXECUTE)?;
    let key = nobodys_key(ctx)?;
    let call = Call {
        entry_point: EntryPoint::Sudo,
        sender: contract.clone(),
        contract: contract.clone(),
        storage_layout: record.storage_layout,
        code_hash: Some(code.hash),
        code,
        funds: Coins::default(),
        msg,
        bound: true,
        on_success: OnSuccess::Told,
    };
    calls::run(ctx, &key, call)
}

/// A key that is the same in every enclave, another one for every call, and told to nobody: the random of a call of the module's
/// own account, at which there is no contract.
fn nobodys_key(ctx: &mut Ctx<'_, '_>) -> Result<TxKey, Stop> {
    let call = ctx.calls;
    ctx.calls = call
        .checked_add(1)
        .ok_or_else(|| broken("too many calls"))?;
    let tx = ctx.tx.index.unwrap_or(u32::MAX);
    let own = Address::of_module(MODULE_NAME);
    let random = ctx
        .state
        .secrets()
        .random(&ctx.block.header_hash, &own, tx, call);
    Ok(TxKey::derive(
        &Secret::new(random.map_err(broken)?),
        &[0; 32],
    ))
}

/// Absent data stays absent; present data, even empty, is sealed. Its bytes leave, so they cost.
pub(super) fn seal_data(
    ctx: &mut Ctx<'_, '_>,
    key: &TxKey,
    data: Option<Vec<u8>>,
) -> Result<Vec<u8>, Stop> {
    let Some(data) = data.map(output::shaped) else {
        return Ok(Vec::new());
    };
    ctx.gas
        .consume(gas::output_bytes(data.len(), true), CONTRACT_OUTPUT)?;
    output::data(key, &data)
}

/// Gas location of loading code (wire.md 1.12.2).
pub(super) const LOAD_EXECUTE: &str = "Loading Compute module: execute";
/// The same, for a reply.
pub(super) const LOAD_REPLY: &str = "Loading Compute module: reply";
/// The same, for a query.
pub(super) const LOAD_QUERY: &str = "Loading CosmWasm module: query";

/// Charges for loading a contract's code, at `location`, and finds both.
pub(super) fn loaded(
    ctx: &mut Ctx<'_, '_>,
    contract: &Address,
    location: &'static str,
) -> Result<(Contract, Code), Stop> {
    ctx.gas.consume(gas::load(0), location)?;
    let (record, code) =
        code_of(ctx, contract)?.ok_or_else(|| compute::NOT_FOUND.wrap("contract"))?;
    let by_weight = gas::load(code.weight).saturating_sub(gas::load(0));
    ctx.gas.consume(by_weight, location)?;
    Ok((record, code))
}

/// The steps of an instantiation up to the call, the same for users and for contracts. `open` gives the
/// plain message and what belongs to it.
pub(super) fn prepare_instantiate<K>(
    ctx: &mut Ctx<'_, '_>,
    msg: Instantiate,
    open: impl FnOnce(&mut Ctx<'_, '_>, Vec<u8>) -> Result<CallInput<K>, Stop>,
) -> Result<(Call, K), Stop> {
    ctx.gas
        .consume(gas::load(0), "Loading CosmWasm module: init")?;
    if LABELS.get(ctx, &msg.label.as_str())?.is_some() {
        return Err(compute::ACCOUNT_EXISTS.wrap(&msg.label).into());
    }
    let admin = match msg.admin.as_str() {
        "" => None,
        text => {
            let parsed = text
                .parse()
                .map_err(|e: AddressError| crate::types::TxError::plain(format!("admin: {e}")))?;
            Some(parsed)
        }
    };
    let address = match &msg.salt {
        None => {
            let instance_id = next(ctx, &LAST_INSTANCE_ID)?;
            contract_address(msg.code_id, instance_id, &msg.sender)
        }
        Some(salt) => {
            let code = stored(ctx, msg.code_id)?;
            predictable_address(&code.hash, &msg.sender, salt)
        }
    };
    let address = address.ok_or_else(|| compute::NOT_FOUND.wrap("code"))?;
    // Anyone can compute the address and send coins there first: they become the contract's.
    if !auth::keeper::adopt_account(ctx, &address)? || CONTRACTS.has(ctx, &address)? {
        return Err(compute::ACCOUNT_EXISTS.wrap(&address).into());
    }
    move_funds(ctx, &msg.sender, &address, &msg.funds)?;
    let code = stored(ctx, msg.code_id)?;
    let by_weight = gas::load(code.weight).saturating_sub(gas::load(0));
    ctx.gas
        .consume(by_weight, "Loading CosmWasm module: init")?;
    let input = open(ctx, msg.msg)?;
    let contract = Contract {
        code_id: msg.code_id,
        creator: msg.sender.clone(),
        admin,
        label: msg.label,
        created: position(ctx),
        storage_layout: code.storage_layout(),
        require_governance: false,
        place: 0,
    };
    let call = Call {
        entry_point: EntryPoint::Instantiate,
        sender: msg.sender,
        contract: address,
        storage_layout: contract.storage_layout,
        code,
        code_hash: input.code_hash,
        funds: msg.funds,
        msg: input.message,
        bound: input.bound,
        on_success: OnSuccess::Instantiated(Box::new(PendingContract {
            contract,
            msg: input.kept,
        })),
    };
    Ok((call, input.key))
}

fn stored(ctx: &mut Ctx<'_, '_>, code_id: u64) -> Result<Code, Stop> {
    let code = CODES.get(ctx, &code_id)?;
    let code = code.ok_or_else(|| compute::NOT_FOUND.wrap("code"))?;
    Ok(code.into_code())
}

/// Records a contract whose `instantiate` succeeded.
pub(super) fn record(
    ctx: &mut Ctx<'_, '_>,
    address: &Address,
    pending: PendingContract,
) -> Result<(), Stop> {
    let PendingContract { mut contract, msg } = pending;
    LABELS.set(ctx, &contract.label.as_str(), address)?;
    let entry = HistoryEntry {
        operation: Operation::Init,
        code_id: contract.code_id,
        updated: contract.created,
        msg,
    };
    code_list::enter(ctx, address, &mut contract)?;
    CONTRACTS.set(ctx, address, &ContractRecord::V1(contract))?;
    HISTORY.set(ctx, &(address, 0), &entry)?;
    HISTORY_LENGTH.set(ctx, address, &1)
}

pub(super) fn position(ctx: &Ctx<'_, '_>) -> Position {
    Position {
        height: ctx.block.height,
        tx_index: ctx.tx.index.unwrap_or(0),
    }
}

/// Takes the next number of a counter; the first is 1.
fn next(ctx: &mut Ctx<'_, '_>, counter: &crate::collections::Item<u64>) -> Result<u64, Stop> {
    let id = counter
        .get(ctx)?
        .unwrap_or(0)
        .checked_add(1)
        .ok_or_else(|| broken("counter is full"))?;
    counter.set(ctx, &id)?;
    Ok(id)
}

/// Moves the coins that come along with a call.
pub(super) fn move_funds(
    ctx: &mut Ctx<'_, '_>,
    from: &Address,
    to: &Address,
    funds: &Coins,
) -> Result<(), Stop> {
    if funds.is_empty() {
        return Ok(());
    }
    if accounts::is_blocked(from) {
        return Err(sdk::INVALID_ADDRESS
            .wrap("blocked address can not be used")
            .into());
    }
    bank::keeper::send(ctx, from, to, funds)
}
