//! Admins, the lock, and what the authority allows.

use super::migrate::{ADMIN, administered, migrate, record, wasm_migrate};
use super::puppet::NOTHING;
use super::world::{Code, Done, GAS, Sent, World};
use super::{sends, sub};
use crate::module::TxMsg as _;
use crate::modules::compute::limits::PROPOSAL_ENTRIES_MAX;
use crate::modules::compute::query;
use crate::types::Address;
use crate::types::proto::secret::compute::v1beta1 as pb;
use pb::{MigrateContractInfo, UpdateAdminInfo};

/// The first user is the authority of the tests' genesis.
const AUTHORITY: usize = 0;

pub(super) fn update_admin(
    world: &mut World,
    user: usize,
    contract: &Address,
    new: &Address,
) -> Done {
    let sent = world.clear(&pb::MsgUpdateAdmin {
        sender: world.users[user].address.to_string(),
        new_admin: new.to_string(),
        contract: contract.to_string(),
        ..Default::default()
    });
    world.run_by(user, sent)
}

fn clear_admin(world: &mut World, user: usize, contract: &Address) -> Done {
    let sent = world.clear(&pb::MsgClearAdmin {
        sender: world.users[user].address.to_string(),
        contract: contract.to_string(),
        ..Default::default()
    });
    world.run_by(user, sent)
}

pub(super) fn lock(world: &mut World, user: usize, contract: &Address) -> Done {
    let sent = world.clear(&pb::MsgSetContractGovernance {
        sender: world.users[user].address.to_string(),
        contract_address: contract.to_string(),
    });
    world.run_by(user, sent)
}

fn proposal(
    world: &mut World,
    user: usize,
    contracts: Vec<MigrateContractInfo>,
    admin_updates: Vec<UpdateAdminInfo>,
) -> Sent {
    let authority = world.users[user].address.to_string();
    world.clear(&pb::MsgContractGovernanceProposal {
        authority,
        title: "a title".into(),
        description: "why".into(),
        contracts,
        admin_updates,
    })
}

/// The authority allows a migration.
pub(super) fn allow_code(world: &mut World, contract: &Address, code: &Code) -> Done {
    let migration = MigrateContractInfo {
        address: contract.to_string(),
        new_code_id: code.id,
    };
    let sent = proposal(world, AUTHORITY, vec![migration], Vec::new());
    world.run_by(AUTHORITY, sent)
}

/// The authority allows an admin, or none.
pub(super) fn allow_admin(world: &mut World, contract: &Address, admin: &str) -> Done {
    let update = UpdateAdminInfo {
        address: contract.to_string(),
        new_admin: admin.into(),
    };
    let sent = proposal(world, AUTHORITY, Vec::new(), vec![update]);
    world.run_by(AUTHORITY, sent)
}

/// What the queries say that the authority allows.
fn allowed(world: &World, contract: &Address) -> (u64, String) {
    let contract_address = contract.to_string();
    let code = pb::QueryAuthorizedMigrationRequest {
        contract_address: contract_address.clone(),
    };
    let admin = pb::QueryAuthorizedAdminUpdateRequest { contract_address };
    world.read(|ctx| {
        (
            query::authorized_migration(ctx, code).unwrap().new_code_id,
            query::authorized_admin_update(ctx, admin)
                .unwrap()
                .new_admin,
        )
    })
}

fn info(world: &World, contract: &Address) -> pb::ContractInfo {
    let request = pb::QueryByContractAddressRequest {
        contract_address: contract.to_string(),
    };
    let answer = world.read(|ctx| query::contract_info(ctx, request).unwrap());
    answer.contract_info.unwrap()
}

#[test]
fn an_admin_hands_over_and_then_has_no_say() {
    let (mut world, _, new, contract) = administered();
    let (admin, next) = (
        world.users[ADMIN].address.clone(),
        world.users[2].address.clone(),
    );
    assert_eq!(info(&world, &contract).admin, admin.to_string());
    let done = update_admin(&mut world, ADMIN, &contract, &next).ok();
    let url = "/secret.compute.v1beta1.MsgUpdateAdmin";
    assert_eq!(
        done.events(),
        [
            format!("message{{action={url},sender={admin}}}"),
            format!("message{{module=compute,sender={admin}}}"),
            format!(
                "update_contract_admin{{contract_address={contract},new_admin_address={next}}}"
            ),
        ]
    );
    assert!((20_000..60_000).contains(&done.result.gas_used));
    assert_eq!(info(&world, &contract).admin, next.to_string());
    let text = "caller is not the admin: unauthorized";
    let again = update_admin(&mut world, ADMIN, &contract, &next);
    assert_eq!(again.error(), ("sdk", 4, text));
    assert_eq!(
        clear_admin(&mut world, ADMIN, &contract).error(),
        ("sdk", 4, text)
    );
    assert_eq!(
        migrate(&mut world, ADMIN, &contract, &new, NOTHING)
            .error()
            .1,
        5
    );
    migrate(&mut world, 2, &contract, &new, NOTHING).ok();
}

#[test]
fn a_contract_whose_admin_is_cleared_is_never_changed_again() {
    let (mut world, _, new, contract) = administered();
    let done = clear_admin(&mut world, ADMIN, &contract).ok();
    let last = done.events().pop().unwrap();
    assert_eq!(
        last,
        format!("update_contract_admin{{contract_address={contract},new_admin_address=}}")
    );
    assert_eq!(info(&world, &contract).admin, "");
    let text = "contract is not upgradable: migrate contract failed";
    let done = migrate(&mut world, ADMIN, &contract, &new, NOTHING);
    assert_eq!(done.error(), ("compute", 5, text));
    let text = "caller is not the admin: unauthorized";
    let back = world.users[2].address.clone();
    let done = update_admin(&mut world, ADMIN, &contract, &back);
    assert_eq!(done.error(), ("sdk", 4, text));
    let text = "only contract admin can change governance requirement: unauthorized";
    assert_eq!(lock(&mut world, ADMIN, &contract).error(), ("sdk", 4, text));
}

#[test]
fn whoever_names_no_contract_is_told_so() {
    let (mut world, ..) = administered();
    let nobody = Address::from_bytes(&[77; 20]).unwrap();
    let next = world.users[2].address.clone();
    let text = "unknown contract: contract: not found: invalid request";
    for done in [
        update_admin(&mut world, ADMIN, &nobody, &next),
        clear_admin(&mut world, ADMIN, &nobody),
        lock(&mut world, ADMIN, &nobody),
        allow_admin(&mut world, &nobody, ""),
    ] {
        assert_eq!(done.error(), ("sdk", 18, text));
    }
}

#[test]
fn a_locked_contract_migrates_only_to_the_code_that_the_authority_allows_and_once() {
    let (mut world, old, new, contract) = administered();
    lock(&mut world, ADMIN, &contract).ok();
    assert!(info(&world, &contract).require_governance);
    // Twice is no more than once, and nothing takes it back.
    lock(&mut world, ADMIN, &contract).ok();
    let refused = |world: &mut World, code: &Code, text: &str| {
        let text = format!("{text}: migrate contract failed");
        let done = migrate(world, ADMIN, &contract, code, NOTHING);
        assert_eq!(done.error(), ("compute", 5, text.as_str()));
    };
    let none = "requires governance approval for migration";
    refused(&mut world, &new, none);
    let done = allow_code(&mut world, &contract, &new).ok();
    let authority = world.users[AUTHORITY].address.clone();
    assert_eq!(
        done.events().pop().unwrap(),
        format!(
            "contract_governance_proposal{{contract_address={contract},code_id={},sender={authority}}}",
            new.id
        )
    );
    assert_eq!(allowed(&world, &contract), (new.id, String::new()));
    refused(&mut world, &old, "mismatch code id for migration");
    let done = migrate(&mut world, AUTHORITY, &contract, &new, NOTHING);
    let text = "requires migrate from admin: migrate contract failed";
    assert_eq!(done.error(), ("compute", 5, text));
    // A failed migration does not use the word up.
    assert_eq!(
        migrate(&mut world, ADMIN, &contract, &new, "p").error().1,
        5
    );
    assert_eq!(allowed(&world, &contract).0, new.id);
    migrate(&mut world, ADMIN, &contract, &new, NOTHING).ok();
    assert_eq!(allowed(&world, &contract).0, 0);
    refused(&mut world, &new, none);
    assert!(record(&world, &contract).require_governance);
}

#[test]
fn a_locked_contract_gets_only_the_admin_that_the_authority_allows() {
    let (mut world, _, new, contract) = administered();
    lock(&mut world, ADMIN, &contract).ok();
    let (two, three) = (
        world.users[2].address.clone(),
        Address::from_bytes(&[3; 20]).unwrap(),
    );
    let none = "requires governance approval for admin change: unauthorized";
    let done = update_admin(&mut world, ADMIN, &contract, &two);
    assert_eq!(done.error(), ("sdk", 4, none));
    assert_eq!(
        clear_admin(&mut world, ADMIN, &contract).error(),
        ("sdk", 4, none)
    );
    let done = allow_admin(&mut world, &contract, &two.to_string()).ok();
    let last = done.events().pop().unwrap();
    assert!(last.contains(&format!("new_admin={two}")), "{last}");
    assert_eq!(allowed(&world, &contract), (0, two.to_string()));
    let done = update_admin(&mut world, ADMIN, &contract, &three);
    let text = format!(
        "admin mismatch: governance authorized '{two}', attempting '{three}': unauthorized"
    );
    assert_eq!(done.error(), ("sdk", 4, text.as_str()));
    let done = clear_admin(&mut world, ADMIN, &contract);
    let text =
        format!("admin mismatch: governance authorized '{two}', attempting '': unauthorized");
    assert_eq!(done.error(), ("sdk", 4, text.as_str()));
    update_admin(&mut world, ADMIN, &contract, &two).ok();
    assert_eq!(allowed(&world, &contract), (0, String::new()));
    assert!(record(&world, &contract).require_governance);
    // That it has none is allowed like any other; then nobody migrates it, whatever the authority says.
    allow_admin(&mut world, &contract, "").ok();
    allow_code(&mut world, &contract, &new).ok();
    clear_admin(&mut world, 2, &contract).ok();
    let done = migrate(&mut world, 2, &contract, &new, NOTHING);
    let text = "requires migrate from admin: migrate contract failed";
    assert_eq!(done.error(), ("compute", 5, text));
}

#[test]
fn only_the_authority_allows_and_only_what_there_is() {
    let (mut world, _, new, contract) = administered();
    let migration = MigrateContractInfo {
        address: contract.to_string(),
        new_code_id: new.id,
    };
    let sent = proposal(&mut world, ADMIN, vec![migration.clone()], Vec::new());
    let done = world.run_by(ADMIN, sent);
    let (authority, own) = (&world.users[AUTHORITY].address, &world.users[ADMIN].address);
    let text = format!(
        "invalid authority; expected {authority}, got {own}: expected gov account as only signer for proposal message"
    );
    assert_eq!(done.error(), ("gov", 13, text.as_str()));
    let done = allow_code(&mut world, &contract, &Code { id: 9, ..new });
    let text = "unknown code: failed to get code info for code id 9: invalid request";
    assert_eq!(done.error(), ("sdk", 18, text));
    // All or nothing.
    let unknown = MigrateContractInfo {
        new_code_id: 9,
        ..migration.clone()
    };
    let sent = proposal(&mut world, AUTHORITY, vec![migration, unknown], Vec::new());
    assert_eq!(world.run_by(AUTHORITY, sent).error().1, 18);
    assert_eq!(allowed(&world, &contract), (0, String::new()));
}

#[test]
fn a_proposal_has_as_many_entries_as_may_be_read_for_nothing_and_no_more() {
    let (mut world, _, new, contract) = administered();
    let migration = MigrateContractInfo {
        address: contract.to_string(),
        new_code_id: new.id,
    };
    let update = UpdateAdminInfo {
        address: contract.to_string(),
        new_admin: String::new(),
    };
    let mut of = |migrations: usize, updates: usize| {
        let (migrations, updates) = (
            vec![migration.clone(); migrations],
            vec![update.clone(); updates],
        );
        let sent = proposal(&mut world, AUTHORITY, migrations, updates);
        let tx = world.sign_by(AUTHORITY, vec![sent.any], GAS);
        let result = world.block(&[tx]).tx_results.remove(0);
        (result.codespace, result.code, result.log)
    };
    let half = PROPOSAL_ENTRIES_MAX / 2;
    assert_eq!(of(half, PROPOSAL_ENTRIES_MAX - half).1, 0);
    let text = "a proposal cannot have more than 256 entries: exceeds limit";
    let (space, code, log) = of(half + 1, PROPOSAL_ENTRIES_MAX - half);
    assert_eq!((space.as_str(), code), ("compute", 12));
    assert!(log.contains(text), "{log}");
}

#[test]
fn contracts_administer_those_whose_admin_they_are() {
    let (mut world, old, new, other) = administered();
    let factory = world.instantiate(&old);
    let made = world.instantiate_for(&old, &factory);
    let next = world.users[2].address.clone();
    let update = |contract: &Address, admin: &str| {
        sub(
            &format!(
                r#"{{"wasm":{{"update_admin":{{"contract_addr":"{contract}","admin":"{admin}"}}}}}}"#
            ),
            None,
        )
    };
    let clear = |contract: &Address| {
        sub(
            &format!(r#"{{"wasm":{{"clear_admin":{{"contract_addr":"{contract}"}}}}}}"#),
            None,
        )
    };
    let refused = [
        (
            update(&other, &next.to_string()),
            "sdk",
            4,
            "caller is not the admin: unauthorized".to_owned(),
        ),
        (
            clear(&other),
            "sdk",
            4,
            "caller is not the admin: unauthorized".to_owned(),
        ),
        (
            update(&made, "nobody"),
            "sdk",
            7,
            "nobody: invalid address".to_owned(),
        ),
        (
            update(&made, &factory.to_string()),
            "compute",
            10,
            "new admin is the same as the old: invalid CosmosMsg from the contract".to_owned(),
        ),
    ];
    for (message, space, code, text) in refused {
        let done = world.execute(&factory, &old, &sends(&[message]));
        let text = format!("dispatch: submessages: {text}");
        assert_eq!(done.error(), (space, code, text.as_str()));
    }
    let done = world
        .execute(&factory, &old, &sends(&[update(&made, &next.to_string())]))
        .ok();
    assert_eq!(
        done.events().pop().unwrap(),
        format!("update_contract_admin{{contract_address={made},new_admin_address={next}}}")
    );
    assert_eq!(info(&world, &made).admin, next.to_string());
    let late = wasm_migrate(&made, &new, &new.hex(), NOTHING);
    assert_eq!(world.execute(&factory, &old, &sends(&[late])).error().1, 5);
    update_admin(&mut world, 2, &made, &factory).ok();
    world.execute(&factory, &old, &sends(&[clear(&made)])).ok();
    assert_eq!(info(&world, &made).admin, "");
}

#[test]
fn the_authority_sets_the_parameters_within_their_bounds() {
    let (mut world, ..) = administered();
    let update = |world: &mut World, user: usize, cost: &str, size: u64| {
        let authority = world.users[user].address.to_string();
        let params = pb::Params {
            compile_cost: cost.into(),
            max_contract_size: size,
        };
        let sent = world.clear(&pb::MsgUpdateParams {
            authority,
            params: Some(params),
        });
        world.run_by(user, sent)
    };
    let params = |world: &World| {
        let answer = world.read(|ctx| query::params(ctx, pb::ParamsRequest {}).unwrap());
        let params = answer.params.unwrap();
        (params.compile_cost, params.max_contract_size)
    };
    assert_eq!(update(&mut world, ADMIN, "1", 1).error().1, 13);
    let refused = |cost: &str, size| {
        let params = pb::Params {
            compile_cost: cost.into(),
            max_contract_size: size,
        };
        let message = pb::MsgUpdateParams {
            authority: Address::from_bytes(&[1; 20]).unwrap().to_string(),
            params: Some(params),
        };
        message.validate_basic().unwrap_err().code
    };
    for (cost, size) in [
        ("", 1),
        ("-1", 1),
        ("0.8", 1),
        ("+1", 1),
        ("1", 0),
        ("1", 2_097_153),
    ] {
        assert_eq!(refused(cost, size), 18, "{cost} {size}");
    }
    update(&mut world, AUTHORITY, "900000000000000000", 100).ok();
    assert_eq!(params(&world), ("900000000000000000".to_owned(), 100));
    let wasm = super::puppet::wasm("");
    let any = pb::MsgStoreCode {
        sender: world.users[0].address.as_bytes().to_vec(),
        wasm_byte_code: wasm,
        ..Default::default()
    };
    let sent = world.clear(&any);
    let done = world.run_by(0, sent);
    assert_eq!(done.error(), ("compute", 31, "max contract size exceeded"));
}
