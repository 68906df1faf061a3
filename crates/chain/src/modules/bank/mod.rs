//! Coins: balances, supply, sending (wire.md 1.12.3, 1.13).
//!
//! Promises: coins move, they neither appear nor vanish; the supply of a denomination is the sum of its balances and of the
//! fees of the block that runs.

pub mod error;
pub mod event;
pub mod genesis;
pub mod keeper;
mod msg;
pub mod query;
pub mod state;

use crate::module::{GenesisPart, Module, MsgHandler};
use crate::queries;
use crate::types::proto::cosmos::bank::v1beta1 as pb;

/// The module.
pub const MODULE: Module = Module {
    errors: error::ALL,
    collections: state::NAMES,
    messages: &[
        MsgHandler::of::<pb::MsgSend>(),
        MsgHandler::of::<pb::MsgMultiSend>(),
    ],
    queries: queries!("cosmos.bank.v1beta1.Query" {
        Balance: query::balance,
        AllBalances: query::all_balances,
        SpendableBalances: query::spendable_balances,
        SpendableBalanceByDenom: query::spendable_balance_by_denom,
        TotalSupply: query::total_supply,
        SupplyOf: query::supply_of,
        Params: query::params,
        DenomMetadata: query::denom_metadata,
        DenomMetadataByQueryString: query::denom_metadata_by_query_string,
        DenomsMetadata: query::denoms_metadata,
        DenomOwners: query::denom_owners,
        DenomOwnersByQuery: query::denom_owners_by_query,
        SendEnabled: query::send_enabled,
    }),
    genesis: &[GenesisPart::of::<genesis::Genesis>("bank")],
    end_block: Some(keeper::end_block),
    ..Module::new("bank")
};
