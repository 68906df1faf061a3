//! A network of one validator on the real CometBFT, and whatever its users send to it.

use crate::compare::AtHeight;
use crate::node::Node;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use strongroom_chain::modules::registration::state::node_id;
use strongroom_comet_rpc::backend::NodeInfo;
use strongroom_consensus::cometbft::{Config, Rpc, Settings};
use strongroom_consensus::{CometBft, NodeKey, Signer};
use strongroom_node::node::Layout;
use strongroom_node::pool::{CometPool, Pool};
use strongroom_node::services::Services;
use strongroom_proof::comet::Commit;
use strongroom_testkit::fuzz::{Crowd, SENDERS};
use strongroom_testkit::{Chain, Options, VALIDATOR_SEED};
use strongroom_types::proto::cosmos::bank::v1beta1::MsgSend;
use strongroom_types::proto::cosmos::base::v1beta1::Coin;
use strongroom_types::proto::cosmos::feegrant::v1beta1 as feegrant;
use strongroom_types::proto::pack;
use strongroom_types::proto::strongroom::poa::v1::MsgSetValidator;
use strongroom_types::{DecidedBlock, Hash, Height, sha256};

/// What is sent, beside what depends on the blocks themselves, follows from it.
const SEED: u64 = 38;
/// Rounds of whatever anyone may send.
const ROUNDS: usize = 6;
const BLOCK_TIME: Duration = Duration::from_millis(100);
/// So many blocks without any of the transactions that still wait: CometBFT has dropped them, as no longer good.
const QUIET_BLOCKS: Height = 5;
/// A round after the first needs a machine that stands still for seconds; three times in a row it is something else.
const ATTEMPTS: usize = 3;
const WAITS: Duration = Duration::from_secs(60);
const GAS: u64 = 300_000;

/// What came of it.
pub(crate) struct Network {
    /// Genesis, seed and keys.
    pub(crate) chain: Chain,
    /// From height 1 on.
    pub(crate) heights: Vec<AtHeight>,
    /// Where a contract answered with the time of the block and its own random.
    pub(crate) looked: Height,
}

/// A network that has lived. Every block was decided in its first round: Solo knows no other.
pub(crate) fn network(cometbft: &Path) -> Network {
    (0..ATTEMPTS)
        .find_map(|_| live(cometbft))
        .expect("a chain without a second round")
}

fn live(cometbft: &Path) -> Option<Network> {
    let mut chain = Chain::with(Options {
        accounts: SENDERS,
        seed: SEED,
        ..Options::default()
    });
    let crowd = Crowd::beside(&mut chain);
    let home = tempfile::tempdir().unwrap();
    let mut life = Life::begin(cometbft, &chain, crowd, home.path());
    let contracts = (1..=chain.height()).flat_map(|height| chain.decided_block(height).txs);
    let contracts: Vec<_> = contracts.map(|tx| tx.to_vec()).collect();
    assert_eq!(
        life.send(&contracts),
        contracts.len(),
        "all of them are good"
    );
    life.power(7);
    life.allowances();
    let looked = life.look();
    for _ in 0..ROUNDS {
        life.catch_up();
        let txs = life.crowd.anything();
        life.send(&txs);
    }
    life.power(11);
    // Validators change two blocks later.
    life.wait_blocks(3);
    let Life {
        engine,
        node,
        followed,
        ..
    } = life;
    engine.stop().unwrap();
    let first_round = (1..=followed).all(|height| {
        let block = node.stores.blocks.block(height).unwrap().unwrap();
        Commit::decode(&block.commit).unwrap().round == 0
    });
    first_round.then(|| Network {
        heights: (1..=followed)
            .map(|height| AtHeight::of(&node.stores, height))
            .collect(),
        chain,
        looked,
    })
}

/// A network while it lives, followed by a state machine of our own.
struct Life {
    engine: CometBft,
    node: Node,
    rpc: Rpc,
    crowd: Crowd,
    followed: Height,
}

impl Life {
    fn begin(cometbft: &Path, chain: &Chain, crowd: Crowd, home: &Path) -> Self {
        let key = files(chain, home);
        let node = Node::new(chain, home);
        let rpc = CometBft::rpc_of(home);
        let any = "127.0.0.1:0".parse().unwrap();
        let services = Services {
            chain: Arc::clone(&node.host),
            blocks: Arc::clone(&node.stores.blocks),
            pool: Pool::Comet(CometPool::new(rpc.clone()).unwrap()),
            info: Arc::new(NodeInfo {
                id: key.id(),
                listen_addr: String::new(),
                network: chain.options().chain_id.clone(),
                version: String::new(),
                moniker: String::new(),
                app_version: 0,
                rpc_address: String::new(),
                validator: Signer::in_memory(&VALIDATOR_SEED).pubkey(),
            }),
        };
        let config = Config {
            genesis: Arc::new(chain.genesis().clone()),
            app: Arc::clone(&node.app) as Arc<_>,
            queries: Arc::new(services),
            blocks: Arc::clone(&node.stores.blocks) as Arc<_>,
            home: home.to_owned(),
            binary: cometbft.to_owned(),
            launcher: Vec::new(),
            settings: Settings {
                moniker: String::from("recorded"),
                rpc: any,
                p2p: any,
                external_address: String::new(),
                persistent_peers: Vec::new(),
                block_time: BLOCK_TIME,
                tx_bytes_max: 4 << 20,
                mempool: (5_000, 64 << 20),
                connections: (64, 32),
                cors_origins: vec!["*".to_owned()],
                local: true,
            },
        };
        let engine = CometBft::start(config, |end| {
            if let Err(error) = end {
                eprintln!("CometBFT: {error}");
            }
        });
        let mut life = Self {
            engine: engine.unwrap(),
            node,
            rpc,
            crowd,
            followed: 0,
        };
        life.wait_blocks(1);
        life
    }

    /// Sends transactions in this order and waits until they are in blocks; tells how many of them are.
    fn send(&mut self, txs: &[Vec<u8>]) -> usize {
        let mut waiting: BTreeSet<Hash> = txs
            .iter()
            .filter(|tx| self.broadcast(tx))
            .map(|tx| sha256(tx))
            .collect();
        // The network is ahead of what was followed.
        let newest = self.node.stores.blocks.executed_height().unwrap();
        let (mut included, mut last) = (0, newest.unwrap_or(0));
        while !waiting.is_empty() && self.followed < last + QUIET_BLOCKS {
            let block = self.follow();
            let results = self
                .node
                .stores
                .blocks
                .results(self.followed)
                .unwrap()
                .unwrap();
            for (tx, result) in block.txs.iter().zip(&results.tx_results) {
                // What a block had no room for is proposed again.
                if !result.is_left() && waiting.remove(tx.hash()) {
                    included += 1;
                    last = self.followed;
                }
            }
        }
        included
    }

    /// Whether CometBFT took it.
    fn broadcast(&self, tx: &[u8]) -> bool {
        let since = Instant::now();
        loop {
            match self.rpc.broadcast(tx) {
                Ok(answer) => return answer.is_ok_and(|checked| checked.code == 0),
                Err(error) => assert!(since.elapsed() < WAITS, "{error}"),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// To where the network is: what is good there depends on its height.
    fn catch_up(&mut self) {
        let newest = self.node.stores.blocks.executed_height().unwrap();
        while newest > Some(self.followed) {
            self.follow();
        }
    }

    fn wait_blocks(&mut self, count: Height) {
        for _ in 0..count {
            self.follow();
        }
    }

    /// Waits for the next block; the state machine beside it must reach the same.
    fn follow(&mut self) -> DecidedBlock {
        let (since, height) = (Instant::now(), self.followed + 1);
        let blocks = &self.node.stores.blocks;
        while blocks.executed_height().unwrap().unwrap_or(0) < height {
            assert!(since.elapsed() < WAITS, "no height {height}");
            std::thread::sleep(Duration::from_millis(5));
        }
        let block = blocks.block(height).unwrap().unwrap();
        let results = blocks.results(height).unwrap().unwrap();
        let (outcome, app_hash) = self.crowd.follow(&block);
        assert!(outcome.tx_results == results.tx_results, "height {height}");
        assert_eq!(outcome.events, results.events, "height {height}");
        assert_eq!(app_hash, results.app_hash, "height {height}");
        self.followed = height;
        block
    }

    /// A contract answers what it sees; gives the height.
    fn look(&mut self) -> Height {
        let message = self.crowd.to_probe(3, &json!({"look": {}}));
        self.crowd.look();
        let tx = self.crowd.sign(3, vec![message], GAS, None);
        assert_eq!(self.send(std::slice::from_ref(&tx)), 1);
        let blocks = &self.node.stores.blocks;
        let place = blocks.tx_location(&sha256(&tx), Height::MAX);
        place.unwrap().expect("a transaction in a block").height
    }

    /// The authority gives the validator another power.
    fn power(&mut self, power: u64) {
        self.crowd.look();
        let validator = Signer::in_memory(&VALIDATOR_SEED).pubkey();
        let message = MsgSetValidator {
            authority: self.crowd.address(0).to_string(),
            node_id: hex::encode(node_id(&validator)),
            power,
            moniker: String::from("the only one"),
        };
        let tx = self.crowd.sign(0, vec![pack(&message)], GAS, None);
        assert_eq!(self.send(&[tx]), 1);
    }

    /// One pays for another, as far as the allowance goes, and no longer when it is taken back; coins that nobody has.
    fn allowances(&mut self) {
        self.crowd.look();
        let [granter, grantee] = [1, 2].map(|n| self.crowd.address(n).to_string());
        let uscrt = |amount: u64| Coin {
            denom: String::from("uscrt"),
            amount: amount.to_string(),
        };
        let grant = feegrant::MsgGrantAllowance {
            granter: granter.clone(),
            grantee: grantee.clone(),
            allowance: Some(pack(&feegrant::BasicAllowance {
                spend_limit: vec![uscrt(GAS)],
                expiration: None,
            })),
        };
        let revoke = feegrant::MsgRevokeAllowance {
            granter: granter.clone(),
            grantee: grantee.clone(),
        };
        let send = |amount| MsgSend {
            from_address: grantee.clone(),
            to_address: granter.clone(),
            amount: vec![uscrt(amount)],
        };
        let granted = self.crowd.sign(1, vec![pack(&grant)], GAS, None);
        assert_eq!(self.send(&[granted]), 1);
        // The second message fails, and takes the first with it.
        let two = vec![pack(&send(3)), pack(&send(u64::MAX))];
        let txs = [
            self.crowd.sign(2, vec![pack(&send(5))], GAS, Some(1)),
            self.crowd.sign(2, two, GAS, None),
            self.crowd.sign(1, vec![pack(&revoke)], GAS, None),
        ];
        assert_eq!(self.send(&txs), txs.len());
        let refused = self.crowd.sign(2, vec![pack(&send(5))], GAS, Some(1));
        assert_eq!(self.send(&[refused]), 0, "it was taken back");
    }
}

/// The files of a home that CometBFT reads.
fn files(chain: &Chain, home: &Path) -> NodeKey {
    let layout = Layout(home.to_owned());
    for folder in ["config", "data"] {
        fs::create_dir(home.join(folder)).unwrap();
    }
    fs::write(layout.genesis(), chain.genesis().bytes()).unwrap();
    let signer = Signer::in_memory(&VALIDATOR_SEED);
    let pair = [VALIDATOR_SEED, signer.pubkey()].concat();
    let key = json!({
        "address": hex::encode_upper(signer.address()),
        "pub_key": { "type": "tendermint/PubKeyEd25519", "value": STANDARD.encode(signer.pubkey()) },
        "priv_key": { "type": "tendermint/PrivKeyEd25519", "value": STANDARD.encode(pair) },
    });
    fs::write(layout.validator_key(), key.to_string()).unwrap();
    let nothing = json!({ "height": "0", "round": 0, "step": 0 });
    fs::write(layout.validator_state(), nothing.to_string()).unwrap();
    NodeKey::create(&layout.node_key()).unwrap()
}
