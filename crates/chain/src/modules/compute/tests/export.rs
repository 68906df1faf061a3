//! A chain with contracts is exported and imported again.

use super::World;
use super::admin::{allow_admin, allow_code, lock};
use super::migrate::{ADMIN, administered, contracts_of, history, migrate};
use super::two_puppets;
use super::world::Content;
use crate::genesis::{self, Document, SealedEntry, export, init_chain};
use crate::modules::bank::genesis::{Genesis as Bank, GenesisCoin, SendEnabled};
use crate::testing::{MemoryState, block_info, document, send};
use crate::types::{Address, Tree};

/// The document of a chain, as its host makes it: without a secret.
fn exported(world: &World) -> Document {
    let entries = world.state.0.iter();
    let sealed = entries.filter(|((tree, _), _)| *tree == Tree::Contract);
    let sealed = sealed.map(|((_, key), record)| SealedEntry::new(key, record));
    let block = block_info(world.height);
    export(&world.state, sealed, world.env(), &block).unwrap()
}

/// What its state is after an import, from the bytes of the file.
fn imported(document: &Document, world: &World) -> (MemoryState, Content) {
    let bytes = document.to_bytes().unwrap();
    assert_eq!(&genesis::parse(&bytes).unwrap(), &reread(document));
    let init = init_chain(&bytes, world.env()).unwrap();
    let mut state = MemoryState::default();
    state.apply(&init.writes);
    (state, Content(init.new_code))
}

/// Puts the chain in the state that it has after an export and an import, which must be the same.
pub(super) fn reimport(world: &mut World) {
    let (state, content) = imported(&exported(world), world);
    assert!(state.0 == world.state.0, "another root");
    world.state = state;
    world.content = content;
}

/// The document with its parts as the file has them.
fn reread(document: &Document) -> Document {
    genesis::parse(&document.to_bytes().unwrap()).unwrap()
}

#[test]
fn a_chain_with_contracts_that_is_exported_and_imported_has_the_same_state_and_goes_on() {
    let (mut world, code, a, b) = two_puppets();
    world.execute(&a, &code, "s").ok();
    world.execute(&b, &code, "+kept").ok();
    let new = Address::from_bytes(&[42; 20]).unwrap();
    let coins = send(&world.users[0].address, &new, 5);
    let tx = world.sign(vec![coins], super::world::GAS);
    assert_eq!(world.block(&[tx]).tx_results[0].code, 0);

    let document = exported(&world);
    let sealed = document.app_state.contract_state().unwrap().len();
    assert!(sealed >= 2, "{sealed}");
    reimport(&mut world);
    assert_eq!(world.kept(&b, "reply").as_deref(), Some("kept"));
    world.execute(&b, &code, "s").ok();
    let c = world.instantiate(&code);
    assert!(c != a && c != b);
}

#[test]
fn admins_locks_lists_and_what_the_authority_allowed_are_exported_and_imported() {
    let (mut world, old, new, first) = administered();
    let admin = world.users[ADMIN].address.clone();
    let more = [
        world.instantiate_for(&old, &admin),
        world.instantiate_for(&old, &admin),
        world.instantiate_for(&old, &admin),
    ];
    lock(&mut world, ADMIN, &more[0]).ok();
    lock(&mut world, ADMIN, &more[1]).ok();
    allow_code(&mut world, &more[0], &new).ok();
    allow_admin(&mut world, &more[0], &admin.to_string()).ok();
    allow_admin(&mut world, &more[1], "").ok();
    // The last one takes the first one's place.
    migrate(&mut world, ADMIN, &first, &new, "s").ok();

    let (state, content) = imported(&exported(&world), &world);
    assert!(state.0 == world.state.0, "another root");
    world.state = state;
    world.content = content;
    assert_eq!(history(&world, &first), [(1, old.id), (2, new.id)]);
    migrate(&mut world, ADMIN, &more[0], &new, "s").ok();
    let order = [&more[2], &more[1]].map(ToString::to_string);
    assert_eq!(contracts_of(&world, &old), order);
}

/// An ordered set forgets how it has grown: its pages are laid out anew. From then on nothing changes.
#[test]
fn a_state_whose_lists_have_had_many_pages_is_the_same_from_its_first_import_on() {
    let mut document = document(3);
    let many = |bank: &mut Bank| {
        let holder = bank.balances.len() - 3;
        for n in 0..150 {
            let coin = GenesisCoin {
                denom: format!("coin{n:03}"),
                amount: "7".into(),
            };
            bank.balances[holder].coins.insert(n, coin.clone());
            bank.supply.insert(n, coin);
        }
        bank.send_enabled.push(SendEnabled {
            denom: "coin000".into(),
            enabled: false,
        });
        bank.params.default_send_enabled = false;
    };
    document.app_state.edit("bank", many).unwrap();
    let mut world = World::from_document(&document);
    let first = exported(&world);
    let (state, _) = imported(&first, &world);
    world.state = state;
    let second = exported(&world);
    assert_eq!(first, second);
    assert!(imported(&second, &world).0.0 == world.state.0);
}

#[test]
fn an_import_that_contradicts_itself_is_refused_by_name() {
    let (mut world, code, a, _) = two_puppets();
    world.execute(&a, &code, "s").ok();
    let refused = |change: &dyn Fn(&mut Document)| {
        let mut document = exported(&world);
        change(&mut document);
        let bytes = document.to_bytes().unwrap();
        init_chain(&bytes, world.env()).unwrap_err().to_string()
    };
    let compute = |change: fn(&mut super::super::genesis::Genesis)| {
        refused(&|d| d.app_state.edit("compute", change).unwrap())
    };
    let twice = refused(&|d| {
        let mut entries = d.app_state.contract_state().unwrap();
        entries.push(entries[0].clone());
        d.app_state.set_contract_state(&entries).unwrap();
    });
    assert!(twice.contains("contract_state"), "{twice}");
    let text = compute(|c| c.codes[0].wasm = "AAAA".into());
    assert!(text.contains("codes.wasm"), "{text}");
    let text = compute(|c| c.codes[0].prep_version += 1);
    assert!(text.contains("prep_version"), "{text}");
    let text = compute(|c| c.codes[0].contracts[1].label = c.codes[0].contracts[0].label.clone());
    assert!(text.contains("contracts.address"), "{text}");
    let text = compute(|c| c.codes[0].contracts[0].history[0].operation = "burn".into());
    assert!(text.contains("history.operation"), "{text}");
}
