//! One token transfer in the enclave: what it costs beside plaintext, and where the time goes.

use crate::figures::{Samples, ratio, row, table, timed, us};
use crate::scene::Scene;
use crate::vm_only::VmOnly;
use std::collections::BTreeMap;
use std::time::Duration;
use strongroom_chain::BlockOutcome;
use strongroom_crypto::{Secret, TxKey, secp256k1};
use strongroom_testkit::replica::{Plain, Replica, Sealed};
use strongroom_testkit::watch::{Port, Watch};
use strongroom_testkit::{DecidedBlock, User, contract};
use strongroom_types::sha256;

/// Blocks of so many transfers, so often in each turn.
const CASES: [(usize, usize); 2] = [(1, 25), (100, 3)];
/// Turns of each case. Both ways of measuring take turns, so that what disturbs the machine disturbs both.
const TURNS: usize = 9;
/// Pairs of holders: they make the tree that is read and written.
const PAIRS: usize = 1_000;
/// The ports that a transfer calls.
const PORTS: [Port; 6] = [
    Port::OpenInput,
    Port::StorageKeys,
    Port::ReadContract,
    Port::ReadNative,
    Port::OpenValue,
    Port::SealValue,
];
/// Bytes of the token's answer, which it pads.
const ANSWER: [u8; 256] = [b' '; 256];

/// Samples per transfer.
#[derive(Default)]
struct Costs {
    enclave: Samples,
    enclave_clock: Samples,
    /// A whole block without transactions.
    empty: Samples,
    light_client: Samples,
    state_machine: Samples,
    root: Samples,
    /// Decoding and the ante chain, with and without reads.
    ante: Samples,
    signature: Samples,
    /// The contract alone; of that, making its instance.
    contract: Samples,
    instance: Samples,
    answer: Samples,
    ports: BTreeMap<Port, Samples>,
    calls: BTreeMap<Port, u64>,
    plain: Samples,
}

/// A scene and those who follow it.
struct Bench {
    scene: Scene,
    sealed: Replica<Sealed>,
    plain: Replica<Plain>,
    vm: VmOnly,
}

pub(crate) fn run() {
    let scene = Scene::new(PAIRS);
    let sealed = Replica::<Sealed>::of(&scene.chain);
    let plain = Replica::<Plain>::of(&scene.chain);
    let storage = plain.world().contract(&scene.token.address);
    let vm = VmOnly::new(&contract("token"), &scene.token, storage);
    let mut bench = Bench {
        scene,
        sealed,
        plain,
        vm,
    };
    for (size, rounds) in CASES {
        let mut costs = Costs::default();
        for _ in 0..TURNS {
            // The enclave by itself: the others would push it out of the processor's caches.
            for round in 0..rounds {
                bench.enclave(round, size, &mut costs);
            }
            bench.sealed.follow(&bench.scene.chain);
            bench.plain.follow(&bench.scene.chain);
            for round in 0..rounds {
                bench.stages(round, size, &mut costs);
            }
        }
        costs.show(size, TURNS * rounds);
    }
}

impl Bench {
    /// Blocks as the network makes them.
    fn enclave(&mut self, round: usize, size: usize, costs: &mut Costs) {
        let txs = self.scene.transfers(round, size);
        self.scene.chain.door().take_traffic();
        self.scene.block(txs);
        let traffic = self.scene.chain.door().take_traffic();
        assert_eq!(traffic.asks, 0, "a warm tree");
        costs
            .enclave
            .push(traffic.executing_processor / size as u32);
        costs.enclave_clock.push(traffic.executing / size as u32);
        self.scene.block(Vec::new());
        let traffic = self.scene.chain.door().take_traffic();
        costs.empty.push(traffic.executing_processor);
    }

    /// The same work stage by stage, and the baselines.
    fn stages(&mut self, round: usize, size: usize, costs: &mut Costs) {
        let per = |time: Duration| time / size as u32;
        let txs = self.scene.transfers(round, size);
        let block = self.scene.chain.propose(txs);

        let (verified, took) = timed(|| self.scene.chain.state().verify(&block));
        verified.expect("a block of this chain");
        costs.light_client.push(per(took));

        let (outcome, took) = timed(|| self.sealed.execute(&block));
        costs.state_machine.push(per(took));
        costs.root.push(per(self.root(&outcome)));
        self.ports(&block, size, costs);

        // Its messages are opened now; the run that counts finds them open.
        let plain_outcome = self.plain.execute(&block);
        let (again, took) = timed(|| self.plain.execute(&block));
        assert_eq!(
            again.tx_results, outcome.tx_results,
            "the baseline does the same work"
        );
        costs.plain.push(per(took));

        let mut contract = [Duration::ZERO; 2];
        for pair in round..round + size {
            let message = self.scene.message(pair);
            let took = self.vm.execute(self.scene.sender(pair).address(), &message);
            contract = [contract[0] + took[0], contract[1] + took[1]];
        }
        costs.instance.push(per(contract[0]));
        costs.contract.push(per(contract[0] + contract[1]));
        costs.signature.push(signature(self.scene.sender(round)));
        let key = TxKey::derive(&Secret::new([1; 32]), &[2; 32]);
        costs
            .answer
            .time(|| key.seal_data(&ANSWER).expect("a sealed answer"));

        let results = self.scene.chain.decided(&block);
        assert_eq!(
            results, outcome.tx_results,
            "the enclave does the same work"
        );
        self.sealed.keep(&outcome);
        self.plain.keep(&plain_outcome);
    }

    /// The new root: what is missing for it, and the writes applied.
    fn root(&self, outcome: &BlockOutcome) -> Duration {
        let mut forest = self.sealed.world().forest().clone();
        let (missing, took) = timed(|| {
            let missing = forest.missing(&outcome.writes);
            forest
                .apply(&outcome.writes)
                .expect("a tree that is wholly known");
            missing
        });
        assert!(missing.is_empty());
        took
    }

    fn ports(&self, block: &DecidedBlock, size: usize, costs: &mut Costs) {
        let watch = Watch::default();
        let _ = self.sealed.watched(block, &watch);
        for port in PORTS {
            let spent = watch.spent(port);
            costs
                .ports
                .entry(port)
                .or_default()
                .push(spent.time / size as u32);
            costs.calls.insert(port, spent.calls / size as u64);
        }
        let watch = Watch::default();
        let ((), took) = timed(|| self.sealed.ante(block, &watch));
        let reads = watch.spent(Port::ReadNative).time;
        costs.ante.push(took.saturating_sub(reads) / size as u32);
    }
}

/// One signature checked by itself.
fn signature(user: &User) -> Duration {
    let message = b"a document of the usual length is hashed before it is signed";
    let signature = user.account().sign(message).expect("a signature");
    let (digest, key) = (sha256(message), user.account().public_key());
    let (good, took) = timed(|| secp256k1::verify(&digest, &signature, &key));
    assert_eq!(good, Ok(true));
    took
}

impl Costs {
    fn port(&self, port: Port) -> Duration {
        self.ports
            .get(&port)
            .map(Samples::median)
            .unwrap_or_default()
    }

    fn show(&self, size: usize, rounds: usize) {
        let title = |what: &str| match size {
            1 => format!("{what}, alone in its block ({rounds} blocks)"),
            _ => format!("{what}, one of {size} in a block ({rounds} blocks)"),
        };
        let base = self.contract.median();
        let row = |what: &str, samples: &Samples| row(what, samples, base);
        let mut rows = vec![
            row(
                "baseline: the contract alone, plaintext in a map",
                &self.contract,
            ),
            row(
                "baseline: the state machine on plaintext, messages open",
                &self.plain,
            ),
            row(
                "the state machine on sealed state in a tree",
                &self.state_machine,
            ),
            row("the enclave, through its door", &self.enclave),
            row("the same by the clock", &self.enclave_clock),
        ];
        if size == 1 {
            rows.push(row(
                "for comparison: a block without transactions",
                &self.empty,
            ));
        }
        table(
            &title("One transfer beside its baselines"),
            &["what runs", "ratio", "µs (median)", "quartiles"],
            &rows,
        );
        self.show_stages(&title("Where the time of a transfer in the enclave goes"));
    }

    fn show_stages(&self, title: &str) {
        let (total, base) = (self.enclave.median(), self.contract.median());
        let machine = self.state_machine.median();
        let signature = self.signature.median();
        let reads = self.port(Port::ReadContract) + self.port(Port::ReadNative);
        let calls = |port| self.calls.get(&port).copied().unwrap_or_default();
        let inside = [
            ("signature of the transaction".to_owned(), signature),
            (
                "decoding, fee, sequence".to_owned(),
                self.ante.median().saturating_sub(signature),
            ),
            (
                "message opened (X25519, HKDF, AES-SIV)".to_owned(),
                self.port(Port::OpenInput),
            ),
            (
                "instance of the contract".to_owned(),
                self.instance.median(),
            ),
            (
                "contract in the engine".to_owned(),
                base.saturating_sub(self.instance.median()),
            ),
            (
                format!("places of its keys (HMAC, {})", calls(Port::StorageKeys)),
                self.port(Port::StorageKeys),
            ),
            (
                format!(
                    "tree reads ({})",
                    calls(Port::ReadContract) + calls(Port::ReadNative)
                ),
                reads,
            ),
            (
                format!("values opened (AES-SIV, {})", calls(Port::OpenValue)),
                self.port(Port::OpenValue),
            ),
            (
                format!(
                    "values sealed at block end (AES-SIV, {})",
                    calls(Port::SealValue)
                ),
                self.port(Port::SealValue),
            ),
            (
                "answer sealed to the sender".to_owned(),
                self.answer.median(),
            ),
        ];
        let known: Duration = inside.iter().map(|(_, time)| *time).sum();
        let (light, root) = (self.light_client.median(), self.root.median());
        let mut rows: Vec<(String, Duration)> =
            vec![("light client: the block is decided".to_owned(), light)];
        rows.extend(inside);
        rows.push((
            "rest of the state machine (overlay, JSON, events)".to_owned(),
            machine.saturating_sub(known),
        ));
        rows.push(("new root of the tree".to_owned(), root));
        rows.push((
            "rest (door, threads, hashes of results, sealed anchor, cold caches)".to_owned(),
            total.saturating_sub(light + machine + root),
        ));
        rows.push(("**all**".to_owned(), total));
        let rows: Vec<Vec<String>> = rows
            .into_iter()
            .map(|(what, time)| {
                vec![
                    what,
                    format!("{:.0} %", 100.0 * ratio(time, total)),
                    us(time),
                ]
            })
            .collect();
        table(title, &["stage", "share", "µs"], &rows);
    }
}
