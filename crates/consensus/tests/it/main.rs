//! Solo as a process that is killed with SIGKILL at random moments.

use base64::Engine as _;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use strongroom_consensus::{
    AppError, Application, BlockTiming, Blocks, ChainState, FinalizeBlock, GenesisFile, Info,
    InitChain, Signer, Solo, SystemClock,
    solo::{EngineConfig, REPLAY_WAITS},
};
use strongroom_proof::comet::{BlockId, Commit, Header};
use strongroom_store::blocks::BlockStore;
use strongroom_types::{DecidedBlock, ExecTxResult, Height, RawTx, sha256};

/// Where the child finds its home.
const HOME: &str = "STRONGROOM_TEST_SOLO_HOME";

/// An application in one file: height, app hash and engine state. Every block has one transaction, the time.
struct FileApp {
    path: PathBuf,
    /// App hashes of blocks that are not committed yet: two at most.
    executed: Mutex<BTreeMap<Height, Vec<u8>>>,
}

impl FileApp {
    fn new(home: &Path) -> Self {
        Self {
            path: home.join("app.json"),
            executed: Mutex::default(),
        }
    }

    fn read(&self) -> Info {
        let Ok(text) = std::fs::read(&self.path) else {
            return Info::default();
        };
        let json: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let bytes = |name: &str| hex::decode(json[name].as_str().unwrap()).unwrap();
        Info {
            height: json["height"].as_u64().unwrap(),
            app_hash: bytes("app_hash"),
            app_version: 0,
            engine: bytes("engine"),
        }
    }
}

impl Application for FileApp {
    fn info(&self) -> Result<Info, AppError> {
        Ok(self.read())
    }
    fn init_chain(&self, _: &GenesisFile) -> Result<InitChain, AppError> {
        Ok(InitChain {
            app_hash: vec![1; 32],
            ..InitChain::default()
        })
    }
    fn reap(&self, _: Height, _: usize, _: u64, _: i64) -> Vec<RawTx> {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        RawTx::list([now.as_nanos().to_string()])
    }
    fn finalize_block(
        &self,
        header: &Header,
        block: &DecidedBlock,
    ) -> Result<FinalizeBlock, AppError> {
        // The block before may be on its way to the disk, none before it (ADR 22).
        let before = header.height - 1;
        let mut executed = self.executed.lock().unwrap();
        let is_executed = executed.contains_key(&before);
        let committed = self.read().height;
        assert!(committed == before || is_executed && committed + 1 == before);
        let app_hash = sha256(
            &[
                header.app_hash.clone(),
                block.txs.iter().flat_map(|tx| tx.to_vec()).collect(),
            ]
            .concat(),
        )
        .to_vec();
        executed.insert(header.height, app_hash.clone());
        let tx_results = vec![ExecTxResult::default(); block.txs.len()];
        Ok(FinalizeBlock {
            tx_results,
            app_hash,
            ..FinalizeBlock::default()
        })
    }
    fn commit(&self, height: Height, after: &ChainState) -> Result<(), AppError> {
        let mut executed = self.executed.lock().unwrap();
        let app_hash = hex::encode(executed.remove(&height).unwrap());
        let json = serde_json::json!({"height": height, "app_hash": app_hash, "engine": hex::encode(after.encode())});
        let beside = self.path.with_extension("new");
        std::fs::write(&beside, json.to_string()).unwrap();
        std::fs::rename(beside, &self.path).map_err(AppError::new)
    }
}

fn signer(home: &Path) -> Signer {
    let (key, state) = (home.join("key.json"), home.join("state.json"));
    if key.exists() {
        Signer::open(&key, &state).unwrap()
    } else {
        Signer::create(&key, &state).unwrap()
    }
}

fn start(home: &Path) -> Solo {
    let signer = signer(home);
    let key = base64::engine::general_purpose::STANDARD.encode(signer.pubkey());
    let json = serde_json::json!({
        "genesis_time": "2026-01-02T03:04:05.678901234Z",
        "chain_id": "kill-1",
        "app_state": {"registration": {"security": "insecure"}},
        "validators": [{
            "pub_key": {"type": "tendermint/PubKeyEd25519", "value": key},
            "power": "1",
        }],
    });
    let parts = EngineConfig {
        genesis: Arc::new(GenesisFile::parse(json.to_string().into_bytes()).unwrap()),
        app: Arc::new(FileApp::new(home)),
        blocks: Arc::new(BlockStore::open(&home.join("blocks")).unwrap()),
        signer,
        clock: Arc::new(SystemClock),
        timing: BlockTiming::Every(Duration::ZERO),
        replay_waits: REPLAY_WAITS,
    };
    Solo::start(parts, |end| {
        if let Err(error) = end {
            eprintln!("{}: {error}", error.code());
            std::process::abort();
        }
    })
    .unwrap()
}

#[test]
#[ignore = "not a test: the process that the test below starts and kills"]
fn a_chain_in_a_child_process() {
    let home = std::env::var_os(HOME).expect("the home of the chain");
    let _solo = start(Path::new(&home));
    std::thread::sleep(Duration::from_secs(60));
}

/// What is on disk: the newest block, and the id that was decided at each height.
fn decided(home: &Path) -> Vec<BlockId> {
    let store = BlockStore::open(&home.join("blocks")).unwrap();
    let newest = store.newest().unwrap().unwrap_or(0);
    (1..=newest)
        .map(|h| {
            Commit::decode(&store.load(h).unwrap().unwrap().commit)
                .unwrap()
                .block_id
        })
        .collect()
}

#[test]
fn a_validator_that_is_killed_at_random_moments_never_signs_two_blocks_of_one_height() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path();
    let mut known: Vec<BlockId> = Vec::new();
    for kill in 0_u64..20 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "--ignored",
                "a_chain_in_a_child_process",
                "--nocapture",
            ])
            .env(HOME, home)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // Some kills fall into the boot, the others into the making of blocks: after a new one at least.
        let since = Instant::now();
        while kill % 4 != 0 && FileApp::new(home).read().height <= known.len() as u64 {
            assert!(since.elapsed() < Duration::from_secs(60), "kill {kill}");
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_micros(kill * 3_137 % 20_000));
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().code(), None, "it ended by itself");
        // Nothing that was decided is lost or replaced.
        let now = decided(home);
        assert_eq!(now[..known.len()], known[..], "kill {kill}");
        let app = FileApp::new(home).read().height;
        assert!(
            app <= now.len() as u64 && now.len() as u64 <= app + 2,
            "kill {kill}"
        );
        known = now;
    }
    assert!(
        known.len() >= 15,
        "a block for each kill but those in the boot"
    );
    // And it goes on, in good order.
    let solo = start(home);
    let app = FileApp::new(home);
    let since = Instant::now();
    while app.read().height < known.len() as u64 + 3 {
        assert!(since.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(1));
    }
    solo.stop().unwrap();
    assert_eq!(decided(home)[..known.len()], known[..]);
}
