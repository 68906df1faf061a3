//! Turning coins of the chain into tokens, one to one, and back.

use cosmwasm_std::{coin, coins, BankMsg, Response, StdError, StdResult, Uint128};

use super::{success, Call};
use crate::msg::Action;
use crate::state::{DENOMS, TOKEN};
use crate::{history, ledger};

/// Turns the coins that came along into tokens. All of them must be supported: the others could never be had back.
pub fn deposit(call: Call) -> StdResult<Response> {
    let storage = call.deps.storage;
    if !TOKEN.load(storage)?.deposit_enabled {
        return Err(StdError::generic_err(
            "Deposit functionality is not enabled.",
        ));
    }
    if call.info.funds.is_empty() {
        return Err(StdError::generic_err("No funds were sent to be deposited"));
    }
    let supported = DENOMS.load(storage)?;
    let account = &call.info.sender;
    for coin in call.info.funds {
        if !supported.contains(&coin.denom) {
            return Err(StdError::generic_err(format!(
                "Tried to deposit an unsupported coin {}",
                coin.denom
            )));
        }
        ledger::create(storage, account, coin.amount.u128())?;
        let record = Action::Deposit {};
        history::append(storage, &call.env, &[account], record, coin, None)?;
    }
    Ok(success("deposit"))
}

/// Turns tokens into coins of the contract. If it has too few, the chain refuses the payment and with it everything.
pub fn redeem(call: Call, amount: Uint128, denom: Option<String>) -> StdResult<Response> {
    let storage = call.deps.storage;
    if !TOKEN.load(storage)?.redeem_enabled {
        return Err(StdError::generic_err(
            "Redeem functionality is not enabled for this token.",
        ));
    }
    if amount.is_zero() {
        return Err(StdError::generic_err("Nothing to redeem"));
    }
    let denom = choose_denom(DENOMS.load(storage)?, denom)?;
    let account = &call.info.sender;
    ledger::destroy(storage, account, amount.u128())?;
    let record = Action::Redeem {};
    let redeemed = coin(amount.u128(), &denom);
    history::append(storage, &call.env, &[account], record, redeemed, None)?;
    Ok(success("redeem").add_message(BankMsg::Send {
        to_address: account.to_string(),
        amount: coins(amount.u128(), denom),
    }))
}

fn choose_denom(mut supported: Vec<String>, asked: Option<String>) -> StdResult<String> {
    match (asked, supported.len()) {
        (Some(denom), _) if supported.contains(&denom) => Ok(denom),
        (Some(denom), _) => Err(StdError::generic_err(format!(
            "Tried to redeem for an unsupported coin {denom}"
        ))),
        (None, 1) => Ok(supported.remove(0)),
        (None, _) => Err(StdError::generic_err(
            "The coin to redeem for must be named: more or less than one is supported",
        )),
    }
}
