//! Who may see or move a token: its owner, and whom the owner approved, for one token or for all, by name or everybody.
//!
//! What is said of one token goes before what was said of all, unless all was said later. What was said of a token ends with its
//! transfer; what was said of all belongs to the owner, and holds for what comes later too.

use cosmwasm_std::{Addr, BlockInfo, StdError, StdResult};
use serde::{Deserialize, Serialize};
use snip::expiration::Expiration;

/// Most accounts that are approved for one token, and by one owner for all. Lists are read as a whole.
pub const APPROVED_MAX: usize = 32;

/// What can be approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// To see who owns it.
    ViewOwner,
    /// To see its private metadata.
    ViewPrivateMetadata,
    /// To move it.
    Transfer,
}

/// What was said of one right: granted until then, or, without an end, denied.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Until when it is granted.
    pub until: Option<Expiration>,
    /// Words have numbers: a later one has a higher.
    pub number: u64,
}

/// What was said of one account, or of everybody.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Of whom; of everybody, if absent.
    pub who: Option<Addr>,
    view_owner: Option<Word>,
    view_private_metadata: Option<Word>,
    transfer: Option<Word>,
}

impl Approval {
    fn word(&self, right: Right) -> Option<&Word> {
        match right {
            Right::ViewOwner => self.view_owner.as_ref(),
            Right::ViewPrivateMetadata => self.view_private_metadata.as_ref(),
            Right::Transfer => self.transfer.as_ref(),
        }
    }

    fn word_mut(&mut self, right: Right) -> &mut Option<Word> {
        match right {
            Right::ViewOwner => &mut self.view_owner,
            Right::ViewPrivateMetadata => &mut self.view_private_metadata,
            Right::Transfer => &mut self.transfer,
        }
    }
}

/// What was said of accounts, for one token or for all of an owner.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Approvals(pub Vec<Approval>);

impl Approvals {
    /// What was said of this account, or of everybody.
    fn of(&self, who: Option<&Addr>, right: Right) -> Option<&Word> {
        let found = self.0.iter().find(|approval| approval.who.as_ref() == who);
        found.and_then(|approval| approval.word(right))
    }

    /// Says something of an account, or of everybody.
    pub fn say(&mut self, who: Option<Addr>, right: Right, word: Word) -> StdResult<()> {
        let known = self.0.iter_mut().find(|approval| approval.who == who);
        if let Some(approval) = known {
            *approval.word_mut(right) = Some(word);
            return Ok(());
        }
        if self.0.len() >= APPROVED_MAX {
            let why = format!("{APPROVED_MAX} accounts are approved at most: revoke another");
            return Err(StdError::generic_err(why));
        }
        let mut approval = Approval {
            who,
            view_owner: None,
            view_private_metadata: None,
            transfer: None,
        };
        *approval.word_mut(right) = Some(word);
        self.0.push(approval);
        Ok(())
    }

    /// Forgets accounts of which nothing holds that was granted.
    pub fn forget_what_is_over(&mut self, block: &BlockInfo) {
        self.0.retain(|approval| {
            let rights = [
                Right::ViewOwner,
                Right::ViewPrivateMetadata,
                Right::Transfer,
            ];
            // A denial is kept: it stands against what was granted for all, or for a token before.
            rights.iter().any(|right| {
                let word = approval.word(*right);
                word.is_some_and(|word| word.until.is_none_or(|until| !until.has_come(block)))
            })
        });
    }
}

/// Until when an account has a right by what was said of it (of everybody, if `who` is absent), for a token and for all tokens.
#[must_use]
pub fn granted(
    token: &Approvals,
    all: &Approvals,
    who: Option<&Addr>,
    right: Right,
    block: &BlockInfo,
) -> Option<Expiration> {
    let of_token = token.of(who, right);
    let of_all = all.of(who, right);
    let live = |word: &Word| word.until.filter(|until| !until.has_come(block));
    match (of_token, of_all) {
        (Some(one), Some(all)) if all.number > one.number => live(all),
        // Denied for this token, whatever holds for all.
        (Some(one), _) if one.until.is_none() => None,
        (Some(one), all) => live(one).or_else(|| all.and_then(live)),
        (None, all) => all.and_then(live),
    }
}

#[cfg(test)]
mod tests {
    use cosmwasm_std::testing::mock_env;

    use super::*;

    const RIGHT: Right = Right::Transfer;

    fn said(words: &[(u64, Option<Expiration>)]) -> Approvals {
        let mut approvals = Approvals::default();
        for (number, until) in words {
            let word = Word {
                until: *until,
                number: *number,
            };
            let who = Some(Addr::unchecked("bob"));
            approvals.say(who, RIGHT, word).unwrap();
        }
        approvals
    }

    fn has(token: &Approvals, all: &Approvals) -> bool {
        let bob = Addr::unchecked("bob");
        let block = mock_env().block;
        granted(token, all, Some(&bob), RIGHT, &block).is_some()
    }

    #[test]
    fn what_is_said_of_a_token_goes_first_and_what_is_said_later_of_all_goes_before_it() {
        let never = Some(Expiration::Never);
        let past = Some(Expiration::AtHeight(1));
        let none = said(&[]);
        assert!(!has(&none, &none));
        assert!(has(&said(&[(1, never)]), &none));
        assert!(has(&none, &said(&[(1, never)])));
        assert!(
            !has(&said(&[(2, None)]), &said(&[(1, never)])),
            "denied for one"
        );
        assert!(
            has(&said(&[(1, None)]), &said(&[(2, never)])),
            "granted for all later"
        );
        assert!(
            !has(&said(&[(1, never)]), &said(&[(2, None)])),
            "denied for all later"
        );
        assert!(
            has(&said(&[(2, never)]), &said(&[(1, None)])),
            "granted for one later"
        );
        assert!(!has(&said(&[(1, past)]), &none), "over");
        assert!(
            has(&said(&[(2, past)]), &said(&[(1, never)])),
            "over for one, not for all"
        );
    }

    #[test]
    fn nobody_is_approved_without_end_and_what_is_over_makes_room() {
        let mut approvals = Approvals::default();
        let word = |until| Word { until, number: 1 };
        let say = |approvals: &mut Approvals, n: usize, until| {
            approvals.say(Some(Addr::unchecked(format!("a{n}"))), RIGHT, word(until))
        };
        for n in 0..APPROVED_MAX {
            say(&mut approvals, n, Some(Expiration::AtHeight(1))).unwrap();
        }
        assert!(say(&mut approvals, 99, Some(Expiration::Never)).is_err());
        say(&mut approvals, 0, None).unwrap();
        approvals.forget_what_is_over(&mock_env().block);
        assert_eq!(approvals.0.len(), 1, "the denial stays");
        say(&mut approvals, 99, Some(Expiration::Never)).unwrap();
    }
}
