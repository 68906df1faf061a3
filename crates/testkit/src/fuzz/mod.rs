//! Blocks of whatever anyone may send, through the state machine with the enclave's keys and tree.
//!
//! Promises to find: a fault or a panic; a result too few; a block that is another the second time or with other modules
//! loaded; coins made or lost; a sequence that does not follow; a fee that is told and not taken; a failed transaction that
//! leaves more than fee, sequence and key; a transaction that passed the check and was not charged; one that failed because
//! of another; a validator that is no registered node, or another set than consensus has. Everything follows from the seed, which is printed when something falls.

mod admin;
mod beside;
mod contracts;
mod crowd;
mod keys;
mod market;
mod messages;
mod nodes;
mod others;
mod rng;
mod sender;
mod tangle;
mod threads;
mod txs;
mod v010;

pub use crowd::{Crowd, SENDERS};

use crate::chain::Chain;
use crate::genesis::{ACCOUNT_BALANCE, Options};
use crate::replica::{Replica, Sealed};
use crate::user::User;
pub use beside::{Beside, beside};
use contracts::Known;
use keys::Keys;
pub use market::{Calls, Contention, Market};
use rng::Rng;
use std::collections::BTreeMap;
use strongroom_bridge::spec::BLOCK_RESULT_BYTES_MAX;
use strongroom_chain::block::OUTPUT_BYTES_MAX;
use strongroom_chain::genesis::DENOM;
use strongroom_chain::modules::{accounts, auth, bank};
use strongroom_chain::{BlockInfo, BlockOutcome, CheckState, Slot};
use strongroom_types::proto::cosmos::bank::v1beta1::MsgSend;
use strongroom_types::proto::cosmos::base::v1beta1::Coin;
use strongroom_types::proto::cosmos::tx::signing::v1beta1::SignMode;
use strongroom_types::{Address, Coins, ExecTxResult, Gas, RawTx, Timestamp};
pub use threads::{THREADS, Threads, on_threads};
use txs::{Made, Scene, Sender};

/// Coins of an account of several keys.
const GROUP_BALANCE: u128 = ACCOUNT_BALANCE / 4;
/// Transactions that are made for a block.
const TXS: usize = 24;
/// Transactions that are made for a block that is to say as much as a block may, and a few more.
const SPEECHES: usize = 30;
/// Blocks between two lines of progress.
const PROGRESS: u64 = 200;
/// The gas of a block, as on the local network.
const BLOCK_GAS: Gas = 100_000_000;

/// Result of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// The seed.
    pub seed: u64,
    /// Blocks.
    pub blocks: u64,
    /// Transactions in blocks.
    pub txs: u64,
    /// Messages in them.
    pub messages: u64,
    /// Of these: succeeded.
    pub succeeded: u64,
    /// Of these: failed, and paid.
    pub failed: u64,
    /// Of these: did not pass the ante chain; only in blocks of a proposer that does not check.
    pub refused: u64,
    /// Transactions that the check kept out of a block.
    pub kept_out: u64,
    /// Transactions with an Amino signature that passed the check.
    pub amino: u64,
    /// Of transactions that passed the check, those signed as Ethereum's wallets do.
    pub eip191: u64,
    /// Of transactions that passed the check, those that a multisig signed.
    pub multisig: u64,
    /// Blocks that gave more than eight tenths of what a block may give.
    pub large: u64,
    /// Times that a node has confirmed that it holds the seed.
    pub confirmed: u64,
    /// Times that a node has ended, by itself or by somebody.
    pub ended: u64,
    /// Changes of validators.
    pub validators: u64,
    /// Contracts that got other code.
    pub migrated: u64,
    /// Contracts that got another admin, or none.
    pub handed_over: u64,
    /// What the authority allowed.
    pub authorized: u64,
    /// Transactions that succeeded in a simulation, which nobody decided; only in blocks without an enclave beside them.
    pub simulated: u64,
}

impl Figures {
    fn signed(&mut self, made: &Made) {
        self.multisig += u64::from(made.several);
        match made.mode {
            SignMode::LegacyAminoJson => self.amino += 1,
            SignMode::Eip191 => self.eip191 += 1,
            _ => {}
        }
    }
}

/// Says where it stood when something falls.
struct Where {
    seed: u64,
    block: u64,
}

impl Drop for Where {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("fuzz: seed {}, block {}", self.seed, self.block);
        }
    }
}

/// Runs so many blocks.
///
/// # Panics
/// At the first promise that does not hold; prints seed and block.
#[must_use]
pub fn run(seed: u64, blocks: u64) -> Figures {
    let mut at = Where { seed, block: 0 };
    let (mut run, _) = Run::new(&Options {
        seed,
        ..Options::default()
    });
    while at.block < blocks {
        run.block(at.block);
        at.block += 1;
        if at.block.is_multiple_of(PROGRESS) {
            println!("{:?}", run.figures);
        }
    }
    run.figures
}

struct Run {
    rng: Rng,
    replica: Replica<Sealed>,
    head: BlockInfo,
    known: Known,
    senders: Vec<Sender>,
    figures: Figures,
    /// Whether the only validator stays the only one.
    alone: bool,
}

/// Where the replay of a chain begins: after its newest block, at a time of its own.
fn head_of(chain: &Chain) -> BlockInfo {
    BlockInfo {
        chain_id: chain.options().chain_id.clone(),
        genesis_hash: chain.genesis().hash(),
        height: chain.height(),
        time: Timestamp {
            seconds: crate::genesis::TIME + 1_000,
            nanos: 0,
        },
        header_hash: [0; 32],
        version_app: 0,
        misbehavior: Vec::new(),
    }
}

/// The header of a block so much later than the one with this.
fn head_after(head: &BlockInfo, seconds: i64, rng: &mut Rng) -> BlockInfo {
    let mut next = head.clone();
    next.height += 1;
    next.time.seconds += seconds;
    next.header_hash[..8].copy_from_slice(&rng.next().to_be_bytes());
    next
}

impl Run {
    /// A run, and the chain on which it begins. Where the chain goes on beside it, its validator stays the only one.
    fn new(options: &Options) -> (Self, Chain) {
        let mut chain = Chain::with(Options {
            accounts: SENDERS,
            ..options.clone()
        });
        let mut run = Self::on(&mut chain);
        run.alone = options.enclave.is_some();
        (run, chain)
    }

    /// Those who send on a new chain, after the blocks that make their contracts.
    fn on(chain: &mut Chain) -> Self {
        let seed = chain.options().seed;
        let users: Vec<User> = (0..SENDERS).map(User::numbered).collect();
        let known = Known::on(chain, &users);
        for keys in Keys::groups() {
            let payment = MsgSend {
                from_address: users[0].address().to_string(),
                to_address: keys.public().address().to_string(),
                amount: vec![Coin {
                    denom: DENOM.to_owned(),
                    amount: GROUP_BALANCE.to_string(),
                }],
            };
            let tx = chain.sign(&users[0], &chain.tx().message(&payment));
            assert_eq!(chain.block(vec![tx])[0].code, 0, "coins of a multisig");
        }
        let all = users.into_iter().map(Keys::One).chain(Keys::groups());
        let senders = all.map(|keys| {
            let address = keys.public().address();
            let (number, sequence) = chain.account(&address).expect("an account");
            Sender {
                keys,
                address,
                number,
                sequence,
            }
        });
        let senders = senders.collect();
        let head = head_of(chain);
        Self {
            rng: Rng(seed),
            replica: Replica::of(chain),
            head,
            known,
            senders,
            figures: Figures {
                seed,
                ..Figures::default()
            },
            alone: false,
        }
    }

    /// Transactions of the next block, and whether they are those that pass the check.
    fn content(&mut self) -> (Vec<Vec<u8>>, bool) {
        let checked = self.rng.once_in(2);
        let scene = if self.rng.once_in(25) {
            Scene::Speeches
        } else {
            Scene::Anything
        };
        let txs = if checked {
            self.checked(scene)
        } else {
            self.unchecked(scene)
        };
        (txs, checked)
    }

    /// The next header, at some time.
    fn next_head(&mut self) -> BlockInfo {
        // Nodes end when their time is over.
        let seconds = if self.rng.once_in(20) { 2_000 } else { 1 };
        head_after(&self.head, seconds, &mut self.rng)
    }

    fn block(&mut self, number: u64) {
        let (txs, checked) = self.content();
        let (txs, next) = (RawTx::list(txs), self.next_head());
        let before = self.standing();
        let outcome = self.replica.execute_at(&next, &txs);
        // Each as the next one, whatever those before it would have done: the block is the same the second time.
        let estimates = txs.iter().map(|tx| self.replica.simulate(&self.head, tx));
        self.figures.simulated += estimates.flatten().map(|_| 1).sum::<u64>();
        if number.is_multiple_of(4) {
            self.replica.forget_modules();
        }
        assert!(
            outcome == self.replica.execute_at(&next, &txs),
            "the block is another the second time"
        );
        assert_eq!(outcome.tx_results.len(), txs.len());
        self.after(next, &before, &outcome, checked);
    }

    /// Takes over what a block gave, and looks at what it left.
    fn after(&mut self, head: BlockInfo, before: &Standing, outcome: &BlockOutcome, checked: bool) {
        self.replica.keep(outcome);
        self.head = head;
        let known = &mut self.known;
        known.meet(outcome);
        self.replica.read(&self.head, |ctx| known.look(ctx));
        let after = self.standing();
        self.compare(before, &after, outcome);
        if checked {
            // Gas for as much output as leaves a block may be a little more than what leaves.
            let full = given(outcome) > OUTPUT_BYTES_MAX / 10 * 9;
            let ran = outcome.tx_results.iter();
            ran.filter(|result| !(full && result.is_left()))
                .for_each(charged);
        }
        self.count(outcome);
        for sender in &mut self.senders {
            sender.sequence = after.sequences[&sender.address];
        }
    }

    /// A proposal: what passes the check, in order, up to the gas of a block.
    fn checked(&mut self, scene: Scene) -> Vec<Vec<u8>> {
        let (mut pending, mut gas, mut txs) = (CheckState::default(), 0, Vec::new());
        for n in 0..scene.length() {
            let made = self.make(scene, n);
            if self.alone && crowd::names_validators(&made.bytes) {
                continue;
            }
            let checked = self.replica.check(&mut pending, &self.head, &made.bytes);
            if checked.result.error.is_some() {
                self.figures.kept_out += 1;
                continue;
            }
            gas += checked.result.gas_wanted;
            if gas > BLOCK_GAS {
                break;
            }
            self.figures.signed(&made);
            for signer in made.signers {
                self.senders[signer].sequence += 1;
            }
            self.figures.messages += made.messages;
            txs.push(made.bytes);
        }
        txs
    }

    /// The block of a proposer who takes whatever comes, and some of it twice.
    fn unchecked(&mut self, scene: Scene) -> Vec<Vec<u8>> {
        let (mut pending, mut txs) = (CheckState::default(), Vec::new());
        for n in 0..scene.length() {
            let made = self.make(scene, n);
            if self.alone && crowd::names_validators(&made.bytes) {
                continue;
            }
            let checked = self.replica.check(&mut pending, &self.head, &made.bytes);
            // Only so that not all that follows is of a wrong sequence.
            if checked.result.error.is_none() {
                self.figures.signed(&made);
                for signer in made.signers {
                    self.senders[signer].sequence += 1;
                }
            }
            if self.rng.once_in(12) {
                self.figures.messages += made.messages;
                txs.push(made.bytes.clone());
            }
            self.figures.messages += made.messages;
            txs.push(made.bytes);
        }
        txs
    }

    fn make(&mut self, scene: Scene, n: usize) -> txs::Made {
        let (rng, known) = (&mut self.rng, &self.known);
        match scene {
            Scene::Anything => txs::make(rng, known, &self.senders, &self.head),
            Scene::Speeches => txs::speech(rng, known, &self.senders, &self.head, n),
        }
    }

    /// Sums and sequences of the state.
    fn standing(&self) -> Standing {
        self.replica.read(&self.head, |ctx| {
            let (mut held, mut supply, mut sequences) = (0_u128, 0, BTreeMap::new());
            let end = auth::keeper::accounts_len(ctx).expect("readable");
            for number in 0..end {
                let address = auth::keeper::address_of(ctx, number).expect("readable");
                let account = auth::keeper::account(ctx, &address).expect("readable");
                let sequence = account.expect("an account for each number").sequence;
                held += bank::keeper::balance(ctx, &address, "uscrt").expect("readable");
                sequences.insert(address, sequence);
            }
            supply += bank::keeper::supply(ctx, "uscrt").expect("readable");
            let collector = Address::of_module(accounts::FEE_COLLECTOR);
            let fees = bank::keeper::balance(ctx, &collector, "uscrt").expect("readable");
            Standing {
                held,
                supply,
                fees,
                sequences,
            }
        })
    }

    fn compare(&self, before: &Standing, after: &Standing, outcome: &BlockOutcome) {
        assert_eq!((after.held, before.supply), (after.supply, after.supply));
        let (mut fees, mut signed) = (0, BTreeMap::<&str, u64>::new());
        for (result, access) in outcome.tx_results.iter().zip(&outcome.access) {
            for (key, value) in ante(result) {
                match key {
                    "fee" => {
                        let coins: Coins = value.parse().expect("coins");
                        fees += coins.amount_of("uscrt");
                    }
                    "acc_seq" => {
                        let (address, _) = value.split_once('/').expect("address and number");
                        *signed.entry(address).or_default() += 1;
                    }
                    _ => {}
                }
            }
            assert!(
                result.code == 0 || access.writes.iter().all(is_of_the_ante),
                "a failed transaction wrote {:?}",
                access.writes
            );
            assert!(result.gas_used >= 0 && result.gas_wanted >= 0);
        }
        assert_eq!(
            after.fees - before.fees,
            fees,
            "fees that were told and taken"
        );
        for (address, sequence) in &before.sequences {
            let signed = signed.get(address.to_string().as_str());
            let expected = sequence + signed.copied().unwrap_or(0);
            assert_eq!(after.sequences[address], expected, "{address}");
        }
    }

    fn count(&mut self, outcome: &BlockOutcome) {
        self.figures.blocks += 1;
        let given = given(outcome);
        assert!(
            given < BLOCK_RESULT_BYTES_MAX,
            "{given} bytes do not fit the door"
        );
        self.figures.large += u64::from(given > OUTPUT_BYTES_MAX / 10 * 8);
        let told = outcome.tx_results.iter().flat_map(|r| &r.events);
        for event in told.chain(&outcome.events) {
            match event.kind.as_str() {
                "migrate" => self.figures.migrated += 1,
                "update_contract_admin" => self.figures.handed_over += 1,
                "contract_governance_proposal" => self.figures.authorized += 1,
                "confirm_node" => self.figures.confirmed += 1,
                "revoke_node" | "drop_node" | "expire_node" => self.figures.ended += 1,
                _ => {}
            }
        }
        self.figures.validators += outcome.validator_updates.len() as u64;
        for result in &outcome.tx_results {
            self.figures.txs += 1;
            match (result.code, ante(result).next()) {
                (0, _) => self.figures.succeeded += 1,
                (_, Some(_)) => self.figures.failed += 1,
                (_, None) => self.figures.refused += 1,
            }
        }
    }
}

/// Bytes of texts, data, writes and content: the least that the block's result takes at the door.
fn given(outcome: &BlockOutcome) -> usize {
    let told = outcome.tx_results.iter().map(|result| {
        let attributes = result.events.iter().flat_map(|e| &e.attributes);
        let events: usize = attributes.map(|a| a.key.len() + a.value.len()).sum();
        result.log.len() + result.data.len() + events
    });
    let value = |value: &Option<Vec<u8>>| value.as_ref().map_or(0, Vec::len);
    let writes = outcome.writes.0.iter();
    let writes: usize = writes.map(|((_, key), v)| key.len() + value(v)).sum();
    let content: usize = outcome.new_code.values().map(|wasm| wasm.len()).sum();
    told.sum::<usize>() + writes + content
}

struct Standing {
    held: u128,
    supply: u128,
    fees: u128,
    sequences: BTreeMap<Address, u64>,
}

/// The attributes of the ante chain's own events; none for a transaction that did not pass it.
fn ante(result: &ExecTxResult) -> impl Iterator<Item = (&str, &str)> {
    let own = result.events.iter().filter(|event| event.kind == "tx");
    own.flat_map(|event| &event.attributes)
        .map(|a| (a.key.as_str(), a.value.as_str()))
}

/// Account, balance or denominations of somebody.
fn is_of_the_ante(slot: &Slot) -> bool {
    const NAMES: [&[u8]; 3] = [b"auth/account/", b"bank/balance/", b"bank/denoms/"];
    matches!(slot, Slot::Native(key) if NAMES.iter().any(|name| key.starts_with(name)))
}

/// What passed the check was charged, and no other transaction is why it failed.
fn charged(result: &ExecTxResult) {
    assert!(ante(result).next().is_some(), "not charged: {}", result.log);
    for text in ["no block gas left", "location: block gas meter"] {
        assert!(
            !result.log.contains(text),
            "another's failure: {}",
            result.log
        );
    }
}
