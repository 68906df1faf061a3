//! The chain of a test: users, blocks, time, queries.

use crate::call::{Call, Code, Contract, What};
use crate::gas::GasReport;
use crate::genesis::{self, FAUCET, Setup, TIME};
use crate::leaks::trace::{Step, Trace};
use crate::outcome::{Executed, Refused, query_refused};
use crate::user::User;
use crate::world::{Watched, World};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use strongroom_chain::query::{QueryError, QueryStop, query};
use strongroom_chain::{
    BlockInfo, BlockOutcome, NoSecrets, Secrets, StateRead, execute_block, init_chain,
};
use strongroom_crypto::TxKey;
use strongroom_sdk::tx::TxBuilder;
use strongroom_types::proto::cosmos::auth::v1beta1::{
    QueryAccountInfoRequest, QueryAccountInfoResponse,
};
use strongroom_types::proto::cosmos::bank::v1beta1::{
    MsgSend, QueryBalanceRequest, QueryBalanceResponse,
};
use strongroom_types::proto::secret::compute::v1beta1::{
    QueryByCodeIdRequest, QueryCodeHashResponse, QuerySecretContractRequest,
    QuerySecretContractResponse,
};
use strongroom_types::proto::{Message, Name};
use strongroom_types::{
    Address, Coin, Coins, ExecTxResult, Gas, Hash, Height, RawTx, Timestamp, Tree, sha256,
};

/// Seconds from block to block, unless a test lets more pass.
pub const BLOCK_SECONDS: u64 = 6;
/// The gas limit of a call that names none: more than any one call can use, since a call has at most 10,000,000 of its own.
const CALL_GAS: Gas = 20_000_000;
/// The gas limit of an upload: as much as a block has.
const CODE_GAS: Gas = strongroom_chain::genesis::BLOCK_GAS_MAX.unsigned_abs();

/// A chain in process. A clone is a snapshot: it costs nothing, and neither of the two knows of the other.
///
/// Transactions pay no fee, so that coins move only where a contract or a test moves them. Each call is a block of its own, unless
/// several go into one ([`Network::block`]).
#[derive(Clone)]
pub struct Network {
    world: World,
    setup: Setup,
    head: BlockInfo,
    network_key: [u8; 32],
    /// Messages sealed so far: each has a nonce of its own.
    sealed: u64,
    gas: GasReport,
    pub(crate) trace: Option<Trace>,
}

impl Default for Network {
    fn default() -> Self {
        Self::new()
    }
}

impl Network {
    /// A chain with five users, `alice`, `bob`, `carol`, `dave` and `erin`, who have 1,000,000 SCRT each.
    ///
    /// # Panics
    /// If the house itself is broken, as all methods here.
    #[must_use]
    pub fn new() -> Self {
        static NEW: LazyLock<Network> = LazyLock::new(|| Network::with(&Setup::default()));
        NEW.clone()
    }

    /// A chain with other users and coins.
    ///
    /// # Panics
    /// As [`Network::new`]; also for a chain id, a denomination or a number that no chain takes.
    #[must_use]
    pub fn with(setup: &Setup) -> Self {
        let document = genesis::document(setup);
        let genesis_hash = sha256(&document);
        let mut world = World::new(genesis::keys(setup, genesis_hash));
        let begun =
            init_chain(&document, World::env(&world)).expect("a genesis that the chain takes");
        world.apply(&begun.writes, &begun.new_code);
        let network_key = *world.keys.newest().io().public();
        let head = BlockInfo {
            chain_id: setup.chain_id.clone(),
            genesis_hash,
            height: 0,
            time: Timestamp {
                seconds: TIME,
                nanos: 0,
            },
            header_hash: [0; 32],
            version_app: strongroom_chain::genesis::VERSION_APP,
            misbehavior: Vec::new(),
        };
        let mut network = Self {
            world,
            setup: setup.clone(),
            head,
            network_key,
            sealed: 0,
            gas: GasReport::default(),
            trace: None,
        };
        network.advance(1, BLOCK_SECONDS);
        network
    }

    /// A user by name; the same name is the same user. One that is not in the [`Setup`] has no account before it has coins.
    #[must_use]
    pub fn user(&self, name: &str) -> User {
        User::named(name)
    }

    /// Gives a user coins, in a block of its own.
    ///
    /// # Panics
    /// As [`Network::new`]; also for a denomination that the [`Setup`] does not have.
    pub fn give(&mut self, to: &User, amount: u128, denom: &str) {
        let coin = Coin::new(amount, denom);
        self.send(&User::named(FAUCET), to.address(), &[coin])
            .unwrap_or_else(|refused| panic!("the kit gives {denom}: {refused}"));
    }

    /// Sends coins, in a block of its own.
    ///
    /// # Errors
    /// [`Refused`], e.g. for more than the user has.
    ///
    /// # Panics
    /// As [`Network::new`]; also if the user has no account.
    pub fn send(&mut self, from: &User, to: &Address, coins: &[Coin]) -> Result<Executed, Refused> {
        let message = MsgSend {
            from_address: from.address().to_string(),
            to_address: to.to_string(),
            amount: coins.iter().map(Coin::to_proto).collect(),
        };
        self.message(from, &message)
    }

    /// Sends a message of any kind, in a block of its own.
    ///
    /// # Errors
    /// [`Refused`].
    ///
    /// # Panics
    /// As [`Network::send`].
    pub fn message<M: Message + Name>(
        &mut self,
        from: &User,
        message: &M,
    ) -> Result<Executed, Refused> {
        self.run(&Call::other(from, message))
    }

    /// Stores a contract's code, plain or in gzip.
    ///
    /// # Errors
    /// [`Refused`]: names function and reason for wasm that cannot run.
    ///
    /// # Panics
    /// As [`Network::send`].
    pub fn store(&mut self, user: &User, wasm: impl AsRef<[u8]>) -> Result<Code, Refused> {
        let id = self.run(&Call::store(user, wasm.as_ref()))?.code_id();
        let request = QueryByCodeIdRequest { code_id: id };
        let response: QueryCodeHashResponse = self
            .ask("/secret.compute.v1beta1.Query/CodeHashByCodeId", &request)
            .expect("stored code has a hash");
        let mut hash = Hash::default();
        hex::decode_to_slice(response.code_hash, &mut hash).expect("a hash in hex");
        Ok(Code { id, hash })
    }

    /// Makes a contract. With an admin or coins: [`Call::instantiate`].
    ///
    /// # Errors
    /// [`Refused`] with the contract's own text.
    ///
    /// # Panics
    /// As [`Network::send`]; also for a message that JSON cannot say.
    pub fn instantiate(
        &mut self,
        user: &User,
        code: &Code,
        label: &str,
        message: &impl Serialize,
    ) -> Result<Contract, Refused> {
        let done = self.run(&Call::instantiate(user, code, label, message))?;
        Ok(done.contract().expect("an instantiation makes a contract"))
    }

    /// Calls a contract. With coins, less gas or a bound message: [`Call::execute`].
    ///
    /// # Errors
    /// [`Refused`] with the contract's own text, and with the place where it panicked, if it did.
    ///
    /// # Panics
    /// As [`Network::instantiate`].
    pub fn execute(
        &mut self,
        user: &User,
        contract: &Contract,
        message: &impl Serialize,
    ) -> Result<Executed, Refused> {
        self.run(&Call::execute(user, contract, message))
    }

    /// Executes a call in a block of its own.
    ///
    /// # Errors
    /// [`Refused`].
    ///
    /// # Panics
    /// As [`Network::send`].
    pub fn run(&mut self, call: &Call) -> Result<Executed, Refused> {
        let mut results = self.block(std::slice::from_ref(call));
        results.pop().expect("a result for the call")
    }

    /// Executes calls in one block, in this order; one result each. Nothing is lost by one that fails but what it did itself.
    ///
    /// # Panics
    /// As [`Network::send`].
    pub fn block(&mut self, calls: &[Call]) -> Vec<Result<Executed, Refused>> {
        let mut signed = BTreeMap::new();
        let mut keys = Vec::new();
        let mut txs = Vec::new();
        for call in calls {
            let nonce = self.nonce();
            let sealed = call.seal(&self.setup.chain_id, &self.network_key, &nonce);
            txs.push(self.sign(call, &sealed.message, &mut signed));
            keys.push(sealed.opener);
        }
        let raw = RawTx::list(&txs);
        let results = self.next(1, BLOCK_SECONDS, &raw);
        // An empty block is no step.
        if let Some(trace) = self.trace.as_mut().filter(|_| !calls.is_empty()) {
            trace.txs(calls, &txs, &results, &keys);
        }
        let mut done = Vec::new();
        for ((call, result), opener) in calls.iter().zip(results).zip(keys) {
            if let Some(name) = call.gas_name() {
                self.gas.note(&name, gas_used(&result));
            }
            done.push(Executed::read(call, result, opener, &self.network_key));
        }
        if let Some(trace) = self.trace.as_mut().filter(|_| !calls.is_empty()) {
            trace.refusals(done.iter().map(|done| done.as_ref().err()));
        }
        done
    }

    /// Lets blocks and time pass: the next block, an empty one, is `blocks` higher and `seconds` later. What lies between is not executed.
    ///
    /// # Panics
    /// As [`Network::new`]; also for no block, and beyond what a chain counts.
    pub fn advance(&mut self, blocks: u64, seconds: u64) {
        assert!(blocks > 0, "the next block is at least one higher");
        self.next(blocks, seconds, &[]);
    }

    /// Lets time pass: the next block, an empty one, is so much later.
    ///
    /// # Panics
    /// As [`Network::new`].
    pub fn wait(&mut self, seconds: u64) {
        self.advance(1, seconds);
    }

    fn next(&mut self, blocks: u64, seconds: u64, txs: &[RawTx]) -> Vec<ExecTxResult> {
        let height = self.head.height.checked_add(blocks).expect("a height");
        let seconds = i64::try_from(seconds).expect("a time");
        let seconds = self.head.time.seconds.checked_add(seconds).expect("a time");
        let header = format!("the header of test block {height} at {seconds}");
        let block = BlockInfo {
            height,
            time: Timestamp { seconds, nanos: 0 },
            // Known and the same in every run, whatever the block holds: two runs that differ in a message see the same random.
            header_hash: sha256(&[header.as_bytes(), &self.head.genesis_hash].concat()),
            ..self.head.clone()
        };
        let state = Watched::new(&self.world);
        let outcome: BlockOutcome = execute_block(
            &state,
            &*self.world.keys,
            World::env(&self.world),
            &block,
            txs,
        )
        .unwrap_or_else(|fault| panic!("the state machine stopped: {fault}"));
        let reads = state.reads();
        if let Some(trace) = self.trace.as_mut().filter(|_| !txs.is_empty()) {
            trace.block(Step::new(reads, &outcome.writes));
        }
        self.world.apply(&outcome.writes, &outcome.new_code);
        self.head = block;
        outcome.tx_results
    }

    fn sign(
        &self,
        call: &Call,
        message: &strongroom_types::proto::Any,
        signed: &mut BTreeMap<Address, u64>,
    ) -> Vec<u8> {
        let user = call.user();
        let (number, sequence) = self.account(user.address()).unwrap_or_else(|| {
            panic!(
                "{} has no account: give it coins first (Network::give)",
                user.name()
            )
        });
        let before = signed.entry(user.address().clone()).or_default();
        let sequence = sequence.checked_add(*before).expect("a sequence");
        *before = before.checked_add(1).expect("a sequence");
        TxBuilder::new(&self.setup.chain_id)
            .any(message.clone())
            .gas(call.gas_limit().unwrap_or(match call.what() {
                What::Store => CODE_GAS,
                _ => CALL_GAS,
            }))
            .fees(&Coins::empty())
            .sign(user.account(), number, sequence)
            .expect("a signature")
    }

    /// Number and sequence of an account, if there is one.
    fn account(&self, address: &Address) -> Option<(u64, u64)> {
        let request = QueryAccountInfoRequest {
            address: address.to_string(),
        };
        let response = self.ask("/cosmos.auth.v1beta1.Query/AccountInfo", &request);
        let response: QueryAccountInfoResponse = response.ok()?;
        response
            .info
            .map(|info| (info.account_number, info.sequence))
    }

    /// The coins of one denomination that an address has.
    ///
    /// # Panics
    /// As [`Network::new`].
    #[must_use]
    pub fn balance(&self, address: &Address, denom: &str) -> u128 {
        let request = QueryBalanceRequest {
            address: address.to_string(),
            denom: denom.to_owned(),
        };
        let response: QueryBalanceResponse = self
            .ask("/cosmos.bank.v1beta1.Query/Balance", &request)
            .unwrap_or_else(|error| panic!("a balance of {denom}: {error:?}"));
        response
            .balance
            .map_or(0, |coin| coin.amount.parse().expect("a number"))
    }

    /// Asks a contract. A query has no sender: what it may see, the message says (a viewing key, a permit).
    ///
    /// # Errors
    /// [`Refused`] with the contract's own text.
    ///
    /// # Panics
    /// As [`Network::new`]; also for an answer that is no JSON of this form.
    pub fn query<T: DeserializeOwned>(
        &mut self,
        contract: &Contract,
        message: &impl Serialize,
    ) -> Result<T, Refused> {
        let answer = self.query_bytes(contract, message)?;
        Ok(crate::outcome::json(&answer))
    }

    /// The same for an answer that is no JSON.
    ///
    /// # Errors
    /// As [`Network::query`].
    ///
    /// # Panics
    /// As [`Network::new`].
    pub fn query_bytes(
        &mut self,
        contract: &Contract,
        message: &impl Serialize,
    ) -> Result<Vec<u8>, Refused> {
        let nonce = self.nonce();
        let plain = crate::call::plain(message);
        let sealer = User::named("who asks").sealer(&self.network_key);
        let sealed = sealer
            .seal_with(&nonce, &contract.code_hash, &plain)
            .expect("a network key");
        let request = QuerySecretContractRequest {
            contract_address: contract.address.to_string(),
            query: sealed.wire,
        };
        let state = Watched::new(&self.world);
        let path = "/secret.compute.v1beta1.Query/QuerySecretContract";
        let answer = self.ask_on(&state, &*self.world.keys, path, &request);
        let reads = state.reads();
        if let Some(trace) = &mut self.trace {
            let length = answer
                .as_ref()
                .map_or(0, |answer: &QuerySecretContractResponse| answer.data.len());
            let error = answer.as_ref().err().map(|e| e.grpc().1);
            trace.query(
                &crate::call::query_name(contract, &plain),
                request.query.len(),
                length,
                error,
                reads,
            );
        }
        let answer = answer.map_err(|error| query_refused(error, &sealed.key));
        if let Some(trace) = &mut self.trace {
            trace.refusals([answer.as_ref().err()].into_iter());
        }
        let answer = answer?;
        Ok(opened(&sealed.key, &answer.data))
    }

    /// Any query that runs no contract, by its gRPC method.
    ///
    /// # Errors
    /// What the chain answers instead.
    ///
    /// # Panics
    /// If the answer is no `R`.
    pub fn ask<R: Message + Default>(
        &self,
        path: &str,
        request: &impl Message,
    ) -> Result<R, QueryError> {
        self.ask_on(&Watched::new(&self.world), &NoSecrets, path, request)
    }

    fn ask_on<R: Message + Default>(
        &self,
        state: &dyn StateRead,
        secrets: &dyn Secrets,
        path: &str,
        request: &impl Message,
    ) -> Result<R, QueryError> {
        let env = World::env(&self.world);
        match query(
            state,
            secrets,
            env,
            &self.head,
            path,
            &request.encode_to_vec(),
        ) {
            Ok(response) => {
                Ok(R::decode(response.as_slice()).expect("the response of this method"))
            }
            Err(QueryStop::Error(error)) => Err(error),
            Err(QueryStop::Fault(fault)) => panic!("the state machine stopped: {fault}"),
        }
    }

    /// What a contract keeps under a key of its own, opened: for a test that looks behind the queries.
    ///
    /// # Panics
    /// As [`Network::new`].
    #[must_use]
    pub fn stored(&self, contract: &Contract, key: &[u8]) -> Option<Vec<u8>> {
        let keys = &self.world.keys;
        let raw = keys
            .storage_keys(&contract.address, key)
            .expect("the keys are here");
        let record = raw
            .iter()
            .find_map(|raw| self.world.record(Tree::Contract, raw))?;
        let value = keys.open_value(&contract.address, key, &record);
        Some(value.expect("our own record").to_vec())
    }

    /// The newest height.
    #[must_use]
    pub const fn height(&self) -> Height {
        self.head.height
    }

    /// The time of the newest block, in seconds since 1970.
    #[must_use]
    pub fn time(&self) -> u64 {
        u64::try_from(self.head.time.seconds).unwrap_or_default()
    }

    /// The chain id.
    #[must_use]
    pub fn chain_id(&self) -> &str {
        &self.setup.chain_id
    }

    /// What the calls to contracts have cost so far.
    #[must_use]
    pub const fn gas_report(&self) -> &GasReport {
        &self.gas
    }

    /// Messages from here on are sealed with other nonces.
    pub(crate) const fn skip_nonces(&mut self, messages: u64) {
        self.sealed = self.sealed.saturating_add(messages);
    }

    fn nonce(&mut self) -> Hash {
        self.sealed = self
            .sealed
            .checked_add(1)
            .expect("fewer messages than numbers");
        sha256(format!("nonce {} of seed {}", self.sealed, self.setup.seed).as_bytes())
    }
}

pub(crate) fn gas_used(result: &ExecTxResult) -> Gas {
    u64::try_from(result.gas_used).unwrap_or_default()
}

fn opened(key: &TxKey, sealed: &[u8]) -> Vec<u8> {
    key.open_data(sealed)
        .expect("an answer to this question")
        .to_vec()
}
