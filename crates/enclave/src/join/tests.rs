//! A joining enclave and the remote nodes that talk to it, honest and not.

use crate::executor::Executor;
use crate::platform::{Platform, PlatformError, Simulated};
use crate::shared::Shared;
use std::sync::Arc;
use strongroom_attest::{Evidence, Registration, ReportData, Security, Statement};
use strongroom_bridge::lane::HostClient;
use strongroom_bridge::message::{Joining, Share as StoreShare, Status};
use strongroom_bridge::{DoorError, EnclaveRequest, FailureCode, HostResponse, Reply, Request};
use strongroom_chain::genesis::{LocalnetParams, NetworkKeys, localnet_genesis, parse};
use strongroom_chain::modules::SimulationPolicy;
use strongroom_chain::{EpochKeys, Secrets as _};
use strongroom_consensus::solo::{Content, Proposer};
use strongroom_consensus::{GenesisFile, InitChain, Signer};
use strongroom_crypto::schedule::KeySchedule;
use strongroom_crypto::seal::{Chain, encode};
use strongroom_crypto::seed::{MasterSeed, SeedRing};
use strongroom_crypto::share::{Share, ShareTarget};
use strongroom_proof::comet::validators::address;
use strongroom_proof::comet::{Commit, Header, ValidatorSet};
use strongroom_proof::ics23::StoreProof;
use strongroom_proof::light::skipping::{LIGHT_BLOCKS_MAX, LightBlock};
use strongroom_store::state::TABLES;
use strongroom_store::{KvLimits, Limits, LsmKv, StateStore};
use strongroom_types::{Address, Timestamp, Tree, WriteSet, sha256};
use zeroize::Zeroizing;

const TIME: Timestamp = Timestamp {
    seconds: 1_700_000_000,
    nanos: 1,
};
const SEED: u8 = 7;
const VALIDATOR: u8 = 5;
const NODE_KEY: [u8; 32] = [31; 32];
const CONSENSUS_KEY: [u8; 32] = [32; 32];
const OPERATOR: [u8; 20] = [33; 20];

/// A simulated platform whose one-time key is known to the test.
struct Known(u8);

impl Platform for Known {
    fn security(&self) -> Security {
        Simulated::default().security()
    }

    fn random(&self, out: &mut [u8]) -> Result<(), PlatformError> {
        out.fill(self.0);
        Ok(())
    }

    fn sealing_key(&self) -> Result<Zeroizing<[u8; 32]>, PlatformError> {
        Simulated::default().sealing_key()
    }

    fn attest(&self, report_data: &ReportData) -> Result<Evidence, PlatformError> {
        Simulated::default().attest(report_data)
    }
}

struct Silent;

impl HostClient for Silent {
    fn request(&self, _: EnclaveRequest) -> Result<HostResponse, DoorError> {
        panic!("nothing is asked")
    }
}

fn enclave(platform: impl Platform + 'static) -> Executor {
    Executor::new(Arc::new(Shared::new(platform, Default::default())))
}

/// The network that is joined: its genesis file and its seeds.
pub(crate) struct Network {
    pub(crate) genesis: Vec<u8>,
    pub(crate) ring: SeedRing,
}

impl Network {
    pub(crate) fn new(chain_id: &str, seed: u8) -> Self {
        let ring = SeedRing::genesis(Security::Insecure, MasterSeed::new([seed; 32]));
        let keys = crate::secrets::public_keys(&ring).unwrap();
        let params = LocalnetParams {
            chain_id: chain_id.to_owned(),
            time: TIME,
            validator: Signer::in_memory(&[VALIDATOR; 32]).pubkey(),
            node_key: [6; 32],
            authority: Address::from_bytes(&[7; 20]).unwrap(),
            keys: NetworkKeys {
                io: keys.io,
                node_exchange: keys.exchange,
            },
            simulation: SimulationPolicy::Off,
        };
        Self {
            genesis: localnet_genesis(&params).unwrap(),
            ring,
        }
    }

    fn chain(&self) -> Chain {
        Chain {
            genesis_hash: sha256(&self.genesis),
            security: Security::Insecure,
        }
    }

    /// What an enclave of this network stores for a node: the record of its share.
    pub(crate) fn record(&self, target: &ShareTarget) -> Vec<u8> {
        self.record_of(&self.ring, &self.ring, target)
    }

    /// The same with the seeds of one ring, from the sender of another.
    fn record_of(&self, seeds: &SeedRing, sender: &SeedRing, target: &ShareTarget) -> Vec<u8> {
        let sender = KeySchedule::of_ring(sender).remove(0);
        let share = Share::seal(sender.exchange(), target, &self.chain(), seeds).unwrap();
        stored(&encode(&share).unwrap())
    }

    /// A remote node of this network, whose state has these records.
    pub(crate) fn remote(&self, records: &[([u8; 20], Vec<u8>)]) -> Remote {
        let directory = tempfile::tempdir().unwrap();
        let kv = LsmKv::open(directory.path(), TABLES, KvLimits::default()).unwrap();
        let store = StateStore::open(Arc::new(kv), Limits::default()).unwrap();
        let mut writes = WriteSet::default();
        for n in 0..40_u8 {
            writes.0.insert((Tree::Native, vec![n]), Some(vec![n]));
        }
        for (node_id, record) in records {
            let key = super::share_key(node_id);
            writes.0.insert((Tree::Native, key), Some(record.clone()));
        }
        let prepared = store.prepare(0, 0, &writes).unwrap();
        let app_hash = prepared.app_hash();
        store.commit(prepared, &[]).unwrap();
        Remote {
            block: self.block(app_hash, VALIDATOR),
            store,
            _directory: directory,
        }
    }

    /// The first block over a state with this app hash.
    fn block(&self, app_hash: [u8; 32], validator: u8) -> LightBlock {
        let document = GenesisFile::parse(self.genesis.clone()).unwrap();
        let validators = parse(&self.genesis).unwrap().validator_updates();
        let init = InitChain {
            app_hash: app_hash.to_vec(),
            validators: validators.clone(),
            consensus_params: None,
        };
        let signer = Signer::in_memory(&[validator; 32]);
        let mut proposer = Proposer::genesis(&document, &init, 0, signer).unwrap();
        let content = Content::from(Vec::new());
        let block = proposer.propose(content, TIME, TIME).unwrap();
        LightBlock {
            header: Header::decode(&block.header).unwrap(),
            commit: Commit::decode(&block.commit).unwrap(),
            validators: ValidatorSet::from_updates(&validators).unwrap(),
        }
    }
}

/// A stored value: format, then borsh.
fn stored(share: &[u8]) -> Vec<u8> {
    [vec![1], borsh::to_vec(share).unwrap()].concat()
}

pub(crate) struct Remote {
    pub(crate) block: LightBlock,
    store: StateStore,
    _directory: tempfile::TempDir,
}

impl Remote {
    /// What `abci_query` of the share of a node answers.
    pub(crate) fn share(&self, node_id: &[u8; 20]) -> StoreShare {
        let view = self.store.view(0).unwrap();
        let key = super::share_key(node_id);
        let entry = view.prove_to_clients(Tree::Native, &key).unwrap();
        let proof = StoreProof::new(&entry, Tree::Native, &view.roots());
        StoreShare {
            entry: proof.entry,
            store: proof.store,
        }
    }
}

pub(crate) fn node_id() -> [u8; 20] {
    address(&NODE_KEY)
}

pub(crate) fn begin_request(genesis: &[u8]) -> Request {
    Request::JoinBegin {
        genesis: genesis.to_vec(),
        operator: OPERATOR,
        node_key: NODE_KEY,
        consensus_key: CONSENSUS_KEY,
    }
}

pub(crate) fn begun(executor: &mut Executor, genesis: &[u8]) -> Joining {
    match executor.serve(begin_request(genesis), &Silent) {
        Reply::Joining(joining) => joining,
        other => panic!("{other:?}"),
    }
}

pub(crate) const fn target(joining: &Joining, node_id: [u8; 20]) -> ShareTarget {
    ShareTarget {
        node_id,
        one_time_key: joining.one_time_key,
    }
}

/// All that a joining host passes on.
#[derive(Clone)]
struct Open {
    genesis: Vec<u8>,
    one_time: Vec<u8>,
    light_blocks: Vec<Vec<u8>>,
    share: StoreShare,
}

impl Open {
    fn request(self) -> Request {
        Request::JoinOpen {
            genesis: self.genesis,
            one_time: self.one_time,
            light_blocks: self.light_blocks,
            share: self.share,
        }
    }
}

/// A network, a node that joins it, and an honest remote node.
struct Scene {
    network: Network,
    joining: Joining,
    remote: Remote,
}

impl Scene {
    fn new() -> Self {
        let network = Network::new("chain-a", SEED);
        let joining = begun(&mut enclave(Simulated::default()), &network.genesis);
        let record = network.record(&target(&joining, node_id()));
        let remote = network.remote(&[(node_id(), record)]);
        Self {
            network,
            joining,
            remote,
        }
    }

    fn open(&self, remote: &Remote) -> Open {
        Open {
            genesis: self.network.genesis.clone(),
            one_time: self.joining.one_time.clone(),
            light_blocks: vec![remote.block.encode()],
            share: remote.share(&node_id()),
        }
    }

    /// Tries what `change` makes of the honest answer: it must fail with this code, and the same enclave still takes the
    /// honest one.
    fn refused(&self, check: &str, change: impl FnOnce(&mut Open)) {
        let mut lie = self.open(&self.remote);
        change(&mut lie);
        self.refuses(check, lie);
    }

    fn refuses(&self, check: &str, lie: Open) {
        let mut joiner = enclave(Simulated::default());
        match joiner.serve(lie.request(), &Silent) {
            Reply::Failed(failure) => {
                assert_eq!(failure.code, FailureCode::Join, "{check}: {failure}");
                assert!(failure.text.starts_with(check), "{check}: {failure}");
            }
            other => panic!("{check}: {other:?}"),
        }
        assert_eq!(joiner.status(), Status::default());
        let honest = joiner.serve(self.open(&self.remote).request(), &Silent);
        assert!(
            matches!(honest, Reply::Joined { .. }),
            "{check}: {honest:?}"
        );
    }

    /// A remote node whose state has this record for the node.
    fn with_record(&self, record: Vec<u8>) -> Open {
        self.open(&self.network.remote(&[(node_id(), record)]))
    }
}

#[test]
fn a_node_joins_with_what_a_remote_node_tells_it_and_can_begin_the_chain() {
    let scene = Scene::new();
    let mut joiner = enclave(Simulated::default());
    let Reply::Joined { seal, possession } =
        joiner.serve(scene.open(&scene.remote).request(), &Silent)
    else {
        panic!()
    };
    let keys = EpochKeys::of(&scene.network.chain(), &scene.network.ring).unwrap();
    let expected = keys.possession(&target(&scene.joining, node_id()));
    assert_eq!(possession, expected.unwrap());
    let status = joiner.status();
    let public = crate::secrets::public_keys(&scene.network.ring);
    assert_eq!((status.keys, status.executed), (public, None));
    let genesis = scene.network.genesis.clone();
    let begun = joiner.serve(Request::InitChain { genesis }, &Silent);
    assert!(matches!(begun, Reply::Chain(_)));
    // What was sealed opens after a restart.
    let unsealed = enclave(Simulated::default()).serve(
        Request::Unseal {
            seal,
            genesis: scene.network.genesis.clone(),
            anchors: Vec::new(),
        },
        &Silent,
    );
    assert!(matches!(unsealed, Reply::Status(_)));
}

#[test]
fn the_evidence_of_a_joining_node_binds_all_that_it_registers_with() {
    let scene = Scene::new();
    let Some(Evidence::SimulatedV1(evidence)) = Evidence::decode(&scene.joining.evidence) else {
        panic!()
    };
    let statement = Statement::Registration(Registration {
        chain_id: "chain-a".to_owned(),
        genesis_hash: scene.network.chain().genesis_hash,
        one_time_key: scene.joining.one_time_key,
        node_key: NODE_KEY,
        consensus_key: CONSENSUS_KEY,
        operator: OPERATOR,
        enclave_version: super::ENCLAVE_VERSION,
    });
    let bound = Evidence::SimulatedV1(evidence).encode();
    let made = Simulated::default()
        .attest(&statement.report_data())
        .unwrap()
        .encode();
    assert_eq!(bound, made);
    assert_eq!(scene.joining.enclave_version, super::ENCLAVE_VERSION);
    let again = begun(&mut enclave(Simulated::default()), &scene.network.genesis);
    assert_ne!(again.one_time_key, scene.joining.one_time_key);
}

#[test]
fn a_forged_header_leads_to_no_share() {
    let scene = Scene::new();
    let forge = |check: &str, change: &dyn Fn(&mut LightBlock)| {
        scene.refused(check, |open| {
            let mut block = scene.remote.block.clone();
            change(&mut block);
            open.light_blocks = vec![block.encode()];
        });
    };
    forge("light.commit_block_id", &|block| {
        block.header.app_hash = vec![6; 32];
    });
    forge("light.power", &|block| {
        block.commit.signatures = vec![strongroom_proof::comet::CommitSig::Absent];
    });
    // A header that the attacker's own validator signed, over a state of its own.
    let strange = Signer::in_memory(&[9; 32]).pubkey();
    let strange = ValidatorSet::from_updates(&[strongroom_types::ValidatorUpdate {
        pubkey: strange,
        power: 10,
    }]);
    forge("light.validators_hash", &|block| {
        block.validators = strange.clone().unwrap();
        block.header.validators_hash = block.validators.hash();
    });
    scene.refused("light.oversized", |open| {
        open.light_blocks = vec![vec![0; 1 << 20]];
    });
    scene.refused("light.steps", |open| {
        open.light_blocks = vec![Vec::new(); LIGHT_BLOCKS_MAX + 1];
    });
    scene.refused("light.height", |open| {
        open.light_blocks.extend(open.light_blocks.clone());
    });
    scene.refused("proof.root", |open| open.light_blocks.clear());
}

#[test]
fn headers_and_states_of_another_chain_lead_to_no_share() {
    let scene = Scene::new();
    let other = Network::new("chain-b", SEED);
    let record = scene.network.record(&target(&scene.joining, node_id()));
    let remote = other.remote(&[(node_id(), record)]);
    scene.refuses("light.chain_id", scene.open(&remote));
    // A true header, and the proof of a state that it does not commit to.
    let record = other.record(&target(&scene.joining, node_id()));
    let remote = scene.network.remote(&[(node_id(), record.clone())]);
    scene.refused("proof.root", |open| open.share = remote.share(&node_id()));
    // A share that was made for another chain, in a state of this one.
    scene.refuses("share.closed", scene.with_record(record));
}

#[test]
fn only_the_share_of_this_very_registration_is_opened() {
    let scene = Scene::new();
    let own = target(&scene.joining, node_id());
    // Another node's, by its own proof; and under the name of this one.
    let other = address(&[99; 32]);
    let for_other = ShareTarget {
        node_id: other,
        ..own
    };
    let record = scene.network.record(&for_other);
    let remote = scene.network.remote(&[(other, record.clone())]);
    let mut lie = scene.open(&remote);
    lie.share = remote.share(&other);
    scene.refuses("proof.key", lie);
    scene.refuses("share.closed", scene.with_record(record));
    // One that was made for an earlier one-time key of the same node.
    let before = begun(&mut enclave(Simulated::default()), &scene.network.genesis);
    let replayed = scene.network.record(&target(&before, node_id()));
    scene.refuses("share.closed", scene.with_record(replayed));
    // None at all, and what is none.
    let remote = scene.network.remote(&[]);
    scene.refuses("share.absent", scene.open(&remote));
    scene.refuses("share.form", scene.with_record(stored(b"no share")));
    scene.refuses("share.form", scene.with_record(b"no record".to_vec()));
    let mut bent = scene.network.record(&own);
    *bent.last_mut().unwrap() ^= 1;
    scene.refuses("share.closed", scene.with_record(bent));
}

#[test]
fn a_share_with_other_seeds_than_those_of_the_genesis_is_not_taken() {
    let scene = Scene::new();
    let own = target(&scene.joining, node_id());
    let other = Network::new("chain-a", 8).ring;
    let record = |seeds, sender| scene.network.record_of(seeds, sender, &own);
    let theirs = &scene.network.ring;
    scene.refuses("share.sender", scene.with_record(record(&other, &other)));
    scene.refuses("share.sender", scene.with_record(record(theirs, &other)));
    scene.refuses("share.keys", scene.with_record(record(&other, theirs)));
}

#[test]
fn a_changed_proof_of_the_share_is_refused() {
    let scene = Scene::new();
    let honest = scene.open(&scene.remote);
    for at in (0..honest.share.entry.len()).step_by(7) {
        let mut lie = honest.clone();
        lie.share.entry[at] ^= 4;
        let reply = enclave(Simulated::default()).serve(lie.request(), &Silent);
        let Reply::Failed(failure) = reply else {
            panic!("{at}: {reply:?}")
        };
        assert_eq!(failure.code, FailureCode::Join, "{at}: {failure}");
    }
}

#[test]
fn a_one_time_key_is_of_one_genesis_and_one_platform() {
    let scene = Scene::new();
    let failed =
        |open: Open, platform: Known| match enclave(platform).serve(open.request(), &Silent) {
            Reply::Failed(failure) => failure.code,
            other => panic!("{other:?}"),
        };
    let honest = scene.open(&scene.remote);
    let mut changed = honest.clone();
    *changed.one_time.last_mut().unwrap() ^= 1;
    assert_eq!(failed(changed, Known(1)), FailureCode::Seal);
    let mut none = honest.clone();
    none.one_time = vec![0; 3];
    assert_eq!(failed(none, Known(1)), FailureCode::Seal);
    let mut other = honest;
    other.genesis = Network::new("chain-b", SEED).genesis;
    assert_eq!(failed(other, Known(1)), FailureCode::OtherGenesis);
}

#[test]
fn an_enclave_of_a_simulated_platform_joins_no_attested_network() {
    let network = Network::new("chain-a", SEED);
    let text = String::from_utf8(network.genesis).unwrap();
    assert!(text.contains("\"insecure\""));
    let attested = text.replace("\"insecure\"", "\"attested\"");
    let reply = enclave(Simulated::default()).serve(begin_request(attested.as_bytes()), &Silent);
    let Reply::Failed(failure) = reply else {
        panic!("{reply:?}")
    };
    assert_eq!(failure.code, FailureCode::Genesis);
}
