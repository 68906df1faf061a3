//! How much gas a transaction is given.

use crate::types::Gas;
use crate::types::proto::Any;

/// What is added to an estimate, in percent: between the estimate and the block others write, too.
pub const MARGIN_PERCENT: u64 = 10;

/// The highest estimate that is believed of any transaction: an upload of 2 MiB takes half of it. A fee follows from the estimate, and a node that
/// lies could ask for all coins.
const ESTIMATE_MAX: Gas = 50_000_000;
/// Of a short one, and what each byte adds: many times what messages take that do something for their bytes.
const SHORT_ESTIMATE_MAX: Gas = 2_000_000;
const BYTE_ESTIMATE_MAX: Gas = 200;

/// The highest estimate that is believed of a transaction with so many bytes.
pub(super) fn estimate_max(bytes: usize) -> Gas {
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
pub(super) fn guess(messages: &[Any]) -> Option<Estimate> {
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
