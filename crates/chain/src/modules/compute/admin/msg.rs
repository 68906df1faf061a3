//! The messages of migration and administration, after their stateless checks (contract-abi.md 7.1, texts of wire.md 1.12.3-4).

use super::governance::{
    authorize_admin, authorize_migration, lock, require_authority, update_params,
};
use super::{Migrate, check_code_id, check_new_admin, migrate, update_admin};
use crate::Ctx;
use crate::ctx::event;
use crate::error::Stop;
use crate::module::TxMsg;
use crate::modules::compute::error as compute;
use crate::modules::compute::limits::{CODE_BYTES_MAX, PROPOSAL_ENTRIES_MAX};
use crate::modules::compute::msg::{check_callback, check_msg};
use crate::modules::compute::state::Params;
use crate::tx::signers;
use crate::types::address::AddressError;
use crate::types::error::sdk;
use crate::types::proto::secret::compute::v1beta1 as pb;
use crate::types::{Address, TxError};

/// An address in a string field, with the field's name in the error.
fn address(text: &str, field: &str) -> Result<Address, TxError> {
    text.parse().map_err(|e: AddressError| e.in_field(field))
}

/// The event of a message that names no contract.
fn tell(ctx: &mut Ctx, sender: &str) {
    ctx.emit(event(
        "message",
        &[("module", "compute"), ("sender", sender)],
    ));
}

impl TxMsg for pb::MsgMigrateContract {
    type Response = pb::MsgMigrateContractResponse;
    const RUNS_CONTRACT: bool = true;

    fn validate_basic(&self) -> Result<(), TxError> {
        address(&self.sender, "sender")?;
        address(&self.contract, "contract")?;
        check_code_id(self.code_id)?;
        check_callback(&self.callback_sig)?;
        check_msg(&self.msg)
    }

    fn run(self, ctx: &mut Ctx) -> Result<Self::Response, Stop> {
        let msg = Migrate {
            sender: address(&self.sender, "sender")?,
            contract: address(&self.contract, "contract")?,
            code_id: self.code_id,
            msg: self.msg,
        };
        tell(ctx, &self.sender);
        migrate(ctx, msg)
    }
}

impl TxMsg for pb::MsgUpdateAdmin {
    type Response = pb::MsgUpdateAdminResponse;

    fn validate_basic(&self) -> Result<(), TxError> {
        let sender = address(&self.sender, "sender")?;
        address(&self.contract, "contract")?;
        check_new_admin(&sender, &address(&self.new_admin, "new admin")?)?;
        check_callback(&self.callback_sig)
    }

    fn run(self, ctx: &mut Ctx) -> Result<Self::Response, Stop> {
        let sender = address(&self.sender, "sender")?;
        let contract = address(&self.contract, "contract")?;
        let new_admin = address(&self.new_admin, "new admin")?;
        tell(ctx, &self.sender);
        update_admin(ctx, &sender, &contract, Some(new_admin))?;
        Ok(pb::MsgUpdateAdminResponse {})
    }
}

impl TxMsg for pb::MsgClearAdmin {
    type Response = pb::MsgClearAdminResponse;

    fn validate_basic(&self) -> Result<(), TxError> {
        address(&self.sender, "sender")?;
        address(&self.contract, "contract")?;
        check_callback(&self.callback_sig)
    }

    fn run(self, ctx: &mut Ctx) -> Result<Self::Response, Stop> {
        let sender = address(&self.sender, "sender")?;
        let contract = address(&self.contract, "contract")?;
        tell(ctx, &self.sender);
        update_admin(ctx, &sender, &contract, None)?;
        Ok(pb::MsgClearAdminResponse {})
    }
}

impl TxMsg for pb::MsgSetContractGovernance {
    type Response = pb::MsgSetContractGovernanceResponse;

    fn validate_basic(&self) -> Result<(), TxError> {
        address(&self.sender, "sender")?;
        address(&self.contract_address, "contract")?;
        Ok(())
    }

    fn run(self, ctx: &mut Ctx) -> Result<Self::Response, Stop> {
        let sender = address(&self.sender, "sender")?;
        let contract = address(&self.contract_address, "contract")?;
        tell(ctx, &self.sender);
        lock(ctx, &sender, &contract)?;
        Ok(pb::MsgSetContractGovernanceResponse {})
    }
}

impl TxMsg for pb::MsgContractGovernanceProposal {
    type Response = pb::MsgContractGovernanceProposalResponse;

    fn validate_basic(&self) -> Result<(), TxError> {
        address(&self.authority, "authority")?;
        if self.contracts.is_empty() && self.admin_updates.is_empty() {
            return Err(sdk::INVALID_REQUEST.wrap("a migration or an admin is required"));
        }
        let entries = self
            .contracts
            .len()
            .saturating_add(self.admin_updates.len());
        if entries > PROPOSAL_ENTRIES_MAX {
            let why = format!("a proposal cannot have more than {PROPOSAL_ENTRIES_MAX} entries");
            return Err(compute::LIMIT.wrap(why));
        }
        for migration in &self.contracts {
            address(&migration.address, "contract")?;
            check_code_id(migration.new_code_id)?;
        }
        for update in &self.admin_updates {
            address(&update.address, "contract")?;
            new_admin(update)?;
        }
        Ok(())
    }

    fn run(self, ctx: &mut Ctx) -> Result<Self::Response, Stop> {
        let authority = signers::address(&self.authority)?;
        require_authority(ctx, &authority)?;
        tell(ctx, &self.authority);
        for migration in &self.contracts {
            let contract = address(&migration.address, "contract")?;
            authorize_migration(ctx, &authority, &contract, migration.new_code_id)?;
        }
        for update in &self.admin_updates {
            let contract = address(&update.address, "contract")?;
            authorize_admin(ctx, &authority, &contract, new_admin(update)?)?;
        }
        Ok(pb::MsgContractGovernanceProposalResponse {})
    }
}

/// Empty for none, as in the query of it.
fn new_admin(update: &pb::UpdateAdminInfo) -> Result<Option<Address>, TxError> {
    match update.new_admin.as_str() {
        "" => Ok(None),
        text => address(text, "new admin").map(Some),
    }
}

impl TxMsg for pb::MsgUpdateParams {
    type Response = pb::MsgUpdateParamsResponse;

    fn validate_basic(&self) -> Result<(), TxError> {
        address(&self.authority, "authority")?;
        params(self).map(drop)
    }

    fn run(self, ctx: &mut Ctx) -> Result<Self::Response, Stop> {
        let authority = signers::address(&self.authority)?;
        update_params(ctx, &authority, &params(&self)?)?;
        tell(ctx, &self.authority);
        Ok(pb::MsgUpdateParamsResponse {})
    }
}

/// The parameters of the message: `compile_cost` is the integer of 10^-18.
fn params(m: &pb::MsgUpdateParams) -> Result<Params, TxError> {
    let params = m.params.as_ref();
    let params = params.ok_or_else(|| sdk::INVALID_REQUEST.wrap("params are required"))?;
    let digits =
        Some(params.compile_cost.as_str()).filter(|t| t.bytes().all(|b| b.is_ascii_digit()));
    let compile_cost_e18 = digits
        .and_then(|t| t.parse().ok())
        .ok_or_else(|| sdk::INVALID_REQUEST.wrap("compile_cost is no number in range"))?;
    let size = usize::try_from(params.max_contract_size).unwrap_or(usize::MAX);
    if !(1..=CODE_BYTES_MAX).contains(&size) {
        let why = format!("max_contract_size must be 1 to {CODE_BYTES_MAX}");
        return Err(sdk::INVALID_REQUEST.wrap(why));
    }
    Ok(Params {
        compile_cost_e18,
        max_contract_size: params.max_contract_size,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_refused_without_the_state_is_refused_before_anything_is_paid() {
        let user = Address::from_bytes(&[6; 20]).unwrap().to_string();
        let contract = Address::from_bytes(&[7; 20]).unwrap().to_string();
        let migrate = pb::MsgMigrateContract {
            sender: user.clone(),
            contract: contract.clone(),
            code_id: 1,
            ..Default::default()
        };
        let update = pb::MsgUpdateAdmin {
            sender: user.clone(),
            new_admin: contract.clone(),
            contract: contract.clone(),
            ..Default::default()
        };
        assert!(migrate.validate_basic().is_ok() && update.validate_basic().is_ok());
        let text = |result: Result<(), TxError>| result.unwrap_err().text;
        let bad = pb::MsgMigrateContract {
            contract: "cosmos1qypqxpq9qcrsszg2pvxq6rs0zqg3yyc5lzv7xu".into(),
            ..migrate.clone()
        };
        assert_eq!(
            text(bad.validate_basic()),
            "contract: invalid Bech32 prefix; expected secret, got cosmos"
        );
        let bad = pb::MsgMigrateContract {
            sender: String::new(),
            ..migrate.clone()
        };
        assert_eq!(
            text(bad.validate_basic()),
            "sender: empty address string is not allowed"
        );
        let bad = pb::MsgMigrateContract {
            code_id: 0,
            ..migrate.clone()
        };
        assert_eq!(
            text(bad.validate_basic()),
            "code id is required: invalid request"
        );
        let bad = pb::MsgMigrateContract {
            callback_sig: vec![1],
            ..migrate
        };
        assert_eq!(
            text(bad.validate_basic()),
            "callback_sig must be empty: invalid request"
        );
        let bad = pb::MsgUpdateAdmin {
            new_admin: user.clone(),
            ..update.clone()
        };
        let e = bad.validate_basic().unwrap_err();
        assert_eq!(
            (e.codespace.as_str(), e.code, e.text.as_str()),
            (
                "compute",
                10,
                "new admin is the same as the old: invalid CosmosMsg from the contract"
            )
        );
        let bad = pb::MsgUpdateAdmin {
            new_admin: "x".into(),
            ..update.clone()
        };
        assert!(text(bad.validate_basic()).starts_with("new admin: decoding bech32 failed"));
        let bad = pb::MsgUpdateAdmin {
            callback_sig: vec![1],
            ..update
        };
        assert!(bad.validate_basic().is_err());
        let bad = pb::MsgClearAdmin {
            sender: user.clone(),
            contract,
            callback_sig: vec![1],
        };
        assert!(bad.validate_basic().is_err());
        let empty = pb::MsgContractGovernanceProposal {
            authority: user,
            ..Default::default()
        };
        assert!(empty.validate_basic().is_err());
    }
}
