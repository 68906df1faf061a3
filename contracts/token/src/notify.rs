//! Notifications of a token (SNIP-52): who received, spent, or may spend. What one message moves is told once, as a sum.
//!
//! A batch tells those who received by one attribute, and a batch by allowance those who spent by another: so nobody sees how many they
//! were. An attribute has a limit; who is beyond it is told alone.

use cosmwasm_std::{Addr, Api, Attribute, CanonicalAddr, Env, StdResult, Storage};
use snip::notification::{noise, notify, Packet, Pending, Values};
use storage::Item;

use crate::channels::{ALLOWANCE, MANY_RECEIVED, MANY_SPENT, RECEIVED, SPENT};
use crate::ledger;
use crate::msg::ExecuteMsg;

/// Every call has this many attributes at least, those of a transfer: what is missing is noise.
const ATTRIBUTES_LEAST: u8 = 2;

/// Whether anybody is notified.
pub static ENABLED: Item<bool> = Item::new("notifications_enabled");

/// What one message did, of which somebody is to be told.
pub struct Happened {
    moves: Vec<Move>,
    allowance: Option<NewAllowance>,
    tells_receivers_together: bool,
    tells_owners_together: bool,
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

/// What is told in the end.
struct Told<'a> {
    storage: &'a mut dyn Storage,
    api: &'a dyn Api,
    env: &'a Env,
    attributes: Vec<Attribute>,
    receivers: Option<Pending>,
    owners: Option<Pending>,
}

impl Happened {
    /// Nothing yet, by this message.
    pub fn by(message: &ExecuteMsg) -> Self {
        let by_allowance = matches!(
            message,
            ExecuteMsg::BatchTransferFrom { .. }
                | ExecuteMsg::BatchSendFrom { .. }
                | ExecuteMsg::BatchBurnFrom { .. }
        );
        let own = matches!(
            message,
            ExecuteMsg::BatchTransfer { .. }
                | ExecuteMsg::BatchSend { .. }
                | ExecuteMsg::BatchMint { .. }
        );
        Happened {
            moves: Vec::new(),
            allowance: None,
            tells_receivers_together: own || by_allowance,
            tells_owners_together: by_allowance,
        }
    }

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
        if !ENABLED.load(storage)? {
            return Ok(Vec::new());
        }
        let mut told = Told {
            storage,
            api,
            env,
            attributes: Vec::new(),
            receivers: self.tells_receivers_together.then(|| MANY_RECEIVED.begin()),
            owners: self.tells_owners_together.then(|| MANY_SPENT.begin()),
        };
        for (at, first) in self.moves.iter().enumerate() {
            let (before, rest) = (&self.moves[..at], &self.moves[at..]);
            let spent_before = before.iter().any(|m| m.is_spent && m.from == first.from);
            if first.is_spent && !spent_before {
                let of_owner = rest.iter().filter(|m| m.is_spent && m.from == first.from);
                told.owner(first, &of_owner.collect::<Vec<_>>())?;
            }
            let Some(to) = &first.to else { continue };
            if !before.iter().any(|m| m.to.as_ref() == Some(to)) {
                let to_it = rest.iter().filter(|m| m.to.as_ref() == Some(to));
                told.receiver(to, first, sum(&to_it.collect::<Vec<_>>()))?;
            }
        }
        if let Some(new) = &self.allowance {
            told.spender(new)?;
        }
        told.finish()
    }
}

impl Told<'_> {
    fn canonical(&self, account: &Addr) -> StdResult<CanonicalAddr> {
        self.api.addr_canonicalize(account.as_str())
    }

    /// Whose tokens went.
    fn owner(&mut self, first: &Move, moves: &[&Move]) -> StdResult<()> {
        let (amount, owner) = (sum(moves), &first.from);
        let balance = ledger::balance(self.storage, owner)?;
        let recipient = first.to.as_ref().unwrap_or(&self.env.contract.address);
        let recipient = self.canonical(recipient)?;
        if let Some(group) = self.owners.as_mut().filter(|group| !group.is_full()) {
            let packet = Packet::default().amount(amount).address_end(&recipient);
            let packet = packet.amount(balance);
            return group.tell(self.storage, self.api, self.env, owner, packet);
        }
        let values = Values::list(4)
            .amount(amount)
            .number(moves.len().min(255) as u64)
            .address(&recipient)
            .amount(balance);
        let told = notify(self.storage, self.api, self.env, SPENT, owner, values)?;
        self.attributes.extend(told);
        Ok(())
    }

    /// Who has tokens now.
    fn receiver(&mut self, account: &Addr, first: &Move, amount: u128) -> StdResult<()> {
        let from = self.canonical(&first.from)?;
        if let Some(group) = self.receivers.as_mut().filter(|group| !group.is_full()) {
            let packet = Packet::default().amount(amount).address_end(&from);
            let packet = packet.byte(first.memo_bytes);
            return group.tell(self.storage, self.api, self.env, account, packet);
        }
        let values = Values::list(3)
            .amount(amount)
            .address(&from)
            .number(first.memo_bytes.min(255) as u64);
        let told = notify(self.storage, self.api, self.env, RECEIVED, account, values)?;
        self.attributes.extend(told);
        Ok(())
    }

    /// Who may spend.
    fn spender(&mut self, new: &NewAllowance) -> StdResult<()> {
        let values = Values::list(3)
            .amount(new.amount)
            .address(&self.canonical(&new.owner)?)
            .number(new.expiration);
        let (api, env) = (self.api, self.env);
        let told = notify(self.storage, api, env, ALLOWANCE, &new.spender, values)?;
        self.attributes.extend(told);
        Ok(())
    }

    fn finish(self) -> StdResult<Vec<Attribute>> {
        let mut told = self.attributes;
        let groups = [self.receivers, self.owners];
        let later = groups.iter().flatten().count();
        // Groups are the last in every call: their place tells nothing, either.
        for number in 0..ATTRIBUTES_LEAST {
            if told.len() + later < ATTRIBUTES_LEAST.into() {
                told.extend(noise(self.storage, self.env, number)?);
            }
        }
        for group in groups.into_iter().flatten() {
            told.extend(group.finish(self.storage, self.env)?);
        }
        Ok(told)
    }
}

fn sum(moves: &[&Move]) -> u128 {
    moves
        .iter()
        .fold(0, |sum, m| u128::saturating_add(sum, m.amount))
}
