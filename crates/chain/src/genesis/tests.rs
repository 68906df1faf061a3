//! The local network's genesis as wire.md 1.13.4 and 5 give it, and documents that are refused.

use super::*;
use crate::crypto::context::Security;
use crate::modules::auth::keeper::account;
use crate::modules::registration::state::{NETWORK_KEYS, SECURITY};
use crate::modules::{auth, bank, registration};
use crate::testing::{Chain, document, localnet_params};
use crate::types::Address;
use crate::types::proto::cosmos::auth::v1beta1 as auth_pb;

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

#[test]
fn the_local_network_has_the_accounts_numbers_and_balances_of_the_specification() {
    let chain = Chain::new(0);
    let expected: [(&str, u64, u128); 11] = [
        (
            "secret14aj08vd2ntty7dvskdmdu4zhf23mcwgtute8dz",
            0,
            900_000_000_000_000_000,
        ),
        (
            "secret1ap26qrlp8mcq2pg6r47w43l0y8zkqm8a450s03",
            1,
            1_000_000_000_000_000_000,
        ),
        (
            "secret1fc3fzy78ttp0lwuujw7e52rhspxn8uj52zfyne",
            2,
            1_000_000_000_000_000_000,
        ),
        (
            "secret1ajz54hz8azwuy34qwy9fkjnfcrvf0dzswy0lqq",
            3,
            1_000_000_000_000_000_000,
        ),
        (
            "secret1ldjxljw7v4vk6zhyduywh04hpj0jdwxsmrlatf",
            4,
            1_000_000_000_000_000_000,
        ),
        ("secret17xpfvakm2amg962yls6f84z3kell8c5ljuhfkp", 5, 0),
        ("secret1jv65s3grqf6v6jl3dp4t6c9t9rk99cd896s45r", 6, 0),
        (
            "secret1fl48vsnmsdzcv85q5d2q4z5ajdha8yu3h7axyt",
            7,
            100_000_000_000_000_000,
        ),
        ("secret1tygms3xhhs3yv487phx3dw4a95jn7t7lr7phjl", 8, 0),
        ("secret10d07y265gmmuvt4z0w9aw880jnsr700jc88vt0", 9, 0),
        ("secret1m3h30wlvsf8llruxtpukdvsy0km2kum825n36u", 10, 0),
    ];
    for (text, number, balance) in expected {
        let found = chain.read(|ctx| account(ctx, &address(text)).unwrap().unwrap());
        assert_eq!(found.number, number, "{text}");
        assert_eq!(chain.balance(&address(text)), balance, "{text}");
        assert_eq!(found.is_module, number > 4);
        assert_eq!(
            (found.sequence, found.pubkey.is_some()),
            (u64::from(number == 0), number == 0)
        );
    }
    let supply = chain.read(|ctx| crate::modules::bank::keeper::supply(ctx, "uscrt").unwrap());
    assert_eq!(supply, 5_000_000_000_000_000_000);
    let request = auth_pb::QueryAccountsRequest::default();
    let accounts: auth_pb::QueryAccountsResponse = chain
        .query("/cosmos.auth.v1beta1.Query/Accounts", &request)
        .unwrap();
    assert_eq!(accounts.accounts.len(), 11);
}

#[test]
fn the_next_new_account_gets_number_eleven() {
    let mut chain = Chain::new(1);
    // The test's own user is 11; whoever receives next is 12.
    let new = Address::from_bytes(&[8; 20]).unwrap();
    let user = &chain.users[0];
    assert_eq!(user.number, 11);
    let bytes =
        crate::testing::draft(vec![crate::testing::send(&user.address, &new, 1)]).signed(&[user]);
    assert_eq!(chain.block(&[bytes]).tx_results[0].code, 0);
    assert_eq!(
        chain.read(|ctx| account(ctx, &new).unwrap().unwrap().number),
        12
    );
}

#[test]
fn keys_security_validators_and_limits_stand_in_the_state() {
    let chain = Chain::new(0);
    let (keys, security, set, params) = chain.read(|ctx| {
        (
            NETWORK_KEYS.get(ctx).unwrap().unwrap(),
            SECURITY.get(ctx).unwrap().unwrap(),
            crate::params::VALIDATORS.get(ctx).unwrap().unwrap(),
            crate::params::PARAMS.get(ctx).unwrap().unwrap(),
        )
    });
    assert_eq!((keys.io, keys.node_exchange), ([1; 32], [2; 32]));
    let outside = crate::params::VALIDATORS.read(&chain.state);
    assert_eq!(outside, Ok(Some(set.clone())));
    assert_eq!(security, Security::Insecure);
    assert_eq!((set[0].pubkey, set[0].power), ([3; 32], 100_000_000_000));
    assert_eq!(
        (params.block.max_bytes, params.block_gas()),
        (4 << 20, Some(100_000_000))
    );
    assert!(
        params.block.max_gas >= 25_000_000,
        "the largest upload fits"
    );
    assert_eq!(params.version.app, VERSION_APP);
}

#[test]
fn the_same_parameters_give_the_same_bytes_and_the_document_survives_a_round_trip() {
    let bytes = localnet_genesis(&localnet_params()).unwrap();
    assert_eq!(bytes, localnet_genesis(&localnet_params()).unwrap());
    let document = parse(&bytes).unwrap();
    assert_eq!(document.genesis_time, localnet_params().time);
    let (security, keys) = registration::genesis::read(&document).unwrap();
    assert_eq!(
        (security, keys),
        (Security::Insecure, localnet_params().keys)
    );
    let text = String::from_utf8(bytes).unwrap();
    for part in [
        "\"chain_id\": \"secretdev-1\"",
        "\"initial_height\": \"1\"",
        "\"type\": \"tendermint/PubKeyEd25519\"",
        "\"reg_info\": []",
        "\"security\": \"insecure\"",
        "\"compile_cost\": \"0.800000000000000000\"",
    ] {
        assert!(text.contains(part), "{part}");
    }
}

/// How a changed document is refused.
#[track_caller]
fn refused(change: impl FnOnce(&mut Document)) -> String {
    let mut document = document(1);
    change(&mut document);
    let bytes = document.to_bytes().unwrap();
    crate::testing::init(&bytes).unwrap_err().to_string()
}

#[test]
fn documents_that_contradict_themselves_are_refused_by_field() {
    assert!(refused(|d| d.initial_height = 5).contains("initial_height"));
    assert!(refused(|d| d.app_hash = vec![0]).contains("app_hash"));
    assert!(refused(|d| d.chain_id = "x".repeat(51)).contains("chain_id"));
    let supply = |bank: &mut bank::genesis::Genesis| bank.supply[0].amount = "1".into();
    assert!(refused(|d| d.app_state.edit("bank", supply).unwrap()).contains("bank.supply"));
    let swap = |auth: &mut auth::genesis::Genesis| auth.accounts.swap(0, 1);
    assert!(refused(|d| d.app_state.edit("auth", swap).unwrap()).contains("account_number"));
    assert!(refused(|d| d.validators[0].power = 0).contains("validators.power"));
    assert!(refused(|d| d.validators.clear()).contains("validators"));
    assert!(refused(|d| d.validators.push(d.validators[0].clone())).contains("twice"));
    assert!(refused(|d| d.consensus_params.block.max_bytes = 0).contains("max_bytes"));
    // What the light client, the door or the clock of contracts would refuse in every block.
    let most = i64::try_from(crate::types::block::BLOCK_BYTES_MAX).unwrap();
    for above in [most + 1, 104_857_600] {
        let text = refused(|d| d.consensus_params.block.max_bytes = above);
        assert!(text.contains("block.max_bytes"), "{text}");
    }
    for gas in [-1, 0, -2, 1_000_000_001] {
        let text = refused(|d| d.consensus_params.block.max_gas = gas);
        assert!(text.contains("block.max_gas"), "{text}");
    }
    for bytes in [-1, 1_048_577, i64::MAX] {
        let text = refused(|d| d.consensus_params.evidence.max_bytes = bytes);
        assert!(text.contains("evidence.max_bytes"), "{text}");
    }
    for age in [0, -1] {
        let text = refused(|d| d.consensus_params.evidence.max_age_num_blocks = age);
        assert!(text.contains("max_age_num_blocks"), "{text}");
        let text = refused(|d| d.consensus_params.evidence.max_age_duration_ns = age);
        assert!(text.contains("max_age_duration"), "{text}");
    }
    for time in [
        "1969-12-31T23:59:59Z",
        "2554-07-21T23:34:34Z",
        "9999-12-31T23:59:59Z",
    ] {
        let text = refused(|d| d.genesis_time = time.parse().unwrap());
        assert!(text.contains("genesis_time"), "{text}");
    }
    let key = |keys: &mut registration::genesis::Keys| keys.io_exch_key.bytes = "AAAA".into();
    assert!(refused(|d| d.app_state.edit("register", key).unwrap()).contains("io_exch_key"));
    let node = |keys: &mut registration::genesis::Keys| keys.reg_info.push("x".into());
    assert!(refused(|d| d.app_state.edit("register", node).unwrap()).contains("reg_info"));
    let fewer = |auth: &mut auth::genesis::Genesis| drop(auth.accounts.pop());
    assert!(refused(|d| d.app_state.edit("auth", fewer).unwrap()).contains("has no account"));
    let text = String::from_utf8(localnet_genesis(&localnet_params()).unwrap()).unwrap();
    let with = |part: &str| text.replace("\"app_state\": {", &format!("\"app_state\": {{{part}"));
    let refusal = |text: String| crate::testing::init(text.as_bytes()).unwrap_err();
    let unknown = refusal(with("\"mint\": {},"));
    assert_eq!(unknown.code(), "genesis.app_state");
    assert!(unknown.to_string().contains("app_state.mint"), "{unknown}");
    let twice = refusal(with("\"auth\": {},"));
    assert!(
        twice.to_string().contains("app_state.auth: is there twice"),
        "{twice}"
    );
    let missing = refusal(text.replace("\"compute\": {", "\"mint\": {"));
    assert_eq!(missing.code(), "genesis.app_state");
    let strange = refusal(text.replace("\"reg_info\": []", "\"reg_info\": [], \"x\": 1"));
    assert_eq!(strange.code(), "genesis.json");
    assert!(strange.to_string().contains("app_state.register, line"));
    let word = refusal(text.replace("\"insecure\"", "\"secure\""));
    assert!(word.to_string().contains("registration.security"), "{word}");
    // The engine takes it, with the defaults of CometBFT: a chain does not run with their parameters.
    let start = text.find("\"consensus_params\"").unwrap();
    let end = text.find("\"genesis_time\"").unwrap();
    let defaults = refusal(format!("{}{}", &text[..start], &text[end..]));
    assert_eq!(defaults.code(), "genesis.params");
    assert_eq!(
        crate::testing::init(b"{").unwrap_err().code(),
        "genesis.json"
    );
}
