//! Secret contracts: storing code, making contracts, calling them, asking them (contract-abi.md section 7).
//!
//! Promises: a contract sees and changes only its own data and what the chain itself proves; a message that does not
//! open, or that was meant for another code, changes nothing; whatever a contract does costs gas and ends. Its outputs
//! are sealed to the sender.
//! Refuses: plaintext messages, callback signatures, raw queries of sealed data.

mod admin;
pub mod calls;
mod code_list;
mod env;
pub mod error;
mod gas;
pub mod genesis;
pub mod gzip;
pub mod input;
pub mod keeper;
pub mod limits;
pub mod msg;
mod order;
pub mod output;
mod querier;
mod query;
pub mod response;
pub mod state;
mod storage;

pub use crate::engine::{ContractEngine, EngineKind, EngineSettings};
pub use gas::load as load_gas;

use super::accounts::ModuleAccount;
use crate::module::{GenesisPart, Module, MsgHandler};
use crate::queries;
use crate::types::proto::secret::compute::v1beta1 as pb;

/// The module.
pub const MODULE: Module = Module {
    errors: error::ALL,
    accounts: &[ModuleAccount::blocked("compute", &["burner"])],
    collections: state::NAMES,
    messages: &[
        MsgHandler::of::<pb::MsgStoreCode>(),
        MsgHandler::of::<pb::MsgInstantiateContract>(),
        MsgHandler::of::<pb::MsgExecuteContract>(),
        MsgHandler::of::<pb::MsgMigrateContract>(),
        MsgHandler::of::<pb::MsgUpdateAdmin>(),
        MsgHandler::of::<pb::MsgClearAdmin>(),
        MsgHandler::of::<pb::MsgSetContractGovernance>(),
        MsgHandler::of::<pb::MsgContractGovernanceProposal>(),
        MsgHandler::of::<pb::MsgUpdateParams>(),
    ],
    queries: queries!("secret.compute.v1beta1.Query" {
        ContractInfo: query::contract_info,
        ContractsByCodeId: query::contracts_by_code_id,
        QuerySecretContract contract: query::secret_contract,
        Code: query::code,
        Codes: query::codes,
        CodeHashByContractAddress: query::code_hash_by_contract_address,
        CodeHashByCodeId: query::code_hash_by_code_id,
        LabelByAddress: query::label_by_address,
        AddressByLabel: query::address_by_label,
        ContractHistory: query::contract_history,
        Params: query::params,
        AuthorizedMigration: query::authorized_migration,
        AuthorizedAdminUpdate: query::authorized_admin_update,
    }),
    genesis: &[GenesisPart::of::<genesis::Genesis>("compute")],
    ..Module::new("compute")
};

/// What reading a contract's key costs, in wasm gas, for tests of other parts of this crate.
#[cfg(test)]
pub(crate) fn testing_price(
    state: &mut crate::State<'_>,
    contract: &crate::types::Address,
    key: &[u8],
) -> u64 {
    use strongroom_vm::Host as _;
    let mut keeping = storage::Keeping::new(state::StorageLayout::Flat);
    let mut storage = storage::Storage::new(state, contract, &mut keeping);
    match storage.read(key, u64::MAX) {
        Ok(strongroom_vm::Charged::Done { gas, .. }) => gas,
        other => panic!("{other:?}"),
    }
}

#[cfg(test)]
mod tests;
