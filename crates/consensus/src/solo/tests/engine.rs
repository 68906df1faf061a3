//! The engine with a small application, a real block store, and crashes at every step.

use super::genesis;
use super::home::{App, Home, Memory, Step};
use crate::patience::Passing as _;
use crate::solo::{BlockTiming, EngineConfig, EngineError, REPLAY_WAITS, Solo};
use crate::{Blocks, ChainState, GenesisFile, MemoryBlocks, Signer, SystemClock, TestClock};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use strongroom_proof::comet::{Commit, Header};
use strongroom_store::blocks::BlockStore;
use strongroom_types::{DecidedBlock, RawTx, Timestamp};

#[test]
fn instant_makes_the_first_block_at_once_and_then_one_for_each_transaction() {
    let home = Home::new();
    let solo = home.start(BlockTiming::Instant).unwrap();
    home.app.wait_for(1);
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(home.app.height(), 1, "no empty blocks");
    for height in 2..6 {
        home.app.put(&format!("tx {height}"));
        solo.notifier().wake();
        home.app.wait_for(height);
    }
    solo.stop().unwrap();
    assert_eq!(home.app.height(), 5);
    assert_eq!(home.block(5).txs, RawTx::list([b"tx 5".to_vec()]));
}

#[test]
fn transactions_that_wait_at_the_start_get_a_block_without_a_call() {
    let home = Home::new();
    home.app.put("early");
    let solo = home.start(BlockTiming::Instant).unwrap();
    home.app.wait_for(2);
    solo.stop().unwrap();
}

#[test]
fn blocks_come_in_their_interval_empty_or_not_and_their_time_is_fresh() {
    let home = Home::new();
    let start = Instant::now();
    let solo = home
        .start(BlockTiming::Every(Duration::from_millis(40)))
        .unwrap();
    home.app.wait_for(4);
    let took = start.elapsed();
    solo.stop().unwrap();
    assert!(took >= Duration::from_millis(120), "{took:?}");
    let now = crate::Clock::now(&SystemClock);
    let header = |height| Header::decode(&home.block(height).header).unwrap();
    assert_eq!(header(1).time.to_string(), "2026-01-02T03:04:05.678901234Z");
    for height in 2..=4 {
        let time = header(height).time;
        assert!(time > header(height - 1).time && time.nanos % 10 != 0);
        assert!(now.seconds - time.seconds < 20);
        // The block's time is the last commit's; the seen commit of the block before was earlier.
        let last = Commit::decode(&home.block(height).last_commit).unwrap();
        let seen = Commit::decode(&home.block(height - 1).commit).unwrap();
        assert_eq!(last.signatures[0].vote().unwrap().time, time);
        assert!(seen.signatures[0].vote().unwrap().time < time);
        assert_eq!(seen.block_id, last.block_id);
    }
}

#[test]
fn stopping_and_starting_continues_the_chain_on_a_real_store() {
    let home = Home::new();
    let store = Arc::new(BlockStore::open(&home.file("blocks")).unwrap());
    for round in 0..3 {
        let parts = EngineConfig {
            blocks: store.clone(),
            ..home.parts(BlockTiming::Every(Duration::from_millis(1)))
        };
        let solo = Solo::start(parts, |_| ()).unwrap();
        home.app.wait_for(home.app.height() + 5);
        solo.stop().unwrap();
        assert!(home.app.height() >= 5 * (round + 1));
    }
    assert_eq!(store.newest().unwrap(), Some(home.app.height()));
    let meta = store.meta(7).unwrap().unwrap();
    assert_eq!(store.height_of(&meta.hash).unwrap(), Some(7));
}

#[test]
fn after_a_crash_at_any_step_the_chain_goes_on_without_a_gap_or_a_second_block() {
    for step in [
        Step::Save,
        Step::AfterSave,
        Step::Finalize,
        Step::AfterFinalize,
        Step::Commit,
        Step::AfterCommit,
    ] {
        let home = Home::new();
        home.app.put("before");
        home.app.0.lock().unwrap().fail = Some((step, 2));
        let (send, ended) = mpsc::channel();
        let solo = Solo::start(
            home.parts(BlockTiming::Every(Duration::from_millis(1))),
            move |end| {
                send.send(end.map_err(EngineError::code)).unwrap();
            },
        )
        .unwrap();
        let code = ended
            .recv_timeout(Duration::from_secs(20))
            .unwrap()
            .unwrap_err();
        assert_eq!(
            code,
            if matches!(step, Step::Save | Step::AfterSave) {
                "engine.blocks"
            } else {
                "engine.app"
            }
        );
        assert_eq!(solo.stop().unwrap_err().code(), code, "{step:?}");
        // What was decided before the crash is what is decided after it.
        let decided = home.blocks.newest().unwrap().unwrap();
        match step {
            Step::Save => assert_eq!(decided, 2),
            // The next block is made meanwhile, or not yet.
            Step::Commit | Step::AfterCommit => assert!((3..=4).contains(&decided)),
            _ => assert_eq!(decided, 3),
        }
        let old: Vec<DecidedBlock> = (1..=decided).map(|h| home.block(h)).collect();
        home.app.0.lock().unwrap().fail = None;
        home.app.put("after");
        let solo = home
            .start(BlockTiming::Every(Duration::from_millis(1)))
            .unwrap();
        assert!(
            home.app.height() >= decided,
            "executed before anything else"
        );
        home.app.wait_for(decided + 3);
        solo.stop().unwrap();
        for (block, height) in old.iter().zip(1..) {
            assert_eq!(*block, home.block(height));
        }
        let txs = home.app.0.lock().unwrap().durable.txs.clone();
        assert_eq!(
            txs,
            RawTx::list([b"before".to_vec(), b"after".to_vec()]),
            "{step:?}"
        );
    }
}

#[test]
fn the_next_block_is_made_while_one_is_committed_and_no_further() {
    let home = Home::new();
    let solo = home.start(BlockTiming::Instant).unwrap();
    home.app.wait_for(1);
    let seen = |what: &str, is: &dyn Fn(&Memory) -> bool| {
        let since = Instant::now();
        while !is(&home.app.0.lock().unwrap()) {
            assert!(since.elapsed() < Duration::from_secs(20), "{what}");
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    home.app.0.lock().unwrap().commits = Some(0);
    for (tx, height) in [("one", 2), ("two", 3)] {
        home.app.put(tx);
        solo.notifier().wake();
        seen(tx, &|memory| memory.executed.contains_key(&height));
    }
    // Neither durable nor told, and the third one waits.
    home.app.put("three");
    solo.notifier().wake();
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(home.app.height(), 1);
    assert_eq!(home.blocks.newest().unwrap(), Some(3));
    // A crash here: both are on disk and signed, in one chain.
    assert_eq!(home.block(2).txs, RawTx::list([b"one".to_vec()]));
    assert_eq!(home.block(3).txs, RawTx::list([b"two".to_vec()]));
    home.app.0.lock().unwrap().commits = Some(1);
    seen("the third", &|memory| memory.executed.contains_key(&4));
    assert_eq!(home.app.height(), 2);
    home.app.0.lock().unwrap().commits = None;
    // What is executed is committed before the engine ends.
    solo.stop().unwrap();
    assert_eq!(home.app.height(), 4);
}

#[test]
fn a_crash_with_two_blocks_that_are_not_durable_loses_neither() {
    for step in [
        Step::Commit,
        Step::AfterCommit,
        Step::Finalize,
        Step::AfterFinalize,
        Step::AfterSave,
    ] {
        let home = Home::new();
        let solo = home.start(BlockTiming::Instant).unwrap();
        home.app.wait_for(1);
        home.app.0.lock().unwrap().commits = Some(0);
        home.app.put("one");
        solo.notifier().wake();
        let since = Instant::now();
        while home.app.0.lock().unwrap().executed.is_empty() {
            assert!(since.elapsed() < Duration::from_secs(20));
            std::thread::sleep(Duration::from_millis(1));
        }
        home.app.0.lock().unwrap().fail = Some((step, 0));
        home.app.put("two");
        solo.notifier().wake();
        while home.blocks.newest().unwrap() != Some(3) {
            assert!(since.elapsed() < Duration::from_secs(20));
            std::thread::sleep(Duration::from_millis(1));
        }
        home.app.0.lock().unwrap().commits = None;
        assert!(solo.stop().is_err(), "{step:?}");
        let old: Vec<DecidedBlock> = (1..=3).map(|h| home.block(h)).collect();
        home.app.0.lock().unwrap().fail = None;
        let solo = home.start(BlockTiming::Instant).unwrap();
        home.app.wait_for(3);
        home.app.put("three");
        solo.notifier().wake();
        home.app.wait_for(4);
        solo.stop().unwrap();
        for (block, height) in old.iter().zip(1..) {
            assert_eq!(*block, home.block(height));
        }
        let txs = home.app.0.lock().unwrap().durable.txs.clone();
        assert_eq!(txs, RawTx::list(["one", "two", "three"]), "{step:?}");
    }
}

/// Two blocks are on disk and not durable, the commit of the first fails, and the second waits for it.
#[test]
fn a_commit_that_fails_at_a_start_is_told_and_not_that_the_block_after_it_was_stopped() {
    let home = Home::new();
    let solo = home.start(BlockTiming::Instant).unwrap();
    home.app.wait_for(1);
    home.app.0.lock().unwrap().commits = Some(0);
    let since = Instant::now();
    for (tx, height) in [("one", 2), ("two", 3)] {
        home.app.put(tx);
        solo.notifier().wake();
        while !home.app.0.lock().unwrap().executed.contains_key(&height) {
            assert!(since.elapsed() < Duration::from_secs(20));
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    {
        let mut memory = home.app.0.lock().unwrap();
        memory.fail = Some((Step::Commit, 0));
        memory.commits = None;
    }
    assert_eq!(solo.stop().unwrap_err().code(), "engine.app");
    home.app.0.lock().unwrap().waits_for_commit = true;
    let error = home.start(BlockTiming::Instant).err().unwrap();
    assert_eq!(error.to_string(), "application: crash");
    home.app.0.lock().unwrap().fail = None;
    let solo = home.start(BlockTiming::Instant).unwrap();
    solo.stop().unwrap();
    assert_eq!(home.app.height(), 3);
}

/// A home whose application has only the first of four blocks that are decided.
fn behind() -> Home {
    let home = Home::new();
    let solo = home.start(BlockTiming::Instant).unwrap();
    home.app.wait_for(1);
    let first = home.app.0.lock().unwrap().durable.clone();
    for height in 2..=4 {
        home.app.put(&format!("tx {height}"));
        solo.notifier().wake();
        home.app.wait_for(height);
    }
    solo.stop().unwrap();
    *home.app.0.lock().unwrap() = Memory {
        durable: first,
        ..Memory::default()
    };
    home
}

/// Starts without waiting for what was decided.
fn start_at_once(home: &Home) -> Solo {
    let parts = EngineConfig {
        replay_waits: Duration::ZERO,
        ..home.parts(BlockTiming::Instant)
    };
    Solo::start(parts, |_| ()).unwrap()
}

#[test]
fn a_start_does_not_wait_for_blocks_that_take_long_and_what_is_committed_is_there_meanwhile() {
    let home = behind();
    home.app.0.lock().unwrap().executions = Some(0);
    let solo = start_at_once(&home);
    assert_eq!(home.app.height(), 1);
    home.app.0.lock().unwrap().executions = None;
    home.app.wait_for(4);
    solo.stop().unwrap();
}

#[test]
fn the_application_knows_the_room_of_the_next_block_before_anybody_can_send_to_it() {
    let home = behind();
    home.app.0.lock().unwrap().executions = Some(0);
    let solo = start_at_once(&home);
    let rooms = |home: &Home| home.app.0.lock().unwrap().rooms.clone();
    let told = rooms(&home);
    assert_eq!(told.len(), 1);
    let (txs, bytes, gas) = told[0];
    assert!(txs > 0 && bytes > 4_000_000 && gas == -1, "{told:?}");
    // Those that were decided may change it.
    home.app.0.lock().unwrap().executions = None;
    home.app.put("new");
    home.app.wait_for(5);
    assert_eq!(rooms(&home).len(), 2);
    solo.stop().unwrap();
}

#[test]
fn a_stop_is_heard_between_the_blocks_that_were_decided_before() {
    let home = behind();
    home.app.0.lock().unwrap().executions = Some(0);
    let solo = start_at_once(&home);
    while !home.app.0.lock().unwrap().waits {
        std::thread::sleep(Duration::from_millis(1));
    }
    let signals = Arc::clone(&solo.signals);
    let stopped = std::thread::spawn(|| solo.stop());
    while !signals.stopped() {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(home.app.height(), 1);
    home.app.0.lock().unwrap().executions = None;
    stopped.join().unwrap().unwrap();
    // The block that was being executed is committed.
    assert_eq!(home.app.height(), 2);
    let solo = home.start(BlockTiming::Instant).unwrap();
    assert!(home.app.height() >= 4);
    solo.stop().unwrap();
}

#[test]
fn want_of_descriptors_makes_the_blocks_wait_that_were_decided_before() {
    let home = behind();
    // The first read is that of a start, which nobody can have made short yet.
    let parts = home.parts(BlockTiming::Instant);
    home.app.0.lock().unwrap().executions = Some(1);
    let solo = Solo::start(
        EngineConfig {
            replay_waits: Duration::ZERO,
            ..parts
        },
        |_| (),
    )
    .unwrap();
    home.app.wait_for(2);
    home.app.0.lock().unwrap().short = Some((Step::Load, 2));
    home.app.0.lock().unwrap().executions = None;
    home.app.wait_for(4);
    assert_eq!(home.app.0.lock().unwrap().short, Some((Step::Load, 0)));
    solo.stop().unwrap();
}

#[test]
fn want_of_room_at_any_step_makes_the_chain_wait_and_never_ends_it() {
    for step in [
        Step::Save,
        Step::AfterSave,
        Step::Finalize,
        Step::AfterFinalize,
        Step::Commit,
    ] {
        let home = Home::new();
        home.app.put("waits");
        home.app.0.lock().unwrap().short = Some((step, 3));
        let solo = home.start(BlockTiming::Instant).unwrap();
        home.app.wait_for(2);
        solo.stop().unwrap();
        let memory = home.app.0.lock().unwrap();
        assert_eq!(
            memory.short,
            Some((step, 0)),
            "{step:?}: it was never short"
        );
        assert_eq!(
            memory.durable.txs,
            RawTx::list([b"waits".to_vec()]),
            "{step:?}"
        );
    }
}

#[test]
fn an_engine_that_waits_for_room_stops_when_it_is_asked_and_goes_on_at_the_next_start() {
    let home = Home::new();
    home.app.put("waits");
    home.app.0.lock().unwrap().short = Some((Step::Finalize, u32::MAX));
    let (send, ended) = mpsc::channel();
    let solo = Solo::start(home.parts(BlockTiming::Instant), move |end| {
        send.send(end.map_err(EngineError::code)).unwrap();
    })
    .unwrap();
    let since = Instant::now();
    while home.app.0.lock().unwrap().short == Some((Step::Finalize, u32::MAX)) {
        assert!(since.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(1));
    }
    solo.stop().unwrap();
    assert_eq!(ended.recv().unwrap(), Ok(()));
    assert_eq!(home.app.height(), 0);
    home.app.0.lock().unwrap().short = None;
    let solo = home.start(BlockTiming::Instant).unwrap();
    home.app.wait_for(2);
    solo.stop().unwrap();
}

#[test]
fn want_of_room_for_the_validators_state_makes_the_chain_wait() {
    let home = Home::new();
    // A directory in the way is no want of room: that ends the engine.
    std::fs::create_dir(home.file("state.json.partial")).unwrap();
    let (send, ended) = mpsc::channel();
    let solo = Solo::start(home.parts(BlockTiming::Instant), move |end| {
        send.send(end.map_err(EngineError::code)).unwrap();
    })
    .unwrap();
    let end = ended.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!(end, Err("signer.io"));
    drop(solo);
    let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
    for (error, is_transient) in [(full, true), (std::io::Error::other("x"), false)] {
        let path = home.file("state.json");
        let error = EngineError::Signer(crate::privval::SignerError::Io { path, error });
        assert_eq!(error.is_transient(), is_transient);
    }
}

#[test]
fn an_empty_application_is_brought_to_the_tip_from_the_stored_blocks() {
    let home = Home::new();
    let solo = home.start(BlockTiming::Instant).unwrap();
    for height in 2..10 {
        home.app.put(&format!("tx {height}"));
        solo.notifier().wake();
        home.app.wait_for(height);
    }
    home.app.put("val 25");
    solo.notifier().wake();
    home.app.wait_for(10);
    solo.stop().unwrap();
    let old = home.app.0.lock().unwrap().durable.clone();
    *home.app.0.lock().unwrap() = Memory::default();
    let solo = home.start(BlockTiming::Instant).unwrap();
    solo.stop().unwrap();
    let new = home.app.0.lock().unwrap().durable.clone();
    assert_eq!(
        (new.height, &new.app_hash, &new.engine),
        (old.height, &old.app_hash, &old.engine)
    );
    let state = ChainState::decode(&new.engine).unwrap();
    assert_eq!(state.light().next_validators().total_power(), 25);
    assert_eq!(state.version_app(), 3);
}

#[test]
fn a_panic_of_the_application_ends_the_engine_and_is_told() {
    let home = Home::new();
    home.app.put("panic");
    let (send, ended) = mpsc::channel();
    let solo = Solo::start(home.parts(BlockTiming::Instant), move |end| {
        send.send(end.map_err(EngineError::code)).unwrap();
    })
    .unwrap();
    assert_eq!(
        ended.recv_timeout(Duration::from_secs(20)).unwrap(),
        Err("engine.panicked")
    );
    assert_eq!(solo.stop().unwrap_err().code(), "engine.panicked");
}

#[test]
fn a_second_validator_ends_the_engine() {
    let home = Home::new();
    home.app.put("evil");
    let (send, ended) = mpsc::channel();
    let _solo = Solo::start(home.parts(BlockTiming::Instant), move |end| {
        send.send(end.map_err(EngineError::code)).unwrap();
    })
    .unwrap();
    assert_eq!(
        ended.recv_timeout(Duration::from_secs(20)).unwrap(),
        Err("engine.not_alone")
    );
}

/// Starts on a home with a chain of a few heights, after `change`.
#[track_caller]
fn refused(change: impl FnOnce(&mut EngineConfig, &Home)) -> &'static str {
    let home = Home::new();
    let solo = home
        .start(BlockTiming::Every(Duration::from_millis(1)))
        .unwrap();
    home.app.wait_for(3);
    solo.stop().unwrap();
    let mut parts = home.parts(BlockTiming::Instant);
    change(&mut parts, &home);
    Solo::start(parts, |_| ())
        .err()
        .unwrap_or_else(|| panic!("it started"))
        .code()
}

/// The secret half of the validator's key.
fn key_seed(home: &Home) -> [u8; 32] {
    use base64::Engine as _;
    let text = std::fs::read(home.file("key.json")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let pair = json["priv_key"]["value"].as_str().unwrap();
    let pair = base64::engine::general_purpose::STANDARD.decode(pair);
    pair.unwrap()[..32].try_into().unwrap()
}

#[test]
fn an_engine_does_not_start_on_what_does_not_belong_together() {
    let secure = |parts: &mut EngineConfig, _: &Home| {
        let text = String::from_utf8(parts.genesis.bytes().to_vec())
            .unwrap()
            .replace("insecure", "attested");
        parts.genesis = Arc::new(GenesisFile::parse(text.into_bytes()).unwrap());
    };
    assert_eq!(refused(secure), "engine.not_insecure");
    let other_genesis = |parts: &mut EngineConfig, _: &Home| {
        let text = String::from_utf8(parts.genesis.bytes().to_vec()).unwrap() + "\n";
        parts.genesis = Arc::new(GenesisFile::parse(text.into_bytes()).unwrap());
    };
    assert_eq!(refused(other_genesis), "engine.other_genesis");
    // Blocks that are gone: the signer remembers, or knows that it forgot; without that, the application remembers.
    let no_blocks =
        |parts: &mut EngineConfig, _: &Home| parts.blocks = Arc::new(MemoryBlocks::default());
    assert_eq!(refused(no_blocks), "signer.behind");
    let no_memory = |parts: &mut EngineConfig, home: &Home| {
        parts.blocks = Arc::new(MemoryBlocks::default());
        std::fs::remove_file(home.file("state.json")).unwrap();
        parts.signer = Signer::open(&home.file("key.json"), &home.file("state.json")).unwrap();
    };
    assert_eq!(refused(no_memory), "signer.lost");
    let no_key_memory = |parts: &mut EngineConfig, home: &Home| {
        parts.blocks = Arc::new(MemoryBlocks::default());
        parts.signer = Signer::in_memory(&key_seed(home));
    };
    assert_eq!(refused(no_key_memory), "engine.app_ahead");
    let other_key = |parts: &mut EngineConfig, _: &Home| parts.signer = Signer::in_memory(&[1; 32]);
    assert_eq!(refused(other_key), "engine.not_alone");
    let other_hash = |_: &mut EngineConfig, home: &Home| {
        home.app.0.lock().unwrap().durable.app_hash = vec![1; 32]
    };
    assert_eq!(refused(other_hash), "engine.app_elsewhere");
    let broken_state =
        |_: &mut EngineConfig, home: &Home| home.app.0.lock().unwrap().durable.engine.truncate(9);
    assert_eq!(refused(broken_state), "state.stored");
    // A stored block that was changed, for an application that has to execute it.
    let forged = |parts: &mut EngineConfig, home: &Home| {
        *home.app.0.lock().unwrap() = Memory::default();
        let blocks = MemoryBlocks::default();
        for height in 1..=home.blocks.newest().unwrap().unwrap() {
            let mut block = home.block(height);
            if height == 2 {
                block.txs.push(b"never decided".to_vec().into());
            }
            let header = Header::decode(&block.header).unwrap();
            blocks.save_decided(&header, &block).unwrap();
        }
        parts.blocks = Arc::new(blocks);
    };
    assert_eq!(refused(forged), "light.data_hash");
}

#[test]
fn the_same_key_genesis_transactions_and_clock_give_the_same_chain() {
    let chain = || {
        let app = App::new(Signer::in_memory(&[9; 32]).pubkey());
        let blocks = Arc::new(MemoryBlocks::default());
        let parts = EngineConfig {
            genesis: Arc::new(genesis(app.1)),
            app: Arc::new(app.clone()),
            blocks: blocks.clone(),
            signer: Signer::in_memory(&[9; 32]),
            clock: Arc::new(TestClock::new(
                Timestamp {
                    seconds: 1_800_000_000,
                    nanos: 7,
                },
                Duration::from_secs(1),
            )),
            timing: BlockTiming::Instant,
            replay_waits: REPLAY_WAITS,
        };
        let solo = Solo::start(parts, |_| ()).unwrap();
        for height in 2..6 {
            app.wait_for(height - 1);
            app.put(&format!("tx {height}"));
            solo.notifier().wake();
        }
        app.wait_for(5);
        solo.stop().unwrap();
        (1..=5)
            .map(|h| blocks.load(h).unwrap().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(chain(), chain());
}
