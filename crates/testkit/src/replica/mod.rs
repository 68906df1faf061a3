//! The enclave's work in the open: the same state machine over the same blocks, on ports that a bench can watch.
//!
//! A [`Replica`] follows a [`Chain`]. On the [`Sealed`] world it does what the enclave does, with the same keys and the
//! same tree, and reaches the same app hash. On the [`Plain`] world it is the baseline: the same transactions and the same
//! results, but messages are opened beforehand and the state is a map of plaintext without a root.

mod partly;
mod plain;
mod sealed;

pub use plain::Plain;
pub use sealed::Sealed;
pub use strongroom_chain::Bytes;

use crate::chain::Chain;
use crate::platform::Seeded;
use crate::watch::{Watch, Watched};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use strongroom_chain::check::CheckOutcome;
use strongroom_chain::modules::compute::ContractEngine;
use strongroom_chain::tx::{AnteConfig, GasPrice, decode, run_ante};
use strongroom_chain::{
    BlockInfo, BlockOutcome, CheckState, CodeRead, Ctx, EpochKeys, ExecutionEnv, Fault, Mode,
    Overlay, Secrets, State, StateRead, TxInfo, execute_block, execute_watched, init_chain,
};
use strongroom_node::host::block_info;
use strongroom_proof::comet::{Evidence, Header};
use strongroom_types::{DecidedBlock, Hash, Height, RawTx, WriteSet};

/// What a state machine stands on.
pub trait World: StateRead + Sized {
    /// The world before genesis of a chain with this number of a seed, and this hash of its genesis file.
    fn before_genesis(seed: u64, genesis_hash: Hash) -> Self;

    /// Operations that need the seed.
    fn secrets(&self) -> &dyn Secrets;

    /// Takes over what a block changes.
    ///
    /// # Panics
    /// If the tree cannot take it: a bug of this house.
    fn apply(&mut self, writes: &WriteSet);
}

/// The keys of the chain with this number of a seed.
pub(crate) fn keys(seed: u64, genesis_hash: Hash) -> EpochKeys {
    let ring = Seeded(seed).seeds();
    let chain = strongroom_crypto::seal::Chain {
        genesis_hash,
        security: ring.security(),
    };
    EpochKeys::of(&chain, &ring).expect("one epoch")
}

/// When the last transaction had its turn, and how long each took.
#[derive(Default)]
struct Turns(RefCell<(Option<Instant>, Vec<Duration>)>);

impl strongroom_chain::Watch for Turns {
    fn begins(&self, _: u32, _: &Hash) -> bool {
        self.0.borrow_mut().0 = Some(Instant::now());
        true
    }

    fn ended(&self) {
        let mut turns = self.0.borrow_mut();
        let began = turns.0.take();
        turns.1.extend(began.map(|began| began.elapsed()));
    }
}

/// Contract code by hash.
#[derive(Default)]
struct Content(BTreeMap<Hash, Bytes>);

impl CodeRead for Content {
    fn code(&self, hash: &Hash) -> Result<Bytes, Fault> {
        self.0
            .get(hash)
            .cloned()
            .ok_or_else(|| Fault::Content(String::from("no such code")))
    }
}

/// A state machine that follows a chain.
pub struct Replica<W> {
    world: W,
    content: Content,
    engine: ContractEngine,
    genesis_hash: Hash,
    height: Height,
}

impl<W: World> Replica<W> {
    /// A state machine that has executed every block of `chain` so far.
    ///
    /// # Panics
    /// As [`Chain::new`].
    #[must_use]
    pub fn of(chain: &Chain) -> Self {
        let mut replica = Self::at_genesis(chain);
        replica.follow(chain);
        replica
    }

    /// A state machine that stands where `chain` began.
    ///
    /// # Panics
    /// As [`Chain::new`].
    #[must_use]
    pub fn at_genesis(chain: &Chain) -> Self {
        let mut replica = Self {
            world: W::before_genesis(chain.options().seed, chain.genesis().hash()),
            content: Content::default(),
            engine: ContractEngine::default(),
            genesis_hash: chain.genesis().hash(),
            height: 0,
        };
        let genesis = init_chain(chain.genesis().bytes(), replica.env());
        replica
            .world
            .apply(&genesis.expect("the genesis of the chain").writes);
        replica
    }

    /// Executes the blocks that the chain has and this one has not.
    ///
    /// # Panics
    /// As [`Chain::new`].
    pub fn follow(&mut self, chain: &Chain) {
        while self.height < chain.height() {
            let outcome = self.execute(&chain.decided_block(self.height + 1));
            self.keep(&outcome);
        }
    }

    /// Executes a block on the present state, and changes nothing: it may be done again.
    ///
    /// # Panics
    /// As [`Chain::new`].
    #[must_use]
    pub fn execute(&self, block: &DecidedBlock) -> BlockOutcome {
        self.execute_at(&self.info(block), &block.txs)
    }

    /// As [`Replica::execute`], for transactions that nobody decided.
    ///
    /// # Panics
    /// As [`Chain::new`].
    #[must_use]
    pub fn execute_at(&self, block: &BlockInfo, txs: &[RawTx]) -> BlockOutcome {
        let secrets = self.world.secrets();
        execute_block(&self.world, secrets, self.env(), block, txs).expect("a sound state")
    }

    /// As [`Replica::execute_at`], with another engine.
    ///
    /// # Panics
    /// As [`Chain::new`].
    #[must_use]
    pub fn execute_on(
        &self,
        engine: &ContractEngine,
        block: &BlockInfo,
        txs: &[RawTx],
    ) -> BlockOutcome {
        let env = self.env_with(engine);
        execute_block(&self.world, self.world.secrets(), env, block, txs).expect("a sound state")
    }

    /// As [`Replica::execute_on`], where threads beside the first know three in four keys of the state only.
    ///
    /// # Panics
    /// As [`Chain::new`].
    #[must_use]
    pub fn execute_partly(
        &self,
        engine: &ContractEngine,
        block: &BlockInfo,
        txs: &[RawTx],
    ) -> BlockOutcome {
        let env = self.env_with(engine);
        let world = partly::Partly {
            world: &self.world,
            number: block.header_hash[0],
        };
        execute_block(&world, self.world.secrets(), env, block, txs).expect("a sound state")
    }

    /// As [`Replica::execute_on`], with the time that each transaction took at its turn.
    ///
    /// # Panics
    /// As [`Chain::new`].
    #[must_use]
    pub fn times(
        &self,
        engine: &ContractEngine,
        block: &BlockInfo,
        txs: &[RawTx],
    ) -> (BlockOutcome, Vec<Duration>) {
        let env = ExecutionEnv {
            engine,
            ..self.env()
        };
        let turns = Turns::default();
        let secrets = self.world.secrets();
        let outcome = execute_watched(&self.world, secrets, env, block, txs, &turns);
        (outcome.expect("a sound state"), turns.0.into_inner().1)
    }

    /// Checks a transaction as a mempool over this state does.
    ///
    /// # Panics
    /// As [`Chain::new`].
    pub fn check(&self, pending: &mut CheckState, head: &BlockInfo, tx: &[u8]) -> CheckOutcome {
        let price = GasPrice::default();
        pending
            .check(&self.world, self.env(), head, &price, tx, false)
            .expect("a sound state")
    }

    /// Reads the state as a query does.
    pub fn read<T>(&self, head: &BlockInfo, f: impl FnOnce(&mut Ctx<'_, '_>) -> T) -> T {
        let mut state = State::new(&self.world, self.world.secrets(), Overlay::default());
        let (tx, env) = (TxInfo::default(), self.env());
        f(&mut Ctx::new(
            &mut state,
            head,
            tx,
            Mode::Query,
            env,
            u64::MAX,
        ))
    }

    /// Forgets the modules that were loaded: nothing may depend on them.
    pub fn forget_modules(&mut self) {
        self.engine = ContractEngine::default();
    }

    /// As [`Replica::execute`], with every call of a port timed.
    ///
    /// # Panics
    /// As [`Chain::new`].
    #[must_use]
    pub fn watched(&self, block: &DecidedBlock, watch: &Watch) -> BlockOutcome {
        let ports = self.ports(watch);
        let env = ExecutionEnv {
            code: &ports,
            engine: &self.engine,
        };
        execute_block(&ports, &ports, env, &self.info(block), &block.txs).expect("a sound state")
    }

    /// Only the beginning of each transaction of a block: decoding, limits, fee, signatures, sequence.
    ///
    /// # Panics
    /// If a transaction does not pass.
    pub fn ante(&self, block: &DecidedBlock, watch: &Watch) {
        let ports = self.ports(watch);
        let env = ExecutionEnv {
            code: &ports,
            engine: &self.engine,
        };
        let info = self.info(block);
        let mut state = State::new(&ports, &ports, Overlay::default());
        for raw in &block.txs {
            let decoded = decode(raw).expect("a transaction");
            let tx = TxInfo {
                hash: *raw.hash(),
                ..TxInfo::default()
            };
            let mut ctx = Ctx::new(&mut state, &info, tx, Mode::Deliver, env, 0);
            run_ante(&mut ctx, &decoded, &AnteConfig::default()).expect("a good transaction");
        }
    }

    /// Takes over what [`Replica::execute`] gave.
    ///
    /// # Panics
    /// As [`Chain::new`].
    pub fn keep(&mut self, outcome: &BlockOutcome) {
        let new = outcome.new_code.iter();
        self.content
            .0
            .extend(new.map(|(hash, wasm)| (*hash, wasm.clone())));
        self.world.apply(&outcome.writes);
        self.height += 1;
    }

    /// What it stands on.
    #[must_use]
    pub const fn world(&self) -> &W {
        &self.world
    }

    fn env(&self) -> ExecutionEnv<'_> {
        ExecutionEnv {
            code: &self.content,
            engine: &self.engine,
        }
    }

    fn env_with<'a>(&'a self, engine: &'a ContractEngine) -> ExecutionEnv<'a> {
        ExecutionEnv {
            engine,
            ..self.env()
        }
    }

    fn ports<'w>(&'w self, watch: &'w Watch) -> Watched<'w> {
        Watched {
            watch,
            state: &self.world,
            secrets: self.world.secrets(),
            code: &self.content,
        }
    }
}

impl<W> Replica<W> {
    /// What execution depends on in a block's header.
    ///
    /// # Panics
    /// If it is no block.
    #[must_use]
    pub fn info(&self, block: &DecidedBlock) -> BlockInfo {
        let header = Header::decode(&block.header).expect("a header");
        let evidence = Evidence::decode(&block.evidence).expect("evidence");
        BlockInfo {
            misbehavior: evidence.misbehavior,
            ..block_info(&header, self.genesis_hash)
        }
    }
}
