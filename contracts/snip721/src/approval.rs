//! Who may see or move a token: its owner, and whom the owner approved, for one token or for all, by name or everybody.
//!
//! What is said of one token goes before what was said of all, unless all was said later. What was said of a token ends with its
//! transfer; what was said of all belongs to the owner, and holds for what comes later too.
//!
//! Lists are bounded, so they keep what was granted, and of denials those that still deny something. An account that was denied all is none of a list: the
//! number of that word is kept apart ([`Denied`]), and voids what was said of single tokens before.

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
    /// Who granted it, if not the owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lent: Option<Lent>,
}

/// By whom a right was granted that is not its own, and by which word of the owner it could. With that word ends what was lent by it.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Lent {
    /// Who may move all tokens of the owner.
    pub by: Addr,
    /// Number of the word by which it may.
    pub word: u64,
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

/// Numbers of the last words that denied an account all tokens of an owner; 0 for none.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Denied {
    view_owner: u64,
    view_private_metadata: u64,
    transfer: u64,
}

impl Denied {
    /// Sets the number of the word about a right.
    pub fn set(&mut self, right: Right, number: u64) {
        *match right {
            Right::ViewOwner => &mut self.view_owner,
            Right::ViewPrivateMetadata => &mut self.view_private_metadata,
            Right::Transfer => &mut self.transfer,
        } = number;
    }

    fn of(&self, right: Right) -> u64 {
        match right {
            Right::ViewOwner => self.view_owner,
            Right::ViewPrivateMetadata => self.view_private_metadata,
            Right::Transfer => self.transfer,
        }
    }
}

const RIGHTS: [Right; 3] = [
    Right::ViewOwner,
    Right::ViewPrivateMetadata,
    Right::Transfer,
];

impl Approvals {
    /// What was said of this account, or of everybody.
    pub fn of(&self, who: Option<&Addr>, right: Right) -> Option<&Word> {
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
        // Everybody has a place of its own.
        let named = self.0.iter().filter(|approval| approval.who.is_some());
        if who.is_some() && named.count() >= APPROVED_MAX {
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

    /// Forgets what is over, and denials of a token that stand against nothing that was granted for all. Of all tokens (`all` is absent), what everybody
    /// was denied is kept: it stands against what was granted for tokens before.
    pub fn forget_what_is_over(&mut self, all: Option<&Approvals>, block: &BlockInfo) {
        let is_live = |word: &Word| word.until.is_some_and(|until| !until.has_come(block));
        self.keep(|who, right, word| {
            let denies = match all {
                Some(all) => all.of(who, right).is_some_and(is_live),
                None => who.is_none(),
            };
            is_live(word) || word.until.is_none() && denies
        });
    }

    /// Takes back what an account was granted.
    pub fn take_back(&mut self, account: &Addr, right: Right) {
        self.keep(|who, of, _| who != Some(account) || of != right);
    }

    /// Forgets what was said of accounts before they were denied all.
    pub fn forget_what_was_denied(
        &mut self,
        denied: impl Fn(&Addr) -> StdResult<Denied>,
    ) -> StdResult<()> {
        let mut of_accounts = Vec::new();
        for approval in &self.0 {
            if let Some(who) = &approval.who {
                of_accounts.push((who.clone(), denied(who)?));
            }
        }
        self.keep(|who, right, word| {
            let of_account = of_accounts.iter().find(|(account, _)| Some(account) == who);
            of_account.is_none_or(|(_, denied)| word.number > denied.of(right))
        });
        Ok(())
    }

    /// Whether somebody other than the owner granted anything.
    pub fn has_lent(&self) -> bool {
        let words = |a: &Approval| {
            RIGHTS
                .iter()
                .any(|r| a.word(*r).is_some_and(|w| w.lent.is_some()))
        };
        self.0.iter().any(words)
    }

    /// Forgets what was lent by who may not lend it any more: since then, the owner said something else of it and all tokens, or it was denied this one.
    pub fn forget_what_is_lent_no_more(&mut self, all: &Approvals) {
        let said = self.clone();
        self.keep(|_, right, word| {
            let Some(Lent { by, word: number }) = &word.lent else {
                return true;
            };
            let may = all.of(Some(by), right).is_some_and(|w| w.number == *number);
            let denied = |w: &Word| w.until.is_none() && w.number > word.number;
            may && !said.of(Some(by), right).is_some_and(denied)
        });
    }

    /// Forgets the words for which this is false, and accounts of which nothing is left.
    fn keep(&mut self, is_kept: impl Fn(Option<&Addr>, Right, &Word) -> bool) {
        for approval in &mut self.0 {
            for right in RIGHTS {
                let who = approval.who.as_ref();
                let is_over = approval
                    .word(right)
                    .is_some_and(|w| !is_kept(who, right, w));
                if is_over {
                    *approval.word_mut(right) = None;
                }
            }
        }
        self.0
            .retain(|approval| RIGHTS.iter().any(|right| approval.word(*right).is_some()));
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
        (Some(one), Some(all)) if all.number > one.number => {
            let before = || live(one).filter(|_| all.until.is_some());
            live(all).or_else(before)
        }
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
                lent: None,
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
        assert!(
            has(&said(&[(1, never)]), &said(&[(2, past)])),
            "over for all, not for one"
        );
    }

    #[test]
    fn what_is_over_makes_room_and_a_denial_stays_where_it_denies_something() {
        let never = Some(Expiration::Never);
        let block = mock_env().block;
        let mut approvals = Approvals::default();
        let word = |until| Word {
            until,
            number: 1,
            lent: None,
        };
        let account = |n: usize| Some(Addr::unchecked(format!("a{n}")));
        for n in 0..APPROVED_MAX {
            let until = Some(Expiration::AtHeight(1));
            approvals.say(account(n), RIGHT, word(until)).unwrap();
        }
        assert!(approvals.say(account(99), RIGHT, word(never)).is_err());
        approvals.say(None, RIGHT, word(never)).unwrap();
        approvals.say(account(0), RIGHT, word(None)).unwrap();
        approvals.say(account(1), RIGHT, word(None)).unwrap();
        let mut all = Approvals::default();
        all.say(account(1), RIGHT, word(never)).unwrap();
        approvals.forget_what_is_over(Some(&all), &block);
        let left: Vec<_> = approvals.0.iter().map(|a| a.who.clone()).collect();
        assert_eq!(left, [account(1), None]);

        let mut all = Approvals::default();
        all.say(None, RIGHT, word(None)).unwrap();
        all.forget_what_is_over(None, &block);
        assert_eq!(all.0.len(), 1, "what everybody was denied stays");
    }

    #[test]
    fn an_account_that_was_denied_all_keeps_nothing_that_was_said_before() {
        let never = Some(Expiration::Never);
        let bob = Addr::unchecked("bob");
        let mut token = said(&[(1, never)]);
        let seen = Word {
            until: never,
            number: 3,
            lent: None,
        };
        token
            .say(Some(bob.clone()), Right::ViewOwner, seen)
            .unwrap();
        let mut denied = Denied::default();
        denied.set(RIGHT, 2);
        denied.set(Right::ViewOwner, 2);
        token.forget_what_was_denied(|_| Ok(denied)).unwrap();
        assert!(!has(&token, &Approvals::default()));
        assert_eq!(token.0.len(), 1, "what was said later stays");
        token.take_back(&bob, Right::ViewOwner);
        assert!(token.0.is_empty());
    }
}
