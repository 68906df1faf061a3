//! Every order of the execution lane's requests, held against a small model. Chains A and B have the same keys and different
//! genesis files; what is tried is to make the keys of one meet the blocks of the other.

use super::*;
use crate::exceptions::running;
use crate::failure::FailureLatch;
use crate::join::tests::Network;
use crate::platform::{Platform, PlatformError, Simulated};
use crate::service::acknowledged;
use std::collections::BTreeSet;
use strongroom_attest::{Evidence, ReportData, Security};
use strongroom_bridge::message::{Joining, Proven};
use strongroom_bridge::{DoorError, EnclaveRequest, HostResponse};
use strongroom_chain::genesis::NetworkKeys;
use strongroom_chain::genesis::{LocalnetParams, localnet_genesis};
use strongroom_chain::modules::SimulationPolicy;
use strongroom_consensus::solo::{Content, Proposer};
use strongroom_consensus::{FinalizeBlock, GenesisFile, InitChain, Signer};
use strongroom_crypto::seed::MasterSeed;
use strongroom_store::state::TABLES;
use strongroom_store::{KvLimits, Limits, LsmKv, StateStore};
use strongroom_types::{Address, DecidedBlock, Height, Timestamp};
use zeroize::Zeroizing;

/// Orders are tried up to this length.
const LENGTH: usize = 5;
/// Blocks of A.
const BLOCKS: Height = 3;

/// A simulated platform that always draws the same seed.
struct SameSeed;

impl Platform for SameSeed {
    fn security(&self) -> Security {
        Simulated::default().security()
    }

    fn random(&self, out: &mut [u8]) -> Result<(), PlatformError> {
        out.fill(7);
        Ok(())
    }

    fn sealing_key(&self) -> Result<Zeroizing<[u8; 32]>, PlatformError> {
        Simulated::default().sealing_key()
    }

    fn attest(&self, report_data: &ReportData) -> Result<Evidence, PlatformError> {
        Simulated::default().attest(report_data)
    }
}

/// The host: it has the state of A after genesis and after each of its blocks.
struct Host {
    store: StateStore,
    _directory: tempfile::TempDir,
}

impl HostClient for Host {
    fn request(&self, ask: EnclaveRequest) -> Result<HostResponse, DoorError> {
        let height = match &ask {
            EnclaveRequest::Get { height, .. } | EnclaveRequest::GetForWrite { height, .. } => {
                *height
            }
            EnclaveRequest::GetCode { .. } => 0,
        };
        let view = self.store.view(height).unwrap();
        Ok(match ask {
            EnclaveRequest::Get { tree, key, .. } => {
                let (value, proof) = view.prove(tree, &key).unwrap();
                let proof = proof.encode();
                HostResponse::Proven(Proven { value, proof })
            }
            EnclaveRequest::GetForWrite { paths, .. } => {
                let proofs = paths.iter().map(|(t, k)| view.prove_path(*t, k).unwrap());
                HostResponse::Paths(proofs.map(|p| p.encode()).collect())
            }
            EnclaveRequest::GetCode { .. } => HostResponse::Code(None),
        })
    }
}

fn time(seconds: i64) -> Timestamp {
    Timestamp {
        seconds: 1_700_000_000 + seconds,
        nanos: 1,
    }
}

fn fresh() -> Executor {
    Executor::new(Arc::new(Shared::new(SameSeed, Default::default())))
}

fn genesis(chain_id: &str, keys: NetworkKeys) -> Vec<u8> {
    let params = LocalnetParams {
        chain_id: chain_id.to_owned(),
        time: time(0),
        validator: Signer::in_memory(&[5; 32]).pubkey(),
        node_key: [6; 32],
        authority: Address::from_bytes(&[7; 20]).unwrap(),
        keys,
        simulation: SimulationPolicy::Off,
    };
    localnet_genesis(&params).unwrap()
}

fn chain_of(reply: Reply) -> ChainResult {
    match reply {
        Reply::Chain(chain) => *chain,
        other => panic!("{other:?}"),
    }
}

/// Who decides the blocks of a chain.
fn proposer(genesis: &[u8], chain: &ChainResult) -> Proposer {
    let init = InitChain {
        app_hash: chain.app_hash.to_vec(),
        validators: chain.validators.clone(),
        consensus_params: Some(chain.consensus_params.clone().into()),
    };
    let document = GenesisFile::parse(genesis.to_vec()).unwrap();
    let signer = Signer::in_memory(&[5; 32]);
    Proposer::genesis(&document, &init, 0, signer).unwrap()
}

/// The next block of a chain, without transactions.
fn propose(proposer: &mut Proposer, at: i64) -> DecidedBlock {
    let content = Content::from(Vec::new());
    proposer.propose(content, time(at), time(at + 1)).unwrap()
}

fn execute_block(block: &DecidedBlock) -> Request {
    Request::ExecuteBlock {
        block: block.clone(),
        hints: Vec::new(),
        exceptions: Vec::new(),
    }
}

/// A request by what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Try {
    Begin,
    /// Seal to A, to B, or to a genesis that names other keys.
    Seal(char),
    /// Open the seal of A with its own genesis and so many anchors.
    Unseal(usize),
    /// Open the seal of A with the genesis of B.
    UnsealUnderB,
    /// Open the seal of A with an anchor of B.
    UnsealAtB,
    Init(char),
    /// The next block of A, or the first of B.
    Execute(char),
    Committed(Height),
    /// Evidence for the genesis of A.
    BootstrapAttest,
    /// A one-time key for A.
    JoinBegin,
    /// Open the share of A with its own genesis; with the one-time key of A and the genesis of B; with a share that no header
    /// commits to.
    JoinOpen(char),
}

const ASKS: [Try; 22] = [
    Try::Begin,
    Try::BootstrapAttest,
    Try::Seal('A'),
    Try::Seal('B'),
    Try::Seal('X'),
    Try::Unseal(0),
    Try::Unseal(1),
    Try::Unseal(2),
    Try::Unseal(3),
    Try::UnsealUnderB,
    Try::UnsealAtB,
    Try::Init('A'),
    Try::Init('B'),
    Try::Execute('A'),
    Try::Execute('B'),
    Try::Committed(0),
    Try::Committed(1),
    Try::Committed(2),
    Try::JoinBegin,
    Try::JoinOpen('A'),
    Try::JoinOpen('B'),
    Try::JoinOpen('X'),
];

/// Where the model stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Model {
    Empty,
    Begun,
    Sealed(char),
    Running {
        chain: char,
        keys: bool,
        height: Height,
        /// The height that the host said to be durable.
        durable: Height,
        /// Whether the next block is the one that was executed last before a restart.
        replay: bool,
    },
    Stopped,
}

/// The height that queries read, and those that they may read next.
type Versions = (Option<Height>, Vec<Height>);

type Outcome = Result<Model, FailureCode>;

/// What a request must come to.
fn model(at: Model, (published, waiting): &Versions, ask: Try) -> Outcome {
    let position = |chain, keys, replay| Model::Running {
        chain,
        keys,
        height: 0,
        durable: 0,
        replay,
    };
    match (ask, at) {
        (Try::Begin, Model::Empty) => Ok(Model::Begun),
        (Try::BootstrapAttest, Model::Begun) => Ok(Model::Begun),
        (Try::Seal('X'), Model::Begun) => Err(FailureCode::Genesis),
        (Try::Seal(chain), Model::Begun) => Ok(Model::Sealed(chain)),
        (Try::Unseal(0), Model::Empty) => Ok(Model::Sealed('A')),
        (Try::Unseal(1), Model::Empty) => Ok(position('A', true, false)),
        (Try::Unseal(2), Model::Empty) => Ok(position('A', true, true)),
        (Try::UnsealUnderB | Try::UnsealAtB, Model::Empty) => Err(FailureCode::OtherGenesis),
        (Try::JoinBegin, Model::Empty) => Ok(Model::Empty),
        (Try::JoinOpen('A'), Model::Empty) => Ok(Model::Sealed('A')),
        (Try::JoinOpen('B'), Model::Empty) => Err(FailureCode::OtherGenesis),
        (Try::JoinOpen(_), Model::Empty) => Err(FailureCode::Join),
        (Try::Init(chain), Model::Empty) => Ok(position(chain, false, false)),
        (Try::Init(chain), Model::Sealed(sealed)) if chain == sealed => {
            Ok(position(chain, true, false))
        }
        (Try::Init(_), Model::Sealed(_)) => Err(FailureCode::OtherGenesis),
        (Try::Init(chain), Model::Running { chain: bound, .. }) if chain != bound => {
            Err(FailureCode::OtherGenesis)
        }
        (
            Try::Execute(block),
            Model::Running {
                chain,
                keys: true,
                height,
                durable,
                ..
            },
        ) => {
            if height > durable + 1 {
                Err(FailureCode::NotReady)
            } else if block == chain && height < if chain == 'A' { BLOCKS } else { 1 } {
                Ok(Model::Running {
                    chain,
                    keys: true,
                    height: height + 1,
                    durable,
                    replay: false,
                })
            } else {
                Err(FailureCode::Block)
            }
        }
        (
            Try::Committed(committed),
            Model::Running {
                chain,
                keys,
                height,
                durable,
                replay,
            },
        ) if waiting.contains(&committed) || *published == Some(committed) => Ok(Model::Running {
            chain,
            keys,
            height,
            durable: durable.max(committed),
            replay,
        }),
        _ => Err(FailureCode::NotReady),
    }
}

struct World {
    host: Host,
    genesis: [Vec<u8>; 3],
    seal: Vec<u8>,
    /// Of A: of genesis, and of each block.
    anchors: Vec<Vec<u8>>,
    anchor_of_b: Vec<u8>,
    blocks_of_a: Vec<DecidedBlock>,
    first_of_b: DecidedBlock,
    joining: Joining,
    remote: join::tests::Remote,
}

impl World {
    fn new() -> Self {
        let mut one = fresh();
        let directory = tempfile::tempdir().unwrap();
        let kv = LsmKv::open(directory.path(), TABLES, KvLimits::default()).unwrap();
        let store = StateStore::open(Arc::new(kv), Limits::default()).unwrap();
        let host = Host {
            store,
            _directory: directory,
        };
        let Reply::Begun(keys) = one.serve(Request::BootstrapBegin, &host) else {
            panic!()
        };
        let own = || NetworkKeys {
            io: keys.io,
            node_exchange: keys.exchange,
        };
        let others = NetworkKeys {
            io: [9; 32],
            node_exchange: keys.exchange,
        };
        let genesis = [
            genesis("chain-a", own()),
            genesis("chain-b", own()),
            genesis("chain-x", others),
        ];
        let [a, b, _] = genesis.clone();
        let Reply::Sealed { seal } =
            one.serve(Request::BootstrapSeal { genesis: a.clone() }, &host)
        else {
            panic!()
        };
        let chain = chain_of(one.serve(Request::InitChain { genesis: a.clone() }, &host));
        let prepared = host.store.prepare(0, 0, &chain.writes).unwrap();
        host.store.commit(prepared, &[]).unwrap();
        let mut deciding = proposer(&a, &chain);
        let (mut blocks_of_a, mut anchors) = (Vec::new(), vec![chain.anchor.clone()]);
        for height in 1..=BLOCKS {
            let block = propose(&mut deciding, height as i64);
            let Reply::Block(result) = one.serve(execute_block(&block), &host) else {
                panic!()
            };
            let prepared = host.store.prepare(height - 1, height, &result.writes);
            host.store.commit(prepared.unwrap(), &[]).unwrap();
            let durable = acknowledged(&one.shared, &Request::Committed { height });
            assert_eq!(durable, Reply::Published { height });
            let outcome = FinalizeBlock {
                tx_results: result.tx_results,
                events: result.events,
                validator_updates: result.validator_updates,
                consensus_param_updates: result.consensus_param_updates,
                app_hash: result.app_hash.to_vec(),
            };
            deciding.executed(&outcome).unwrap();
            anchors.push(result.anchor);
            blocks_of_a.push(block);
        }
        let joining = join::tests::begun(&mut fresh(), &a);
        let network = Network {
            genesis: a.clone(),
            ring: SeedRing::genesis(Security::Insecure, MasterSeed::new([7; 32])),
        };
        let node_id = join::tests::node_id();
        let share = network.record(&join::tests::target(&joining, node_id));
        let remote = network.remote(&[(node_id, share)]);
        let chain_b = chain_of(fresh().serve(Request::InitChain { genesis: b.clone() }, &host));
        Self {
            host,
            genesis,
            seal,
            anchors,
            blocks_of_a,
            first_of_b: propose(&mut proposer(&b, &chain_b), 1),
            anchor_of_b: chain_b.anchor,
            joining,
            remote,
        }
    }

    fn join_open(&self, name: char) -> Request {
        let light_blocks = match name {
            'X' => Vec::new(),
            _ => vec![self.remote.block.encode()],
        };
        Request::JoinOpen {
            genesis: self.genesis(if name == 'B' { 'B' } else { 'A' }),
            one_time: self.joining.one_time.clone(),
            light_blocks,
            share: self.remote.share(&join::tests::node_id()),
        }
    }

    fn genesis(&self, name: char) -> Vec<u8> {
        let [a, b, x] = &self.genesis;
        match name {
            'A' => a,
            'B' => b,
            _ => x,
        }
        .clone()
    }

    fn request(&self, at: Model, ask: Try) -> Request {
        let unseal = |genesis: char, anchors: &[Vec<u8>]| Request::Unseal {
            seal: self.seal.clone(),
            genesis: self.genesis(genesis),
            anchors: anchors.to_vec(),
        };
        match ask {
            Try::Begin => Request::BootstrapBegin,
            Try::BootstrapAttest => Request::BootstrapAttest {
                chain_id: "chain-a".to_owned(),
                node_key: [6; 32],
                consensus_key: [5; 32],
            },
            Try::Seal(name) => Request::BootstrapSeal {
                genesis: self.genesis(name),
            },
            Try::Unseal(anchors) => unseal('A', &self.anchors[..anchors]),
            Try::UnsealUnderB => unseal('B', &[]),
            Try::UnsealAtB => unseal('A', core::slice::from_ref(&self.anchor_of_b)),
            Try::Init(name) => Request::InitChain {
                genesis: self.genesis(name),
            },
            Try::Execute('B') => execute_block(&self.first_of_b),
            Try::Execute(_) => {
                let executed = match at {
                    Model::Running { height, .. } => height.min(BLOCKS - 1) as usize,
                    _ => 0,
                };
                execute_block(&self.blocks_of_a[executed])
            }
            Try::Committed(height) => Request::Committed { height },
            Try::JoinBegin => join::tests::begin_request(&self.genesis('A')),
            Try::JoinOpen(name) => self.join_open(name),
        }
    }

    fn name(&self, genesis_hash: &strongroom_types::Hash) -> char {
        let found = ['A', 'B']
            .into_iter()
            .find(|name| sha256(&self.genesis(*name)) == *genesis_hash);
        found.unwrap()
    }

    /// All that an enclave holds, as far as the next reply depends on it.
    fn held(&self, executor: &Executor) -> (Model, Versions) {
        let Executor { shared, stage } = executor;
        let published = shared.published().map(|version| {
            if let Some(keys) = &version.keys {
                assert_eq!(keys.genesis_hash(), version.genesis_hash);
            }
            version.block.height
        });
        let (durable, waiting) = shared.versions();
        // However it is driven, it holds no more versions than that.
        assert!(waiting.len() <= 3, "{waiting:?}");
        assert!(waiting.iter().all(|height| Some(*height) > published));
        if shared.latch.stopped().is_some() {
            return (Model::Stopped, (published, waiting));
        }
        let at = match stage {
            Stage::Empty => Model::Empty,
            Stage::Begun(_) => Model::Begun,
            Stage::Sealed(keys) => Model::Sealed(self.name(&keys.genesis_hash())),
            Stage::Running(position) => {
                let (keys, height, awaits) = position.held();
                if let Some(keys) = keys {
                    assert_eq!(keys.genesis_hash(), position.genesis_hash());
                }
                Model::Running {
                    chain: self.name(&position.genesis_hash()),
                    keys: keys.is_some(),
                    height,
                    durable,
                    replay: awaits == "replay",
                }
            }
        };
        (at, (published, waiting))
    }

    /// Tries every request from here on, and every one after it. What was tried from the same place with as many steps left
    /// is not tried again: the place is all that an enclave holds.
    fn walk(
        &self,
        executor: &Executor,
        steps: usize,
        order: &mut Vec<Try>,
        seen: &mut BTreeSet<(usize, Model, Versions)>,
    ) {
        let (at, versions) = self.held(executor);
        if steps == 0 || !seen.insert((steps, at, versions.clone())) {
            return;
        }
        for ask in ASKS {
            order.push(ask);
            let mut next = copy(executor);
            let reply = serve(&mut next, self.request(at, ask), &self.host);
            assert_eq!(running(), None);
            let (now, _) = self.held(&next);
            match (model(at, &versions, ask), reply) {
                _ if at == Model::Stopped => assert_eq!(now, Model::Stopped, "{order:?}"),
                (Ok(expected), reply) => {
                    assert!(!matches!(reply, Reply::Failed(_)), "{order:?}: {reply:?}");
                    assert_eq!(now, expected, "{order:?}");
                }
                (Err(code), Reply::Failed(failure)) => {
                    assert_eq!(failure.code, code, "{order:?}: {failure}");
                    let expected = if code.stops() { Model::Stopped } else { at };
                    assert_eq!(now, expected, "{order:?}");
                }
                (Err(code), reply) => panic!("{order:?}: not {code:?} but {reply:?}"),
            }
            self.walk(&next, steps - 1, order, seen);
            order.pop();
        }
    }
}

/// As the lanes do.
fn serve(executor: &mut Executor, request: Request, host: &Host) -> Reply {
    match request {
        Request::Committed { .. } => acknowledged(&executor.shared, &request),
        request => executor.serve(request, host),
    }
}

fn copy(executor: &Executor) -> Executor {
    let Executor { shared, stage } = executor;
    let new = Shared::new(SameSeed, Default::default());
    if let Some(failure) = shared.latch.stopped() {
        let _: Result<(), _> = FailureLatch::run(&new.latch, || Err(failure));
    }
    new.copy_versions(shared);
    Executor {
        shared: Arc::new(new),
        stage: stage.clone(),
    }
}

#[test]
fn no_order_of_requests_brings_the_keys_of_one_genesis_to_the_blocks_of_another() {
    let world = World::new();
    let mut seen = BTreeSet::new();
    world.walk(&fresh(), LENGTH, &mut Vec::new(), &mut seen);
    // Every place from which an order of this length still goes on was reached.
    let places: BTreeSet<Model> = seen.into_iter().map(|(_, at, _)| at).collect();
    assert_eq!(places.len(), 16, "{places:?}");
    // Also the one from which no block is executed, as two are not known to be durable.
    let ahead = Model::Running {
        chain: 'A',
        keys: true,
        height: 2,
        durable: 0,
        replay: false,
    };
    assert!(places.contains(&ahead));
}

/// Issue 6, A2: the order in which it was done.
#[test]
fn a_seed_that_was_begun_before_init_chain_is_not_sealed_to_another_genesis_after_it() {
    let world = World::new();
    let mut one = fresh();
    let mut codes = Vec::new();
    for ask in [
        Try::Begin,
        Try::Init('A'),
        Try::Seal('B'),
        Try::Execute('A'),
    ] {
        codes.push(
            match one.serve(world.request(Model::Empty, ask), &world.host) {
                Reply::Failed(failure) => Some(failure.code),
                _ => None,
            },
        );
    }
    let not_ready = Some(FailureCode::NotReady);
    assert_eq!(codes, [None, not_ready, None, not_ready]);
}
