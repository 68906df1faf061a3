//! How much gas a transaction is given.

use super::{Author, Client, Error, Included, Opened, Proven, Transport};
use crate::keys::Account;
use crate::message::Sealer;
use crate::tx::{TxBuilder, Unsigned};
use crate::types::proto::Any;
use crate::types::proto::cosmos::consensus::v1::{QueryParamsRequest, QueryParamsResponse};
use crate::types::proto::cosmos::tx::v1beta1::{SimulateRequest, SimulateResponse};
use crate::types::proto::tendermint::abci::{Event as AbciEvent, EventAttribute};
use crate::types::public_key::{Multisig, PublicKey};
use crate::types::tx::Tx;
use crate::types::{Address, Attribute, Event, ExecTxResult, Gas};

/// What is added to an estimate, in percent: between the estimate and the block others write, too.
pub const MARGIN_PERCENT: u64 = 10;

/// The highest estimate that is believed of any transaction: an upload of 2 MiB takes half of it. A fee follows from the estimate, and a node that
/// lies could ask for all coins.
const ESTIMATE_MAX: Gas = 50_000_000;
/// Of a short one, and what each byte adds: many times what messages take that do something for their bytes. Whether a block takes what is above is asked.
const SHORT_ESTIMATE_MAX: Gas = 2_000_000;
const BYTE_ESTIMATE_MAX: Gas = 200;

/// The highest estimate that is believed of a transaction with so many bytes, that calls contracts or does not.
fn estimate_max(bytes: usize, calls: bool) -> Gas {
    if calls {
        return CALL_ESTIMATE_MAX;
    }
    let bytes = Gas::try_from(bytes).unwrap_or(Gas::MAX);
    let length = bytes.saturating_mul(BYTE_ESTIMATE_MAX);
    SHORT_ESTIMATE_MAX.saturating_add(length).min(ESTIMATE_MAX)
}

/// The highest estimate that is believed of a transaction that calls contracts, whose work no length bounds: the most that an enclave simulates
/// (`chain::gas::SIMULATION_MAX`).
pub const CALL_ESTIMATE_MAX: Gas = 10_000_000;

/// Gas of contract messages, where no node can estimate them: it cannot open them, and its enclave does not run what nobody has decided
/// (docs/adr/0027). What the clients of the ecosystem give.
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
        /// [`MARGIN_PERCENT`] more, or what a block takes, if that is less.
        limit: Gas,
    },
    /// It calls contracts, and nothing proves that the network lets anybody run them before they are decided, or the node has no time: what such messages are
    /// usually given.
    Guessed {
        /// The sum over its messages.
        limit: Gas,
    },
}

impl Estimate {
    /// What these messages are usually given.
    #[must_use]
    pub fn usual(messages: &[Any]) -> Self {
        let each = messages.iter().map(|m| usual(m).unwrap_or(OTHER));
        let limit = each.fold(0, Gas::saturating_add);
        Self::Guessed { limit }
    }

    /// What stands in for an estimate of calls for which a node has no time: what they are usually given. Of other messages that says little, an upload takes
    /// what its length says.
    #[must_use]
    pub fn in_place_of(messages: &[Any], error: &Error) -> Option<Self> {
        let has_no_time = matches!(error, Error::Busy { .. });
        (has_no_time && calls(messages)).then(|| Self::usual(messages))
    }

    /// The limit to give.
    #[must_use]
    pub const fn limit(self) -> Gas {
        match self {
            Self::Simulated { limit, .. } | Self::Guessed { limit } => limit,
        }
    }
}

/// An estimate with [`MARGIN_PERCENT`] more.
const fn with_margin(used: Gas) -> Gas {
    used.saturating_add(used.saturating_mul(MARGIN_PERCENT).div_ceil(100))
}

/// What a message is usually given that is for a contract.
fn usual(message: &Any) -> Option<Gas> {
    let mut known = GUESSES.iter();
    known
        .find(|(url, _)| message.type_url == *url)
        .map(|(_, gas)| *gas)
}

/// Whether one of these messages is for a contract.
fn calls(messages: &[Any]) -> bool {
    messages.iter().any(|message| usual(message).is_some())
}

/// What a node says that a transaction would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simulation {
    /// The gas that it used there.
    pub used: Gas,
    /// The limit that follows from it.
    pub limit: Gas,
    /// Its messages, with what contracts answered, as their sender reads them.
    pub opened: Opened,
}

impl Simulation {
    /// What follows for its gas.
    #[must_use]
    pub const fn estimate(&self) -> Estimate {
        Estimate::Simulated {
            used: self.used,
            limit: self.limit,
        }
    }
}

impl<T: Transport> Client<T> {
    /// How much gas a transaction of this account needs. A transaction that would fail is refused with the chain's text. Where the node has no time for calls,
    /// what they are usually given.
    ///
    /// # Errors
    /// As [`Client::dry_run`].
    pub async fn estimate(&mut self, account: &Account, tx: &TxBuilder) -> Result<Estimate, Error> {
        estimate_of(self.dry_run(account, account, tx).await, tx)
    }

    /// What a transaction of this account would do, if it were decided now: a node's word. `None` if it calls contracts and it is not proven that the
    /// network lets nodes run such messages before they are decided. `author` sealed its messages.
    ///
    /// # Errors
    /// [`Error::Query`] with the text of the transaction that would fail, the contract's own opened; as [`Client::position`] and [`Client::network_key`].
    pub async fn dry_run(
        &mut self,
        account: &Account,
        author: impl Into<Author>,
        tx: &TxBuilder,
    ) -> Result<Option<Simulation>, Error> {
        let bytes = |sequence| {
            tx.unsigned(&account.public_key(), sequence)
                .for_simulation()
        };
        self.ran(&account.address(), author, tx, bytes).await
    }

    /// As [`Client::dry_run`], of a multisig's transaction that no more members sign than must.
    ///
    /// # Errors
    /// As [`Client::dry_run`].
    pub async fn dry_run_multisig(
        &mut self,
        key: &Multisig,
        author: impl Into<Author>,
        tx: &TxBuilder,
    ) -> Result<Option<Simulation>, Error> {
        let address = PublicKey::Multisig(key.clone()).address();
        let threshold = usize::try_from(key.threshold()).unwrap_or(usize::MAX);
        let signed = (0..key.keys().len()).map(|n| (n < threshold).then_some([0; 64]));
        let signed: Vec<_> = signed.collect();
        let bytes = |sequence| tx.multisigned(key, sequence, &signed);
        self.ran(&address, author, tx, bytes).await
    }

    /// What a transaction of this address would do, of which `bytes` makes what is run with its sequence.
    async fn ran(
        &mut self,
        address: &Address,
        author: impl Into<Author>,
        tx: &TxBuilder,
        bytes: impl FnOnce(u64) -> Vec<u8>,
    ) -> Result<Option<Simulation>, Error> {
        let calls = calls(tx.messages());
        if calls && !self.simulates_contracts().await {
            return Ok(None);
        }
        let position = self.position(address).await?;
        // What opens the answers of contracts.
        let sealer = match calls {
            true => Some(self.sealer(author).await?),
            false => None,
        };
        let bytes = bytes(position.sequence);
        self.simulated(bytes, sealer.as_ref()).await.map(Some)
    }

    /// As [`Client::estimate`], of a multisig's transaction that no more members sign than must, and whose messages `author` sealed.
    ///
    /// # Errors
    /// As [`Client::dry_run`].
    pub async fn estimate_multisig(
        &mut self,
        key: &Multisig,
        author: impl Into<Author>,
        tx: &TxBuilder,
    ) -> Result<Estimate, Error> {
        estimate_of(self.dry_run_multisig(key, author, tx).await, tx)
    }

    /// The gas that a transaction would use. Of one that calls contracts most networks do not tell.
    ///
    /// # Errors
    /// [`Error::Query`] with the text of the transaction that would fail.
    pub async fn simulate(&mut self, unsigned: Unsigned) -> Result<Gas, Error> {
        let bytes = unsigned.for_simulation();
        Ok(self.simulated(bytes, None).await?.used)
    }

    async fn simulated(
        &mut self,
        tx_bytes: Vec<u8>,
        sealer: Option<&Sealer>,
    ) -> Result<Simulation, Error> {
        let bad = |field| Error::Form {
            method: "Simulate",
            field,
        };
        let tx = Tx::decode(&tx_bytes);
        let calls = tx.is_ok_and(|tx| calls(&tx.body.messages));
        let most = estimate_max(tx_bytes.len(), calls);
        let request = SimulateRequest {
            tx_bytes: tx_bytes.clone(),
            ..SimulateRequest::default()
        };
        let path = "/cosmos.tx.v1beta1.Service/Simulate";
        // As if a block had it: it is read in the same way.
        let mut run = Included {
            hash: String::new(),
            height: 0,
            tx: tx_bytes,
            result: ExecTxResult::default(),
            proven: Proven::Nothing,
        };
        let answer: SimulateResponse = match self.query_own(path, &request).await {
            Ok(answer) => answer,
            Err(Error::Query {
                codespace,
                code,
                log,
            }) => {
                run.result.log = log;
                let log = opened(run, sealer).log;
                return Err(Error::Query {
                    codespace,
                    code,
                    log,
                });
            }
            Err(error) => return Err(error),
        };
        let used = answer.gas_info.ok_or(bad("gas_info"))?.gas_used;
        if used > most {
            return Err(bad("gas_used: no such transaction takes so much"));
        }
        let result = answer.result.unwrap_or_default();
        run.result.data = result.data;
        run.result.events = result.events.into_iter().map(event).collect();
        let mut limit = with_margin(used);
        if limit > SHORT_ESTIMATE_MAX {
            limit = limit.min(self.block_gas().await.max(used));
        }
        Ok(Simulation {
            used,
            limit,
            opened: opened(run, sealer),
        })
    }

    /// The most gas that a block takes, as the node says; without bounds, if it does not.
    async fn block_gas(&mut self) -> Gas {
        let path = "/cosmos.consensus.v1.Query/Params";
        let answer = self.query_own(path, &QueryParamsRequest {}).await;
        let params = answer.map(|answer: QueryParamsResponse| answer.params);
        let block = params.ok().flatten().and_then(|params| params.block);
        block
            .and_then(|block| Gas::try_from(block.max_gas).ok())
            .unwrap_or(Gas::MAX)
    }
}

/// What follows from a dry run, or from there being none.
fn estimate_of(ran: Result<Option<Simulation>, Error>, tx: &TxBuilder) -> Result<Estimate, Error> {
    match ran {
        Ok(Some(done)) => Ok(done.estimate()),
        Ok(None) => Ok(Estimate::usual(tx.messages())),
        Err(error) => Estimate::in_place_of(tx.messages(), &error).ok_or(error),
    }
}

/// As the sender reads it; as it is, where the transaction is none that this client would send.
fn opened(run: Included, sealer: Option<&Sealer>) -> Opened {
    run.open(sealer).unwrap_or(Opened {
        messages: Vec::new(),
        events: run.result.events,
        log: run.result.log,
    })
}

fn event(event: AbciEvent) -> Event {
    let attribute = |a: EventAttribute| Attribute {
        key: a.key,
        value: a.value,
        index: a.index,
    };
    Event {
        kind: event.r#type,
        attributes: event.attributes.into_iter().map(attribute).collect(),
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
        assert_eq!(with_margin(7_401), 8_142);
        let send = pack(&MsgSend::default());
        assert!(!calls(std::slice::from_ref(&send)));
        let execute = pack(&MsgExecuteContract::default());
        let all = [execute.clone(), send, execute];
        assert!(calls(&all));
        assert_eq!(Estimate::usual(&all).limit(), 700_000);
    }
}
