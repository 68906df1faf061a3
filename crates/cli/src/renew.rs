//! A running node renews its registration before its evidence ends.
//!
//! The owner's key lies on the node's machine for it: an account that holds no more than the fees for this is enough.
//! Promises: asks for evidence when two thirds of its time are over, again until it is taken; whatever fails is told and tried again, and
//! never stops the node. Asks and sends within the node: nobody who takes its ports' connections keeps it from renewing.
//! Spec: docs/spec/registration.md.

use anyhow::{Context as _, anyhow, bail};
use std::time::{Duration, Instant};
use strongroom_chain::tx::GasPrice;
use strongroom_consensus::{Clock as _, SystemClock};
use strongroom_node::enclave::Enclave;
use strongroom_node::pool::Submitted;
use strongroom_node::services::Services;
use strongroom_sdk::keys::Account;
use strongroom_sdk::tx::TxBuilder;
use strongroom_types::RawTx;
use strongroom_types::proto::Message;
use strongroom_types::proto::cosmos::auth::v1beta1::{
    QueryAccountInfoRequest, QueryAccountInfoResponse,
};
use strongroom_types::proto::strongroom::registration::v1 as pb;

/// Gas of a renewal: evidence, and the record.
const RENEW_GAS: u64 = 300_000;
/// The longest and the shortest time between two looks: each reads one entry, and a node that still catches up sees an old one.
const LOOKS: [Duration; 2] = [Duration::from_secs(20), Duration::from_secs(1)];

/// How long a renewal may take to be in a block.
const BLOCK_WAITS: Duration = Duration::from_secs(60);
/// After a look that failed: CometBFT is being started, or the owner has no coins.
const RETRY: Duration = Duration::from_secs(5);

/// What a node renews with.
pub(crate) struct Renewal {
    pub(crate) owner: Account,
    pub(crate) node_id: String,
    pub(crate) chain_id: String,
    pub(crate) services: Services,
    pub(crate) price: GasPrice,
    pub(crate) enclave: Enclave,
}

/// What is known of the time of the evidence that is on the chain.
#[derive(Default)]
struct Term {
    challenge: Vec<u8>,
    /// The most seconds that were seen to be left of it.
    longest: u64,
}

impl Renewal {
    /// Looks and renews, for ever.
    pub(crate) async fn run(self) {
        let mut term = Term::default();
        loop {
            let wait = match self.look(&mut term).await {
                Ok(left) => pause(left),
                Err(error) => {
                    tracing::warn!("the registration was not looked at: {error:#}");
                    RETRY
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// Renews if it is time; gives the seconds that are left, if the evidence ends.
    async fn look(&self, term: &mut Term) -> anyhow::Result<Option<u64>> {
        let request = pb::QueryNodeRequest {
            node_id: self.node_id.clone(),
        };
        let path = "/strongroom.registration.v1.Query/Node";
        let answer: pb::QueryNodeResponse = self.ask(path, &request)?;
        let node = answer.node.context("the node is not registered")?;
        if node.state() != pb::NodeState::Registered {
            bail!(
                "the node is {:?}: only a registered node renews",
                node.state()
            );
        }
        let Some(expires) = &node.expires else {
            return Ok(None);
        };
        let block = self.services.chain.head().time.seconds;
        let left = left(expires.seconds, SystemClock.now().seconds, block);
        if !term.is_over(&node.challenge, left) {
            return Ok(Some(left));
        }
        let challenge = node.challenge.as_slice().try_into();
        let challenge = challenge.context("the challenge has not 32 bytes")?;
        let evidence = tokio::task::block_in_place(|| self.enclave.attest(challenge))?;
        let renew = pb::MsgRenewNode {
            operator: self.owner.address().to_string(),
            node_id: self.node_id.clone(),
            evidence,
        };
        self.send(&renew).await?;
        Ok(Some(left))
    }

    /// A query of the newest height.
    fn ask<Q: Message, A: Message + Default>(&self, path: &str, request: &Q) -> anyhow::Result<A> {
        let bytes = request.encode_to_vec();
        let answer = tokio::task::block_in_place(|| self.services.call(path, &bytes, 0).finish());
        let (_, answer) = answer.map_err(|e| anyhow!("{path}: {}", e.abci().text))?;
        Ok(A::decode(answer.as_slice())?)
    }

    /// Sends the renewal and waits until its block is told: the next look reads what it wrote.
    async fn send(&self, renew: &pb::MsgRenewNode) -> anyhow::Result<()> {
        let request = QueryAccountInfoRequest {
            address: renew.operator.clone(),
        };
        let path = "/cosmos.auth.v1beta1.Query/AccountInfo";
        let answer: QueryAccountInfoResponse = self.ask(path, &request)?;
        let info = answer.info.context("the owner has no account")?;
        let least = u64::try_from(self.price.fee(RENEW_GAS).amount).unwrap_or(u64::MAX);
        let builder = TxBuilder::new(&self.chain_id)
            .message(renew)
            .gas(RENEW_GAS)
            .fee(least.max(RENEW_GAS.div_ceil(10)));
        let tx = RawTx::from(builder.sign(&self.owner, info.account_number, info.sequence)?);
        // Where the answer is lost, a block may hold it all the same.
        if let Ok(Submitted { check, .. }) = self.services.pool.submit(tx.clone(), true).await
            && !check.is_ok()
        {
            bail!("the renewal is refused with {}: {}", check.code, check.log);
        }
        let until = Instant::now() + BLOCK_WAITS;
        let services = &self.services;
        let told = || {
            let head = services.chain.head().height;
            services.blocks.tx_location(tx.hash(), head)
        };
        while told()?.is_none() {
            if Instant::now() > until {
                bail!("the renewal is in no block yet");
            }
            tokio::time::sleep(LOOKS[1]).await;
        }
        Ok(())
    }
}

impl Term {
    /// Whether two thirds of the longest time that was seen are over.
    fn is_over(&mut self, challenge: &[u8], left: u64) -> bool {
        if self.challenge != challenge {
            *self = Self {
                challenge: challenge.to_vec(),
                longest: 0,
            };
        }
        self.longest = self.longest.max(left);
        left <= self.longest / 3
    }
}

/// Seconds until evidence ends. The chain ends it by the time of its blocks: a clock of this machine that is behind must not make the
/// renewal late. While no block is made only the clock goes on.
fn left(ends: i64, clock: i64, block: i64) -> u64 {
    u64::try_from(ends.saturating_sub(clock.max(block))).unwrap_or(0)
}

/// Often enough that the last third is not missed.
fn pause(left: Option<u64>) -> Duration {
    let [longest, shortest] = LOOKS;
    let wanted = left.map_or(longest, |left| Duration::from_secs(left / 10));
    wanted.clamp(shortest, longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_is_renewed_when_two_thirds_of_its_time_are_over() {
        let mut term = Term::default();
        for (left, over) in [(90, false), (31, false), (30, true), (29, true), (0, true)] {
            assert_eq!(term.is_over(b"one", left), over, "{left}");
        }
        // Renewed: the term is another one.
        assert!(!term.is_over(b"two", 60));
        assert!(term.is_over(b"two", 20));
    }

    #[test]
    fn a_clock_that_is_behind_makes_no_renewal_late_and_one_that_is_far_ahead_no_number_wrong() {
        assert_eq!(left(100, 40, 50), 50);
        assert_eq!(left(100, 60, 50), 40);
        assert_eq!(left(100, i64::MIN, 50), 50);
        assert_eq!(left(100, 500, 50), 0);
        assert_eq!(left(i64::MIN, i64::MAX, 0), 0);
    }

    #[test]
    fn a_node_looks_often_enough_for_the_shortest_evidence_and_not_too_often() {
        for (left, seconds) in [
            (None, 20),
            (Some(1_000_000), 20),
            (Some(100), 10),
            (Some(0), 1),
        ] {
            assert_eq!(pause(left), Duration::from_secs(seconds), "{left:?}");
        }
    }
}
