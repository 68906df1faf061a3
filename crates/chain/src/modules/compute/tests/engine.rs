//! What a contract does to the engine is the contract's own.

use super::puppet::{self, NOTHING};
use super::world::World;

/// wasmi 2.0.0 panics when it translates this store; the vm keeps such stores from it (ADR 10).
const UNTRANSLATABLE: &str = "(func (param $i i32)
    (local.set $i (i32.add (local.get $i) (i32.const 8)))
    (i32.store offset=70000 (local.get $i) (local.get $i)))";

#[test]
fn a_contract_that_wasmi_cannot_translate_does_not_stop_the_chain() {
    let mut world = World::new();
    let code = world.store(puppet::wasm(UNTRANSLATABLE));
    let contract = world.instantiate(&code);
    world.execute(&contract, &code, NOTHING).ok();
}
