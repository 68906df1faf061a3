//! An honest host, small: store, content, Solo's proposer, and the door. Tests make it lie through [`Lie`].

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use strongroom_bridge::link::in_process;
use strongroom_bridge::message::{BlockResult, ChainResult, PublicKeys, QueryResult, Status};
use strongroom_bridge::{
    DoorError, EnclaveRequest, Failure, Host, HostResponse, Proven, Reply, Request, Transport,
};
use strongroom_chain::genesis::LocalnetParams;
use strongroom_chain::genesis::NetworkKeys;
use strongroom_chain::modules::SimulationPolicy;
use strongroom_consensus::solo::{Content, Proposer};
use strongroom_consensus::{FinalizeBlock, GenesisFile, InitChain, Signer};
use strongroom_enclave::Simulated;
use strongroom_store::state::TABLES;
use strongroom_store::{ExtraKey, KvLimits, Limits, LsmKv, StateStore};
use strongroom_types::{Address, DecidedBlock, Hash, Height, RawTx, Timestamp};

pub(crate) const CHAIN_ID: &str = "enclave-test-1";

/// What a lying host makes of an honest answer.
pub(crate) type Lie<'a> = &'a dyn Fn(&EnclaveRequest, HostResponse) -> HostResponse;

/// The truth.
pub(crate) fn honest(_: &EnclaveRequest, answer: HostResponse) -> HostResponse {
    answer
}

/// An enclave behind a channel, in this process.
pub(crate) fn enclave() -> Arc<dyn Transport> {
    let (ours, theirs) = in_process();
    std::thread::spawn(move || {
        strongroom_enclave::serve(theirs, Simulated::default(), Default::default())
    });
    Arc::new(Host::new(ours).unwrap())
}

pub(crate) fn time(seconds: i64) -> Timestamp {
    Timestamp {
        seconds: 1_700_000_000 + seconds,
        nanos: 1,
    }
}

/// A host with its enclave.
pub(crate) struct Node {
    pub(crate) door: Arc<dyn Transport>,
    pub(crate) store: Arc<StateStore>,
    pub(crate) content: BTreeMap<Hash, Vec<u8>>,
    pub(crate) proposer: Proposer,
    pub(crate) genesis: Vec<u8>,
    pub(crate) seal: Vec<u8>,
    pub(crate) keys: PublicKeys,
    pub(crate) chain: ChainResult,
    /// Every decided block, height 1 first.
    pub(crate) blocks: Vec<DecidedBlock>,
    /// Every anchor, that of genesis first.
    pub(crate) anchors: Vec<Vec<u8>>,
    /// Asks served since the last look.
    pub(crate) asks: Cell<usize>,
    _directory: tempfile::TempDir,
}

impl Node {
    /// A new chain behind `door`; the genesis file is made from the network's keys.
    pub(crate) fn begin_behind(
        door: Arc<dyn Transport>,
        genesis: impl FnOnce(&LocalnetParams) -> Vec<u8>,
    ) -> Self {
        let mut no_asks = |_: EnclaveRequest| panic!("nothing to ask");
        let Ok(Reply::Begun(keys)) = door.call(Request::BootstrapBegin, &mut no_asks) else {
            panic!()
        };
        let signer = Signer::in_memory(&[5; 32]);
        let genesis = genesis(&LocalnetParams {
            chain_id: CHAIN_ID.to_owned(),
            time: time(0),
            validator: signer.pubkey(),
            node_key: [6; 32],
            authority: Address::from_bytes(&[7; 20]).unwrap(),
            keys: NetworkKeys {
                io: keys.io,
                node_exchange: keys.exchange,
            },
            simulation: SimulationPolicy::Off,
        });
        let sealed = door.call(
            Request::BootstrapSeal {
                genesis: genesis.clone(),
            },
            &mut no_asks,
        );
        let Ok(Reply::Sealed { seal }) = sealed else {
            panic!("{sealed:?}")
        };
        Self::at_genesis(door, genesis, seal, keys)
    }

    /// The state of genesis, behind an enclave that has the seed.
    pub(crate) fn at_genesis(
        door: Arc<dyn Transport>,
        genesis: Vec<u8>,
        seal: Vec<u8>,
        keys: PublicKeys,
    ) -> Self {
        let signer = Signer::in_memory(&[5; 32]);
        let mut no_asks = |_: EnclaveRequest| panic!("nothing to ask");
        let chain = door.call(
            Request::InitChain {
                genesis: genesis.clone(),
            },
            &mut no_asks,
        );
        let Ok(Reply::Chain(chain)) = chain else {
            panic!("{chain:?}")
        };
        let (store, directory) = empty_store();
        let prepared = store.prepare(0, 0, &chain.writes).unwrap();
        assert_eq!(prepared.app_hash(), chain.app_hash);
        store
            .commit(prepared, &[(ExtraKey::anchor(0), chain.anchor.clone())])
            .unwrap();
        let mut node = Self {
            door,
            store,
            content: BTreeMap::new(),
            proposer: proposer(&genesis, &chain, signer),
            genesis,
            seal,
            keys,
            anchors: vec![chain.anchor.clone()],
            chain: *chain,
            blocks: Vec::new(),
            asks: Cell::new(0),
            _directory: directory,
        };
        node.committed(0).unwrap();
        node
    }

    /// A new chain with an enclave in this process.
    pub(crate) fn begin(genesis: impl FnOnce(&LocalnetParams) -> Vec<u8>) -> Self {
        Self::begin_behind(enclave(), genesis)
    }

    pub(crate) fn height(&self) -> Height {
        self.blocks.len() as Height
    }

    /// Calls the enclave; `lie` sees every ask with its honest answer.
    pub(crate) fn call(&self, request: Request, lie: Lie<'_>) -> Result<Reply, DoorError> {
        self.door.call(request, &mut |ask| {
            self.asks.set(self.asks.get() + 1);
            let honest = self.answer(&ask);
            lie(&ask, honest)
        })
    }

    fn answer(&self, ask: &EnclaveRequest) -> HostResponse {
        let view = |height: &Height| self.store.view(*height);
        match ask {
            EnclaveRequest::Get { height, .. } | EnclaveRequest::GetForWrite { height, .. }
                if view(height).is_err() =>
            {
                HostResponse::Unavailable {
                    text: String::from("no such version"),
                }
            }
            EnclaveRequest::Get { height, tree, key } => {
                let (value, proof) = view(height).unwrap().prove(*tree, key).unwrap();
                HostResponse::Proven(Proven {
                    value,
                    proof: proof.encode(),
                })
            }
            EnclaveRequest::GetForWrite { height, paths } => {
                let view = view(height).unwrap();
                HostResponse::Paths(
                    paths
                        .iter()
                        .map(|(t, k)| view.prove_path(*t, k).unwrap().encode())
                        .collect(),
                )
            }
            EnclaveRequest::GetCode { hash } => HostResponse::Code(self.content.get(hash).cloned()),
        }
    }

    /// Decides the next block.
    pub(crate) fn propose(&mut self, txs: Vec<Vec<u8>>) -> DecidedBlock {
        let (block, vote) = (
            time(2 * self.height() as i64 + 1),
            time(2 * self.height() as i64 + 2),
        );
        self.proposer
            .propose(Content::from(RawTx::list(txs)), block, vote)
            .unwrap()
    }

    pub(crate) fn execute(
        &self,
        block: &DecidedBlock,
        lie: Lie<'_>,
    ) -> Result<BlockResult, DoorError> {
        self.execute_without(block, Vec::new(), lie)
    }

    /// Leaves out the transactions with these hashes.
    pub(crate) fn execute_without(
        &self,
        block: &DecidedBlock,
        exceptions: Vec<Hash>,
        lie: Lie<'_>,
    ) -> Result<BlockResult, DoorError> {
        match self.call(
            Request::ExecuteBlock {
                block: block.clone(),
                hints: Vec::new(),
                exceptions,
            },
            lie,
        )? {
            Reply::Block(result) => Ok(*result),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn committed(&mut self, height: Height) -> Result<(), DoorError> {
        self.call(Request::Committed { height }, &honest)
            .map(|_| ())
    }

    /// Decides, executes, compares and commits a block.
    pub(crate) fn block(&mut self, txs: Vec<Vec<u8>>) -> BlockResult {
        let block = self.propose(txs);
        let result = self.execute(&block, &honest).unwrap();
        self.keep(block, &result);
        let height = self.height();
        self.committed(height).unwrap();
        result
    }

    /// A block that another node decided: executes, compares and commits it.
    pub(crate) fn follow(&mut self, block: DecidedBlock) -> BlockResult {
        let result = self.execute(&block, &honest).unwrap();
        self.store(block, &result);
        let height = self.height();
        self.committed(height).unwrap();
        result
    }

    /// What a node does with the result of a block before it tells the enclave.
    pub(crate) fn keep(&mut self, block: DecidedBlock, result: &BlockResult) {
        self.store(block, result);
        let outcome = FinalizeBlock {
            tx_results: result.tx_results.clone(),
            events: result.events.clone(),
            validator_updates: result.validator_updates.clone(),
            consensus_param_updates: result.consensus_param_updates.clone(),
            app_hash: result.app_hash.to_vec(),
        };
        self.proposer.executed(&outcome).unwrap();
    }

    fn store(&mut self, block: DecidedBlock, result: &BlockResult) {
        self.content.extend(
            result
                .new_code
                .iter()
                .map(|code| (code.hash, code.wasm.clone())),
        );
        let prepared = self
            .store
            .prepare(result.height - 1, result.height, &result.writes)
            .unwrap();
        assert_eq!(
            prepared.app_hash(),
            result.app_hash,
            "store and enclave reach the same root"
        );
        self.store
            .commit(
                prepared,
                &[(ExtraKey::anchor(result.height), result.anchor.clone())],
            )
            .unwrap();
        self.blocks.push(block);
        self.anchors.push(result.anchor.clone());
    }

    pub(crate) fn query(
        &self,
        path: &str,
        data: Vec<u8>,
        lie: Lie<'_>,
    ) -> Result<QueryResult, DoorError> {
        match self.call(
            Request::Query {
                path: path.to_owned(),
                data,
            },
            lie,
        )? {
            Reply::Query(result) => Ok(result),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn status(&self) -> Status {
        match self.call(Request::Status, &honest) {
            Ok(Reply::Status(status)) => status,
            other => panic!("{other:?}"),
        }
    }

    /// The enclave dies; another one is started and unseals, with the last `anchors` of them.
    pub(crate) fn restart(&mut self, anchors: usize) -> Result<Status, DoorError> {
        self.restart_with(self.anchors[self.anchors.len() - anchors..].to_vec())
    }

    pub(crate) fn restart_with(&mut self, anchors: Vec<Vec<u8>>) -> Result<Status, DoorError> {
        self.door = enclave();
        self.unseal(anchors)
    }

    fn unseal(&self, anchors: Vec<Vec<u8>>) -> Result<Status, DoorError> {
        let request = Request::Unseal {
            seal: self.seal.clone(),
            genesis: self.genesis.clone(),
            anchors,
        };
        match self.call(request, &honest)? {
            Reply::Status(status) => Ok(status),
            other => panic!("{other:?}"),
        }
    }

    /// As [`Node::restart`], with the enclave behind `door`.
    pub(crate) fn restart_behind(
        &mut self,
        door: Arc<dyn Transport>,
        anchors: usize,
    ) -> Result<Status, DoorError> {
        self.door = door;
        self.unseal(self.anchors[self.anchors.len() - anchors..].to_vec())
    }

    /// A proposer of the same validator at genesis, to decide other blocks than this node's.
    pub(crate) fn fork(&self) -> Proposer {
        proposer(&self.genesis, &self.chain, Signer::in_memory(&[5; 32]))
    }
}

fn empty_store() -> (Arc<StateStore>, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let kv = LsmKv::open(directory.path(), TABLES, KvLimits::default()).unwrap();
    (
        Arc::new(StateStore::open(Arc::new(kv), Limits::default()).unwrap()),
        directory,
    )
}

fn proposer(genesis: &[u8], chain: &ChainResult, signer: Signer) -> Proposer {
    let document = GenesisFile::parse(genesis.to_vec()).unwrap();
    let init = InitChain {
        app_hash: chain.app_hash.to_vec(),
        validators: chain.validators.clone(),
        consensus_params: Some(chain.consensus_params.clone().into()),
    };
    Proposer::genesis(&document, &init, 0, signer).unwrap()
}

/// The failure that the enclave answered.
pub(crate) fn failure_of<T: std::fmt::Debug>(outcome: Result<T, DoorError>) -> Failure {
    match outcome {
        Err(DoorError::Failed(failure)) => failure,
        other => panic!("not refused: {other:?}"),
    }
}
