//! The messages of the bank. Their fields are checked at delivery only, as in the protocol (wire.md 1.12.1): signer
//! fields aside, a broken `MsgSend` passes CheckTx and pays for itself.

use crate::types::error::{bank, sdk};
use crate::types::proto::cosmos::bank::v1beta1 as pb;
use crate::types::{Address, Coins, TxError};

/// A checked `MsgSend`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Send {
    /// Payer.
    pub from: Address,
    /// Recipient.
    pub to: Address,
    /// Not empty.
    pub amount: Coins,
}

/// A checked `MsgMultiSend`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MultiSend {
    /// Payer.
    pub from: Address,
    /// What it pays: the sum of the outputs.
    pub total: Coins,
    /// Recipients in order, at least one.
    pub outputs: Vec<(Address, Coins)>,
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
        let mut sum = Coins::default();
        for output in m.outputs {
            let to = address(&output.address, "output")?;
            let amount = Coins::from_proto_list_nonempty(&output.coins)?;
            sum = sum
                .saturating_add(&amount)
                .ok_or_else(|| bank::INPUT_OUTPUT_MISMATCH.bare())?;
            outputs.push((to, amount));
        }
        if sum != total {
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
    text.parse()
        .map_err(|e| sdk::INVALID_ADDRESS.wrap(format!("invalid {what} address: {e}")))
}
