//! Notifications of a token (SNIP-52): who received, spent, or may spend. What one message moves is told once, as a sum.

use cosmwasm_std::{Addr, Api, Attribute, Env, StdResult, Storage};
use snip::notification::{noise, notify, Channel, Values};
use storage::Item;

use crate::ledger;

/// Tokens came.
pub const RECEIVED: Channel = Channel {
    name: "recvd",
    cddl: "recvd=[amount:biguint .size 8,sender:bstr .size 20,memo_len:uint .size 1]",
};
/// Tokens went.
pub const SPENT: Channel = Channel {
    name: "spent",
    cddl: "spent=[amount:biguint .size 8,actions:uint .size 1,recipient:bstr .size 20,balance:biguint .size 8]",
};
/// Somebody gave an allowance, or changed it.
pub const ALLOWANCE: Channel = Channel {
    name: "allowance",
    cddl: "allowance=[amount:biguint .size 8,allower:bstr .size 20,expiration:uint .size 8]",
};
/// All channels.
pub const CHANNELS: [Channel; 3] = [RECEIVED, SPENT, ALLOWANCE];

/// Every call has this many attributes at least, those of a transfer: what is missing is noise.
const ATTRIBUTES_LEAST: u8 = 2;

/// Whether anybody is notified.
pub static ENABLED: Item<bool> = Item::new("notifications_enabled");

/// What one message did, of which somebody is to be told.
#[derive(Default)]
pub struct Happened {
    moves: Vec<Move>,
    allowance: Option<NewAllowance>,
}

struct Move {
    from: Addr,
    to: Option<Addr>,
    is_spent: bool,
    amount: u128,
    memo_bytes: usize,
}

struct NewAllowance {
    owner: Addr,
    spender: Addr,
    amount: u128,
    expiration: u64,
}

impl Happened {
    /// Tokens of `from` went to somebody.
    pub fn moved(&mut self, from: &Addr, to: &Addr, amount: u128, memo: Option<&str>) {
        self.add(from, Some(to), true, amount, memo);
    }

    /// Tokens were made by `minter` for somebody.
    pub fn made(&mut self, minter: &Addr, to: &Addr, amount: u128, memo: Option<&str>) {
        self.add(minter, Some(to), false, amount, memo);
    }

    /// Tokens of `owner` were destroyed.
    pub fn destroyed(&mut self, owner: &Addr, amount: u128, memo: Option<&str>) {
        self.add(owner, None, true, amount, memo);
    }

    /// An allowance is now this.
    pub fn allowed(&mut self, owner: &Addr, spender: &Addr, amount: u128, end: Option<u64>) {
        self.allowance = Some(NewAllowance {
            owner: owner.clone(),
            spender: spender.clone(),
            amount,
            expiration: end.unwrap_or_default(),
        });
    }

    fn add(
        &mut self,
        from: &Addr,
        to: Option<&Addr>,
        is_spent: bool,
        amount: u128,
        memo: Option<&str>,
    ) {
        self.moves.push(Move {
            from: from.clone(),
            to: to.cloned(),
            is_spent,
            amount,
            memo_bytes: memo.unwrap_or_default().len(),
        });
    }

    /// The attributes that tell it.
    pub fn tell(
        self,
        storage: &mut dyn Storage,
        api: &dyn Api,
        env: &Env,
    ) -> StdResult<Vec<Attribute>> {
        let mut told = Vec::new();
        if !ENABLED.load(storage)? {
            return Ok(told);
        }
        let canonical = |account: &Addr| api.addr_canonicalize(account.as_str());
        for (at, first) in self.moves.iter().enumerate() {
            let (before, rest) = (&self.moves[..at], &self.moves[at..]);
            let spent_before = before.iter().any(|m| m.is_spent && m.from == first.from);
            if first.is_spent && !spent_before {
                let of_owner: Vec<_> = rest
                    .iter()
                    .filter(|m| m.is_spent && m.from == first.from)
                    .collect();
                let balance = ledger::balance(storage, &first.from)?;
                let recipient = first.to.as_ref().unwrap_or(&env.contract.address);
                let values = Values::list(4)
                    .amount(sum(&of_owner))
                    .number(of_owner.len().min(255) as u64)
                    .address(&canonical(recipient)?)
                    .amount(balance);
                told.extend(notify(storage, api, env, SPENT, &first.from, values)?);
            }
            let Some(to) = &first.to else { continue };
            if before.iter().any(|m| m.to.as_ref() == Some(to)) {
                continue;
            }
            let to_it: Vec<_> = rest.iter().filter(|m| m.to.as_ref() == Some(to)).collect();
            let values = Values::list(3)
                .amount(sum(&to_it))
                .address(&canonical(&first.from)?)
                .number(first.memo_bytes.min(255) as u64);
            told.extend(notify(storage, api, env, RECEIVED, to, values)?);
        }
        if let Some(new) = &self.allowance {
            let values = Values::list(3)
                .amount(new.amount)
                .address(&canonical(&new.owner)?)
                .number(new.expiration);
            told.extend(notify(storage, api, env, ALLOWANCE, &new.spender, values)?);
        }
        for number in 0..ATTRIBUTES_LEAST {
            if told.len() < ATTRIBUTES_LEAST.into() {
                told.extend(noise(storage, env, number)?);
            }
        }
        Ok(told)
    }
}

fn sum(moves: &[&Move]) -> u128 {
    moves
        .iter()
        .fold(0, |sum, m| u128::saturating_add(sum, m.amount))
}
