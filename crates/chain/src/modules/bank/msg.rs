//! The messages of the bank. Their fields are checked at delivery only, as in the protocol (wire.md 1.12.1): signer
//! fields aside, a broken `MsgSend` passes CheckTx and pays for itself.

use super::error as bank;
use super::event;
use super::keeper::{self, check_recipient, check_send_enabled, credit, debit, send};
use crate::Ctx;
use crate::error::Stop;
use crate::module::TxMsg;
use crate::modules::auth;
use crate::types::address::AddressError;
use crate::types::coin::{COINS_LEN_MAX, is_wire_amount};
use crate::types::error::sdk;
use crate::types::proto::cosmos::bank::v1beta1 as pb;
use crate::types::proto::cosmos::base::v1beta1::Coin;
use crate::types::tx::parse_error;
use crate::types::{Address, Coins, TxError};
use std::collections::BTreeMap;

impl TxMsg for pb::MsgSend {
    type Response = pb::MsgSendResponse;

    fn validate_basic(&self) -> Result<(), TxError> {
        check_amounts(&self.amount)
    }

    fn set_aside(&self, ctx: &mut Ctx) -> Result<(), Stop> {
        if self.from_address == self.to_address {
            return Ok(());
        }
        set_aside(ctx, &self.from_address, &self.amount)
    }

    fn run(self, ctx: &mut Ctx) -> Result<Self::Response, Stop> {
        let msg = Send::try_from(self)?;
        check_send_enabled(ctx, &msg.amount)?;
        check_recipient(&msg.to)?;
        send(ctx, &msg.from, &msg.to, &msg.amount)?;
        Ok(pb::MsgSendResponse {})
    }
}

impl TxMsg for pb::MsgMultiSend {
    type Response = pb::MsgMultiSendResponse;

    fn validate_basic(&self) -> Result<(), TxError> {
        check_amounts(self.inputs.iter().flat_map(|i| &i.coins))?;
        check_amounts(self.outputs.iter().flat_map(|o| &o.coins))
    }

    fn set_aside(&self, ctx: &mut Ctx) -> Result<(), Stop> {
        match self.inputs.first() {
            Some(input) => set_aside(ctx, &input.address, &input.coins),
            None => Ok(()),
        }
    }

    /// One input, many outputs.
    fn run(self, ctx: &mut Ctx) -> Result<Self::Response, Stop> {
        let msg = MultiSend::try_from(self)?;
        check_send_enabled(ctx, &msg.total)?;
        for (to, _) in &msg.outputs {
            check_recipient(to)?;
        }
        debit(ctx, &msg.from, &msg.total)?;
        ctx.emit(event::coin_spent(&msg.from, &msg.total));
        ctx.emit(event::message(&msg.from));
        for (to, amount) in &msg.outputs {
            auth::keeper::ensure_account(ctx, to)?;
            credit(ctx, to, amount)?;
            ctx.emit(event::coin_received(to, amount));
            ctx.emit(event::transfer(to, &msg.from, amount));
        }
        Ok(pb::MsgMultiSendResponse {})
    }
}

/// A message that will fail by its own form takes nothing.
fn set_aside(ctx: &mut Ctx, from: &str, coins: &[Coin]) -> Result<(), Stop> {
    match (from.parse(), Coins::from_proto_list(coins)) {
        (Ok(from), Ok(coins)) => keeper::set_aside(ctx, &from, &coins),
        _ => Ok(()),
    }
}

/// What is shown of an amount that cannot be read: as much as the largest has digits.
const AMOUNT_CHARS_SHOWN: usize = 78;

/// Amounts that are no integers of 256 bits do not decode; which integers are taken is for delivery to say.
fn check_amounts<'a>(coins: impl IntoIterator<Item = &'a Coin>) -> Result<(), TxError> {
    for coin in coins {
        let digits = coin.amount.strip_prefix('-').unwrap_or(&coin.amount);
        if !is_wire_amount(digits) {
            // Quoted short: escapes would make it five times as long as it came.
            let shown: String = coin.amount.chars().take(AMOUNT_CHARS_SHOWN).collect();
            return Err(parse_error(format!("cannot read amount {shown:?}")));
        }
    }
    Ok(())
}

/// A checked `MsgSend`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Send {
    /// Payer.
    from: Address,
    /// Recipient.
    to: Address,
    /// Not empty.
    amount: Coins,
}

/// A checked `MsgMultiSend`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct MultiSend {
    /// Payer.
    from: Address,
    /// Sum of the outputs.
    total: Coins,
    /// Recipients in order, at least one.
    outputs: Vec<(Address, Coins)>,
}

impl TryFrom<pb::MsgSend> for Send {
    type Error = TxError;

    fn try_from(m: pb::MsgSend) -> Result<Self, TxError> {
        let from = address(&m.from_address, "from")?;
        let to = address(&m.to_address, "to")?;
        Ok(Self {
            from,
            to,
            amount: Coins::from_proto_list_nonempty(&m.amount)?,
        })
    }
}

impl TryFrom<pb::MsgMultiSend> for MultiSend {
    type Error = TxError;

    fn try_from(m: pb::MsgMultiSend) -> Result<Self, TxError> {
        let mut inputs = m.inputs.into_iter();
        let input = inputs.next().ok_or_else(|| bank::NO_INPUTS.bare())?;
        if inputs.next().is_some() {
            return Err(bank::MULTIPLE_SENDERS.bare());
        }
        if m.outputs.is_empty() {
            return Err(bank::NO_OUTPUTS.bare());
        }
        let from = address(&input.address, "input")?;
        let total = Coins::from_proto_list_nonempty(&input.coins)?;
        let mut outputs = Vec::new();
        let mut sum: BTreeMap<String, u128> = BTreeMap::new();
        for output in m.outputs {
            let to = address(&output.address, "output")?;
            let amount = Coins::from_proto_list_nonempty(&output.coins)?;
            for coin in amount.iter() {
                let of_denom = sum.entry(coin.denom.clone()).or_default();
                *of_denom = of_denom.saturating_add(coin.amount);
            }
            if sum.len() > COINS_LEN_MAX {
                return Err(bank::INPUT_OUTPUT_MISMATCH.bare());
            }
            outputs.push((to, amount));
        }
        if !total.iter().map(|c| (&c.denom, &c.amount)).eq(&sum) {
            return Err(bank::INPUT_OUTPUT_MISMATCH.bare());
        }
        Ok(Self {
            from,
            total,
            outputs,
        })
    }
}

fn address(text: &str, what: &str) -> Result<Address, TxError> {
    text.parse().map_err(|e: AddressError| {
        sdk::INVALID_ADDRESS.wrap(format!("invalid {what} address: {e}"))
    })
}
