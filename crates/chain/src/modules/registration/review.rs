//! A new policy and the nodes that there are: their claims stand in the state, and are held against it.
//!
//! Promises: a node that the policy takes no longer has [`RECALL_S`] to renew with evidence that it takes, then its evidence is over, so that
//! what it has in power goes as after any end of evidence, a third of the network's in a day at most; no node gets more time than it had; a
//! block looks at a bounded number of nodes, and nobody pays for it.
//! A node of an insecure genesis without evidence has no claims, and stays.

use super::event;
use super::evidence::{now, policy};
use super::keeper::{end_of, found, put};
use super::state::{NODE_IDS, Node, NodeId, RETURNING, REVIEW, Return, Review};
use crate::Ctx;
use crate::attest::{Claims, Policy, Verdict};
use crate::error::{Stop, broken};
use crate::types::Height;

/// Seconds that a node has to renew under a policy that refuses what it had proven: a day, so that operators can look.
pub(super) const RECALL_S: u64 = 86_400;
/// Nodes that a block looks at: it costs nobody gas. What is left waits for the next.
pub(super) const REVIEWED_BLOCK_MAX: usize = 100;

/// The policy is another one: from the end of this block on it is held against all nodes.
///
/// # Errors
/// Out of gas or a fault.
pub(super) fn begin(ctx: &mut Ctx, policy: &Policy) -> Result<(), Stop> {
    let review = Review {
        from: Some(String::new()),
        next: next(policy, ctx.block.height),
    };
    REVIEW.set(ctx, &review)
}

/// The first height after this one at which the policy takes some code no longer.
pub(super) fn next(policy: &Policy, height: Height) -> Option<Height> {
    let ends = policy.code.iter().filter_map(|code| code.until_height);
    ends.filter(|end| *end > height).min()
}

/// Looks at the next nodes, if there is something to look for.
///
/// # Errors
/// A fault.
pub(super) fn go_on(ctx: &mut Ctx) -> Result<(), Stop> {
    let Some(before) = REVIEW.get(ctx)? else {
        return Ok(());
    };
    let again = before.next.is_some_and(|next| next <= ctx.block.height);
    if before.from.is_none() && !again {
        return Ok(());
    }
    let policy = policy(ctx)?;
    let mut review = before;
    if again {
        review = Review {
            from: Some(String::new()),
            next: next(&policy, ctx.block.height),
        };
    }
    let from = hex::decode(review.from.unwrap_or_default()).map_err(broken)?;
    let ids = NODE_IDS
        .at(&())
        .range(ctx, Some(&from), REVIEWED_BLOCK_MAX, false)?;
    for id in &ids {
        let id = id.as_slice().try_into();
        look(ctx, &policy, &id.map_err(|_| broken("a node without id"))?)?;
    }
    // The next id that there can be behind the last one.
    let last = ids.last().filter(|_| ids.len() == REVIEWED_BLOCK_MAX);
    review.from = last.map(|id| hex::encode([id.as_slice(), &[0]].concat()));
    REVIEW.set(ctx, &review)
}

fn look(ctx: &mut Ctx, policy: &Policy, id: &NodeId) -> Result<(), Stop> {
    let before = found(ctx, id)?;
    if !before.is_live() {
        return Ok(());
    }
    if let Some(new) = RETURNING.get(ctx, &id)? {
        let claims = held(ctx, policy, &new.claims).0;
        if claims != new.claims {
            RETURNING.set(ctx, &id, &Return { claims, ..new })?;
        }
    }
    let Some(claims) = &before.claims else {
        return Ok(());
    };
    let (claims, refused) = held(ctx, policy, claims);
    if before.claims.as_ref() == Some(&claims) {
        return Ok(());
    }
    let end = end_of(&claims);
    let after = Node {
        claims: Some(claims),
        deadline: [before.deadline, end].into_iter().flatten().min(),
        ..before.clone()
    };
    put(ctx, id, Some(&before), Some(&after))?;
    if let Some(end) = end.filter(|_| refused) {
        ctx.emit(event::recalled(id, &after, end));
    }
    Ok(())
}

/// The claims with the time that the policy gives them, and whether it refuses them.
fn held(ctx: &Ctx, policy: &Policy, claims: &Claims) -> (Claims, bool) {
    let now = now(ctx);
    match policy.judge(claims.clone(), ctx.block.height, now) {
        Verdict::Accepted(claims) => (claims, false),
        Verdict::Refused(_) => {
            let valid_until = claims.valid_until.min(now.saturating_add(RECALL_S));
            let claims = Claims {
                valid_until,
                ..claims.clone()
            };
            (claims, true)
        }
    }
}
