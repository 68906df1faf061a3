//! Sign modes: those that verify, and how the others are refused (wire.md 1.2, 1.4, 1.12.2).

use super::{chain, deliver, refused, refused_with, transfer};
use crate::crypto::keccak256;
use crate::testing::{Draft, User};
use crate::types::proto::cosmos::tx::signing::v1beta1::SignMode;
use crate::types::proto::cosmos::tx::v1beta1::{AuthInfo, ModeInfo, mode_info};
use crate::types::proto::{Any, Message};
use crate::types::tx;

/// Signs a draft as said, with whatever mode and key the transaction shall name.
fn with_info(draft: &Draft, user: &User, mode: i32, key: Option<Any>, signature: &[u8]) -> Vec<u8> {
    let mut info = user.info(SignMode::Direct);
    info.mode_info = Some(ModeInfo {
        sum: Some(mode_info::Sum::Single(mode_info::Single { mode })),
    });
    if key.is_some() {
        info.public_key = key;
    }
    let auth = AuthInfo {
        signer_infos: vec![info],
        fee: Some(draft.fee.clone()),
        ..AuthInfo::default()
    };
    let body = draft.body.encode_to_vec();
    tx::encode(body, auth.encode_to_vec(), vec![signature.to_vec()])
}

#[test]
fn a_transfer_signed_as_ethereum_does_is_delivered_whatever_its_memo() {
    let mut chain = chain();
    for memo in ["", "<a href=\"x\">&amp;</a> \\ \u{2028} 漢 🙂"] {
        let mut draft = transfer(&chain);
        draft.mode = SignMode::Eip191;
        draft.body.memo = memo.into();
        let bytes = draft.signed(&[&chain.users[0]]);
        assert_eq!(chain.check(&bytes), None);
        let result = deliver(&mut chain, bytes);
        assert_eq!((result.code, result.log.as_str()), (0, ""));
        chain.users[0].sequence += 1;
    }
}

#[test]
fn what_ethereum_signs_is_the_document_indented_behind_its_prefix() {
    let chain = chain();
    let mut draft = transfer(&chain);
    draft.fee.amount.clear();
    let (a, b) = (&chain.users[0].address, &chain.users[1].address);
    let document = format!(
        r#"{{
    "account_number": "11",
    "chain_id": "secretdev-1",
    "fee": {{
        "amount": [],
        "gas": "100000"
    }},
    "memo": "",
    "msgs": [
        {{
            "type": "cosmos-sdk/MsgSend",
            "value": {{
                "amount": [
                    {{
                        "amount": "5",
                        "denom": "uscrt"
                    }}
                ],
                "from_address": "{a}",
                "to_address": "{b}"
            }}
        }}
    ],
    "sequence": "0"
}}"#
    );
    let wanted = format!(
        "\u{19}Ethereum Signed Message:\n{}{document}",
        document.len()
    );
    let signed = draft.document(11, 0).to_eip191_bytes().unwrap();
    assert_eq!(String::from_utf8(signed).unwrap(), wanted);
}

#[test]
fn a_bad_signature_of_ethereums_is_refused_in_its_words() {
    let (code, text) = refused_with(|d| {
        d.mode = SignMode::Eip191;
        d.chain_id = "other".into();
    });
    let start = "signature verification failed; please verify account number (11) and chain-id (secretdev-1): \
                 (unable to verify single signer eip191 signature ";
    let prefix = hex::encode("\u{19}Ethereum Signed Message:\n");
    assert!(
        code == 4
            && text.starts_with(start)
            && text.contains(&format!(" for signBytes {prefix}"))
            && text.ends_with("): unauthorized"),
        "{text}"
    );
}

#[test]
fn a_document_signed_for_one_mode_does_not_pass_for_another() {
    let mut chain = chain();
    let draft = transfer(&chain);
    let (user, document) = (&chain.users[0], draft.document(11, 0));
    let eip191 = document.to_eip191_bytes().unwrap();
    let wrong = [
        (SignMode::Eip191, user.sign(&eip191)),
        (SignMode::Eip191, user.sign(&document.to_bytes().unwrap())),
        (
            SignMode::LegacyAminoJson,
            user.sign_digest(&keccak256(&eip191)),
        ),
        (SignMode::Direct, user.sign_digest(&keccak256(&eip191))),
    ];
    let wrong =
        wrong.map(|(mode, signature)| with_info(&draft, user, mode.into(), None, &signature));
    for bytes in wrong {
        assert_eq!(refused(&mut chain, bytes).0, 4);
    }
}

#[test]
fn ethereums_documents_do_not_cover_options_either() {
    let (code, text) = refused_with(|d| {
        d.mode = SignMode::Eip191;
        d.body.non_critical_extension_options = d.body.messages.clone();
    });
    assert_eq!(code, 18);
    let wanted = "SIGN_MODE_EIP_191 does not support protobuf extension options: invalid request";
    assert_eq!(text, wanted);
}

#[test]
fn other_sign_modes_are_refused_by_name_in_check_delivery_and_simulation() {
    let mut chain = chain();
    let draft = transfer(&chain);
    for (mode, name) in [
        (0, "SIGN_MODE_UNSPECIFIED"),
        (2, "SIGN_MODE_TEXTUAL"),
        (3, "SIGN_MODE_DIRECT_AUX"),
        (77, "77"),
        (-1, "-1"),
    ] {
        let bytes = with_info(&draft, &chain.users[0], mode, None, &[7; 64]);
        let text = format!(
            "signature verification failed; please verify account number (11) and chain-id (secretdev-1): \
             (unsupported sign mode {name}): unauthorized"
        );
        assert_eq!(refused(&mut chain, bytes.clone()), (4, text.clone()));
        // Wallets that only estimate name no mode.
        match chain.simulate(&bytes) {
            Ok(_) => assert_eq!(mode, 0),
            Err(stop) => assert!(format!("{stop:?}").contains(&text), "{stop:?}"),
        }
    }
}

#[test]
fn a_simulation_in_ethereums_mode_estimates_what_delivery_uses() {
    let mut chain = chain();
    let mut draft = transfer(&chain);
    draft.mode = SignMode::Eip191;
    let simulated = chain.simulate(&with_info(&draft, &chain.users[0], 191, None, &[]));
    let bytes = draft.signed(&[&chain.users[0]]);
    let used = u64::try_from(deliver(&mut chain, bytes).gas_used).unwrap();
    // The mode's number takes another byte than that of DIRECT; no more differs.
    assert_eq!(simulated.unwrap().gas_used, used);
}
