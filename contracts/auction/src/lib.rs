//! A sealed-bid auction in a private token: nobody knows another's bid, nobody can see one coming, and who loses is paid back.
//!
//! It shows four things. *Receiving tokens*: a bid comes along with a deposit, by the token's `send`. *Copied messages*: a bid names its
//! bidder inside of what is sealed, and its amount apart from the deposit, so that who copies it learns nothing. *Randomness*: ties
//! are broken by random bytes that are drawn when bids are over, and used in a later block. *Gas*: every call uses the same amount.
//!
//! Read [`msg`] first, then this file. The page about it is docs/book/auction.md.

mod code_hash;
pub mod msg;
mod settle;
pub mod state;

use cosmwasm_std::{
    entry_point, from_slice, to_vec, Addr, Binary, CosmosMsg, Deps, DepsMut, Env, MessageInfo,
    Response, StdError, StdResult, Storage, Uint128, WasmMsg,
};
use serde::Serialize;
use snip::answer::{answer, padded_json, success};
use snip::padding::{pad, pad_response};
use snip::viewing_key;

use crate::msg::{
    BidMsg, ExecuteAnswer, ExecuteMsg, InstantiateMsg, Permission, PermittedQuery, Phase,
    QueryAnswer, QueryMsg,
};
use crate::state::{
    Auction, Highest, Progress, AUCTION, BIDDERS, BIDS, EVERYONE, HIGHEST, PROGRESS, WINNER,
};

pub use settle::{PAID_AT_ONCE, PASSED_AT_ONCE};

/// Gas of every call at least, more than a bid needs: else a bid that leads would use more than one that does not.
const GAS_LEAST: u64 = 100_000;
/// Longest description, in bytes.
const ITEM_BYTES_MAX: usize = 1_024;

/// What the auction says to its token.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum TokenMsg {
    /// Tell me of tokens that come.
    RegisterReceive {
        /// Hash of the auction's code.
        code_hash: String,
    },
    /// Pay.
    BatchTransfer {
        /// All or none.
        actions: Vec<Payment>,
    },
}

#[derive(Serialize)]
struct Payment {
    recipient: Addr,
    amount: Uint128,
}

/// Called once, when the contract is created.
#[entry_point]
pub fn instantiate(
    deps: DepsMut,
    env: Env,
    info: MessageInfo,
    msg: InstantiateMsg,
) -> StdResult<Response> {
    if msg.item.len() > ITEM_BYTES_MAX {
        let why = format!("An item has {ITEM_BYTES_MAX} bytes at most");
        return Err(StdError::generic_err(why));
    }
    if msg.ends_at <= env.block.time.seconds() {
        return Err(StdError::generic_err("The end is in the past"));
    }
    let auction = Auction {
        item: msg.item,
        seller: info.sender,
        token: deps.api.addr_validate(&msg.token.address)?,
        token_code_hash: msg.token.code_hash,
        ends_at: msg.ends_at,
        minimum: msg.minimum,
    };
    let register = TokenMsg::RegisterReceive {
        code_hash: env.contract.code_hash,
    };
    let register = to_token(&auction, auction.token_code_hash.clone(), &register)?;
    AUCTION.save(deps.storage, &auction)?;
    PROGRESS.save(
        deps.storage,
        &Progress {
            phase: Phase::Open,
            closed_at: 0,
            random: Binary::default(),
            paid: 0,
            draw: None,
        },
    )?;
    HIGHEST.save(deps.storage, &Highest::default())?;
    Ok(pad_response(Response::new().add_message(register)))
}

/// Called for every transaction that is sent to the contract.
pub fn execute(deps: DepsMut, env: Env, info: MessageInfo, msg: ExecuteMsg) -> StdResult<Response> {
    let response = match msg {
        ExecuteMsg::Receive {
            sender,
            from,
            amount,
            msg,
        } => receive(deps, env, info, [sender, from], amount, msg)?,
        ExecuteMsg::Close {} => close(deps.storage, env)?,
        ExecuteMsg::Settle {} => settle::settle(deps, env)?,
        ExecuteMsg::CreateViewingKey { entropy } => {
            let entropy = entropy.unwrap_or_default();
            let key = viewing_key::create(&env, &[], &info.sender, &entropy);
            viewing_key::set(deps.storage, &info.sender, &key)?;
            answer(&ExecuteAnswer::CreateViewingKey { key })?
        }
        ExecuteMsg::SetViewingKey { key } => {
            viewing_key::set(deps.storage, &info.sender, &key)?;
            success("set_viewing_key")
        }
        ExecuteMsg::RevokePermit { permit_name } => {
            permit::revoke(deps.storage, &info.sender, &permit_name)?;
            success("revoke_permit")
        }
    };
    Ok(pad_response(response))
}
snip::entry_point!(execute, least = GAS_LEAST);

fn to_token(auction: &Auction, code_hash: String, msg: &TokenMsg) -> StdResult<CosmosMsg> {
    Ok(CosmosMsg::Wasm(WasmMsg::Execute {
        contract_addr: auction.token.to_string(),
        code_hash,
        msg: padded_json(msg)?,
        funds: vec![],
    }))
}

/// Takes a bid with its deposit. Whatever is refused here, the token takes back.
fn receive(
    deps: DepsMut,
    env: Env,
    info: MessageInfo,
    [sender, from]: [String; 2],
    deposit: Uint128,
    msg: Option<Binary>,
) -> StdResult<Response> {
    let auction = AUCTION.load(deps.storage)?;
    if info.sender != auction.token {
        return Err(StdError::generic_err("Bids come with tokens, by `send`"));
    }
    let BidMsg::Bid { bidder, amount } = from_slice(&msg.unwrap_or_default())?;
    // Who copies a bid out of the mempool sends it in another name, and cannot change the one inside. And whoever may spend another's tokens,
    // were it 0 of them, does not bid for that other.
    if bidder != from || bidder != sender {
        return Err(StdError::generic_err("This is another's bid"));
    }
    let is_open = PROGRESS.load(deps.storage)?.phase == Phase::Open;
    if !is_open || env.block.time.seconds() >= auction.ends_at {
        return Err(StdError::generic_err("The bidding is over"));
    }
    let bidder = deps.api.addr_validate(&bidder)?;
    place_bid(deps.storage, &auction, bidder, amount, deposit)?;
    Ok(success("receive"))
}

fn place_bid(
    storage: &mut dyn Storage,
    auction: &Auction,
    bidder: Addr,
    amount: Uint128,
    deposit: Uint128,
) -> StdResult<()> {
    let held = BIDS.get(storage, &[bidder.as_bytes()])?;
    let is_new = held.is_none();
    let mut bid = held.unwrap_or_default();
    bid.deposit = bid.deposit.checked_add(deposit)?;
    if amount < auction.minimum || amount <= bid.amount {
        return Err(StdError::generic_err(
            "A bid is at least the minimum, and more than one's last",
        ));
    }
    if amount > bid.deposit {
        return Err(StdError::generic_err("A bid is at most its deposit"));
    }
    bid.amount = amount;
    bid.before = String::new();
    let mut highest = HIGHEST.load(storage)?;
    if amount > highest.amount {
        highest = Highest {
            amount,
            count: Uint128::new(1),
            last: bidder.to_string(),
        };
    } else if amount == highest.amount {
        highest.count = highest.count.checked_add(Uint128::new(1))?;
        bid.before = core::mem::replace(&mut highest.last, bidder.to_string());
    }
    // The same records are written whatever the bid is, and they are as long.
    HIGHEST.save(storage, &highest)?;
    BIDS.set(storage, &[bidder.as_bytes()], &bid)?;
    if is_new {
        BIDDERS.push(storage, EVERYONE, &bidder)?;
    }
    Ok(())
}

/// Ends the bidding and draws. The answer is always the same, and nobody is paid before a later block: a contract that calls this
/// cannot see what was drawn, so it cannot take the call back to have it drawn again.
fn close(storage: &mut dyn Storage, env: Env) -> StdResult<Response> {
    let mut progress = PROGRESS.load(storage)?;
    // All transactions of a block have its time: the last bid was in an earlier block.
    if env.block.time.seconds() < AUCTION.load(storage)?.ends_at {
        return Err(StdError::generic_err("The bidding is not over"));
    }
    if progress.phase != Phase::Open {
        return Err(StdError::generic_err("The auction is closed already"));
    }
    let random = env.block.random.filter(|random| random.len() >= 16);
    let random = random.ok_or_else(|| StdError::generic_err("This chain gives no random bytes"))?;
    progress.phase = Phase::Closed;
    progress.closed_at = env.block.height;
    progress.random = random;
    PROGRESS.save(storage, &progress)?;
    Ok(success("close"))
}

/// Called to read from the contract.
#[entry_point]
pub fn query(deps: Deps, env: Env, msg: QueryMsg) -> StdResult<Binary> {
    let answer = match msg {
        QueryMsg::Auction {} => {
            let auction = AUCTION.load(deps.storage)?;
            QueryAnswer::Auction {
                item: auction.item,
                seller: auction.seller,
                token: auction.token,
                ends_at: auction.ends_at,
                minimum: auction.minimum,
                phase: PROGRESS.load(deps.storage)?.phase,
            }
        }
        QueryMsg::Result {} => {
            let winner = WINNER.may_load(deps.storage)?;
            QueryAnswer::Result {
                price: winner.as_ref().map(|winner| winner.price),
                winner: winner.map(|winner| winner.account),
            }
        }
        QueryMsg::Bid { address, key } => {
            let address = deps.api.addr_validate(&address)?;
            if viewing_key::is_right(deps.storage, &address, &key)? {
                bid_of(deps, &address)?
            } else {
                QueryAnswer::ViewingKeyError {
                    msg: viewing_key::WRONG.to_string(),
                }
            }
        }
        QueryMsg::WithPermit { permit, query } => {
            let permit = permit::verify(deps, &env, permit)?;
            let PermittedQuery::Bid {} = query;
            bid_of(deps, &permit.account_for(Permission::Bid)?)?
        }
    };
    Ok(Binary(pad(to_vec(&answer)?)))
}

fn bid_of(deps: Deps, account: &Addr) -> StdResult<QueryAnswer> {
    let bid = BIDS.get(deps.storage, &[account.as_bytes()])?;
    let bid = bid.unwrap_or_default();
    Ok(QueryAnswer::Bid {
        amount: bid.amount,
        deposit: bid.deposit,
    })
}

#[cfg(test)]
mod tests;
