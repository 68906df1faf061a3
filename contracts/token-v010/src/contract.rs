//! The entry points.

use cosmwasm_std::{
    log, plaintext_log, to_binary, Api, BankMsg, Binary, CanonicalAddr, Coin, Env, Extern,
    HandleResponse, HandleResult, HumanAddr, InitResponse, InitResult, Querier, QueryResult,
    StdError, StdResult, Storage, Uint128, WasmMsg,
};

use crate::ledger::{self, Token};
use crate::msg::{HandleAnswer, HandleMsg, InitMsg, QueryAnswer, QueryMsg, ReceiverMsg, Status};
use crate::viewing_key;

/// Answers leave in multiples of this many bytes.
const BLOCK_SIZE: usize = 256;

/// Creates the token.
///
/// # Errors
/// An address that is none, or more tokens than there can be.
pub fn init<S: Storage, A: Api, Q: Querier>(
    deps: &mut Extern<S, A, Q>,
    _env: Env,
    msg: InitMsg,
) -> InitResult {
    let mut total_supply = 0_u128;
    for initial in msg.initial_balances {
        let owner = deps.api.canonical_address(&initial.address)?;
        ledger::add(&mut deps.storage, &owner, initial.amount.u128())?;
        total_supply = total_supply
            .checked_add(initial.amount.u128())
            .ok_or_else(|| StdError::generic_err("too many tokens"))?;
    }
    viewing_key::set_seed(&mut deps.storage, msg.prng_seed.as_slice());
    ledger::token(&mut deps.storage).save(&Token {
        name: msg.name,
        symbol: msg.symbol,
        decimals: msg.decimals,
        total_supply: Uint128(total_supply),
        deposit_denom: msg.deposit_denom,
    })?;
    Ok(InitResponse {
        messages: vec![],
        log: vec![log("created", "yes"), plaintext_log("kind", "snip20")],
    })
}

/// Changes.
///
/// # Errors
/// What the sender may not or cannot do.
pub fn handle<S: Storage, A: Api, Q: Querier>(
    deps: &mut Extern<S, A, Q>,
    env: Env,
    msg: HandleMsg,
) -> HandleResult {
    let sender = deps.api.canonical_address(&env.message.sender)?;
    let status = Status::Success;
    match msg {
        HandleMsg::Deposit { .. } => deposit(deps, &env, &sender),
        HandleMsg::Redeem { amount, .. } => redeem(deps, env, &sender, amount),
        HandleMsg::Transfer {
            recipient, amount, ..
        } => {
            transfer(deps, &sender, &recipient, amount)?;
            answer(&HandleAnswer::Transfer { status })
        }
        HandleMsg::Send {
            recipient,
            amount,
            msg,
            ..
        } => send(deps, env, &sender, recipient, amount, msg),
        HandleMsg::RegisterReceive { code_hash, .. } => {
            ledger::set_receiver(&mut deps.storage, &sender, &code_hash);
            answer(&HandleAnswer::RegisterReceive { status })
        }
        HandleMsg::CreateViewingKey { entropy, .. } => {
            let key = viewing_key::create(&mut deps.storage, &env, &sender, &entropy);
            answer(&HandleAnswer::CreateViewingKey { key })
        }
        HandleMsg::SetViewingKey { key, .. } => {
            viewing_key::set(&mut deps.storage, &sender, &key);
            answer(&HandleAnswer::SetViewingKey { status })
        }
    }
}

/// Tells.
///
/// # Errors
/// An address that is none.
pub fn query<S: Storage, A: Api, Q: Querier>(deps: &Extern<S, A, Q>, msg: QueryMsg) -> QueryResult {
    let told = match msg {
        QueryMsg::TokenInfo {} => {
            let token = ledger::token_read(&deps.storage).load()?;
            QueryAnswer::TokenInfo {
                name: token.name,
                symbol: token.symbol,
                decimals: token.decimals,
                total_supply: Some(token.total_supply),
            }
        }
        QueryMsg::Balance { address, key } => {
            let owner = deps.api.canonical_address(&address)?;
            if viewing_key::check(&deps.storage, &owner, &key) {
                QueryAnswer::Balance {
                    amount: Uint128(ledger::balance(&deps.storage, &owner)?),
                }
            } else {
                QueryAnswer::ViewingKeyError {
                    msg: "Wrong viewing key for this address or viewing key not set".to_owned(),
                }
            }
        }
    };
    to_binary(&told).map(padded)
}

fn deposit<S: Storage, A: Api, Q: Querier>(
    deps: &mut Extern<S, A, Q>,
    env: &Env,
    sender: &CanonicalAddr,
) -> HandleResult {
    let mut token = ledger::token_read(&deps.storage).load()?;
    let [coin] = env.message.sent_funds.as_slice() else {
        return Err(StdError::generic_err("exactly one coin can be deposited"));
    };
    if token.deposit_denom.as_ref() != Some(&coin.denom) {
        return Err(StdError::generic_err("this coin cannot be deposited"));
    }
    ledger::add(&mut deps.storage, sender, coin.amount.u128())?;
    token.total_supply += coin.amount;
    ledger::token(&mut deps.storage).save(&token)?;
    answer(&HandleAnswer::Deposit {
        status: Status::Success,
    })
}

fn redeem<S: Storage, A: Api, Q: Querier>(
    deps: &mut Extern<S, A, Q>,
    env: Env,
    sender: &CanonicalAddr,
    amount: Uint128,
) -> HandleResult {
    let mut token = ledger::token_read(&deps.storage).load()?;
    let denom = token.deposit_denom.clone();
    let denom = denom.ok_or_else(|| StdError::generic_err("nothing was deposited"))?;
    ledger::take(&mut deps.storage, sender, amount.u128())?;
    token.total_supply = (token.total_supply - amount)?;
    ledger::token(&mut deps.storage).save(&token)?;
    let mut response = answer(&HandleAnswer::Redeem {
        status: Status::Success,
    })?;
    let back = BankMsg::Send {
        from_address: env.contract.address,
        to_address: env.message.sender,
        amount: vec![Coin { denom, amount }],
    };
    response.messages.push(back.into());
    Ok(response)
}

fn transfer<S: Storage, A: Api, Q: Querier>(
    deps: &mut Extern<S, A, Q>,
    sender: &CanonicalAddr,
    recipient: &HumanAddr,
    amount: Uint128,
) -> StdResult<()> {
    let recipient = deps.api.canonical_address(recipient)?;
    ledger::take(&mut deps.storage, sender, amount.u128())?;
    ledger::add(&mut deps.storage, &recipient, amount.u128())
}

fn send<S: Storage, A: Api, Q: Querier>(
    deps: &mut Extern<S, A, Q>,
    env: Env,
    sender: &CanonicalAddr,
    recipient: HumanAddr,
    amount: Uint128,
    msg: Option<Binary>,
) -> HandleResult {
    transfer(deps, sender, &recipient, amount)?;
    let mut response = answer(&HandleAnswer::Send {
        status: Status::Success,
    })?;
    let canonical = deps.api.canonical_address(&recipient)?;
    if let Some(callback_code_hash) = ledger::receiver(&deps.storage, &canonical) {
        let told = ReceiverMsg::Receive {
            sender: env.message.sender.clone(),
            from: env.message.sender,
            amount,
            msg,
        };
        let call = WasmMsg::Execute {
            contract_addr: recipient,
            callback_code_hash,
            msg: padded(to_binary(&told)?),
            send: vec![],
        };
        response.messages.push(call.into());
    }
    Ok(response)
}

fn answer(told: &HandleAnswer) -> HandleResult {
    Ok(HandleResponse {
        data: Some(padded(to_binary(told)?)),
        ..HandleResponse::default()
    })
}

fn padded(mut json: Binary) -> Binary {
    let length = json.0.len().div_ceil(BLOCK_SIZE) * BLOCK_SIZE;
    json.0.resize(length, b' ');
    json
}

#[cfg(test)]
mod tests {
    use super::*;
    use cosmwasm_std::from_binary;
    use cosmwasm_std::testing::{mock_dependencies, mock_env};

    #[test]
    fn tokens_change_hands_and_only_their_owner_sees_them() {
        let mut deps = mock_dependencies(20, &[]);
        let msg = InitMsg {
            name: "Elder".into(),
            symbol: "ELD".into(),
            decimals: 6,
            initial_balances: vec![crate::msg::InitialBalance {
                address: "alice".into(),
                amount: Uint128(100),
            }],
            prng_seed: Binary(b"seed".to_vec()),
            deposit_denom: None,
        };
        init(&mut deps, mock_env("alice", &[]), msg).unwrap();
        let transfer = |amount| HandleMsg::Transfer {
            recipient: "bob".into(),
            amount: Uint128(amount),
            padding: None,
        };
        handle(&mut deps, mock_env("alice", &[]), transfer(30)).unwrap();
        let error = handle(&mut deps, mock_env("alice", &[]), transfer(71)).unwrap_err();
        assert_eq!(
            error,
            StdError::generic_err("insufficient funds: required=71")
        );
        let create = HandleMsg::CreateViewingKey {
            entropy: "e".into(),
            padding: None,
        };
        let made = handle(&mut deps, mock_env("bob", &[]), create).unwrap();
        let HandleAnswer::CreateViewingKey { key } = from_binary(&made.data.unwrap()).unwrap()
        else {
            panic!("another answer")
        };
        let balance = |address: &str| {
            let ask = QueryMsg::Balance {
                address: address.into(),
                key: key.clone(),
            };
            from_binary::<QueryAnswer>(&query(&deps, ask).unwrap()).unwrap()
        };
        let amount = Uint128(30);
        assert_eq!(balance("bob"), QueryAnswer::Balance { amount });
        assert!(matches!(
            balance("alice"),
            QueryAnswer::ViewingKeyError { .. }
        ));
    }
}
