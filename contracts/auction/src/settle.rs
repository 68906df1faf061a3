//! The end: who won, and payments in steps that fit into a transaction, however many bidders there were.

use cosmwasm_std::{Addr, DepsMut, Env, Response, StdError, StdResult, Storage, Uint128};

use crate::msg::{ExecuteAnswer, Phase};
use crate::state::{
    Winner, AUCTION, BIDDERS, BIDDERS_OF, BIDS, EVERYONE, HIGHEST, PROGRESS, WINNER,
};
use crate::{answer, code_hash, to_token, Payment, TokenMsg};

/// Bidders that one `settle` pays back.
pub const PAID_AT_ONCE: u32 = 20;

/// Pays the seller at its first call, and the next bidders at every call.
pub fn settle(deps: DepsMut, env: Env) -> StdResult<Response> {
    let DepsMut {
        storage, querier, ..
    } = deps;
    let auction = AUCTION.load(storage)?;
    let mut progress = PROGRESS.load(storage)?;
    let mut payments = Vec::new();
    match progress.phase {
        Phase::Open => return Err(StdError::generic_err("The auction is not closed")),
        // What was drawn must have lasted: a transaction that sees the winner could still take the draw back.
        Phase::Closed if env.block.height <= progress.closed_at => {
            return Err(StdError::generic_err("Settle in a later block"));
        }
        Phase::Closed => {
            if let Some(winner) = draw(storage, &progress.random)? {
                payments.push(Payment {
                    recipient: auction.seller.clone(),
                    amount: winner.price,
                });
                WINNER.save(storage, &winner)?;
            }
            progress.phase = Phase::Settled;
        }
        Phase::Settled => {}
    }

    let all = BIDDERS.len(storage, EVERYONE)?;
    let winner = WINNER.may_load(storage)?;
    let end = progress.paid.saturating_add(PAID_AT_ONCE).min(all);
    for position in progress.paid..end {
        let bidder = BIDDERS.at(storage, EVERYONE, position)?;
        let back = give_back(storage, &bidder, winner.as_ref())?;
        if !back.is_zero() {
            payments.push(Payment {
                recipient: bidder,
                amount: back,
            });
        }
    }
    progress.paid = end;
    PROGRESS.save(storage, &progress)?;

    let response = answer(&ExecuteAnswer::Settle {
        left: all.saturating_sub(end),
    })?;
    if payments.is_empty() {
        return Ok(response);
    }
    let pay = TokenMsg::BatchTransfer { actions: payments };
    // Whoever administrates the token may have given it other code since; that must not lock what others have in it.
    let now = code_hash::of(querier, &auction.token);
    let code_hash = now.unwrap_or_else(|| auction.token_code_hash.clone());
    Ok(response.add_message(to_token(&auction, code_hash, &pay)?))
}

/// Who won; nobody, if nobody bid. Among equals the random bytes decide: their first 16 as a number, modulo how many they are.
fn draw(storage: &dyn Storage, random: &[u8]) -> StdResult<Option<Winner>> {
    let price = HIGHEST.load(storage)?;
    let amount = price.to_be_bytes();
    let equals = BIDDERS_OF.len(storage, &amount)?;
    let number = random
        .first_chunk()
        .map(|bytes| u128::from_be_bytes(*bytes));
    let chosen = number.and_then(|number| number.checked_rem(equals.into()));
    let Some(chosen) = chosen.and_then(|chosen| u32::try_from(chosen).ok()) else {
        return Ok(None);
    };
    let account = BIDDERS_OF.at(storage, &amount, chosen)?;
    Ok(Some(Winner { account, price }))
}

/// What a bidder has back, which the auction holds no longer.
fn give_back(
    storage: &mut dyn Storage,
    bidder: &Addr,
    winner: Option<&Winner>,
) -> StdResult<Uint128> {
    let place = [bidder.as_bytes()];
    let mut bid = BIDS.get(storage, &place)?.unwrap_or_default();
    let price = match winner {
        Some(winner) if winner.account == *bidder => winner.price,
        _ => Uint128::zero(),
    };
    let back = bid.deposit.checked_sub(price)?;
    bid.deposit = Uint128::zero();
    BIDS.set(storage, &place, &bid)?;
    Ok(back)
}
