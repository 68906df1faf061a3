//! One round on one binary: a new network, holders, the loads, a stop and a start.

use super::process::{Localnet, Used};
use super::send::{Sent, send};
use super::{Candidate, Options};
use crate::figures::Samples;
use crate::network::SENDERS;
use crate::network::rpc::Rpc;
use crate::network::strongroom::{CHAIN_ID, Signer, position};
use crate::start::field;
use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use strongroom_sdk::{message::Sealer, tx::TxBuilder};
use strongroom_testkit::{Contract, User};
use strongroom_types::proto::cosmos::bank::v1beta1::MsgSend;
use strongroom_types::proto::cosmos::base::v1beta1::Coin;
use strongroom_types::proto::secret::compute::v1beta1 as compute;
use strongroom_types::sha256;

/// Queries that are asked while nothing else happens.
const QUERIES: usize = 300;
/// Pause between queries, so that they are not a load themselves.
const QUERY_PAUSE: Duration = Duration::from_millis(5);
const SEND_GAS: u64 = 100_000;

/// What one load cost, of each transaction.
pub(super) struct Load {
    txs: usize,
    took: Duration,
    /// Processor seconds.
    pub(super) host: f64,
    pub(super) enclave: f64,
    /// From the sending that was taken to the height that has it.
    pub(super) included: Samples,
    /// From the first sending, refused or not.
    pub(super) since_first: Samples,
    /// Bytes.
    pub(super) written: f64,
    pub(super) disk: f64,
    pub(super) refused: u64,
    /// KiB of the host process that were resident, twice a second.
    pub(super) resident: Vec<u64>,
}

/// Between two looks at the memory of a process.
const LOOK: Duration = Duration::from_millis(500);

impl Load {
    /// Transactions in a second.
    pub(super) fn rate(&self) -> f64 {
        self.txs as f64 / self.took.as_secs_f64()
    }
}

/// A round.
pub(super) struct Measured {
    pub(super) transfers: Load,
    pub(super) sends: Load,
    pub(super) paced: Load,
    pub(super) stop: Duration,
    pub(super) restart: Duration,
    pub(super) host_kib: u64,
    pub(super) enclave_kib: u64,
    pub(super) query_idle: Samples,
    pub(super) query_loaded: Samples,
}

pub(super) fn measure(candidate: &Candidate, options: &Options) -> Measured {
    let mut home = tempfile::tempdir().expect("a temporary directory");
    if options.keep {
        home.disable_cleanup(true);
        eprintln!("home {}", home.path().display());
    }
    let (network, _) = Localnet::start(candidate, home.path());
    let mut rpc = Rpc::new(network.rpc);
    let mut signer = Signer::new(&mut rpc);
    let token = signer.token(&mut rpc);
    let paced = options.pace as usize * options.paced.as_secs() as usize;
    let paced = signer.transfers(&mut rpc, &token, 0, SENDERS, paced.div_ceil(SENDERS));
    let paced = load(&network, options, &paced, Some(options.pace));
    let query_idle = ask(network.rpc, &signer, &token, |asked| asked < QUERIES);
    let txs = signer.transfers(&mut rpc, &token, 0, SENDERS, options.each);
    let loaded = AtomicBool::new(true);
    let (transfers, query_loaded) = std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            ask(network.rpc, &signer, &token, |_| {
                loaded.load(Ordering::Relaxed)
            })
        });
        let transfers = load(&network, options, &txs, None);
        loaded.store(false, Ordering::Relaxed);
        (transfers, asking.join().expect("queries"))
    });
    let sends = load(&network, options, &sends(&mut rpc, options.each), None);
    let (host_kib, enclave_kib) = (
        field(network.host(), "status", "VmRSS:"),
        field(network.enclave(), "status", "VmRSS:"),
    );
    // Transfers last, so that the restart goes on behind a full block of them.
    let last = signer.transfers(&mut rpc, &token, 0, SENDERS, options.each.min(5));
    send(&network, &last, SENDERS, None, options.patience);
    let stop = network.stop();
    let (network, restart) = Localnet::start(candidate, home.path());
    drop(network);
    Measured {
        transfers,
        sends,
        paced,
        stop,
        restart,
        host_kib,
        enclave_kib,
        query_idle,
        query_loaded,
    }
}

fn load(network: &Localnet, options: &Options, txs: &[Vec<u8>], pace: Option<u32>) -> Load {
    let (disk, threads, before) = (network.disk(), network.threads(), network.used());
    let done = AtomicBool::new(false);
    let (sent, resident) = std::thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let mut resident = Vec::new();
            while !done.load(Ordering::Relaxed) {
                resident.push(field(network.host(), "status", "VmRSS:"));
                std::thread::sleep(LOOK);
            }
            resident
        });
        let sent = send(network, txs, SENDERS, pace, options.patience);
        done.store(true, Ordering::Relaxed);
        (sent, looking.join().expect("its memory"))
    });
    let Sent {
        took,
        included,
        since_first,
        refused,
    } = sent;
    let Used {
        host,
        enclave,
        written,
    } = network.used();
    let each = txs.len() as f64;
    if options.threads {
        for (name, used) in network.threads() {
            let used = used - threads.get(&name).copied().unwrap_or_default();
            eprintln!("{name:<32} {:>8.1} us each", used / each * 1e6);
        }
    }
    Load {
        txs: txs.len(),
        took,
        host: (host - before.host) / each,
        enclave: (enclave - before.enclave) / each,
        included,
        since_first,
        written: written.saturating_sub(before.written) as f64 / each,
        disk: network.disk().saturating_sub(disk) as f64 / each,
        refused,
        resident,
    }
}

/// Bank sends, `each` of every sender, in the order of turns.
fn sends(rpc: &mut Rpc, each: usize) -> Vec<Vec<u8>> {
    let users: Vec<_> = (0..SENDERS).map(User::numbered).collect();
    let positions: Vec<_> = users.iter().map(|user| position(rpc, user)).collect();
    let mut txs = Vec::new();
    for turn in 0..each as u64 {
        for (n, (user, (number, sequence))) in users.iter().zip(&positions).enumerate() {
            let tx = TxBuilder::new(CHAIN_ID).gas(SEND_GAS).message(&MsgSend {
                from_address: user.address().to_string(),
                to_address: User::numbered(SENDERS + n).address().to_string(),
                amount: vec![Coin {
                    denom: "uscrt".into(),
                    amount: "1".into(),
                }],
            });
            let signed = tx.sign(user.account(), *number, sequence + turn);
            txs.push(signed.expect("a signature"));
        }
    }
    txs
}

/// Asks the token who it is, sealed, as long as `more` says so.
fn ask(port: u16, signer: &Signer, token: &Contract, more: impl Fn(usize) -> bool) -> Samples {
    let mut rpc = Rpc::new(port);
    let sealer = Sealer::new(sha256(b"queries"), signer.network_key);
    let question = json!({"token_info": {}}).to_string();
    let sealed = sealer.seal(&token.code_hash, question.as_bytes());
    let request = compute::QuerySecretContractRequest {
        contract_address: token.address.to_string(),
        query: sealed.expect("the network's key is good").wire,
    };
    let mut samples = Samples::default();
    let mut asked = 0;
    while more(asked) {
        let begin = Instant::now();
        let path = "/secret.compute.v1beta1.Query/QuerySecretContract";
        let answer: Option<compute::QuerySecretContractResponse> = rpc.try_query(path, &request);
        if answer.is_some_and(|answer| !answer.data.is_empty()) {
            samples.push(begin.elapsed());
        }
        asked += 1;
        std::thread::sleep(QUERY_PAUSE);
    }
    samples
}
