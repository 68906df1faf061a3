//! Documents as clients sign them (wire.md 1.3).

use super::*;
use crate::proto::{
    cosmos::bank::v1beta1::{Input, MsgMultiSend, MsgSend, Output},
    pack,
    secret::{compute::v1beta1 as compute, registration::v1beta1::RaAuthenticate},
};
use proptest::prelude::*;

fn coin(amount: &str) -> Coin {
    Coin {
        denom: "uscrt".into(),
        amount: amount.into(),
    }
}

fn written(any: &Any) -> String {
    message(any).unwrap().to_string()
}

#[test]
fn a_sign_document_is_sorted_compact_and_escaped() {
    let send = MsgSend {
        from_address: "a".into(),
        to_address: "b".into(),
        amount: vec![coin("5")],
    };
    let fee = Fee {
        amount: vec![coin("2500")],
        gas_limit: 25_000,
        ..Fee::default()
    };
    let doc = SignDoc {
        chain_id: "secretdev-1",
        account_number: 1,
        sequence: u64::MAX,
        fee: &fee,
        memo: "a<b & \"c\">\n",
        timeout_height: 0,
        messages: &[pack(&send)],
    };
    let text = concat!(
        r#"{"account_number":"1","chain_id":"secretdev-1","#,
        r#""fee":{"amount":[{"amount":"2500","denom":"uscrt"}],"gas":"25000"},"#,
        r#""memo":"a\u003cb \u0026 \"c\"\u003e\n","#,
        r#""msgs":[{"type":"cosmos-sdk/MsgSend","value":{"amount":[{"amount":"5","denom":"uscrt"}],"#,
        r#""from_address":"a","to_address":"b"}}],"sequence":"18446744073709551615"}"#,
    );
    assert_eq!(String::from_utf8(doc.to_bytes().unwrap()).unwrap(), text);
}

#[test]
fn payer_granter_and_timeout_appear_only_when_given() {
    let fee = Fee {
        gas_limit: 1,
        payer: "p".into(),
        granter: "g".into(),
        ..Fee::default()
    };
    let doc = SignDoc {
        chain_id: "c",
        account_number: 0,
        sequence: 0,
        fee: &fee,
        memo: "",
        timeout_height: 7,
        messages: &[],
    };
    assert_eq!(
        doc.to_json().unwrap().to_string(),
        concat!(
            r#"{"account_number":"0","chain_id":"c","fee":{"amount":[],"gas":"1","granter":"g","payer":"p"},"#,
            r#""memo":"","msgs":[],"sequence":"0","timeout_height":"7"}"#
        )
    );
}

#[test]
fn bank_messages_keep_their_empty_lists() {
    let multi = MsgMultiSend {
        inputs: vec![Input {
            address: "a".into(),
            coins: vec![],
        }],
        outputs: vec![Output {
            address: "b".into(),
            coins: vec![coin("1")],
        }],
    };
    assert_eq!(
        written(&pack(&multi)),
        concat!(
            r#"{"type":"cosmos-sdk/MsgMultiSend","value":{"inputs":[{"address":"a","coins":[]}],"#,
            r#""outputs":[{"address":"b","coins":[{"amount":"1","denom":"uscrt"}]}]}}"#
        )
    );
    assert_eq!(
        written(&pack(&MsgSend::default())),
        r#"{"type":"cosmos-sdk/MsgSend","value":{"amount":[]}}"#
    );
}

#[test]
fn compute_messages_write_addresses_as_the_specification_says() {
    let store = compute::MsgStoreCode {
        sender: vec![1; 3],
        wasm_byte_code: vec![0, 97],
        ..Default::default()
    };
    assert_eq!(
        written(&pack(&store)),
        r#"{"type":"wasm/MsgStoreCode","value":{"sender":"AQEB","wasm_byte_code":"AGE="}}"#
    );
    let init = compute::MsgInstantiateContract {
        sender: vec![1; 3],
        code_id: 7,
        label: "l".into(),
        init_msg: vec![2],
        ..Default::default()
    };
    assert_eq!(
        written(&pack(&init)),
        concat!(
            r#"{"type":"wasm/MsgInstantiateContract","value":{"code_id":"7","init_funds":[],"init_msg":"Ag==","#,
            r#""label":"l","sender":"AQEB"}}"#
        )
    );
    let execute = compute::MsgExecuteContract {
        sender: vec![1; 3],
        contract: vec![2; 3],
        msg: vec![3],
        sent_funds: vec![coin("9")],
        ..Default::default()
    };
    assert_eq!(
        written(&pack(&execute)),
        concat!(
            r#"{"type":"wasm/MsgExecuteContract","value":{"contract":"AgIC","msg":"Aw==","#,
            r#""sender":"AQEB","sent_funds":[{"amount":"9","denom":"uscrt"}]}}"#
        )
    );
    let migrate = compute::MsgMigrateContract {
        sender: "s".into(),
        contract: "c".into(),
        code_id: 2,
        msg: vec![1],
        ..Default::default()
    };
    assert_eq!(
        written(&pack(&migrate)),
        r#"{"type":"wasm/MsgMigrateContract","value":{"code_id":"2","contract":"c","msg":"AQ==","sender":"s"}}"#
    );
    let update = compute::MsgUpdateAdmin {
        sender: "s".into(),
        new_admin: "n".into(),
        contract: "c".into(),
        ..Default::default()
    };
    assert_eq!(
        written(&pack(&update)),
        r#"{"type":"wasm/MsgUpdateAdmin","value":{"contract":"c","new_admin":"n","sender":"s"}}"#
    );
    let clear = compute::MsgClearAdmin {
        sender: "s".into(),
        contract: "c".into(),
        ..Default::default()
    };
    assert_eq!(
        written(&pack(&clear)),
        r#"{"type":"wasm/MsgClearAdmin","value":{"contract":"c","sender":"s"}}"#
    );
    let register = RaAuthenticate {
        sender: vec![1; 3],
        certificate: vec![9],
        ..Default::default()
    };
    assert_eq!(
        written(&pack(&register)),
        r#"{"type":"reg/authenticate","value":{"ra_cert":"CQ==","sender":"AQEB"}}"#
    );
}

#[test]
fn messages_of_the_authority_and_of_locked_contracts_have_the_names_and_members_of_the_protocol() {
    let lock = compute::MsgSetContractGovernance {
        sender: "s".into(),
        contract_address: "c".into(),
    };
    assert_eq!(
        written(&pack(&lock)),
        r#"{"type":"wasm/MsgSetContractGovernance","value":{"contract_address":"c","sender":"s"}}"#
    );
    let proposal = compute::MsgContractGovernanceProposal {
        authority: "a".into(),
        title: "t".into(),
        contracts: vec![compute::MigrateContractInfo {
            address: "c".into(),
            new_code_id: 2,
        }],
        admin_updates: vec![compute::UpdateAdminInfo {
            address: "c".into(),
            new_admin: String::new(),
        }],
        ..Default::default()
    };
    assert_eq!(
        written(&pack(&proposal)),
        concat!(
            r#"{"type":"wasm/MsgContractGovernanceProposal","value":{"admin_updates":[{"address":"c"}],"#,
            r#""authority":"a","contracts":[{"address":"c","new_code_id":"2"}],"title":"t"}}"#
        )
    );
    let params = compute::MsgUpdateParams {
        authority: "a".into(),
        params: Some(compute::Params {
            compile_cost: "800000000000000000".into(),
            max_contract_size: 5,
        }),
    };
    assert_eq!(
        written(&pack(&params)),
        concat!(
            r#"{"type":"wasm/MsgUpdateParams","value":{"authority":"a","#,
            r#""params":{"compile_cost":"0.800000000000000000","max_contract_size":"5"}}}"#
        )
    );
    let cost = |cost: &str| {
        message(&pack(&compute::MsgUpdateParams {
            params: Some(compute::Params {
                compile_cost: cost.into(),
                max_contract_size: 5,
            }),
            ..params.clone()
        }))
    };
    assert!(cost("0").is_ok() && cost("12000000000000000000").is_ok());
    for bad in ["", "00", "08", "-1", "0.8", "x"] {
        assert!(cost(bad).is_err(), "{bad}");
    }
}

#[test]
fn what_has_no_single_reading_is_refused() {
    let twice = Any {
        type_url: "/cosmos.bank.v1beta1.MsgSend".into(),
        value: vec![0x0a, 1, b'a', 0x0a, 1, b'b'],
    };
    assert!(matches!(
        message(&twice),
        Err(AminoError::Field { number: 1, .. })
    ));
    let unknown = Any {
        type_url: "/cosmos.bank.v1beta1.MsgSend".into(),
        value: vec![0x4a, 0],
    };
    assert!(matches!(
        message(&unknown),
        Err(AminoError::Field { number: 9, .. })
    ));
    let not_text = Any {
        type_url: "/cosmos.bank.v1beta1.MsgSend".into(),
        value: vec![0x0a, 1, 0xff],
    };
    assert!(matches!(
        message(&not_text),
        Err(AminoError::Field { number: 1, .. })
    ));
    let nameless = Any {
        type_url: "/cosmos.tx.v1beta1.Tx".into(),
        value: vec![],
    };
    assert!(matches!(message(&nameless), Err(AminoError::Type(_))));
}

#[test]
fn a_document_that_grows_by_its_indentation_is_bounded() {
    // Two bytes of a transaction each, and a line of 28.
    let inputs = |n: usize| MsgMultiSend {
        inputs: vec![Input {
            address: String::new(),
            coins: vec![Coin::default(); n],
        }],
        outputs: vec![],
    };
    let written = |n| {
        let message = pack(&inputs(n));
        let document = SignDoc {
            chain_id: "secretdev-1",
            account_number: 0,
            sequence: 0,
            fee: &Fee::default(),
            memo: "",
            timeout_height: 0,
            messages: &[message],
        };
        eip191_document(&document.to_json().unwrap(), LEN_MAX)
    };
    const LEN_MAX: usize = 1 << 20;
    let (few, more) = (written(1_000).unwrap().len(), written(2_000).unwrap().len());
    let line = (more - few) / 1_000;
    assert!(line > 20, "{line} bytes for two");
    let most = LEN_MAX / line;
    assert!(written(most - 100).unwrap().len() <= LEN_MAX);
    assert_eq!(written(most + 1), Err(AminoError::Long(LEN_MAX)));
}

#[test]
fn a_multisig_key_is_written_as_wallets_write_it() {
    let key = crate::proto::cosmos::crypto::multisig::LegacyAminoPubKey {
        threshold: 2,
        public_keys: vec![pack(&crate::proto::cosmos::crypto::secp256k1::PubKey {
            key: vec![0; 33],
        })],
    };
    let wanted = format!(
        r#"{{"type":"tendermint/PubKeyMultisigThreshold","value":{{"pubkeys":[{{"type":"tendermint/PubKeySecp256k1","value":"{}"}}],"threshold":"2"}}}}"#,
        "A".repeat(44)
    );
    assert_eq!(written(&pack(&key)), wanted);
}

#[test]
fn keys_nested_too_deep_are_refused() {
    let url = "/cosmos.crypto.multisig.LegacyAminoPubKey";
    let mut key = Any {
        type_url: url.into(),
        value: vec![],
    };
    assert_eq!(
        written(&key),
        r#"{"type":"tendermint/PubKeyMultisigThreshold","value":{"pubkeys":[],"threshold":"0"}}"#
    );
    for _ in 0..DEPTH_MAX {
        let outer = crate::proto::cosmos::crypto::multisig::LegacyAminoPubKey {
            threshold: 1,
            public_keys: vec![key],
        };
        key = pack(&outer);
    }
    assert_eq!(message(&key), Err(AminoError::Depth));
}

proptest! {
    #[test]
    fn arbitrary_content_never_panics(value in proptest::collection::vec(any::<u8>(), 0..100)) {
        for m in ["cosmos.bank.v1beta1.MsgMultiSend", "secret.compute.v1beta1.MsgExecuteContract",
                  "cosmos.crypto.multisig.LegacyAminoPubKey", "secret.compute.v1beta1.MsgUpdateParams"] {
            let _ = message(&Any { type_url: format!("/{m}"), value: value.clone() });
        }
    }

    #[test]
    fn different_messages_have_different_documents(a in "[ -~]{0,9}", b in "[ -~]{0,9}", c in "[ -~]{0,9}") {
        let doc = |to: &str| written(&pack(&MsgSend {
            from_address: a.clone(), to_address: to.to_owned(), amount: vec![]
        }));
        prop_assert_eq!(doc(&b) == doc(&c), b == c);
    }
}
