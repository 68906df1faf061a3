//! Which network a command talks to, and what of it is believed.

use crate::config::{self, Config};
use crate::output::Output;
use crate::rpc::{Ca, Client, Remote, endpoint};
use crate::{given, preflight, verify};
use anyhow::{Context as _, ensure};
use clap::Args as ClapArgs;
use std::path::PathBuf;
use strongroom_consensus::{Clock as _, SystemClock};
use strongroom_sdk::client::{self, NetworkKey};
use strongroom_sdk::light::{self, Clock, Terms, TrustLevel};
use strongroom_types::genesis::GENESIS_BYTES_MAX;
use strongroom_types::{Hash, Height};

/// For how many seconds a header is trusted, as `strongroom verify` has it.
const TRUSTING_PERIOD_SECONDS: u64 = 14 * 24 * 60 * 60;
/// By how many seconds a header may be ahead of this machine.
const DRIFT_SECONDS: u64 = 10;

// Within the arguments of commands, which have a group of this name themselves.
#[derive(ClapArgs, Clone)]
#[group(skip)]
pub(crate) struct Args {
    /// RPC or REST of a node [default: that of the current network of `strongroom config`, else http://127.0.0.1:26657].
    #[arg(long, global = true, value_name = "URL")]
    node: Option<String>,
    /// Network of `strongroom config`.
    #[arg(long, global = true, value_name = "NAME")]
    network: Option<String>,
    /// The chain: a node of another one is refused.
    #[arg(long, global = true, value_parser = preflight::chain_id)]
    pub(crate) chain_id: Option<String>,
    /// Have the key that messages are sealed for proven from this genesis file.
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "trusted")]
    genesis: Option<PathBuf>,
    /// Have it proven from the header at this height with this hash.
    #[arg(long, global = true, value_name = "HEIGHT:HASH", value_parser = verify::header)]
    trusted: Option<(Height, Hash)>,
    #[command(flatten)]
    ca: Ca,
    /// Believe what the node says without proof: it is your own, and no tunnel to somebody else's.
    #[arg(long, global = true, conflicts_with_all = ["genesis", "trusted"])]
    trust_node: bool,
    /// For people, or for programs.
    #[arg(long, global = true, value_enum, default_value = "text")]
    pub(crate) output: Output,
}

impl Args {
    /// The network, with what the command line says of it.
    fn settled(&self) -> anyhow::Result<config::Network> {
        // A configuration that is broken does not matter to who names a node.
        let named = match (&self.node, &self.network) {
            (Some(_), None) => None,
            _ => Config::load()?.network(self.network.as_deref())?.cloned(),
        };
        let mut network = named.unwrap_or_else(|| config::Network {
            node: config::NODE.to_owned(),
            ..config::Network::default()
        });
        if let Some(node) = &self.node {
            // The word for one node is none for another, nor are its authorities.
            if network.node != *node {
                network.trust_node = false;
                network.ca_file = None;
            }
            network.node.clone_from(node);
        }
        if self.ca.ca_file.is_some() {
            network.ca_file.clone_from(&self.ca.ca_file);
        }
        if self.chain_id.is_some() {
            network.chain_id.clone_from(&self.chain_id);
        }
        if self.genesis.is_some() {
            network.genesis.clone_from(&self.genesis);
        }
        network.trust_node |= self.trust_node;
        Ok(network)
    }

    /// The chain, if the command line or the configuration names it.
    pub(crate) fn known_chain_id(&self) -> anyhow::Result<Option<String>> {
        Ok(self.settled()?.chain_id)
    }

    /// Refuses a node that nothing holds to the truth, before anything is signed or sealed on its word: it could tell a key of its own, or the
    /// chain on which the same account has coins. That it seems to be on this machine says nothing: a tunnel does, too.
    pub(crate) fn require_trust(&self) -> anyhow::Result<()> {
        let network = self.settled()?;
        let proven = network.genesis.is_some() || self.trusted.is_some();
        let node = &network.node;
        ensure!(
            proven || network.trust_node,
            "client.not_trusted: nothing proves what the node at {node} says: --genesis FILE or --trusted HEIGHT:HASH has it proven; --trust-node believes a node of your own"
        );
        ensure!(
            proven || network.chain_id.is_some() || is_here(endpoint(node)?.host()),
            "tx.chain_id: the node at {node} is not of this machine: name its chain with --chain-id, or once with `strongroom config set`"
        );
        Ok(())
    }

    /// Whether what the node says of blocks counts: it is proven, or the node is believed.
    pub(crate) fn is_heard(&self) -> anyhow::Result<bool> {
        let network = self.settled()?;
        Ok(network.trust_node || network.genesis.is_some() || self.trusted.is_some())
    }

    /// Whether the node is believed.
    pub(crate) fn trusts_node(&self) -> anyhow::Result<bool> {
        let network = self.settled()?;
        Ok(network.trust_node && network.genesis.is_none() && self.trusted.is_none())
    }

    /// A client of the network.
    pub(crate) async fn connect(&self) -> anyhow::Result<Client> {
        let network = self.settled()?;
        let node = Remote::new(&network.node, network.ca_file.as_deref())?;
        let mut client = node.client().await?;
        let trusted = match (self.trusted, &network.genesis) {
            (Some((height, hash)), _) => {
                let ask = async |call: &light::Call| client.ask(call).await;
                let trusted = light::header(height, &hash, ask).await;
                Some(trusted.map_err(client::Error::from)?)
            }
            (None, Some(file)) => {
                let bytes = given::read(file, GENESIS_BYTES_MAX)?;
                let trusted = light::genesis(&bytes);
                Some(trusted.with_context(|| file.display().to_string())?)
            }
            (None, None) => None,
        };
        let told = client.chain_id().await?;
        let expected = trusted
            .as_ref()
            .map(|trusted| trusted.chain_id().to_owned());
        for expected in expected.iter().chain(&network.chain_id) {
            ensure!(
                *expected == told,
                "client.other_chain: the node at {} is of {told}, not of {expected}: name a node of {expected}",
                network.node
            );
        }
        Ok(match trusted {
            Some(trusted) => client.trusting(trusted, terms()),
            None => client,
        })
    }
}

/// Whether a host is this machine.
fn is_here(host: &str) -> bool {
    let address = host.parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// Says what a sealed message rests on.
pub(crate) fn say_key(key: &NetworkKey) {
    if let Some(height) = key.proven {
        talk!("sealed for the network's key, proven in the state after block {height}");
    } else {
        talk!("sealed for the key that the node tells, which is believed");
    }
}

fn terms() -> Terms {
    Terms {
        level: TrustLevel::ONE_THIRD,
        clock: Some(Clock {
            now: SystemClock.now(),
            trusting_period_seconds: TRUSTING_PERIOD_SECONDS,
            drift_seconds: DRIFT_SECONDS,
        }),
    }
}

/// The thread of a command that asks.
pub(crate) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(work)
}

#[cfg(test)]
mod tests {
    use super::*;
    use strongroom_chain::modules::registration::state;

    #[test]
    fn only_a_node_of_this_machine_that_is_believed_may_name_the_chain_that_is_signed_for() {
        for here in [
            "127.0.0.1:26657",
            "localhost:1",
            "[::1]:26657",
            "127.9.9.9:1",
        ] {
            assert!(is_here(endpoint(here).unwrap().host()), "{here}");
        }
        for far in [
            "127.0.0.1.evil.org:1",
            "localhost.evil.org:1",
            "10.0.0.1:1",
            "evil.org:127",
            "[::2]:1",
        ] {
            assert!(!is_here(endpoint(far).unwrap().host()), "{far}");
        }
    }

    #[test]
    fn an_account_is_proven_where_the_state_keeps_it() {
        use strongroom_chain::modules::auth::state::{ACCOUNTS, Account};
        let record = Account {
            number: 7,
            sequence: 258,
            pubkey: None,
            is_module: false,
        };
        for address in [[1; 20].as_slice(), &[2; 32]] {
            let address = strongroom_types::Address::from_bytes(address).unwrap();
            assert_eq!(ACCOUNTS.raw_key(&&address), client::account_key(&address));
        }
        let stored = [vec![1], borsh::to_vec(&record).unwrap()].concat();
        assert_eq!(client::recorded_sequence(&stored), Some(258));
        for bad in [&stored[..16], &[], &[2; 40]] {
            assert_eq!(client::recorded_sequence(bad), None);
        }
    }

    #[test]
    fn the_network_key_is_proven_where_the_state_keeps_it() {
        assert_eq!(state::NETWORK_KEYS.name(), client::NETWORK_KEYS);
        let keys = state::NetworkKeys {
            io: [1; 32],
            node_exchange: [2; 32],
        };
        let stored = borsh::to_vec(&keys).unwrap();
        assert_eq!(stored, [[1; 32], [2; 32]].concat());
    }
}
