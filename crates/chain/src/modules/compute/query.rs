//! Queries of `secret.compute.v1beta1.Query` (contract-abi.md 7.3, errors of wire.md 1.12.5). All but
//! [`secret_contract`] are public and answered on either side of the door.

use super::calls::{self, Call, OnSuccess};
use super::input::open;
use super::keeper::{LOAD_QUERY, loaded};
use super::output::{self, EntryPoint};
use super::querier::code_of;
use super::state::{
    AUTHORIZED_ADMIN, AUTHORIZED_MIGRATION, CODE_CONTRACT, CODE_CONTRACTS, CODES, CONTRACTS, Code,
    Contract, HISTORY, HISTORY_LENGTH, LABELS, LAST_CODE_ID, Operation, PARAMS, Position,
};
use crate::ctx::Ctx;
use crate::error::{Stop, broken};
use crate::modules::compute::error as compute;
use crate::query::{QueryError, QueryStop};
use crate::types::address::AddressError;
use crate::types::error::sdk;
use crate::types::proto::google::protobuf::Empty;
use crate::types::proto::secret::compute::v1beta1 as pb;
use crate::types::{Address, Coins, TxError};

fn address(text: &str) -> Result<Address, Stop> {
    text.parse()
        .map_err(|e: AddressError| TxError::plain(e.to_string()).into())
}

/// Asks a contract. The message is sealed to the network, the answer to the sender.
///
/// # Errors
/// compute 9 for an unknown contract, compute 4 for whatever fails in it, sealed where it is the contract's own error.
pub(super) fn secret_contract(
    ctx: &mut Ctx<'_, '_>,
    request: pb::QuerySecretContractRequest,
) -> Result<pb::QuerySecretContractResponse, QueryStop> {
    ask(ctx, &request).map_err(|stop| match stop {
        Stop::Err(e) if e.is(&compute::QUERY_FAILED) => QueryError::Contract(e).into(),
        other => other.into(),
    })
}

fn ask(
    ctx: &mut Ctx<'_, '_>,
    request: &pb::QuerySecretContractRequest,
) -> Result<pb::QuerySecretContractResponse, Stop> {
    let contract = address(&request.contract_address)?;
    let (record, code) = loaded(ctx, &contract, LOAD_QUERY)?;
    let input = open(ctx, EntryPoint::Query, request.query.clone(), None)?;
    let call = Call {
        entry_point: EntryPoint::Query,
        sender: contract.clone(),
        contract,
        storage_layout: record.storage_layout,
        code,
        code_hash: input.code_hash,
        funds: Coins::default(),
        msg: input.message,
        bound: false,
        on_success: OnSuccess::Answered,
    };
    let answer = output::shaped(calls::run(ctx, &input.key, call)?.unwrap_or_default());
    Ok(pb::QuerySecretContractResponse {
        data: output::data(&input.key, &answer)?,
    })
}

/// A contract's record.
///
/// # Errors
/// compute 9.
pub(super) fn contract_info(
    ctx: &mut Ctx<'_, '_>,
    request: pb::QueryByContractAddressRequest,
) -> Result<pb::QueryContractInfoResponse, Stop> {
    let contract = contract(ctx, &address(&request.contract_address)?)?;
    Ok(pb::QueryContractInfoResponse {
        contract_address: request.contract_address.clone(),
        contract_info: Some(info(contract, true)),
    })
}

/// The contracts of a code, in the order of its list. None is an error, as in the protocol.
///
/// # Errors
/// compute 13 for code id 0, compute 9 for none.
pub(super) fn contracts_by_code_id(
    ctx: &mut Ctx<'_, '_>,
    request: pb::QueryByCodeIdRequest,
) -> Result<pb::QueryContractsByCodeIdResponse, Stop> {
    let code_id = some_code_id(&request)?;
    let count = CODE_CONTRACTS.get(ctx, &code_id)?.unwrap_or(0);
    if count == 0 {
        return Err(compute::NOT_FOUND.bare().into());
    }
    let mut contract_infos = Vec::new();
    for n in 0..count {
        let address = CODE_CONTRACT
            .get(ctx, &(code_id, n))?
            .ok_or_else(|| broken("contract of a code is missing"))?;
        let contract = contract(ctx, &address)?;
        contract_infos.push(pb::ContractInfoWithAddress {
            contract_address: address.to_string(),
            contract_info: Some(info(contract, false)),
        });
    }
    Ok(pb::QueryContractsByCodeIdResponse { contract_infos })
}

/// A code with its wasm.
///
/// # Errors
/// compute 13 for code id 0, compute 9.
pub(super) fn code(
    ctx: &mut Ctx<'_, '_>,
    request: pb::QueryByCodeIdRequest,
) -> Result<pb::QueryCodeResponse, Stop> {
    let code_id = some_code_id(&request)?;
    let code = CODES
        .get(ctx, &code_id)?
        .ok_or_else(|| compute::NOT_FOUND.bare())?
        .into_code();
    let wasm = ctx.env.code.code(&code.hash)?.to_vec();
    Ok(pb::QueryCodeResponse {
        code_info: Some(code_info(code_id, code)),
        wasm,
    })
}

/// All codes, without their wasm.
///
/// # Errors
/// Out of gas or a fault.
pub(super) fn codes(ctx: &mut Ctx<'_, '_>, _: Empty) -> Result<pb::QueryCodesResponse, Stop> {
    let last = LAST_CODE_ID.get(ctx)?.unwrap_or(0);
    let mut code_infos = Vec::new();
    for id in 1..=last {
        let code = CODES
            .get(ctx, &id)?
            .ok_or_else(|| broken("a code id is missing"))?
            .into_code();
        code_infos.push(code_info(id, code));
    }
    Ok(pb::QueryCodesResponse { code_infos })
}

/// The code hash of a contract, 64 hex characters.
///
/// # Errors
/// compute 9.
pub(super) fn code_hash_by_contract_address(
    ctx: &mut Ctx<'_, '_>,
    request: pb::QueryByContractAddressRequest,
) -> Result<pb::QueryCodeHashResponse, Stop> {
    let address = address(&request.contract_address)?;
    let (_, code) = code_of(ctx, &address)?.ok_or_else(|| compute::NOT_FOUND.bare())?;
    Ok(pb::QueryCodeHashResponse {
        code_hash: hex::encode(code.hash),
    })
}

/// The code hash of a code, 64 hex characters.
///
/// # Errors
/// An unregistered error for an unknown code.
pub(super) fn code_hash_by_code_id(
    ctx: &mut Ctx<'_, '_>,
    request: pb::QueryByCodeIdRequest,
) -> Result<pb::QueryCodeHashResponse, Stop> {
    let code_id = some_code_id(&request)?;
    let missing = || TxError::plain(format!("failed to get code info for code id {code_id}"));
    let code = CODES.get(ctx, &code_id)?.ok_or_else(missing)?.into_code();
    Ok(pb::QueryCodeHashResponse {
        code_hash: hex::encode(code.hash),
    })
}

/// The label of a contract.
///
/// # Errors
/// compute 9.
pub(super) fn label_by_address(
    ctx: &mut Ctx<'_, '_>,
    request: pb::QueryByContractAddressRequest,
) -> Result<pb::QueryContractLabelResponse, Stop> {
    let contract = contract(ctx, &address(&request.contract_address)?)?;
    Ok(pb::QueryContractLabelResponse {
        label: contract.label,
    })
}

/// The contract with a label.
///
/// # Errors
/// sdk 9 for an unknown label.
pub(super) fn address_by_label(
    ctx: &mut Ctx<'_, '_>,
    request: pb::QueryByLabelRequest,
) -> Result<pb::QueryContractAddressResponse, Stop> {
    let missing = || sdk::UNKNOWN_ADDRESS.wrap(&request.label);
    let address = LABELS
        .get(ctx, &request.label.as_str())?
        .ok_or_else(missing)?;
    Ok(pb::QueryContractAddressResponse {
        contract_address: address.to_string(),
    })
}

/// The history of a contract, oldest first; messages stay sealed to who sent them.
///
/// # Errors
/// compute 9.
pub(super) fn contract_history(
    ctx: &mut Ctx<'_, '_>,
    request: pb::QueryContractHistoryRequest,
) -> Result<pb::QueryContractHistoryResponse, Stop> {
    let address = address(&request.contract_address)?;
    let length = HISTORY_LENGTH
        .get(ctx, &address)?
        .ok_or_else(|| compute::NOT_FOUND.bare())?;
    let mut entries = Vec::new();
    for n in 0..length {
        let entry = HISTORY
            .get(ctx, &(&address, n))?
            .ok_or_else(|| broken("a history entry is missing"))?;
        let operation = match entry.operation {
            Operation::Init => pb::ContractCodeHistoryOperationType::Init,
            Operation::Migrate => pb::ContractCodeHistoryOperationType::Migrate,
        };
        entries.push(pb::ContractCodeHistoryEntry {
            operation: operation.into(),
            code_id: entry.code_id,
            updated: Some(position(entry.updated)),
            msg: entry.msg,
        });
    }
    Ok(pb::QueryContractHistoryResponse { entries })
}

/// The code to which the authority lets a contract migrate, 0 for none.
///
/// # Errors
/// compute 9 for an unknown contract.
pub(super) fn authorized_migration(
    ctx: &mut Ctx<'_, '_>,
    request: pb::QueryAuthorizedMigrationRequest,
) -> Result<pb::QueryAuthorizedMigrationResponse, Stop> {
    let address = address(&request.contract_address)?;
    contract(ctx, &address)?;
    Ok(pb::QueryAuthorizedMigrationResponse {
        new_code_id: AUTHORIZED_MIGRATION.get(ctx, &address)?.unwrap_or(0),
    })
}

/// The admin that the authority lets a contract be given, empty for none.
///
/// # Errors
/// compute 9 for an unknown contract.
pub(super) fn authorized_admin_update(
    ctx: &mut Ctx<'_, '_>,
    request: pb::QueryAuthorizedAdminUpdateRequest,
) -> Result<pb::QueryAuthorizedAdminUpdateResponse, Stop> {
    let address = address(&request.contract_address)?;
    contract(ctx, &address)?;
    let admin = AUTHORIZED_ADMIN.get(ctx, &address)?.flatten();
    Ok(pb::QueryAuthorizedAdminUpdateResponse {
        new_admin: admin.map(|a| a.to_string()).unwrap_or_default(),
    })
}

/// The module's parameters; `compile_cost` in protobuf is the integer of 10^-18.
///
/// # Errors
/// Out of gas or a fault.
pub(super) fn params(
    ctx: &mut Ctx<'_, '_>,
    _: pb::ParamsRequest,
) -> Result<pb::ParamsResponse, Stop> {
    let params = PARAMS.get(ctx)?.unwrap_or_default();
    Ok(pb::ParamsResponse {
        params: Some(pb::Params {
            compile_cost: params.compile_cost_e18.to_string(),
            max_contract_size: params.max_contract_size,
        }),
    })
}

fn some_code_id(request: &pb::QueryByCodeIdRequest) -> Result<u64, Stop> {
    if request.code_id == 0 {
        Err(compute::INVALID.wrap("code id").into())
    } else {
        Ok(request.code_id)
    }
}

fn contract(ctx: &mut Ctx<'_, '_>, address: &Address) -> Result<Contract, Stop> {
    let record = CONTRACTS
        .get(ctx, address)?
        .ok_or_else(|| compute::NOT_FOUND.bare())?;
    Ok(record.into_contract())
}

fn info(contract: Contract, with_created: bool) -> pb::ContractInfo {
    pb::ContractInfo {
        code_id: contract.code_id,
        creator: contract.creator.as_bytes().to_vec(),
        label: contract.label,
        created: with_created.then(|| position(contract.created)),
        ibc_port_id: String::new(),
        admin: contract.admin.map(|a| a.to_string()).unwrap_or_default(),
        admin_proof: Vec::new(),
        require_governance: contract.require_governance,
    }
}

fn position(p: Position) -> pb::AbsoluteTxPosition {
    pb::AbsoluteTxPosition {
        // Heights stay far below 2^63.
        block_height: i64::try_from(p.height).unwrap_or(i64::MAX),
        tx_index: p.tx_index.into(),
    }
}

fn code_info(code_id: u64, code: Code) -> pb::CodeInfoResponse {
    pb::CodeInfoResponse {
        code_id,
        creator: code.creator.to_string(),
        code_hash: hex::encode(code.hash),
        source: code.source,
        builder: code.builder,
    }
}
