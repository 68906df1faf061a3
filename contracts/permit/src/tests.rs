//! The steps of [`verify`] one by one; [`opening`] takes them together. The vector is the one that the contract toolkit publishes.

mod opening;

use base64::prelude::{Engine, BASE64_STANDARD};
use bech32::Hrp;
use cosmwasm_std::testing::{mock_dependencies, mock_env, MockApi};
use cosmwasm_std::{Api, Binary, Timestamp};

use super::document::account_of;
use super::*;

use crate::TokenPermission as Kind;

type Permit = crate::Permit<Kind>;

const TOKEN: &str = "secret1rf03820fp8gngzg2w02vd30ns78qkc8rg8dxaq";
const ACCOUNT: &str = "secret1399pyvvk3hvwgxwt3udkslsc5jl3rqv4yshfrl";

fn binary(base64: &str) -> Binary {
    Binary(BASE64_STANDARD.decode(base64).unwrap())
}

fn published_permit() -> Permit {
    Permit {
        params: PermitParams {
            permit_name: "memo_secret1rf03820fp8gngzg2w02vd30ns78qkc8rg8dxaq".into(),
            allowed_tokens: vec![TOKEN.into()],
            chain_id: "pulsar-2".into(),
            permissions: vec![Kind::History],
            created: None,
            expires: None,
        },
        signature: PermitSignature {
            pub_key: PubKey {
                r#type: "tendermint/PubKeySecp256k1".into(),
                value: binary("A5M49l32ZrV+SDsPnoRv8fH7ivNC4gEX9prvd4RwvRaL"),
            },
            signature: binary(
                "hw/Mo3ZZYu1pEiDdymElFkuCuJzg9soDHw+4DxK7cL9rafiyykh7VynS+guotRAKXhfYMwCiyWmiznc6R+UlsQ==",
            ),
        },
    }
}

fn is_signed(permit: &Permit) -> bool {
    let document = signed(&permit.params).unwrap();
    permit
        .signature
        .signer(&MockApi::default(), &document)
        .is_some()
}

#[test]
fn the_published_permit_is_signed_by_its_account() {
    let permit = published_permit();
    assert!(is_signed(&permit));
    let account = account_of(&permit.signature.pub_key.value);
    let (prefix, bytes) = bech32::decode(ACCOUNT).unwrap();
    assert_eq!(prefix, Hrp::parse("secret").unwrap());
    assert_eq!(account.as_slice(), bytes);
}

#[test]
fn the_signed_document_is_compact_and_its_keys_are_sorted() {
    let document = signed(&published_permit().params).unwrap();
    assert_eq!(
        String::from_utf8(document).unwrap(),
        r#"{"account_number":"0","chain_id":"pulsar-2","fee":{"amount":[{"amount":"0","denom":"uscrt"}],"gas":"1"},"memo":"","msgs":[{"type":"query_permit","value":{"allowed_tokens":["secret1rf03820fp8gngzg2w02vd30ns78qkc8rg8dxaq"],"permissions":["history"],"permit_name":"memo_secret1rf03820fp8gngzg2w02vd30ns78qkc8rg8dxaq"}}],"sequence":"0"}"#
    );
}

#[test]
fn a_changed_permit_is_not_signed() {
    let changes: [fn(&mut Permit); 8] = [
        |permit| permit.params.permit_name.push('x'),
        |permit| permit.params.chain_id = "secret-4".into(),
        |permit| permit.params.permissions.push(Kind::Owner),
        |permit| permit.params.allowed_tokens.push("another".into()),
        |permit| permit.params.created = Some("2026-11-29T20:15:00.000Z".into()),
        |permit| permit.params.expires = Some("2026-11-29T20:15:00.000Z".into()),
        |permit| permit.signature.signature.0[0] ^= 1,
        |permit| permit.signature.pub_key.value.0[32] ^= 1,
    ];
    for change in changes {
        let mut permit = published_permit();
        change(&mut permit);
        assert!(!is_signed(&permit));
    }
}

#[test]
fn malformed_keys_and_signatures_are_refused_without_a_panic() {
    for length in [0, 1, 32, 34, 64, 65, 200] {
        let mut permit = published_permit();
        permit.signature.pub_key.value = Binary(vec![2; length]);
        assert!(!is_signed(&permit));
        let mut permit = published_permit();
        permit.signature.signature = Binary(vec![0; length]);
        assert!(!is_signed(&permit));
    }
}

#[test]
fn a_permit_for_another_contract_is_refused() {
    let deps = mock_dependencies();
    assert_eq!(
        refused(deps.as_ref(), &env_of("secret1own"), published_permit()),
        format!(
            "Generic error: Permit doesn't apply to token \"secret1own\", allowed tokens: [\"{TOKEN}\"]"
        )
    );
}

fn env_of(contract: &str) -> Env {
    let mut env = mock_env();
    env.contract.address = Addr::unchecked(contract);
    env.block.time = Timestamp::from_seconds(1_700_000_000);
    env
}

fn refused(deps: Deps, env: &Env, permit: Permit) -> String {
    match verify(deps, env, permit) {
        Ok(_) => panic!("the permit opened"),
        Err(refused) => refused.to_string(),
    }
}

#[test]
fn a_permit_is_over_at_the_moment_that_it_names() {
    let deps = mock_dependencies();
    let over =
        "Generic error: Permit \"memo_secret1rf03820fp8gngzg2w02vd30ns78qkc8rg8dxaq\" expired at";
    for (expires, is_over) in [
        ("2023-11-14T22:13:20.000Z", true),
        ("2023-11-14T22:13:20.001Z", false),
        ("2020-01-01T00:00:00Z", true),
    ] {
        let mut permit = published_permit();
        permit.params.expires = Some(expires.into());
        let refused = refused(deps.as_ref(), &env_of(TOKEN), permit);
        assert_eq!(refused.starts_with(over), is_over, "{refused}");
    }
    for (created, expires) in [(None, Some("soon")), (Some("1700000000"), None)] {
        let mut permit = published_permit();
        permit.params.created = created.map(str::to_string);
        permit.params.expires = expires.map(str::to_string);
        let refused = refused(deps.as_ref(), &env_of(TOKEN), permit);
        assert!(refused.contains("Not a time"), "{refused}");
    }
}

#[test]
fn a_permit_for_any_token_is_one_for_tokens_alone_and_says_when_it_was_made() {
    let deps = mock_dependencies();
    let any = |tokens: &[&str], created: bool| {
        let mut permit = published_permit();
        permit.params.allowed_tokens = tokens.iter().map(|t| t.to_string()).collect();
        permit.params.created = created.then(|| "2023-11-14T22:13:20.000Z".to_string());
        permit
    };
    let env = env_of(TOKEN);
    let of_token = |permit| match verify_for_token(deps.as_ref(), &env, permit) {
        Ok(_) => panic!("the mock knows no addresses"),
        Err(refused) => refused.to_string(),
    };
    let other = "doesn't apply to token";
    let of_contract = refused(deps.as_ref(), &env, any(&[ANY_TOKEN], true));
    assert!(of_contract.contains(other), "{of_contract}");
    let passes = of_token(any(&[ANY_TOKEN], true));
    assert!(
        !passes.contains(other) && !passes.contains("created"),
        "{passes}"
    );
    assert!(of_token(any(&[ANY_TOKEN], false)).contains("must say when"));
    // One word among addresses says nothing.
    assert!(of_token(any(&[ANY_TOKEN, "another"], true)).contains(other));
    assert!(of_token(any(&[], true)).contains(other));
}

#[test]
fn the_times_of_a_permit_are_signed_in_the_order_of_the_alphabet() {
    let mut params = published_permit().params;
    params.created = Some("2023-11-14T22:13:20.000Z".into());
    params.expires = Some("2033-11-14T22:13:20.000Z".into());
    let document = String::from_utf8(signed(&params).unwrap()).unwrap();
    let signed = format!(
        r#""value":{{"allowed_tokens":["{TOKEN}"],"created":"2023-11-14T22:13:20.000Z","expires":"2033-11-14T22:13:20.000Z","permissions":["history"],"permit_name":"#
    );
    assert!(document.contains(&signed), "{document}");
}

#[test]
fn a_revoked_permit_is_revoked_for_its_account_only() {
    let mut deps = mock_dependencies();
    let (alice, bob) = (Addr::unchecked("alice"), Addr::unchecked("bob"));
    revoke(deps.as_mut().storage, &alice, "all").unwrap();
    assert!(is_revoked(deps.as_ref().storage, &alice, "all", None).unwrap());
    assert!(!is_revoked(deps.as_ref().storage, &alice, "other", None).unwrap());
    assert!(!is_revoked(deps.as_ref().storage, &bob, "all", None).unwrap());
}

#[test]
fn a_revocation_of_all_takes_every_permit_of_its_account_until_it_is_taken_back() {
    let mut deps = mock_dependencies();
    let (alice, bob) = (Addr::unchecked("alice"), Addr::unchecked("bob"));
    let interval = blanket::Interval {
        created_before: Some(1_700_000_000_u64.into()),
        created_after: None,
    };
    let id = blanket::revoke_all(deps.as_mut().storage, &alice, interval).unwrap();
    assert!(is_revoked(deps.as_ref().storage, &alice, "any", None).unwrap());
    assert!(!is_revoked(deps.as_ref().storage, &bob, "any", None).unwrap());
    let newer = Moment::parse("2023-11-14T22:13:20.000Z").unwrap();
    assert!(!is_revoked(deps.as_ref().storage, &alice, "any", Some(newer)).unwrap());
    blanket::delete_revocation(deps.as_mut().storage, &alice, &id).unwrap();
    assert!(!is_revoked(deps.as_ref().storage, &alice, "any", None).unwrap());
}

#[test]
fn a_permission_opens_its_own_kind_and_owner_opens_everything() {
    let permit = |permissions: &[Kind]| VerifiedPermit {
        account: Addr::unchecked("alice"),
        permissions: permissions.to_vec(),
    };
    assert!(permit(&[Kind::Balance]).account_for(Kind::Balance).is_ok());
    assert!(permit(&[Kind::Owner]).account_for(Kind::History).is_ok());
    let refused = permit(&[Kind::Balance, Kind::Allowance]);
    assert_eq!(
        refused.account_for(Kind::History).unwrap_err().to_string(),
        "Generic error: No permission to query history, got permissions [\"balance\", \"allowance\"]"
    );
}
