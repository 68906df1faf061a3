//! The beginning of a contract.

use cosmwasm_std::{DepsMut, Env, MessageInfo, Response, StdResult, WasmMsg};

use crate::msg::{ContractStatus, InstantiateMsg};
use crate::state::{Contract, ADMIN, CONTRACT, MINTERS, ROYALTIES, STATUS};

/// Checks the message and remembers the contract.
pub fn run(
    deps: DepsMut,
    _env: Env,
    info: MessageInfo,
    msg: InstantiateMsg,
) -> StdResult<Response> {
    let config = msg.config.unwrap_or_default();
    if let Some(royalties) = &msg.royalty_info {
        royalties.check(deps.api)?;
    }
    ROYALTIES.save(deps.storage, &msg.royalty_info)?;
    let admin = match &msg.admin {
        Some(admin) => deps.api.addr_validate(admin)?,
        None => info.sender.clone(),
    };
    CONTRACT.save(
        deps.storage,
        &Contract {
            name: msg.name,
            symbol: msg.symbol,
            creator: info.sender,
            entropy: msg.entropy,
            public_token_supply: config.public_token_supply,
            public_owner: config.public_owner,
            sealed_metadata: config.enable_sealed_metadata,
            unwrapped_is_private: config.unwrapped_metadata_is_private,
            minter_may_update_metadata: config.minter_may_update_metadata,
            owner_may_update_metadata: config.owner_may_update_metadata,
            enable_burn: config.enable_burn,
        },
    )?;
    STATUS.save(deps.storage, &ContractStatus::Normal)?;
    MINTERS.save(deps.storage, &vec![admin.clone()])?;
    ADMIN.save(deps.storage, &admin)?;
    let callback = msg.post_init_callback.map(|callback| WasmMsg::Execute {
        contract_addr: callback.contract_address,
        code_hash: callback.code_hash,
        msg: callback.msg,
        funds: callback.send,
    });
    Ok(Response::new().add_messages(callback))
}
