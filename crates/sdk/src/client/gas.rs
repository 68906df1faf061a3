//! How much gas a transaction is given.

use super::{Client, Error, Transport};
use crate::keys::Account;
use crate::tx::{TxBuilder, Unsigned};
use crate::types::Gas;
use crate::types::proto::Any;
use crate::types::proto::cosmos::tx::v1beta1::{SimulateRequest, SimulateResponse};
use crate::types::public_key::{Multisig, PublicKey};

/// What is added to an estimate, in percent: between the estimate and the block others write, too.
pub const MARGIN_PERCENT: u64 = 10;

/// The highest estimate that is believed of any transaction: an upload of 2 MiB takes half of it. A fee follows from the estimate, and a node that
/// lies could ask for all coins.
const ESTIMATE_MAX: Gas = 50_000_000;
/// Of a short one, and what each byte adds: many times what messages take that do something for their bytes.
const SHORT_ESTIMATE_MAX: Gas = 2_000_000;
const BYTE_ESTIMATE_MAX: Gas = 200;

/// The highest estimate that is believed of a transaction with so many bytes.
fn estimate_max(bytes: usize) -> Gas {
    let bytes = Gas::try_from(bytes).unwrap_or(Gas::MAX);
    let length = bytes.saturating_mul(BYTE_ESTIMATE_MAX);
    SHORT_ESTIMATE_MAX.saturating_add(length).min(ESTIMATE_MAX)
}

/// Gas of contract messages, which no node of today can estimate: it cannot open them (docs/adr/0006). What the clients of the ecosystem give.
const GUESSES: [(&str, Gas); 3] = [
    ("/secret.compute.v1beta1.MsgExecuteContract", 300_000),
    ("/secret.compute.v1beta1.MsgInstantiateContract", 500_000),
    ("/secret.compute.v1beta1.MsgMigrateContract", 500_000),
];
/// Gas of another message in a transaction that cannot be estimated.
const OTHER: Gas = 100_000;

/// How much gas a transaction needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Estimate {
    /// A node ran it.
    Simulated {
        /// What it used there.
        used: Gas,
    },
    /// It calls contracts, so nobody can tell: what such messages are usually given.
    Guessed {
        /// The sum over its messages.
        limit: Gas,
    },
}

impl Estimate {
    /// The limit to give: an estimate with [`MARGIN_PERCENT`] more.
    #[must_use]
    pub const fn limit(self) -> Gas {
        match self {
            Self::Simulated { used } => {
                used.saturating_add(used.saturating_mul(MARGIN_PERCENT).div_ceil(100))
            }
            Self::Guessed { limit } => limit,
        }
    }
}

/// What these messages are usually given, if one of them calls a contract.
fn guess(messages: &[Any]) -> Option<Estimate> {
    let guess = |message: &Any| {
        let mut known = GUESSES.iter();
        known
            .find(|(url, _)| message.type_url == *url)
            .map(|(_, gas)| *gas)
    };
    messages.iter().any(|m| guess(m).is_some()).then(|| {
        let each = messages.iter().map(|m| guess(m).unwrap_or(OTHER));
        let limit = each.fold(0, Gas::saturating_add);
        Estimate::Guessed { limit }
    })
}

impl<T: Transport> Client<T> {
    /// How much gas a transaction of this account needs. A transaction that would fail is refused with the chain's text.
    ///
    /// # Errors
    /// [`Error::Query`]; as [`Client::position`].
    pub async fn estimate(&mut self, account: &Account, tx: &TxBuilder) -> Result<Estimate, Error> {
        if let Some(guess) = guess(tx.messages()) {
            return Ok(guess);
        }
        let position = self.position(&account.address()).await?;
        let unsigned = tx.unsigned(&account.public_key(), position.sequence);
        let used = self.simulate(unsigned).await?;
        Ok(Estimate::Simulated { used })
    }

    /// As [`Client::estimate`], of a multisig's transaction that no more members sign than must.
    ///
    /// # Errors
    /// As [`Client::estimate`].
    pub async fn estimate_multisig(
        &mut self,
        key: &Multisig,
        tx: &TxBuilder,
    ) -> Result<Estimate, Error> {
        if let Some(guess) = guess(tx.messages()) {
            return Ok(guess);
        }
        let address = PublicKey::Multisig(key.clone()).address();
        let position = self.position(&address).await?;
        let threshold = usize::try_from(key.threshold()).unwrap_or(usize::MAX);
        let signed = (0..key.keys().len()).map(|n| (n < threshold).then_some([0; 64]));
        let signed: Vec<_> = signed.collect();
        let bytes = tx.multisigned(key, position.sequence, &signed);
        let used = self.simulate_bytes(bytes).await?;
        Ok(Estimate::Simulated { used })
    }

    /// The gas that a transaction would use. Of one that calls contracts a node cannot tell.
    ///
    /// # Errors
    /// [`Error::Query`] with the text of the transaction that would fail.
    pub async fn simulate(&mut self, unsigned: Unsigned) -> Result<Gas, Error> {
        self.simulate_bytes(unsigned.for_simulation()).await
    }

    async fn simulate_bytes(&mut self, tx_bytes: Vec<u8>) -> Result<Gas, Error> {
        let most = estimate_max(tx_bytes.len());
        let request = SimulateRequest {
            tx_bytes,
            ..SimulateRequest::default()
        };
        let path = "/cosmos.tx.v1beta1.Service/Simulate";
        let answer: SimulateResponse = self.query_own(path, &request).await?;
        let info = answer.gas_info.ok_or(Error::Form {
            method: "Simulate",
            field: "gas_info",
        })?;
        if info.gas_used > most {
            return Err(Error::Form {
                method: "Simulate",
                field: "gas_used: no such transaction takes so much",
            });
        }
        Ok(info.gas_used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::proto::cosmos::bank::v1beta1::MsgSend;
    use crate::types::proto::pack;
    use crate::types::proto::secret::compute::v1beta1::MsgExecuteContract;

    #[test]
    fn an_estimate_gets_a_tenth_more_and_a_guess_is_the_sum_over_the_messages() {
        assert_eq!(Estimate::Simulated { used: 7_401 }.limit(), 8_142);
        let send = pack(&MsgSend::default());
        assert_eq!(guess(std::slice::from_ref(&send)), None);
        let execute = pack(&MsgExecuteContract::default());
        let guessed = guess(&[execute.clone(), send, execute]).unwrap();
        assert_eq!(guessed.limit(), 700_000);
    }
}
