//! The end: who won, and payments in steps that fit into a transaction, however many bidders there were.

use cosmwasm_std::{Addr, DepsMut, Env, Response, StdError, StdResult, Storage, Uint128};

use crate::msg::{ExecuteAnswer, Phase};
use crate::state::{
    Draw, Progress, Winner, AUCTION, BIDDERS, BIDS, EVERYONE, HIGHEST, PROGRESS, WINNER,
};
use crate::{answer, code_hash, to_token, Payment, TokenMsg};

/// Bidders that one `settle` pays back.
pub const PAID_AT_ONCE: u32 = 20;
/// Equal bidders that one `settle` passes on its way to the one who was drawn.
pub const PASSED_AT_ONCE: u128 = 100;

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
            if let Some(winner) = draw(storage, &mut progress)? {
                payments.push(Payment {
                    recipient: auction.seller.clone(),
                    amount: winner.price,
                });
                WINNER.save(storage, &winner)?;
            }
            if progress.draw.is_some() {
                PROGRESS.save(storage, &progress)?;
                let left = BIDDERS.len(storage, EVERYONE)?;
                return answer(&ExecuteAnswer::Settle { left });
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

/// Who won; nobody, if nobody bid, or if the draw goes on in the next transaction. Among equals the random bytes decide: their first 16 as a
/// number, modulo how many they are, counted from the first of them.
fn draw(storage: &dyn Storage, progress: &mut Progress) -> StdResult<Option<Winner>> {
    let highest = HIGHEST.load(storage)?;
    let begun = progress.draw.take();
    let Some(mut draw) = begun.or_else(|| begin(progress, highest.count.u128(), highest.last))
    else {
        return Ok(None);
    };
    let passed = draw.left.u128().min(PASSED_AT_ONCE);
    for _ in 0..passed {
        let bid = BIDS.get(storage, &[draw.at.as_bytes()])?;
        draw.at = bid.unwrap_or_default().before;
    }
    draw.left = draw.left.checked_sub(passed.into())?;
    if !draw.left.is_zero() {
        progress.draw = Some(draw);
        return Ok(None);
    }
    Ok(Some(Winner {
        account: Addr::unchecked(draw.at),
        price: highest.amount,
    }))
}

/// The way from the last of the equals to the one who is drawn.
fn begin(progress: &Progress, equals: u128, last: String) -> Option<Draw> {
    let number = u128::from_be_bytes(*progress.random.first_chunk()?);
    let chosen = number.checked_rem(equals)?;
    let left = equals.checked_sub(chosen)?.checked_sub(1)?;
    Some(Draw {
        at: last,
        left: left.into(),
    })
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
