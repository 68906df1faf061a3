//! What a module of the chain may tell a contract.

use super::puppet::{NOTHING, SEEN};
use super::response;
use super::two_puppets;
use super::world::{World, b64};
use crate::ctx::{Ctx, Mode, TxInfo};
use crate::error::Stop;
use crate::modules::compute::keeper;
use crate::overlay::{Overlay, Slot};
use crate::state::State;
use crate::testing::block_info;
use crate::types::{Address, Event};

/// The data that a module is given, or why not.
type Answer = Result<Option<Vec<u8>>, String>;

/// What came of it: data or error text, the events, and what the contract has under `last` then.
fn sudo(world: &World, contract: &Address, msg: &str) -> (Answer, Vec<Event>, Option<Vec<u8>>) {
    let block = block_info(world.height + 1);
    let mut state = State::new(&world.state, &world.keys, Overlay::default());
    let (tx, env) = (TxInfo::default(), world.env());
    let mut ctx = Ctx::new(&mut state, &block, tx, Mode::Deliver, env, 1_000_000);
    let result = keeper::sudo(&mut ctx, contract, msg.as_bytes().to_vec());
    let events = ctx.events;
    let result = result.map_err(|stop| match stop {
        Stop::Err(e) => e.text,
        other => panic!("{other:?}"),
    });
    let last = state.get(&Slot::Contract(contract.clone(), b"last".as_slice().into()));
    (result, events, last.unwrap().map(|v| v.to_vec()))
}

#[test]
fn a_module_tells_a_contract_which_acts_and_answers_in_plaintext() {
    let (world, _, a, _) = two_puppets();
    let (result, events, last) = sudo(&world, &a, "s");
    assert_eq!((result, last), (Ok(None), Some(SEEN.into())));
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].kind, "wasm");
    let answer = response(&[], "", "").replace("null", &format!("\"{}\"", b64("data")));
    assert_eq!(sudo(&world, &a, &answer).0, Ok(Some(b"data".to_vec())));
}

#[test]
fn what_a_contract_seals_to_the_sender_of_a_sudo_nobody_reads() {
    let (world, _, a, _) = two_puppets();
    let said = response(
        &[],
        r#"{"key":"k","value":"hidden"},{"key":"open","value":"shown","encrypted":false}"#,
        "",
    );
    let (_, events, _) = sudo(&world, &a, &said);
    let values: Vec<&str> = events[0].attributes[1..]
        .iter()
        .map(|a| a.value.as_str())
        .collect();
    assert_eq!((values.len(), values[1]), (2, "shown"));
    assert!(!values[0].contains("hidden"));
    // The same on every node.
    assert_eq!(sudo(&world, &a, &said).1, events);
    let text = sudo(&world, &a, r#"{"Err":"hidden"}"#).0.unwrap_err();
    assert!(text.starts_with("encrypted: ") && text.ends_with(": execute contract failed"));
    assert!(!text.contains("hidden"));
}

#[test]
fn no_transaction_reaches_sudo_and_an_unknown_contract_is_not_found() {
    let (mut world, code, a, _) = two_puppets();
    let nobody = Address::from_bytes(&[9; 20]).unwrap();
    let text = sudo(&world, &nobody, NOTHING).0.unwrap_err();
    assert_eq!(text, "contract: not found");
    let message = super::sub(
        &format!(r#"{{"wasm":{{"sudo":{{"contract_addr":"{a}"}}}}}}"#),
        None,
    );
    let done = world.execute(&a, &code, &super::sends(&[message]));
    let text = "Execution error: Enclave: failed to deserialize data: execute contract failed";
    assert_eq!(done.error(), ("compute", 3, text));
}
