//! What the tests of this crate stand on: a state in memory, a chain that makes blocks on it, users who sign.

mod group;

use crate::block::{BlockOutcome, execute_block};
use crate::check::{CheckOutcome, CheckState, Simulated, simulate};
use crate::ctx::{BlockInfo, Ctx, ExecutionEnv, Mode, TxInfo};
use crate::engine::ContractEngine;
use crate::error::Fault;
use crate::genesis::{
    self, Document, GenesisError, InitOutcome, LocalnetParams, NetworkKeys, init_chain,
    localnet_genesis,
};
use crate::modules::SimulationPolicy;
use crate::modules::auth::genesis::{self as auth, BaseAccount, GenesisAccount};
use crate::modules::bank::genesis::{self as bank, Balance, GenesisCoin};
use crate::overlay::Overlay;
use crate::ports::{CodeRead, NoSecrets, Secrets, StateRead};
use crate::query::QueryStop;
use crate::state::State;
use crate::tx::GasPrice;
use crate::types::RawTx;
use crate::types::consensus::Misbehavior;
use crate::types::proto::cosmos::bank::v1beta1::MsgSend;
use crate::types::proto::cosmos::base::v1beta1::Coin as PbCoin;
use crate::types::proto::cosmos::crypto::secp256k1::PubKey;
use crate::types::proto::cosmos::tx::signing::v1beta1::SignMode;
use crate::types::proto::cosmos::tx::v1beta1::{Fee, ModeInfo, SignerInfo, TxBody, mode_info};
use crate::types::proto::{Any, Message, pack};
use crate::types::{Address, Hash, Timestamp, Tree, WriteSet, amino, sha256};
use crate::{Bytes, crypto};
use std::collections::BTreeMap;

pub(crate) use group::{Group, Party};

pub(crate) const CHAIN_ID: &str = "secretdev-1";
/// The hash of a genesis file that there is none of.
pub(crate) const GENESIS_HASH: Hash = [6; 32];

/// A state in memory.
#[derive(Clone, Default)]
pub(crate) struct MemoryState(pub(crate) BTreeMap<(Tree, Vec<u8>), Vec<u8>>);

impl MemoryState {
    pub(crate) fn apply(&mut self, writes: &WriteSet) {
        for (key, value) in &writes.0 {
            match value {
                Some(value) => self.0.insert(key.clone(), value.clone()),
                None => self.0.remove(key),
            };
        }
    }
}

impl StateRead for MemoryState {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        Ok(self
            .0
            .get(&(tree, key.to_vec()))
            .map(|v| Bytes::from(v.as_slice())))
    }

    fn shared(&self) -> Option<Box<dyn StateRead + Sync + '_>> {
        Some(Box::new(self))
    }
}

struct NoCode;

impl CodeRead for NoCode {
    fn code(&self, _: &Hash) -> Result<Bytes, Fault> {
        Err(Fault::Content("no code here".into()))
    }
}

/// Runs `f` with an unlimited context over an empty state.
pub(crate) fn with_ctx<T>(f: impl FnOnce(&mut Ctx<'_, '_>) -> T) -> T {
    let (base, engine) = (MemoryState::default(), ContractEngine::default());
    let block = block_info(1);
    let mut state = State::new(&base, &NoSecrets, Overlay::default());
    let env = ExecutionEnv {
        code: &NoCode,
        engine: &engine,
    };
    f(&mut Ctx::of_block(&mut state, &block, env))
}

pub(crate) fn block_info(height: u64) -> BlockInfo {
    let time = Timestamp {
        seconds: 1_700_000_000,
        nanos: 7,
    };
    BlockInfo {
        chain_id: CHAIN_ID.into(),
        genesis_hash: GENESIS_HASH,
        height,
        time,
        header_hash: [7; 32],
        version_app: 1,
        misbehavior: Vec::new(),
    }
}

/// Someone who signs.
pub(crate) struct User {
    key: crypto::secp256k1::SecretKey,
    pub(crate) pubkey: [u8; 33],
    pub(crate) address: Address,
    pub(crate) number: u64,
    pub(crate) sequence: u64,
}

impl User {
    /// The n-th user of the test genesis.
    pub(crate) fn new(n: u8) -> Self {
        let key = crypto::secp256k1::SecretKey::from_bytes(&sha256(&[b'u', n])).unwrap();
        let pubkey = key.public().unwrap();
        let address = Address::of_secp256k1(&pubkey);
        Self {
            key,
            pubkey,
            address,
            number: 11 + u64::from(n),
            sequence: 0,
        }
    }

    pub(crate) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.sign_digest(&sha256(bytes))
    }

    pub(crate) fn sign_digest(&self, digest: &Hash) -> Vec<u8> {
        self.key.sign(digest).unwrap().to_vec()
    }

    pub(crate) fn info(&self, mode: SignMode) -> SignerInfo {
        let single = mode_info::Single { mode: mode.into() };
        SignerInfo {
            public_key: Some(pack(&PubKey {
                key: self.pubkey.to_vec(),
            })),
            mode_info: Some(ModeInfo {
                sum: Some(mode_info::Sum::Single(single)),
            }),
            sequence: self.sequence,
        }
    }
}

/// A transaction to be signed.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) body: TxBody,
    pub(crate) fee: Fee,
    pub(crate) mode: SignMode,
    pub(crate) chain_id: String,
}

pub(crate) fn coins(amount: u128) -> Vec<PbCoin> {
    vec![PbCoin {
        denom: "uscrt".into(),
        amount: amount.to_string(),
    }]
}

pub(crate) fn send(from: &Address, to: &Address, amount: u128) -> Any {
    pack(&MsgSend {
        from_address: from.to_string(),
        to_address: to.to_string(),
        amount: coins(amount),
    })
}

/// A transaction with 100,000 gas and a fee of 10,000 uscrt.
pub(crate) fn draft(messages: Vec<Any>) -> Draft {
    Draft {
        body: TxBody {
            messages,
            ..TxBody::default()
        },
        fee: Fee {
            amount: coins(10_000),
            gas_limit: 100_000,
            ..Fee::default()
        },
        mode: SignMode::Direct,
        chain_id: CHAIN_ID.into(),
    }
}

impl Draft {
    /// Signed by users, all in the draft's mode.
    pub(crate) fn signed(&self, users: &[&User]) -> Vec<u8> {
        let parties = users.iter().map(|user| Party::One(user, self.mode));
        self.signed_by(&parties.collect::<Vec<_>>())
    }

    /// What the modes that sign Amino JSON sign.
    pub(crate) fn document(&self, account_number: u64, sequence: u64) -> amino::SignDoc<'_> {
        amino::SignDoc {
            chain_id: &self.chain_id,
            account_number,
            sequence,
            fee: &self.fee,
            memo: &self.body.memo,
            timeout_height: self.body.timeout_height,
            messages: &self.body.messages,
        }
    }
}

/// What a genesis document gives.
pub(crate) fn init(bytes: &[u8]) -> Result<InitOutcome, GenesisError> {
    init_chain(
        bytes,
        ExecutionEnv {
            code: &NoCode,
            engine: &ContractEngine::default(),
        },
    )
}

/// A chain in memory with `users` accounts of 10^12 uscrt beside those of the local network.
pub(crate) struct Chain {
    pub(crate) state: MemoryState,
    pub(crate) height: u64,
    pub(crate) users: Vec<User>,
    pub(crate) pending: CheckState,
    /// Seconds since the time of [`block_info`].
    pub(crate) clock: i64,
    /// What the evidence of the next blocks says.
    pub(crate) misbehavior: Vec<Misbehavior>,
    /// What blocks are executed with.
    pub(crate) secrets: Box<dyn Secrets>,
    pub(crate) engine: ContractEngine,
}

pub(crate) const USER_BALANCE: u128 = 1_000_000_000_000;

pub(crate) fn localnet_params() -> LocalnetParams {
    LocalnetParams {
        chain_id: CHAIN_ID.into(),
        time: Timestamp {
            seconds: 1_700_000_000,
            nanos: 7,
        },
        validator: [3; 32],
        node_key: [4; 32],
        authority: User::new(0).address,
        keys: NetworkKeys {
            io: [1; 32],
            node_exchange: [2; 32],
        },
        simulation: SimulationPolicy::Off,
    }
}

/// The document of a local network with `users` more accounts.
pub(crate) fn document(users: u8) -> Document {
    let mut document = genesis::parse(&localnet_genesis(&localnet_params()).unwrap()).unwrap();
    let state = &mut document.app_state;
    let (mut auth, mut bank): (auth::Genesis, bank::Genesis) =
        (state.part("auth").unwrap(), state.part("bank").unwrap());
    let mut supply: u128 = bank.supply[0].amount.parse().unwrap();
    for n in 0..users {
        let user = User::new(n);
        auth.accounts.push(GenesisAccount::Base(BaseAccount {
            address: user.address.to_string(),
            pub_key: None,
            account_number: user.number.to_string(),
            sequence: "0".into(),
        }));
        let coin = GenesisCoin {
            denom: "uscrt".into(),
            amount: USER_BALANCE.to_string(),
        };
        bank.balances.push(Balance {
            address: user.address.to_string(),
            coins: vec![coin],
        });
        supply += USER_BALANCE;
    }
    bank.supply[0].amount = supply.to_string();
    state.set("auth", &auth).unwrap();
    state.set("bank", &bank).unwrap();
    document
}

impl Chain {
    pub(crate) fn new(users: u8) -> Self {
        Self::from_document(&document(users), users)
    }

    pub(crate) fn from_document(document: &Document, users: u8) -> Self {
        let engine = ContractEngine::default();
        let env = ExecutionEnv {
            code: &NoCode,
            engine: &engine,
        };
        let init = init_chain(&document.to_bytes().unwrap(), env).unwrap();
        let mut state = MemoryState::default();
        state.apply(&init.writes);
        let users = (0..users).map(User::new).collect();
        Self {
            state,
            height: 0,
            users,
            pending: CheckState::default(),
            clock: 0,
            misbehavior: Vec::new(),
            secrets: Box::new(NoSecrets),
            engine,
        }
    }

    /// The block at this height and time.
    pub(crate) fn info(&self) -> BlockInfo {
        let mut block = block_info(self.height);
        block.time.seconds += self.clock;
        block.header_hash = sha256(&self.height.to_be_bytes());
        block.misbehavior.clone_from(&self.misbehavior);
        block
    }

    pub(crate) fn env(&self) -> ExecutionEnv<'_> {
        ExecutionEnv {
            code: &NoCode,
            engine: &self.engine,
        }
    }

    /// Makes the next block.
    pub(crate) fn block(&mut self, txs: &[Vec<u8>]) -> BlockOutcome {
        self.height += 1;
        let block = self.info();
        let outcome = execute_block(
            &self.state,
            &*self.secrets,
            self.env(),
            &block,
            &RawTx::list(txs),
        )
        .unwrap();
        self.state.apply(&outcome.writes);
        self.pending.reset();
        outcome
    }

    /// As [`Chain::block`], with transactions that go on waiting: gives for each whether it has to be checked again.
    pub(crate) fn block_beside(
        &mut self,
        txs: &[Vec<u8>],
        left: &[Vec<u8>],
    ) -> (BlockOutcome, Vec<bool>) {
        let mut pending = core::mem::take(&mut self.pending);
        let outcome = self.block(txs);
        let left: Vec<_> = left.iter().map(|tx| crate::types::sha256(tx)).collect();
        let again = pending.committed(&outcome.writes, &left);
        self.pending = pending;
        (outcome, again)
    }

    pub(crate) fn check_as(&mut self, bytes: &[u8], recheck: bool) -> CheckOutcome {
        let mut pending = core::mem::take(&mut self.pending);
        let block = self.info();
        let price = GasPrice::default();
        let outcome = pending
            .check(&self.state, self.env(), &block, &price, bytes, recheck)
            .unwrap();
        self.pending = pending;
        outcome
    }

    /// The error of a check, if it fails.
    pub(crate) fn check(&mut self, bytes: &[u8]) -> Option<(String, u32, String)> {
        self.check_as(bytes, false)
            .result
            .error
            .map(|e| (e.codespace, e.code, e.text))
    }

    pub(crate) fn simulate(&self, bytes: &[u8]) -> Result<Simulated, QueryStop> {
        simulate(
            &self.state,
            self.pending.pending(),
            self.env(),
            &self.info(),
            bytes,
        )
        .map(Option::unwrap)
    }

    pub(crate) fn query<M: Message + Default>(
        &self,
        path: &str,
        request: &impl Message,
    ) -> Result<M, QueryStop> {
        let block = self.info();
        let bytes = crate::query::query(
            &self.state,
            &NoSecrets,
            self.env(),
            &block,
            path,
            &request.encode_to_vec(),
        )?;
        Ok(M::decode(bytes.as_slice()).unwrap())
    }

    /// Writes into the committed state, as if a block had done it.
    pub(crate) fn write(&mut self, f: impl FnOnce(&mut Ctx<'_, '_>)) {
        let block = self.info();
        let mut state = State::new(&self.state, &*self.secrets, Overlay::default());
        f(&mut Ctx::of_block(&mut state, &block, self.env()));
        let writes = state.into_write_set(self.height).unwrap();
        self.state.apply(&writes);
    }

    /// Reads the committed state through a context.
    pub(crate) fn read<T>(&self, f: impl FnOnce(&mut Ctx<'_, '_>) -> T) -> T {
        let block = self.info();
        let mut state = State::new(&self.state, &NoSecrets, Overlay::default());
        f(&mut Ctx::new(
            &mut state,
            &block,
            TxInfo::default(),
            Mode::Query,
            self.env(),
            u64::MAX,
        ))
    }

    pub(crate) fn sequence(&self, address: &Address) -> u64 {
        let account = self.read(|ctx| crate::modules::auth::keeper::account(ctx, address).unwrap());
        account.unwrap().sequence
    }

    pub(crate) fn balance(&self, address: &Address) -> u128 {
        self.read(|ctx| crate::modules::bank::keeper::balance(ctx, address, "uscrt").unwrap())
    }
}
