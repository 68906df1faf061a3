//! Messages that are bound to their sender and their target (docs/spec/contracts.md, "Bound messages").

use super::puppet;
use super::world::{Code, Done, GAS, Sent, World};
use crate::crypto::bound::{Binding, Target};
use crate::testing::{CHAIN_ID, Group, draft, send};
use crate::types::Address;
use crate::types::proto::pack;
use crate::types::proto::secret::compute::v1beta1::MsgExecuteContract;

const REFUSED: &str = "failed to validate transaction";

/// What the user binds; the sender of all messages in these tests is the first user.
fn bound(world: &World, user: usize, target: Target<'_>, msg: &str) -> Vec<u8> {
    let binding = Binding {
        chain_id: CHAIN_ID,
        sender: world.users[user].address.as_bytes(),
        target,
    };
    binding.bind(msg.as_bytes())
}

fn execute(world: &mut World, contract: &Address, code: &Code, msg: &[u8]) -> Done {
    let sent = world.execution(contract, &code.hash, msg, 0);
    world.run(sent, GAS)
}

#[track_caller]
fn is_refused(done: &Done) {
    assert!(done.error().2.contains(REFUSED), "{:?}", done.error());
}

#[test]
fn a_bound_call_runs_for_its_sender_at_its_contract_and_nowhere_else() {
    let mut world = World::new();
    let code = world.store(puppet::wasm(""));
    let (a, b) = (world.instantiate(&code), world.instantiate(&code));
    let target = Target::Execute(a.as_bytes());
    let good = bound(&world, 0, target, puppet::NOTHING);
    execute(&mut world, &a, &code, &good).ok();
    is_refused(&execute(&mut world, &b, &code, &good));
    let anothers = bound(&world, 1, target, puppet::NOTHING);
    is_refused(&execute(&mut world, &a, &code, &anothers));
    let other_kind = Target::Migrate {
        contract: a.as_bytes(),
        code_id: code.id,
    };
    let other_kind = bound(&world, 0, other_kind, puppet::NOTHING);
    is_refused(&execute(&mut world, &a, &code, &other_kind));
    let other_chain = Binding {
        chain_id: "another",
        sender: world.users[0].address.as_bytes(),
        target,
    };
    let other_chain = other_chain.bind(puppet::NOTHING.as_bytes());
    is_refused(&execute(&mut world, &a, &code, &other_chain));
    // Half a binding is no message.
    let half = &good[..crate::crypto::bound::HEAD_BYTES - 1];
    let done = execute(&mut world, &a, &code, half);
    assert!(done.error().2.contains("failed to decrypt data"));
}

#[test]
fn a_message_bound_to_a_multisig_runs_for_it_and_for_no_member_of_it() {
    let mut world = World::new();
    let code = world.store(puppet::wasm(""));
    let contract = world.instantiate(&code);
    let mut group = Group::new(2, &[0, 1, 2]);
    let payment = send(&world.users[0].address, &group.address, 1_000_000_000);
    let tx = world.sign(vec![payment], GAS);
    world.block(&[tx]);
    // The first account after those of genesis and the contract's.
    group.number = world.users[2].number + 2;
    let binding = Binding {
        chain_id: CHAIN_ID,
        sender: group.address.as_bytes(),
        target: Target::Execute(contract.as_bytes()),
    };
    let (msg, _) = world.seal(&code.hash, &binding.bind(puppet::NOTHING.as_bytes()));
    let call = |sender: &Address| {
        pack(&MsgExecuteContract {
            sender: sender.as_bytes().to_vec(),
            contract: contract.as_bytes().to_vec(),
            msg: msg.clone(),
            ..MsgExecuteContract::default()
        })
    };
    let (_, key) = world.seal(&code.hash, b"");
    let any = call(&world.users[1].address);
    is_refused(&world.run_by(1, Sent { any, key }));
    let mut draft = draft(vec![call(&group.address)]);
    draft.fee.gas_limit = GAS;
    let bytes = group.raw(&draft, group.give(&draft, &[0, 2]));
    let result = world.block(&[bytes]).tx_results.remove(0);
    assert_eq!((result.code, result.log.as_str()), (0, ""));
}

#[test]
fn a_bound_instantiation_is_for_one_code_and_one_label() {
    let mut world = World::new();
    let code = world.store(puppet::wasm(""));
    let again = world.store(puppet::wasm(""));
    let target = Target::Instantiate {
        code_id: code.id,
        label: "mine",
    };
    let msg = bound(&world, 0, target, puppet::NOTHING);
    let other_label = world.instantiation(&code, "yours", &msg);
    is_refused(&world.run(other_label, GAS));
    // The same bytes under another number: the code hash does not tell them apart.
    let other_code = world.instantiation(&again, "mine", &msg);
    is_refused(&world.run(other_code, GAS));
    let good = world.instantiation(&code, "mine", &msg);
    world.run(good, GAS).ok();
}

#[test]
fn a_query_has_no_sender_and_cannot_be_bound() {
    let mut world = World::new();
    let code = world.store(puppet::wasm(""));
    let a = world.instantiate(&code);
    let msg = bound(&world, 0, Target::Execute(a.as_bytes()), "r");
    let refused = world.query(&a, &code.hash, &msg).unwrap_err();
    assert!(refused.contains(REFUSED), "{refused}");
}
