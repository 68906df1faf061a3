//! A chain with keys: real blocks, real sealing under the schedule of a fixed seed, contracts from wat.

use crate::Bytes;
use crate::block::{BlockOutcome, execute_block};
use crate::crypto::io::{self, TxKey};
use crate::crypto::seal::Chain;
use crate::crypto::seed::SeedRing;
use crate::crypto::x25519::KeyPair;
use crate::crypto::{MasterSeed, Secret, Security};
use crate::ctx::{Ctx, ExecutionEnv, Mode, TxInfo};
use crate::error::Fault;
use crate::genesis::{Document, init_chain};
use crate::modules::compute::ContractEngine;
use crate::modules::compute::state::contract_address;
use crate::overlay::{Overlay, Slot};
use crate::ports::CodeRead;
use crate::query::{QueryError, QueryStop};
use crate::secrets::EpochKeys;
use crate::state::State;
use crate::testing::{GENESIS_HASH, MemoryState, User, block_info, document, draft};
use crate::types::proto::cosmos::base::abci::v1beta1::TxMsgData;
use crate::types::proto::secret::compute::v1beta1 as pb;
use crate::types::proto::{Any, Message, pack};
use crate::types::{Address, ExecTxResult, Hash, Height, RawTx, sha256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;

/// Gas that the tests' transactions ask for.
pub(super) const GAS: u64 = 5_000_000;

fn epoch_keys() -> EpochKeys {
    let ring = SeedRing::genesis(Security::Insecure, MasterSeed::new([1; 32]));
    let chain = Chain {
        genesis_hash: GENESIS_HASH,
        security: Security::Insecure,
    };
    EpochKeys::of(&chain, &ring).unwrap()
}

/// Content that the host keeps.
#[derive(Default)]
pub(super) struct Content(pub(super) BTreeMap<Hash, Bytes>);

impl CodeRead for Content {
    fn code(&self, hash: &Hash) -> Result<Bytes, Fault> {
        self.0
            .get(hash)
            .cloned()
            .ok_or_else(|| Fault::Content("not kept".into()))
    }
}

/// A stored code.
#[derive(Clone, Copy, Debug)]
pub(super) struct Code {
    pub(super) id: u64,
    pub(super) hash: Hash,
}

impl Code {
    pub(super) fn hex(&self) -> String {
        hex::encode(self.hash)
    }
}

/// A message on its way, and what opens its answers.
pub(super) struct Sent {
    pub(super) any: Any,
    pub(super) key: TxKey,
}

/// What came of a transaction with one message.
pub(super) struct Done {
    pub(super) result: ExecTxResult,
    pub(super) key: TxKey,
}

impl Done {
    /// (codespace, code, text without the prefix of the message).
    pub(super) fn error(&self) -> (&str, u32, &str) {
        let prefix = "failed to execute message; message index: 0: ";
        let log = self.result.log.strip_prefix(prefix);
        let log = log.unwrap_or(&self.result.log);
        (&self.result.codespace, self.result.code, log)
    }

    /// The contract's own error, opened.
    pub(super) fn contract_error(&self) -> String {
        let (_, _, text) = self.error();
        let sealed = text.split("encrypted: ").nth(1).unwrap();
        opened(&self.key, sealed.split(": ").next().unwrap())
    }

    #[track_caller]
    pub(super) fn ok(self) -> Self {
        assert_eq!(self.result.code, 0, "{}", self.result.log);
        self
    }

    /// Events as `type{key=value,…}`, opened where they are sealed, without the addresses' and the index's noise.
    pub(super) fn events(&self) -> Vec<String> {
        let text = |s: &str| self.key.open_text(s).unwrap_or_else(|_| s.to_owned());
        let shown = self.result.events.iter().filter(|e| {
            e.attributes
                .last()
                .is_some_and(|a| a.key == "msg_index" && a.value == "0")
        });
        shown
            .map(|e| {
                let attributes: Vec<String> = e
                    .attributes
                    .iter()
                    .filter(|a| a.key != "msg_index")
                    .map(|a| format!("{}={}", text(&a.key), text(&a.value)))
                    .collect();
                format!("{}{{{}}}", e.kind, attributes.join(","))
            })
            .collect()
    }
}

/// The chain.
pub(super) struct World {
    pub(super) state: MemoryState,
    pub(super) content: Content,
    pub(super) engine: ContractEngine,
    pub(super) keys: EpochKeys,
    pub(super) height: Height,
    pub(super) users: Vec<User>,
    client: KeyPair,
    nonces: u8,
    instances: u64,
}

impl World {
    pub(super) fn new() -> Self {
        Self::from_document(&document(3))
    }

    pub(super) fn from_document(document: &Document) -> Self {
        // On two threads, where nothing may be another than on one.
        let engine = ContractEngine::default().with_threads(2);
        let content = Content::default();
        let env = ExecutionEnv {
            code: &content,
            engine: &engine,
        };
        let init = init_chain(&document.to_bytes().unwrap(), env).unwrap();
        let mut state = MemoryState::default();
        state.apply(&init.writes);
        Self {
            state,
            content,
            engine,
            keys: epoch_keys(),
            height: 0,
            users: (0..3).map(User::new).collect(),
            client: KeyPair::from_secret(&Secret::new([9; 32])),
            nonces: 0,
            instances: 0,
        }
    }

    pub(super) fn env(&self) -> ExecutionEnv<'_> {
        ExecutionEnv {
            code: &self.content,
            engine: &self.engine,
        }
    }

    /// Makes a block, keeps what it gives.
    pub(super) fn block(&mut self, txs: &[Vec<u8>]) -> BlockOutcome {
        let outcome = self.peek(txs);
        self.height += 1;
        self.state.apply(&outcome.writes);
        self.content.0.extend(outcome.new_code.clone());
        outcome
    }

    /// What a block would give, without making it.
    pub(super) fn peek(&self, txs: &[Vec<u8>]) -> BlockOutcome {
        let block = block_info(self.height + 1);
        execute_block(
            &self.state,
            &self.keys,
            self.env(),
            &block,
            &RawTx::list(txs),
        )
        .unwrap()
    }

    /// Signs messages of the first user with this gas; the sequence goes on.
    pub(super) fn sign(&mut self, messages: Vec<Any>, gas: u64) -> Vec<u8> {
        self.sign_by(0, messages, gas)
    }

    pub(super) fn sign_by(&mut self, user: usize, messages: Vec<Any>, gas: u64) -> Vec<u8> {
        let mut draft = draft(messages);
        draft.fee.gas_limit = gas;
        let bytes = draft.signed(&[&self.users[user]]);
        self.users[user].sequence += 1;
        bytes
    }

    /// A block with one transaction of one message.
    pub(super) fn run(&mut self, sent: Sent, gas: u64) -> Done {
        let tx = self.sign(vec![sent.any], gas);
        let result = self.block(&[tx]).tx_results.remove(0);
        Done {
            result,
            key: sent.key,
        }
    }

    /// A block with one message of this user, whose answers are sealed to nobody in the test unless `key` opens them.
    pub(super) fn run_by(&mut self, user: usize, sent: Sent) -> Done {
        let tx = self.sign_by(user, vec![sent.any], GAS);
        let result = self.block(&[tx]).tx_results.remove(0);
        Done {
            result,
            key: sent.key,
        }
    }

    /// A message that holds nothing sealed.
    pub(super) fn clear<M: Message + prost::Name>(&mut self, message: &M) -> Sent {
        let (_, key) = self.seal(&Hash::default(), b"");
        Sent {
            any: pack(message),
            key,
        }
    }

    /// Seals a message for the network and a code.
    pub(super) fn seal(&mut self, code_hash: &Hash, msg: &[u8]) -> (Vec<u8>, TxKey) {
        self.nonces += 1;
        let network = self.keys.newest().io().public();
        io::seal_input(&self.client, network, &[self.nonces; 32], code_hash, msg).unwrap()
    }

    /// Stores code.
    pub(super) fn store(&mut self, wasm: Vec<u8>) -> Code {
        let hash = sha256(&wasm);
        let any = pack(&pb::MsgStoreCode {
            sender: self.users[0].address.as_bytes().to_vec(),
            // The bytes of a transaction cost more gas than those of the code.
            wasm_byte_code: if wasm.len() > 100_000 {
                zip(&wasm)
            } else {
                wasm
            },
            ..Default::default()
        });
        let tx = self.sign(vec![any], 4 * GAS);
        let result = self.block(&[tx]).tx_results.remove(0);
        assert_eq!(result.code, 0, "{}", result.log);
        let data = TxMsgData::decode(result.data.as_slice()).unwrap();
        let response = &data.msg_responses[0].value;
        let id = pb::MsgStoreCodeResponse::decode(response.as_slice())
            .unwrap()
            .code_id;
        Code { id, hash }
    }

    /// An instantiation by the first user.
    pub(super) fn instantiation(&mut self, code: &Code, label: &str, msg: &[u8]) -> Sent {
        let (init_msg, key) = self.seal(&code.hash, msg);
        let any = pack(&pb::MsgInstantiateContract {
            sender: self.users[0].address.as_bytes().to_vec(),
            code_id: code.id,
            label: label.into(),
            init_msg,
            ..Default::default()
        });
        Sent { any, key }
    }

    /// An instantiation by the first user that names an admin.
    pub(super) fn instantiation_for(&mut self, code: &Code, msg: &str, admin: &Address) -> Sent {
        let (init_msg, key) = self.seal(&code.hash, msg.as_bytes());
        let any = pack(&pb::MsgInstantiateContract {
            sender: self.users[0].address.as_bytes().to_vec(),
            code_id: code.id,
            label: format!("puppet {}", self.instances),
            init_msg,
            admin: admin.to_string(),
            ..Default::default()
        });
        Sent { any, key }
    }

    /// Runs an instantiation by the first user; gives the address of the contract.
    pub(super) fn made(&mut self, sent: Sent, code: &Code) -> Address {
        self.run(sent, GAS).ok();
        self.instances += 1;
        contract_address(code.id, self.instances, &self.users[0].address).unwrap()
    }

    /// Makes a contract that does nothing at first, with an admin.
    pub(super) fn instantiate_for(&mut self, code: &Code, admin: &Address) -> Address {
        let sent = self.instantiation_for(code, super::puppet::NOTHING, admin);
        self.made(sent, code)
    }

    /// Makes a contract that does nothing at first.
    pub(super) fn instantiate(&mut self, code: &Code) -> Address {
        self.instantiate_with(code, GAS)
    }

    pub(super) fn instantiate_with(&mut self, code: &Code, gas: u64) -> Address {
        self.instantiate_saying(code, gas, super::puppet::NOTHING)
    }

    /// Makes a contract with a message of its own.
    pub(super) fn instantiate_saying(&mut self, code: &Code, gas: u64, msg: &str) -> Address {
        let label = format!("puppet {}", self.instances);
        let sent = self.instantiation(code, &label, msg.as_bytes());
        self.run(sent, gas).ok();
        self.instances += 1;
        contract_address(code.id, self.instances, &self.users[0].address).unwrap()
    }

    /// A call by the first user.
    pub(super) fn execution(
        &mut self,
        contract: &Address,
        code_hash: &Hash,
        msg: &[u8],
        uscrt: u128,
    ) -> Sent {
        let (msg, key) = self.seal(code_hash, msg);
        let sent_funds = if uscrt == 0 {
            Vec::new()
        } else {
            crate::testing::coins(uscrt)
        };
        let any = pack(&pb::MsgExecuteContract {
            sender: self.users[0].address.as_bytes().to_vec(),
            contract: contract.as_bytes().to_vec(),
            msg,
            sent_funds,
            ..Default::default()
        });
        Sent { any, key }
    }

    /// Calls a contract in a block of its own.
    pub(super) fn execute(&mut self, contract: &Address, code: &Code, msg: &str) -> Done {
        self.execute_with(contract, code, msg.as_bytes(), GAS)
    }

    pub(super) fn execute_with(
        &mut self,
        contract: &Address,
        code: &Code,
        msg: &[u8],
        gas: u64,
    ) -> Done {
        let sent = self.execution(contract, &code.hash, msg, 0);
        self.run(sent, gas)
    }

    /// Asks a contract from outside; an error as the gateway tells it, opened where it is the contract's own.
    pub(super) fn query(
        &mut self,
        contract: &Address,
        code_hash: &Hash,
        msg: &[u8],
    ) -> Result<Vec<u8>, String> {
        let (query, key) = self.seal(code_hash, msg);
        match self.query_sealed(contract, query) {
            Ok(data) => Ok(key.open_data(&data).unwrap().to_vec()),
            Err(text) => {
                let sealed = text.strip_prefix("encrypted: ");
                let sealed = sealed.and_then(|t| t.split(": ").next());
                Err(sealed.map_or_else(|| text.clone(), |s| opened(&key, s)))
            }
        }
    }

    /// Asks a contract with a message that is sealed already; answer and error as anyone sees them.
    pub(super) fn query_sealed(
        &self,
        contract: &Address,
        query: Vec<u8>,
    ) -> Result<Vec<u8>, String> {
        let request = pb::QuerySecretContractRequest {
            contract_address: contract.to_string(),
            query,
        };
        let answer = crate::query::query(
            &self.state,
            &self.keys,
            self.env(),
            &block_info(self.height),
            "/secret.compute.v1beta1.Query/QuerySecretContract",
            &request.encode_to_vec(),
        );
        match answer {
            Ok(bytes) => Ok(pb::QuerySecretContractResponse::decode(bytes.as_slice())
                .unwrap()
                .data),
            Err(QueryStop::Error(QueryError::Module(e))) => Err(e.text),
            Err(QueryStop::Error(other)) => Err(other.grpc().1),
            Err(QueryStop::Fault(fault)) => panic!("{fault}"),
        }
    }

    /// Reads the committed state through a context.
    pub(super) fn read<T>(&self, f: impl FnOnce(&mut Ctx<'_, '_>) -> T) -> T {
        let block = block_info(self.height);
        let mut state = State::new(&self.state, &self.keys, Overlay::default());
        let tx = TxInfo::default();
        f(&mut Ctx::new(
            &mut state,
            &block,
            tx,
            Mode::Query,
            self.env(),
            u64::MAX,
        ))
    }

    /// What a contract keeps under a key, as text.
    pub(super) fn kept(&self, contract: &Address, key: &str) -> Option<String> {
        let slot = Slot::Contract(contract.clone(), key.as_bytes().into());
        let value = self.read(|ctx| ctx.state.get(&slot).unwrap());
        value.map(|v| String::from_utf8(v.to_vec()).unwrap())
    }

    pub(super) fn balance(&self, address: &Address) -> u128 {
        self.read(|ctx| crate::modules::bank::keeper::balance(ctx, address, "uscrt").unwrap())
    }
}

/// A sealed text without its padding.
pub(super) fn opened(key: &TxKey, sealed: &str) -> String {
    key.open_text(sealed).unwrap().trim_end().to_owned()
}

/// Base64, as JSON carries bytes.
pub(super) fn b64(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

/// Gzip with the checksum that it must have.
pub(super) fn zip(content: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    out.extend(miniz_oxide::deflate::compress_to_vec(content, 1));
    out.extend(crate::modules::compute::gzip::crc32(content).to_le_bytes());
    out.extend(u32::try_from(content.len()).unwrap().to_le_bytes());
    out
}
