//! Estimates: of uploads, right and for nearly nothing; of calls of contracts, by who has the secrets, where genesis says so.

use super::super::gas;
use super::super::genesis::Genesis;
use super::super::keeper::simulates_contracts;
use super::super::state::{CODES, SimulationPolicy, contract_address};
use super::world::{Code, Done, GAS, Sent, World, opened, zip};
use super::{asked, call, migrate, puppet, sends};
use crate::attest::Security;
use crate::check::{Simulated, simulate, simulate_sealed, with_msg_responses};
use crate::gas::SIMULATION_MAX;
use crate::genesis::Document;
use crate::module::GenesisState as _;
use crate::modules::registration::state::SECURITY;
use crate::overlay::Overlay;
use crate::ports::{Secrets as _, SecretsError, ShareTarget};
use crate::query::QueryStop;
use crate::testing::{block_info, document, draft};
use crate::types::proto::secret::compute::v1beta1::{
    MsgStoreCode, MsgStoreCodeResponse as StoreCodeResponse,
};
use crate::types::proto::{Any, Message as _, pack};
use crate::types::{Address, Tree, sha256};
use std::collections::BTreeSet;

/// Gas of uploads.
const MUCH: u64 = 50_000_000;

fn upload(world: &World, wasm_byte_code: Vec<u8>) -> Any {
    pack(&MsgStoreCode {
        sender: world.users[0].address.as_bytes().to_vec(),
        wasm_byte_code,
        ..Default::default()
    })
}

fn simulated(world: &World, tx: &[u8]) -> Result<Simulated, String> {
    let block = block_info(world.height);
    let answer = simulate(&world.state, Overlay::default(), world.env(), &block, tx);
    answer.map(Option::unwrap).map_err(|stop| match stop {
        QueryStop::Error(e) => e.grpc().1,
        QueryStop::Fault(fault) => panic!("{fault}"),
    })
}

#[test]
fn a_simulated_upload_costs_what_the_delivered_one_costs_zipped_or_not() {
    let mut world = World::new();
    let wasm = puppet::wasm("");
    for code in [wasm.clone(), zip(&wasm)] {
        let any = upload(&world, code);
        let tx = world.sign(vec![any], MUCH);
        let estimate = simulated(&world, &tx).unwrap();
        let result = world.block(&[tx]).tx_results.remove(0);
        assert_eq!(result.code, 0, "{}", result.log);
        // A module so small weighs more than its bytes pay for, which only loading tells.
        let answer = with_msg_responses(estimate.clone().into_response()).unwrap();
        let answers = answer.result.unwrap().msg_responses;
        let id = StoreCodeResponse::decode(&*answers[0].value)
            .unwrap()
            .code_id;
        let code = world.read(|ctx| CODES.get(ctx, &id).unwrap().unwrap().into_code());
        let odd = gas::odd(u64::try_from(wasm.len()).unwrap(), code.weight);
        let used = u64::try_from(result.gas_used).unwrap();
        assert_eq!(estimate.gas_used + odd, used);
        assert_eq!(estimate.data, result.data);
    }
}

#[test]
fn a_simulation_unzips_and_prepares_nothing_so_that_fifty_uploads_cost_no_more_than_their_bytes() {
    let mut world = World::new();
    // What only unzipping or preparing could find wrong is not found: the delivery will.
    let mut broken = zip(b"no module at all");
    broken[12] ^= 0xff;
    let any = upload(&world, broken);
    let tx = draft(vec![any; 50]);
    let tx = {
        let mut tx = tx;
        tx.fee.gas_limit = MUCH;
        tx.signed(&[&world.users[0]])
    };
    assert!(simulated(&world, &tx).is_ok());
    let delivered = world.block(&[tx]).tx_results.remove(0);
    assert!(
        delivered.log.contains("create contract failed"),
        "{}",
        delivered.log
    );
}

#[test]
fn an_upload_of_a_length_that_no_code_has_is_estimated_as_the_longest() {
    let mut world = World::new();
    let estimate = |world: &mut World, code: Vec<u8>| {
        let any = upload(world, code);
        let tx = world.sign(vec![any], MUCH);
        world.users[0].sequence -= 1;
        simulated(world, &tx).unwrap().gas_used
    };
    let bomb = zip(&vec![0; 8 << 20]);
    let mut longest = bomb.clone();
    let at = longest.len() - 4;
    longest[at..].copy_from_slice(&(2_u32 << 20).to_le_bytes());
    assert_eq!(estimate(&mut world, bomb), estimate(&mut world, longest));
}

/// A chain whose genesis lets contracts be simulated.
fn open() -> Document {
    let mut document = document(3);
    let open = |genesis: &mut Genesis| genesis.simulation = SimulationPolicy::Open;
    document.app_state.edit("compute", open).unwrap();
    document
}

/// What the enclave says of a transaction, or the error's text.
fn sealed(world: &World, tx: &[u8]) -> Result<Simulated, String> {
    let block = block_info(world.height);
    let keys = world.keys.for_simulation(&block.header_hash, tx);
    let answer = simulate_sealed(&world.state, &keys, world.env(), &block, tx);
    answer.map_err(|stop| match stop {
        QueryStop::Error(e) => e.grpc().1,
        QueryStop::Fault(fault) => panic!("{fault}"),
    })
}

/// Simulates a message of the first user, then runs it: the estimate and the result.
fn both(world: &mut World, sent: Sent) -> (Result<Simulated, String>, Done) {
    let (any, key) = (sent.any, sent.key);
    let tx = world.sign(vec![any], GAS);
    let before = world.state.0.clone();
    let estimate = sealed(world, &tx);
    assert!(world.state.0 == before);
    let result = world.block(&[tx]).tx_results.remove(0);
    (estimate, Done { result, key })
}

#[track_caller]
fn is_close(estimate: u64, done: &Done) {
    let used = done.result.gas_used.unsigned_abs();
    let off = estimate.abs_diff(used);
    assert!(off * 100 <= 2 * used, "{estimate} and {used}");
}

#[test]
fn every_kind_of_first_call_is_estimated_within_two_percent_with_its_messages_and_replies() {
    let mut world = World::from_document(&open());
    let code = world.store(puppet::wasm(""));
    let admin = world.users[0].address.clone();
    let sent = world.instantiation_for(&code, puppet::NOTHING, &admin);
    let (estimate, done) = both(&mut world, sent);
    is_close(estimate.unwrap().gas_used, &done.ok());
    let a = contract_address(code.id, 1, &admin).unwrap();
    let sent = world.instantiation(&code, "b", puppet::NOTHING.as_bytes());
    let b = contract_address(code.id, 2, &admin).unwrap();
    world.run(sent, GAS).ok();
    // A sub-message with a reply, which writes; coins come along.
    let deeper = sends(&[asked(1, "always", &call(&b, &code.hex(), "s", 5), None)]);
    for (msg, uscrt) in [("s", 0), (deeper.as_str(), 70)] {
        let sent = world.execution(&a, &code.hash, msg.as_bytes(), uscrt);
        let (estimate, done) = both(&mut world, sent);
        let (estimate, done) = (estimate.unwrap(), done.ok());
        is_close(estimate.gas_used, &done);
        assert_eq!(estimate.data, done.result.data);
    }
    assert!(world.kept(&a, "told1").is_some());
    assert_eq!(world.kept(&b, "last").as_deref(), Some(puppet::SEEN));
    let new = world.store(puppet::wasm(r#"(func (export "more"))"#));
    let sent = migrate::migration(&mut world, 0, &a, &new, puppet::NOTHING);
    let (estimate, done) = both(&mut world, sent);
    is_close(estimate.unwrap().gas_used, &done.ok());
}

#[cfg(feature = "winch")]
#[test]
fn a_simulation_takes_no_slot_of_compiled_code_and_its_block_does() {
    use crate::engine::{ContractEngine, EngineKind};
    use std::sync::atomic::Ordering;
    let mut world = World::from_document(&open());
    world.engine = ContractEngine::new(EngineKind::WinchAtOnce).unwrap();
    let code = world.store(puppet::wasm(""));
    let a = world.instantiate(&code);
    let compiled = |world: &World| {
        let counts = world.engine.wasm().counts().unwrap();
        counts.instances.load(Ordering::Relaxed)
    };
    let before = compiled(&world);
    assert!(before > 0);
    let sent = world.execution(&a, &code.hash, b"s", 0);
    let tx = world.sign(vec![sent.any], GAS);
    let estimate = sealed(&world, &tx).unwrap();
    assert_eq!(compiled(&world), before);
    let (result, key) = (world.block(&[tx]).tx_results.remove(0), sent.key);
    is_close(estimate.gas_used, &Done { result, key }.ok());
    assert_eq!(compiled(&world), before + 1);
}

#[test]
fn a_simulated_call_that_fails_tells_its_sender_what_delivery_tells() {
    let mut world = World::from_document(&open());
    let code = world.store(puppet::wasm(""));
    let a = world.instantiate(&code);
    for msg in [r#"{"Err":{"generic_err":{"msg":"not today"}}}"#, "p"] {
        let sent = world.execution(&a, &code.hash, msg.as_bytes(), 0);
        let (estimate, done) = both(&mut world, sent);
        let estimate = estimate.unwrap_err();
        let text = estimate.strip_prefix(&done.result.log).unwrap();
        assert!(text.starts_with(" with gas used: '"), "{text}");
        done.error();
    }
    // Bound for somebody else, or sealed for other code: refused as at delivery.
    let sent = world.execution(&a, &[7; 32], b"s", 0);
    let (estimate, done) = both(&mut world, sent);
    assert!(estimate.unwrap_err().starts_with(&done.result.log));
}

#[test]
fn a_simulation_sees_a_random_of_its_own_and_its_transaction_as_the_first_of_a_block() {
    let mut world = World::from_document(&open());
    let shows = puppet::wasm_that_shows_env(r#"(func (export "requires_random"))"#);
    let code = world.store(shows);
    let a = world.instantiate(&code);
    let random = |env: &str| {
        let from = env.split(r#""random":""#).nth(1).unwrap();
        from.split('"').next().unwrap().to_owned()
    };
    let (mut simulated, mut decided) = (BTreeSet::new(), BTreeSet::new());
    let mut tx = Vec::new();
    for n in 1..=3 {
        let sent = world.execution(&a, &code.hash, b"p", 0);
        tx = world.sign(vec![sent.any], GAS);
        let text = sealed(&world, &tx).unwrap_err();
        assert_eq!(sealed(&world, &tx), Err(text.clone()));
        let open = |text: &str| {
            let sealed = text.split("encrypted: ").nth(1).unwrap();
            opened(&sent.key, sealed.split(": ").next().unwrap())
        };
        let env = open(&text);
        let told = format!(
            r#""transaction":{{"index":0,"hash":"{}"}}"#,
            hex::encode_upper(sha256(&tx))
        );
        assert!(env.contains(&told), "{env}");
        simulated.insert(random(&env));
        let result = world.block(&[tx.clone()]).tx_results.remove(0);
        let env = open(&result.log);
        assert!(env.contains(r#""transaction":{"#), "{env}");
        decided.insert(random(&env));
        assert_eq!(simulated.len(), n);
    }
    assert!(simulated.is_disjoint(&decided));
    // The same transaction after another block has another one, too.
    let block = block_info(world.height);
    let random = |header_hash, tx: &[u8]| {
        let keys = world.keys.for_simulation(&header_hash, tx);
        keys.random(&block.header_hash, &a, 0, 0).unwrap()
    };
    let all = [
        random([1; 32], &tx),
        random([2; 32], &tx),
        random([1; 32], b"another"),
        world.keys.random(&[1; 32], &a, 0, 0).unwrap(),
    ];
    assert_eq!(BTreeSet::from(all).len(), all.len());
}

#[test]
fn a_simulation_gives_no_seed_away_and_seals_nothing() {
    let world = World::from_document(&open());
    let keys = world.keys.for_simulation(&[1; 32], b"tx");
    let target = ShareTarget {
        node_id: [5; 20],
        one_time_key: [9; 32],
    };
    let here = Err(SecretsError::NotHere);
    assert_eq!(keys.share_seeds(&target), here);
    assert_eq!(keys.possession(&target), Err(SecretsError::NotHere));
    let own = Address::of_module("a contract");
    assert_eq!(keys.seal_value(&own, b"k", 1, b"v"), here);
}

#[test]
fn code_that_the_transaction_itself_stores_is_not_looked_into_and_breaks_nothing() {
    let mut world = World::from_document(&open());
    let wasm = puppet::wasm("");
    let next = Code {
        id: 1,
        hash: sha256(&wasm),
    };
    let by = |world: &mut World, hash| {
        let any = upload(world, wasm.clone());
        let code = Code { hash, ..next };
        let sent = world.instantiation(&code, "at once", puppet::NOTHING.as_bytes());
        world.sign(vec![any, sent.any], 4 * GAS)
    };
    let refused = "failed to execute message; message index: 1: Execution error: Enclave: \
        a simulation does not look into code that its own transaction stores: instantiate contract failed";
    // Also where the message is sealed for what stands in its place.
    for hash in [next.hash, [0; 32]] {
        let tx = by(&mut world, hash);
        world.users[0].sequence -= 1;
        let text = sealed(&world, &tx).unwrap_err();
        assert!(text.starts_with(refused), "{text}");
    }
    let tx = by(&mut world, next.hash);
    assert_eq!(world.block(&[tx]).tx_results[0].code, 0);
}

#[test]
fn a_simulation_has_no_more_gas_than_its_own_limit_and_a_block() {
    for (block_gas, most) in [(100_000_000, SIMULATION_MAX), (3_000_000, 3_000_000)] {
        let mut document = open();
        document.consensus_params.block.max_gas = block_gas;
        let mut world = World::from_document(&document);
        let code = {
            let wasm = puppet::wasm("");
            let any = upload(&world, wasm.clone());
            let tx = world.sign(vec![any], 2_000_000);
            assert_eq!(world.block(&[tx]).tx_results[0].code, 0);
            Code {
                id: 1,
                hash: sha256(&wasm),
            }
        };
        let a = world.instantiate_with(&code, 1_000_000);
        let sent = world.execution(&a, &code.hash, b"g", 0);
        let tx = world.sign(vec![sent.any], 3_000_000);
        let text = sealed(&world, &tx).unwrap_err();
        let wanted = format!("gasWanted: {most}, gasUsed: ");
        assert!(
            text.contains("out of gas") && text.contains(&wanted),
            "{text}"
        );
        // Who sees a limit that he did not name is told what to do, unless no block has more either.
        let advice = "a simulation has at most 10000000 gas, send it with a gas limit of your own with gas used: '";
        assert_eq!(text.contains(advice), block_gas > 10_000_000, "{text}");
    }
}

#[test]
fn the_host_leaves_to_the_enclave_what_passes_its_ante_chain_and_only_where_genesis_says_so() {
    for (document, is_left) in [(document(3), false), (open(), true)] {
        let mut world = World::from_document(&document);
        assert_eq!(simulates_contracts(&world.state), Ok(is_left));
        let code = world.store(puppet::wasm(""));
        let a = world.instantiate(&code);
        let sent = world.execution(&a, &code.hash, b"s", 0);
        let tx = world.sign(vec![sent.any], GAS);
        let host = |world: &World, tx: &[u8]| {
            let block = block_info(world.height);
            simulate(&world.state, Overlay::default(), world.env(), &block, tx)
        };
        match host(&world, &tx) {
            Ok(None) => assert!(is_left),
            Err(QueryStop::Error(e)) => {
                let expected = "failed to verify transaction signature: execute contract failed";
                assert!(!is_left && e.grpc().1.contains(expected), "{e:?}");
            }
            other => panic!("{other:?}"),
        }
        // What nobody would deliver does not get there.
        let sent = world.execution(&a, &code.hash, b"s", 0);
        let late = world.sign(vec![sent.any], GAS);
        let Err(QueryStop::Error(e)) = host(&world, &late) else {
            panic!("it passed")
        };
        assert!(e.grpc().1.starts_with("account sequence mismatch"));
    }
}

#[test]
fn genesis_has_the_policy_for_insecure_networks_only_and_export_keeps_it() {
    let refused = |security, simulation| {
        let genesis = Genesis {
            simulation,
            ..Genesis::default()
        };
        World::new().read(|ctx| {
            SECURITY.set(ctx, &security).unwrap();
            genesis.init(ctx).map_err(|e| e.to_string())
        })
    };
    let text = refused(Security::Attested, SimulationPolicy::Open).unwrap_err();
    assert!(text.contains("compute.simulation: open is for"), "{text}");
    assert_eq!(refused(Security::Attested, SimulationPolicy::Off), Ok(()));
    assert_eq!(refused(Security::Insecure, SimulationPolicy::Open), Ok(()));
    let world = World::from_document(&open());
    let kept = world.read(|ctx| Genesis::export(ctx).unwrap());
    assert_eq!(kept.simulation, SimulationPolicy::Open);
    let json = serde_json::to_string(&kept).unwrap();
    assert!(json.contains(r#""simulation":"open""#), "{json}");
    let json = serde_json::to_string(&Genesis::default()).unwrap();
    assert!(!json.contains("simulation"), "{json}");
    // Its bytes are what clients have proven.
    let key = (Tree::Native, b"compute/simulation".to_vec());
    assert_eq!(world.state.0.get(&key), Some(&vec![1, 1]));
    assert_eq!(World::new().state.0.get(&key), None);
}
