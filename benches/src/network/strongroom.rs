//! The network of ours: started as its user starts it, filled with holders of a token, loaded, killed and joined.

use super::load::{self, Loaded};
use super::rpc::Rpc;
use super::{ALONE, BLOCK_TIME, SENDERS, TRANSFERS, VALIDATORS, one_by_one, until};
use serde_json::json;
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use strongroom_sdk::{local, message::Sealer, tx::TxBuilder};
use strongroom_testkit::{Contract, User, contract};
use strongroom_types::proto::cosmos::auth::v1beta1::{
    QueryAccountInfoRequest, QueryAccountInfoResponse,
};
use strongroom_types::proto::cosmos::bank::v1beta1::MsgSend;
use strongroom_types::proto::cosmos::base::v1beta1::Coin;
use strongroom_types::proto::secret::compute::v1beta1 as compute;
use strongroom_types::proto::secret::registration::v1beta1::Key;
use strongroom_types::{Hash, sha256};

pub(crate) const CHAIN_ID: &str = "secretdev-1";
/// Ports of the nodes of a local network lie so far apart.
const PORT_STEP: u16 = 100;
/// Gas of a transfer: a little more than it uses, so that a block takes many.
const TRANSFER_GAS: u64 = 120_000;
/// Messages of one transaction that gives coins to senders.
const FUNDED_AT_ONCE: usize = 100;
/// Blocks that a new node has to execute at least.
const SYNCED_MIN: u64 = 60;

/// What was measured, and what the baseline is sent too.
pub(super) struct Ours {
    pub(super) loaded: Loaded,
    pub(super) waits: Waits,
    /// The transactions of the load.
    pub(super) txs: Vec<Vec<u8>>,
    /// Those that were sent alone.
    pub(super) alone: Vec<Vec<u8>>,
    /// CometBFT, and the settings that our node gives it.
    pub(super) cometbft: PathBuf,
    pub(super) settings: String,
}

impl Ours {
    /// The load, a share for each node: all of a sender go to one node.
    pub(super) fn shares(&self) -> Vec<Vec<Vec<u8>>> {
        let mut shares = vec![Vec::new(); usize::from(VALIDATORS)];
        for (n, tx) in self.txs.iter().enumerate() {
            // Senders are a multiple of the validators.
            shares[n % usize::from(VALIDATORS)].push(tx.clone());
        }
        shares
    }
}

/// How long an operator waits.
pub(super) struct Waits {
    pub(super) network: Duration,
    pub(super) register: Duration,
    pub(super) sync: Duration,
    pub(super) synced: u64,
    pub(super) synced_txs: usize,
    pub(super) restart: Duration,
}

pub(super) fn measure() -> Ours {
    let home = tempfile::tempdir().expect("a temporary directory");
    let begin = Instant::now();
    let network = Network::start(home.path());
    let mut rpc = Rpc::new(network.rpc(0));
    until("all validators", || {
        (rpc.validators() == usize::from(VALIDATORS)).then_some(())
    });
    let started = begin.elapsed();
    let mut signer = Signer::new(&mut rpc);
    let token = signer.token(&mut rpc);
    let alone = signer.transfers(&mut rpc, &token, 0, 1, ALONE);
    // A connection to the node that the senders of the load do not use the sequences of.
    let alone_took = one_by_one(&mut rpc, &alone);
    let txs = signer.transfers(&mut rpc, &token, 1, SENDERS, TRANSFERS);
    let settings = fs::read_to_string(network.node(0).join("network/config/config.toml"));
    let mut ours = Ours {
        loaded: Loaded {
            txs: txs.len(),
            took: Duration::ZERO,
            blocks: 0,
            alone: alone_took,
        },
        waits: Waits {
            network: started,
            register: Duration::ZERO,
            sync: Duration::ZERO,
            synced: 0,
            synced_txs: 0,
            restart: Duration::ZERO,
        },
        txs,
        alone,
        cometbft: cometbft(),
        settings: settings.expect("the settings of CometBFT"),
    };
    let ports: Vec<u16> = (0..VALIDATORS).map(|n| network.rpc(n)).collect();
    (ours.loaded.took, ours.loaded.blocks) = load::send(&ports, &ours.shares());
    operator(&network, &mut rpc, &mut ours.waits);
    ours
}

/// What an operator does, on the network that is there.
fn operator(network: &Network, rpc: &mut Rpc, waits: &mut Waits) {
    network.run(&["network", "kill", "3"]);
    let begin = Instant::now();
    network.run(&["network", "start", "3"]);
    let mut killed = Rpc::new(network.rpc(3));
    until("the killed node", || {
        (killed.height()? >= rpc.height()?).then_some(())
    });
    waits.restart = begin.elapsed();

    let home = network.home.join("joiner");
    let genesis = network.node(0).join("network/config/genesis.json");
    let node = |arguments: &[&str]| {
        let mut command = Command::new(binary());
        command.args(["node", arguments[0], "--home"]).arg(&home);
        command.args(&arguments[1..]).stdout(Stdio::null());
        command
    };
    let done = |mut command: Command| assert!(command.status().is_ok_and(|s| s.success()));
    done(node(&["init", "--genesis", &genesis.to_string_lossy()]));
    let words = network.home.join("words");
    let owner = local::account("a").expect("a known account");
    fs::write(&words, owner.mnemonic).expect("the owner's words");
    let begin = Instant::now();
    let url = format!("http://127.0.0.1:{}", network.rpc(0));
    done(node(&[
        "register",
        "--node",
        &url,
        "--mnemonic",
        &words.to_string_lossy(),
    ]));
    waits.register = begin.elapsed();

    waits.synced = until("blocks to sync", || {
        rpc.height().filter(|height| *height >= SYNCED_MIN)
    });
    waits.synced_txs = (1..=waits.synced).map(|height| rpc.txs(height)).sum();
    let ports = free_ports(3);
    let id = rpc.call("status", &json!({}))["node_info"]["id"].clone();
    let peer = format!(
        "{}@127.0.0.1:{}",
        id.as_str().unwrap_or_default(),
        network.p2p
    );
    let begin = Instant::now();
    let mut joined = node(&["start", "--private-network", "--peers", &peer])
        .args(["--rest-port", &ports[0].to_string()])
        .args(["--rpc-port", &ports[1].to_string()])
        .args(["--p2p-port", &ports[2].to_string()])
        .stderr(Stdio::null())
        .spawn()
        .expect("the node starts");
    let mut syncing = Rpc::new(ports[1]);
    until("the new node", || {
        (syncing.height()? >= waits.synced).then_some(())
    });
    waits.sync = begin.elapsed();
    interrupt(&mut joined);
}

/// The release binary beside this one.
fn binary() -> PathBuf {
    let own = std::env::current_exe().expect("the path of this program");
    let binary = own.with_file_name("strongroom");
    assert!(binary.exists(), "no binary. Run: cargo build --release");
    binary
}

fn cometbft() -> PathBuf {
    let binary = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/bin/cometbft");
    assert!(
        binary.exists(),
        "no CometBFT. Run: scripts/install-cometbft"
    );
    binary
}

/// Ports that nobody uses: all are held until the last is known.
pub(crate) fn free_ports(count: usize) -> Vec<u16> {
    let held: Vec<_> = (0..count)
        .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port"))
        .collect();
    held.iter()
        .map(|listener| listener.local_addr().expect("its address").port())
        .collect()
}

fn interrupt(child: &mut Child) {
    if let Some(id) = i32::try_from(child.id())
        .ok()
        .and_then(rustix::process::Pid::from_raw)
    {
        let _ = rustix::process::kill_process(id, rustix::process::Signal::INT);
    }
    let _ = child.wait();
}

/// A running network. Dropping it stops it as Ctrl-C does.
struct Network {
    child: Child,
    home: PathBuf,
    rpc: u16,
    p2p: u16,
}

impl Network {
    fn start(home: &Path) -> Self {
        // Blocks of ports below those that the system gives to connections.
        let (rest, rpc, p2p, faucet) = (21_317, 21_357, 21_337, 21_377);
        let log = File::create(home.join("log")).expect("a log");
        let child = Command::new(binary())
            .args(["localnet", "--validators", &VALIDATORS.to_string()])
            .args(["--block-time", BLOCK_TIME, "--chain-id", CHAIN_ID, "--home"])
            .arg(home.join("net"))
            .args(["--rest-port", &rest.to_string()])
            .args(["--rpc-port", &rpc.to_string()])
            .args(["--p2p-port", &p2p.to_string()])
            .args(["--faucet-port", &faucet.to_string()])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the binary starts");
        Self {
            child,
            home: home.to_owned(),
            rpc,
            p2p,
        }
    }

    fn rpc(&self, node: u16) -> u16 {
        self.rpc + PORT_STEP * node
    }

    fn node(&self, node: u16) -> PathBuf {
        // The network's own directory lies in its home.
        self.home.join(format!("net/network/node{node}"))
    }

    fn run(&self, arguments: &[&str]) {
        let status = Command::new(binary())
            .args(arguments)
            .arg("--home")
            .arg(self.home.join("net"))
            .stdout(Stdio::null())
            .status();
        assert!(status.is_ok_and(|s| s.success()), "{arguments:?}");
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        interrupt(&mut self.child);
    }
}

/// Signs for the owner and the senders.
pub(crate) struct Signer {
    pub(crate) network_key: [u8; 32],
    owner: User,
}

impl Signer {
    pub(crate) fn new(rpc: &mut Rpc) -> Self {
        let key: Key = rpc.query("/secret.registration.v1beta1.Query/TxKey", &());
        Self {
            network_key: key.key.try_into().expect("32 bytes"),
            owner: User::local("b"),
        }
    }

    /// Coins and tokens for all senders.
    pub(crate) fn token(&mut self, rpc: &mut Rpc) -> Contract {
        let holders: Vec<User> = (0..=2 * SENDERS).map(User::numbered).collect();
        for some in holders.chunks(FUNDED_AT_ONCE) {
            let mut tx = TxBuilder::new(CHAIN_ID).gas(20_000_000);
            for user in some {
                tx = tx.message(&MsgSend {
                    from_address: self.owner.address().to_string(),
                    to_address: user.address().to_string(),
                    amount: vec![Coin {
                        denom: "uscrt".into(),
                        amount: "10000000".into(),
                    }],
                });
            }
            self.send(rpc, &tx);
        }
        let wasm = contract("token");
        let code_hash = sha256(&wasm);
        self.send(
            rpc,
            &TxBuilder::new(CHAIN_ID)
                .gas(10_000_000)
                .message(&compute::MsgStoreCode {
                    sender: self.owner.address().as_bytes().to_vec(),
                    wasm_byte_code: wasm,
                    ..Default::default()
                }),
        );
        let balances: Vec<_> = holders
            .iter()
            .map(|user| json!({ "address": user.address().to_string(), "amount": "1000000" }))
            .collect();
        let init = json!({
            "name": "Bench token", "symbol": "BENCH", "decimals": 6, "prng_seed": "c2VlZA==",
            "initial_balances": balances,
        });
        let init_msg = self.seal(&self.owner, &code_hash, &init);
        let tx =
            TxBuilder::new(CHAIN_ID)
                .gas(50_000_000)
                .message(&compute::MsgInstantiateContract {
                    sender: self.owner.address().as_bytes().to_vec(),
                    code_id: 1,
                    label: "token".into(),
                    init_msg,
                    ..Default::default()
                });
        self.send(rpc, &tx);
        let contracts: compute::QueryContractsByCodeIdResponse = rpc.query(
            "/secret.compute.v1beta1.Query/ContractsByCodeId",
            &compute::QueryByCodeIdRequest { code_id: 1 },
        );
        let address = &contracts.contract_infos[0].contract_address;
        let token = Contract {
            address: address.parse().expect("an address"),
            code_hash,
        };
        // Without notifications, as when the numbers of docs/benchmarks.md were taken.
        let quiet = json!({"set_notification_status": {"enabled": false}});
        let msg = self.seal(&self.owner, &code_hash, &quiet);
        let tx = TxBuilder::new(CHAIN_ID)
            .gas(TRANSFER_GAS)
            .message(&compute::MsgExecuteContract {
                sender: self.owner.address().as_bytes().to_vec(),
                contract: token.address.as_bytes().to_vec(),
                msg,
                ..Default::default()
            });
        self.send(rpc, &tx);
        token
    }

    /// Transfers of `senders` holders from the n-th on, `each` of every one, in the order of turns: sender 1, 2, 3, … and again.
    pub(crate) fn transfers(
        &self,
        rpc: &mut Rpc,
        token: &Contract,
        first: usize,
        senders: usize,
        each: usize,
    ) -> Vec<Vec<u8>> {
        let positions: Vec<_> = (first..first + senders)
            .map(|n| position(rpc, &User::numbered(n)))
            .collect();
        let mut txs = Vec::new();
        for turn in 0..each {
            for (at, (number, sequence)) in positions.iter().enumerate() {
                let sender = User::numbered(first + at);
                let to = User::numbered(first + senders + at);
                let message =
                    json!({"transfer": { "recipient": to.address().to_string(), "amount": "1" }});
                let tx = TxBuilder::new(CHAIN_ID).gas(TRANSFER_GAS).message(
                    &compute::MsgExecuteContract {
                        sender: sender.address().as_bytes().to_vec(),
                        contract: token.address.as_bytes().to_vec(),
                        msg: self.seal(&sender, &token.code_hash, &message),
                        ..Default::default()
                    },
                );
                let signed = tx.sign(sender.account(), *number, sequence + turn as u64);
                txs.push(signed.expect("a signature"));
            }
        }
        txs
    }

    fn seal(&self, user: &User, code_hash: &Hash, message: &serde_json::Value) -> Vec<u8> {
        let seed = sha256(user.address().as_bytes());
        let sealer = Sealer::new(seed, self.network_key);
        let sealed = sealer.seal(code_hash, message.to_string().as_bytes());
        sealed.expect("the network's key is good").wire
    }

    /// Sends a transaction of the owner and waits for its block.
    fn send(&self, rpc: &mut Rpc, tx: &TxBuilder) {
        let (number, sequence) = position(rpc, &self.owner);
        let signed = tx.sign(self.owner.account(), number, sequence);
        let hash = rpc.broadcast(&signed.expect("a signature"));
        until("a block", || rpc.has_tx(&hash).then_some(()));
        let height = rpc.height().expect("the network answers");
        for height in height.saturating_sub(2).max(1)..=height {
            assert_eq!(rpc.failures(height), Vec::<String>::new());
        }
    }
}

/// Number and sequence of an account.
pub(crate) fn position(rpc: &mut Rpc, user: &User) -> (u64, u64) {
    let request = QueryAccountInfoRequest {
        address: user.address().to_string(),
    };
    let path = "/cosmos.auth.v1beta1.Query/AccountInfo";
    let answer: QueryAccountInfoResponse = rpc.query(path, &request);
    let info = answer.info.expect("an account");
    (info.account_number, info.sequence)
}
