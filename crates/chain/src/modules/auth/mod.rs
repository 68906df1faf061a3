//! Accounts: numbers, sequences, public keys, the ante chain and its parameters (wire.md 1.6, 1.13.4, 3.3).
//!
//! Promises: an account's number is given once, its sequence only grows; no transaction runs that its signers have not signed.
//! It has no messages of its own.

pub mod ante;
pub mod event;
pub mod genesis;
pub mod keeper;
mod query;
pub mod state;

use super::accounts::{FEE_COLLECTOR, ModuleAccount};
use crate::module::{GenesisPart, Module};
use crate::queries;

/// The module.
pub const MODULE: Module = Module {
    accounts: &[ModuleAccount::blocked(FEE_COLLECTOR, &[])],
    collections: state::NAMES,
    queries: queries!("cosmos.auth.v1beta1.Query" {
        Accounts: query::accounts,
        Account: query::account,
        AccountAddressByID: query::account_address_by_id,
        Params: query::params,
        ModuleAccounts: query::module_accounts,
        ModuleAccountByName: query::module_account_by_name,
        Bech32Prefix: query::bech32_prefix,
        AddressBytesToString: query::address_bytes_to_string,
        AddressStringToBytes: query::address_string_to_bytes,
        AccountInfo: query::account_info,
    }),
    genesis: &[GenesisPart::of::<genesis::Genesis>("auth")],
    ..Module::new("auth")
};
