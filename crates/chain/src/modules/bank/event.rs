//! Events of the bank (wire.md 1.13.1). An amount is the whole list of coins, never split per denomination.

use crate::ctx::event_of;
use crate::types::{Address, Coins, Event};

/// A debit.
#[must_use]
pub fn coin_spent(spender: &Address, amount: &Coins) -> Event {
    event_of(
        "coin_spent",
        [
            ("spender", spender.to_string()),
            ("amount", amount.to_string()),
        ],
    )
}

/// A credit.
#[must_use]
pub fn coin_received(receiver: &Address, amount: &Coins) -> Event {
    event_of(
        "coin_received",
        [
            ("receiver", receiver.to_string()),
            ("amount", amount.to_string()),
        ],
    )
}

/// A move from account to account, after both of the above.
#[must_use]
pub fn transfer(recipient: &Address, sender: &Address, amount: &Coins) -> Event {
    event_of(
        "transfer",
        [
            ("recipient", recipient.to_string()),
            ("sender", sender.to_string()),
            ("amount", amount.to_string()),
        ],
    )
}

/// The sender's event: after `transfer` of a single send, after `coin_spent` of a multi-send.
#[must_use]
pub fn message(sender: &Address) -> Event {
    event_of("message", [("sender", sender.to_string())])
}
