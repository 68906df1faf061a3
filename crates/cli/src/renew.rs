//! A running node renews its registration before its evidence ends.
//!
//! The owner's key lies on the node's machine for it: an account that holds no more than the fees for this is enough.
//! Promises: asks for evidence when two thirds of its time are over, again until it is taken; whatever fails is told and tried again, and
//! never stops the node.
//! Spec: docs/spec/registration.md.

use crate::client::Client;
use crate::join;
use anyhow::Context as _;
use std::net::SocketAddr;
use std::time::Duration;
use strongroom_consensus::{Clock as _, SystemClock};
use strongroom_node::enclave::Enclave;
use strongroom_sdk::keys::Account;
use strongroom_types::proto::strongroom::registration::v1 as pb;

/// Gas of a renewal: evidence, and the record.
const RENEW_GAS: u64 = 300_000;
/// The longest and the shortest time between two looks.
const LOOKS: [Duration; 2] = [Duration::from_secs(600), Duration::from_secs(1)];

/// After a look that failed: CometBFT is being started, or the owner has no coins.
const RETRY: Duration = Duration::from_secs(5);

/// What a node renews with.
pub(crate) struct Renewal {
    pub(crate) owner: Account,
    pub(crate) node_id: String,
    pub(crate) chain_id: String,
    pub(crate) rpc: SocketAddr,
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
        let mut client = Client::connect(self.rpc).await?;
        let node = join::find(&mut client, &self.node_id).await?;
        let node = node.context("the node is not registered")?;
        let Some(expires) = &node.expires else {
            return Ok(None);
        };
        let ends = u64::try_from(expires.seconds).unwrap_or(0);
        let now = u64::try_from(SystemClock.now().seconds).unwrap_or(0);
        let left = ends.saturating_sub(now);
        if !term.is_over(&node.challenge, left) || node.state() != pb::NodeState::Registered {
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
        client
            .send(&self.owner, &self.chain_id, &renew, RENEW_GAS)
            .await?;
        Ok(None)
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
    fn a_node_looks_often_enough_for_the_shortest_evidence_and_not_too_often() {
        for (left, seconds) in [
            (None, 600),
            (Some(1_000_000), 600),
            (Some(100), 10),
            (Some(0), 1),
        ] {
            assert_eq!(pause(left), Duration::from_secs(seconds), "{left:?}");
        }
    }
}
