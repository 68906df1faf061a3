//! Queries of auth, bank, consensus and registration, with both faces of their errors.

use super::{QueryError, QueryStop};
use crate::testing::{Chain, USER_BALANCE, document, draft, send};
use crate::types::Address;
use crate::types::proto::Message;
use crate::types::proto::cosmos::auth::v1beta1 as auth;
use crate::types::proto::cosmos::bank::v1beta1 as bank;
use crate::types::proto::cosmos::base::query::v1beta1::PageRequest;
use crate::types::proto::cosmos::consensus::v1 as consensus;
use crate::types::proto::secret::registration::v1beta1 as registration;

#[track_caller]
fn error<M: Message + Default + core::fmt::Debug>(answer: Result<M, QueryStop>) -> QueryError {
    match answer.unwrap_err() {
        QueryStop::Error(e) => e,
        QueryStop::Fault(fault) => panic!("{fault}"),
    }
}

#[test]
fn an_account_shows_its_key_only_after_its_first_transaction() {
    let mut chain = Chain::new(2);
    let address = chain.users[0].address.to_string();
    let request = auth::QueryAccountRequest {
        address: address.clone(),
    };
    let account = |chain: &Chain| -> auth::BaseAccount {
        let answer: auth::QueryAccountResponse = chain
            .query("/cosmos.auth.v1beta1.Query/Account", &request)
            .unwrap();
        let any = answer.account.unwrap();
        assert_eq!(any.type_url, "/cosmos.auth.v1beta1.BaseAccount");
        auth::BaseAccount::decode(any.value.as_slice()).unwrap()
    };
    let before = account(&chain);
    assert_eq!(
        (before.account_number, before.sequence, before.pub_key),
        (11, 0, None)
    );
    let bytes = draft(vec![send(
        &chain.users[0].address,
        &chain.users[1].address,
        1,
    )])
    .signed(&[&chain.users[0]]);
    chain.block(&[bytes]);
    let after = account(&chain);
    assert_eq!((after.account_number, after.sequence), (11, 1));
    assert_eq!(
        after.pub_key.unwrap().type_url,
        "/cosmos.crypto.secp256k1.PubKey"
    );
}

#[test]
fn an_unknown_account_is_not_found_on_both_faces() {
    let chain = Chain::new(0);
    let address = Address::from_bytes(&[9; 20]).unwrap().to_string();
    let request = auth::QueryAccountRequest {
        address: address.clone(),
    };
    let e = error(
        chain.query::<auth::QueryAccountResponse>("/cosmos.auth.v1beta1.Query/Account", &request),
    );
    assert_eq!(
        (e.grpc().0.number(), e.grpc().1),
        (5, format!("account {address} not found"))
    );
    let abci = e.abci();
    assert_eq!((abci.codespace.as_str(), abci.code), ("sdk", 22));
    let text =
        format!("rpc error: code = NotFound desc = account {address} not found: key not found");
    assert_eq!(abci.text, text);
}

#[test]
fn module_accounts_are_found_by_name_with_their_permissions() {
    let chain = Chain::new(0);
    let request = auth::QueryModuleAccountByNameRequest { name: "gov".into() };
    let path = "/cosmos.auth.v1beta1.Query/ModuleAccountByName";
    let answer: auth::QueryModuleAccountByNameResponse = chain.query(path, &request).unwrap();
    let any = answer.account.unwrap();
    assert_eq!(any.type_url, "/cosmos.auth.v1beta1.ModuleAccount");
    let gov = auth::ModuleAccount::decode(any.value.as_slice()).unwrap();
    assert_eq!(
        (gov.name.as_str(), gov.permissions),
        ("gov", vec!["burner".to_owned()])
    );
    assert_eq!(gov.base_account.unwrap().account_number, 9);
    let request = auth::QueryModuleAccountByNameRequest {
        name: "cron".into(),
    };
    assert_eq!(
        error(chain.query::<auth::QueryModuleAccountByNameResponse>(path, &request))
            .grpc()
            .0
            .number(),
        5
    );
    let all: auth::QueryModuleAccountsResponse = chain
        .query(
            "/cosmos.auth.v1beta1.Query/ModuleAccounts",
            &auth::QueryModuleAccountsRequest {},
        )
        .unwrap();
    assert_eq!(all.accounts.len(), 6);
}

#[test]
fn accounts_come_in_pages_whose_keys_follow_each_other() {
    let chain = Chain::new(20);
    let path = "/cosmos.auth.v1beta1.Query/Accounts";
    let (mut key, mut seen, mut pages) = (Vec::new(), 0, 0);
    loop {
        let pagination = PageRequest {
            key,
            limit: 7,
            ..PageRequest::default()
        };
        let request = auth::QueryAccountsRequest {
            pagination: Some(pagination),
        };
        let answer: auth::QueryAccountsResponse = chain.query(path, &request).unwrap();
        seen += answer.accounts.len();
        pages += 1;
        key = answer.pagination.unwrap().next_key;
        if key.is_empty() {
            break;
        }
    }
    assert_eq!((seen, pages), (31, 5));
    let answer: auth::QueryAccountsResponse = chain
        .query(path, &auth::QueryAccountsRequest::default())
        .unwrap();
    assert_eq!(answer.pagination.unwrap().total, 31);
}

#[test]
fn the_five_parameters_are_those_of_the_specification() {
    let chain = Chain::new(0);
    let answer: auth::QueryParamsResponse = chain
        .query(
            "/cosmos.auth.v1beta1.Query/Params",
            &auth::QueryParamsRequest {},
        )
        .unwrap();
    let p = answer.params.unwrap();
    let found = (
        p.max_memo_characters,
        p.tx_sig_limit,
        p.tx_size_cost_per_byte,
        p.sig_verify_cost_ed25519,
        p.sig_verify_cost_secp256k1,
    );
    assert_eq!(found, (256, 7, 10, 590, 1000));
}

#[test]
fn addresses_translate_between_text_and_bytes() {
    let chain = Chain::new(0);
    let request = auth::AddressBytesToStringRequest {
        address_bytes: vec![1; 20],
    };
    let text: auth::AddressBytesToStringResponse = chain
        .query("/cosmos.auth.v1beta1.Query/AddressBytesToString", &request)
        .unwrap();
    let request = auth::AddressStringToBytesRequest {
        address_string: text.address_string,
    };
    let bytes: auth::AddressStringToBytesResponse = chain
        .query("/cosmos.auth.v1beta1.Query/AddressStringToBytes", &request)
        .unwrap();
    assert_eq!(bytes.address_bytes, [1; 20]);
    let request = auth::QueryAccountAddressByIdRequest {
        id: 0,
        account_id: 9,
    };
    let found: auth::QueryAccountAddressByIdResponse = chain
        .query("/cosmos.auth.v1beta1.Query/AccountAddressByID", &request)
        .unwrap();
    assert_eq!(
        found.account_address,
        "secret10d07y265gmmuvt4z0w9aw880jnsr700jc88vt0"
    );
}

#[test]
fn an_unknown_account_has_zero_of_everything() {
    let chain = Chain::new(1);
    let path = "/cosmos.bank.v1beta1.Query/Balance";
    let stranger = Address::from_bytes(&[9; 20]).unwrap().to_string();
    let request = bank::QueryBalanceRequest {
        address: stranger.clone(),
        denom: "uscrt".into(),
    };
    let answer: bank::QueryBalanceResponse = chain.query(path, &request).unwrap();
    assert_eq!(answer.balance.unwrap().amount, "0");
    let request = bank::QueryAllBalancesRequest {
        address: stranger,
        ..Default::default()
    };
    let answer: bank::QueryAllBalancesResponse = chain
        .query("/cosmos.bank.v1beta1.Query/AllBalances", &request)
        .unwrap();
    assert!(answer.balances.is_empty());
    let request = bank::QueryBalanceRequest {
        address: "nobody".into(),
        denom: "uscrt".into(),
    };
    let e = error(chain.query::<bank::QueryBalanceResponse>(path, &request));
    assert_eq!(e.grpc().0.number(), 3);
    assert!(
        e.grpc()
            .1
            .starts_with("invalid address: decoding bech32 failed: ")
    );
}

/// A chain where user 0 holds many denominations.
fn rich(denoms: usize) -> Chain {
    use crate::modules::bank::genesis::{Genesis, GenesisCoin};
    let mut document = document(2);
    let mut app: Genesis = document.app_state.part("bank").unwrap();
    for n in 0..denoms {
        let coin = GenesisCoin {
            denom: format!("coin{n:04}"),
            amount: "7".into(),
        };
        let last = app.balances.len() - 2;
        let at = app.balances[last].coins.len() - 1;
        app.balances[last].coins.insert(at, coin.clone());
        let at = app.supply.len() - 1;
        app.supply.insert(at, coin);
    }
    document.app_state.set("bank", &app).unwrap();
    Chain::from_document(&document, 2)
}

#[test]
fn balances_come_in_pages_in_order_of_denomination() {
    let chain = rich(150);
    let address = chain.users[0].address.to_string();
    let page = |pagination| -> bank::QueryAllBalancesResponse {
        let request = bank::QueryAllBalancesRequest {
            address: address.clone(),
            pagination: Some(pagination),
            resolve_denom: false,
        };
        chain
            .query("/cosmos.bank.v1beta1.Query/AllBalances", &request)
            .unwrap()
    };
    let first = page(PageRequest::default());
    assert_eq!(
        (first.balances.len(), first.balances[0].denom.as_str()),
        (100, "coin0000")
    );
    let next = first.pagination.unwrap();
    assert_eq!(
        (next.total, next.next_key.as_slice()),
        (151, &b"coin0100"[..])
    );
    let second = page(PageRequest {
        key: next.next_key,
        ..Default::default()
    });
    assert_eq!(
        (second.balances.len(), second.balances[50].denom.as_str()),
        (51, "uscrt")
    );
    assert!(second.pagination.unwrap().next_key.is_empty());
    let skipped = page(PageRequest {
        offset: 149,
        limit: 5,
        count_total: true,
        ..Default::default()
    });
    assert_eq!(
        (skipped.balances.len(), skipped.pagination.unwrap().total),
        (2, 151)
    );
    let last = page(PageRequest {
        limit: 1,
        reverse: true,
        ..Default::default()
    });
    assert_eq!(last.balances[0].denom, "uscrt");
    let supply: bank::QueryTotalSupplyResponse = chain
        .query(
            "/cosmos.bank.v1beta1.Query/TotalSupply",
            &bank::QueryTotalSupplyRequest::default(),
        )
        .unwrap();
    assert_eq!(supply.pagination.unwrap().total, 151);
}

#[test]
fn the_owners_of_a_denomination_are_found_by_walking_the_accounts() {
    let chain = rich(1);
    let owners = |denom: &str, pagination| -> bank::QueryDenomOwnersResponse {
        let request = bank::QueryDenomOwnersRequest {
            denom: denom.into(),
            pagination,
        };
        chain
            .query("/cosmos.bank.v1beta1.Query/DenomOwners", &request)
            .unwrap()
    };
    let found = owners("coin0000", None).denom_owners;
    assert_eq!(
        (found.len(), found[0].address.as_str()),
        (1, chain.users[0].address.to_string().as_str())
    );
    assert_eq!(owners("uscrt", None).denom_owners.len(), 8);
    let first = owners(
        "uscrt",
        Some(PageRequest {
            limit: 6,
            ..Default::default()
        }),
    );
    let key = first.pagination.unwrap().next_key;
    let rest = owners(
        "uscrt",
        Some(PageRequest {
            key,
            ..Default::default()
        }),
    );
    assert_eq!((first.denom_owners.len(), rest.denom_owners.len()), (6, 2));
    assert_eq!(
        rest.denom_owners[1].balance.as_ref().unwrap().amount,
        USER_BALANCE.to_string()
    );
}

#[test]
fn metadata_supply_and_switches_answer() {
    let chain = Chain::new(0);
    let request = bank::QueryDenomMetadataRequest {
        denom: "uscrt".into(),
    };
    let path = "/cosmos.bank.v1beta1.Query/DenomMetadata";
    let answer: bank::QueryDenomMetadataResponse = chain.query(path, &request).unwrap();
    assert_eq!(answer.metadata.unwrap().symbol, "SCRT");
    let request = bank::QueryDenomMetadataRequest {
        denom: "other".into(),
    };
    let e = error(chain.query::<bank::QueryDenomMetadataResponse>(path, &request));
    assert_eq!(e.grpc().1, "client metadata for denom other");
    let request = bank::QuerySupplyOfRequest {
        denom: "uscrt".into(),
    };
    let answer: bank::QuerySupplyOfResponse = chain
        .query("/cosmos.bank.v1beta1.Query/SupplyOf", &request)
        .unwrap();
    assert_eq!(answer.amount.unwrap().amount, "5000000000000000000");
    let answer: bank::QueryParamsResponse = chain
        .query(
            "/cosmos.bank.v1beta1.Query/Params",
            &bank::QueryParamsRequest {},
        )
        .unwrap();
    assert!(answer.params.unwrap().default_send_enabled);
    let answer: bank::QuerySendEnabledResponse = chain
        .query(
            "/cosmos.bank.v1beta1.Query/SendEnabled",
            &bank::QuerySendEnabledRequest::default(),
        )
        .unwrap();
    assert!(answer.send_enabled.is_empty());
}

#[test]
fn registration_answers_the_network_keys() {
    let chain = Chain::new(0);
    let path = |method: &str| format!("/secret.registration.v1beta1.Query/{method}");
    let key: registration::Key = chain.query(&path("TxKey"), &()).unwrap();
    assert_eq!(key.key, [1; 32]);
    let key: registration::Key = chain.query(&path("RegistrationKey"), &()).unwrap();
    let json = String::from_utf8(key.key).unwrap();
    assert!(
        json.starts_with("{\"reg_info\":null,\"node_exch_key\":{\"bytes\":\"AgIC"),
        "{json}"
    );
    let request = registration::QueryEncryptedSeedRequest {
        pub_key: vec![5; 32],
    };
    let e = error(
        chain.query::<registration::QueryEncryptedSeedResponse>(&path("EncryptedSeed"), &request),
    );
    assert_eq!(
        e.abci().text,
        "Node has not been authenticated yet: unknown address: unknown request"
    );
    let request = registration::QueryEncryptedSeedRequest {
        pub_key: vec![5; 3],
    };
    let e = error(
        chain.query::<registration::QueryEncryptedSeedResponse>(&path("EncryptedSeed"), &request),
    );
    assert_eq!(e.grpc().1, "codespace register code 8: invalid: public key");
}

#[test]
fn consensus_parameters_answer() {
    let chain = Chain::new(0);
    let answer: consensus::QueryParamsResponse = chain
        .query(
            "/cosmos.consensus.v1.Query/Params",
            &consensus::QueryParamsRequest {},
        )
        .unwrap();
    let params = answer.params.unwrap();
    assert_eq!(params.block.unwrap().max_gas, 100_000_000);
    assert_eq!(
        params.evidence.unwrap().max_age_duration.unwrap().seconds,
        172_800
    );
}

#[test]
fn unknown_paths_and_malformed_requests_are_refused() {
    let chain = Chain::new(0);
    for path in [
        "",
        "/",
        "/x",
        "/cosmos.auth.v1beta1.Query/Steal",
        "/cosmos.gov.v1.Query/Params",
        "app/version",
    ] {
        let e = error(chain.query::<()>(path, &()));
        assert_eq!(
            (e.grpc().0.number(), e.abci().text.as_str()),
            (12, "unknown query path: unknown request")
        );
    }
    // Field 1 as a number where text is wanted.
    let garbage = bank::QuerySendEnabledRequest {
        denoms: vec!["\u{1}".into()],
        pagination: None,
    };
    let e = error(
        chain.query::<auth::QueryAccountRequest>("/cosmos.auth.v1beta1.Query/Account", &garbage),
    );
    assert_eq!(e.grpc().0.number(), 3);
}

#[test]
fn bytes_that_are_no_request_are_refused_without_the_decoders_words() {
    for bytes in [&b"\xff"[..], b"\x0a\x05a", b"\x0a\x01\xff", b"\x08\x01"] {
        let refused = error(super::decode::<auth::QueryAccountRequest>(bytes));
        assert_eq!(refused, QueryError::invalid_argument("malformed request"));
    }
}
