//! The beginning of a token.

use cosmwasm_std::{coin, DepsMut, Env, MessageInfo, Response, StdError, StdResult};

use crate::msg::{Action, ContractStatus, InstantiateMsg};
use crate::notify::ENABLED;
use crate::state::{Token, ADMIN, DENOMS, MINTERS, STATUS, TOKEN};
use crate::{history, ledger};
use snip::notification;

/// Most digits after the point.
const DECIMALS_MAX: u8 = 18;

/// Checks the message, remembers the token and gives out the initial balances.
pub fn run(deps: DepsMut, env: Env, info: MessageInfo, msg: InstantiateMsg) -> StdResult<Response> {
    check_names(&msg)?;
    notification::begin(deps.storage, &env, &msg.prng_seed)?;
    ENABLED.save(deps.storage, &true)?;
    let admin = match &msg.admin {
        Some(admin) => deps.api.addr_validate(admin)?,
        None => info.sender,
    };
    let config = msg.config.unwrap_or_default();
    TOKEN.save(
        deps.storage,
        &Token {
            name: msg.name,
            symbol: msg.symbol.clone(),
            decimals: msg.decimals,
            prng_seed: msg.prng_seed,
            public_total_supply: config.public_total_supply,
            deposit_enabled: config.enable_deposit,
            redeem_enabled: config.enable_redeem,
            mint_enabled: config.enable_mint,
            burn_enabled: config.enable_burn,
            can_modify_denoms: config.can_modify_denoms,
        },
    )?;
    ADMIN.save(deps.storage, &admin)?;
    STATUS.save(deps.storage, &ContractStatus::NormalRun)?;
    DENOMS.save(deps.storage, &msg.supported_denoms.unwrap_or_default())?;
    let minters = if config.enable_mint {
        vec![admin.clone()]
    } else {
        vec![]
    };
    MINTERS.save(deps.storage, &minters)?;

    for start in msg.initial_balances.unwrap_or_default() {
        let account = deps.api.addr_validate(&start.address)?;
        let amount = start.amount.u128();
        ledger::create(deps.storage, &account, amount)?;
        let action = Action::Mint {
            minter: admin.clone(),
            recipient: account.clone(),
        };
        let tokens = coin(amount, &msg.symbol);
        history::append(deps.storage, &env, &[&account], action, tokens, None)?;
    }
    Ok(Response::new())
}

fn check_names(msg: &InstantiateMsg) -> StdResult<()> {
    let symbol = msg.symbol.as_bytes();
    if !(3..=30).contains(&msg.name.len()) {
        return Err(StdError::generic_err("the name must have 3 to 30 bytes"));
    }
    if !(3..=20).contains(&symbol.len()) || !symbol.iter().all(u8::is_ascii_uppercase) {
        return Err(StdError::generic_err(
            "the symbol must have 3 to 20 capital letters A to Z",
        ));
    }
    if msg.decimals > DECIMALS_MAX {
        return Err(StdError::generic_err(format!(
            "there can be at most {DECIMALS_MAX} decimals"
        )));
    }
    Ok(())
}
