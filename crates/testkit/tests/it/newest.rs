//! What the newest ordinary library has, from the code of a contract that was written with it (`contracts/stock`): predictable addresses and
//! the curves of its imports.

use super::stock::{Scene, coins, scene};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use strongroom_testkit::{Contract, contract};
use strongroom_types::Address;

fn b64(hex: &str) -> String {
    STANDARD.encode(hex::decode(hex).unwrap())
}

/// What a list answers to a check; an error in the library's words.
fn checked(s: &mut Scene, list: &Contract, check: &Value) -> Result<Value, String> {
    let answer = s.chain.query(list, &json!({ "check": check }));
    answer.map_err(|refused| refused.text)
}

#[test]
fn a_list_makes_another_where_it_said_that_it_would_be() {
    let mut s = scene();
    let alice = s.alice.clone();
    let code = s.chain.store_code(&alice, contract("stock")).unwrap();
    let list = s
        .chain
        .instantiate(&alice, &code, "a list", &json!({}))
        .unwrap();
    let salt = STANDARD.encode("salt");
    let predict = json!({"predict": {"code_id": code.id, "salt": salt}});
    let ahead: Address = s.ask(&list, &predict).as_str().unwrap().parse().unwrap();
    assert_eq!(ahead.as_bytes().len(), 32);
    let make = json!({"make": {"code_id": code.id, "salt": salt}});
    let made = s
        .chain
        .execute_with(&alice, &list, &make, &coins(9))
        .unwrap();
    assert_eq!(made.attribute("made"), Some(ahead.to_string().as_str()));
    assert_eq!(s.chain.balance(&ahead, "uscrt"), 9);
    let other = Contract {
        address: ahead,
        code_hash: code.hash,
    };
    // The list has the note that its maker wrote, and goes on by itself.
    let numbers = json!({"numbers": {"after": null, "limit": 9, "descending": false}});
    assert_eq!(s.ask(&other, &numbers), json!([7]));
    let fill = json!({"fill": {"from": 0, "to": 3, "text": "note"}});
    s.chain.execute(&alice, &other, &fill).unwrap();
    assert_eq!(s.ask(&other, &numbers), json!([0, 1, 2, 7]));
    assert_eq!(s.ask(&list, &numbers), json!([]));
    // It is the maker of its own: the same salt is another address.
    assert_ne!(s.ask(&other, &predict), s.ask(&list, &predict));
    let again = s.chain.execute(&alice, &list, &make).unwrap_err();
    assert_eq!((again.codespace.as_str(), again.code), ("compute", 6));
    let text = format!("{}: contract account already exists", other.address);
    assert!(again.text.contains(&text), "{}", again.text);
    s.chain.restart();
    assert_eq!(s.ask(&other, &numbers), json!([0, 1, 2, 7]));
}

#[test]
fn a_list_checks_signatures_over_three_curves_in_the_words_of_its_library() {
    let mut s = scene();
    let list = s.make("stock", &json!({}));
    // RFC 6979, A.2.5.
    let hash = "af2bdbe1aa9b6ec1e2ade1d694f41fc71a831d0268e9891562113d8a62add1bf";
    let signature = concat!(
        "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
        "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
    );
    let key = "0360fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6";
    let r1 = |hash: &str, signature: &str, key: &str| json!({"r1": {"hash": b64(hash), "signature": b64(signature), "key": b64(key)}});
    assert_eq!(
        checked(&mut s, &list, &r1(hash, signature, key)),
        Ok(json!(true))
    );
    assert_eq!(
        checked(&mut s, &list, &r1(&"00".repeat(32), signature, key)),
        Ok(json!(false))
    );
    let r1_key = json!({"r1_key": {"hash": b64(hash), "signature": b64(signature), "param": 4}});
    // Whose signature it is, uncompressed, over the curve of other chains.
    let k1_hash = "5ae8317d34d1e595e3fa7247db80c0af4320cce1116de187f8f7e2e099c0d8d0";
    let k1_signature = concat!(
        "45c0b7f8c09a9e1f1cea0c25785594427b6bf8f9f878a8af0b1abbb48e16d092",
        "0d8becd0c220f67c51217eecfd7184ef0732481c843857e6bc7fc095c4f6b788"
    );
    let k1 = concat!(
        "044a071e8a6e10aada2b8cf39fa3b5fb3400b04e99ea8ae64ceea1a977dbeaf5d5",
        "f8c8fbd10b71ab14cd561f7df8eb6da50f8a8d81ba564342244d26d1d4211595"
    );
    let k1_key = |param: u8| json!({"k1_key": {"hash": b64(k1_hash), "signature": b64(k1_signature), "param": param}});
    assert_eq!(checked(&mut s, &list, &k1_key(1)), Ok(json!(b64(k1))));

    // Three keys of Ethereum's consensus signed this.
    let keys = concat!(
        "a491d1b0ecd9bb917989f0e74f0dea0422eac4a873e5e2644f368dffb9a6e20fd6e10c1b77654d067c0618f6e5a7f79a",
        "b301803f8b5ac4a1133581fc676dfedc60d891dd5fa99028805e5ea5b08d3491af75d0707adab3b70c6a6a580217bf81",
        "b53d21a4cfd562c469cc81514d4ce5a6b577d8403d32a394dc265dd190b47fa9f829fdd7963afdf972e5e77854051f6f",
    );
    let signed = "9712c3edd73a209c742b8250759db12549b3eaf43b5ca61376d9f30e2747dbcf842d8b2ac0901d2a093713e20284a7670fcf6954e9ab93de991bb9b313e664785a075fc285806fa5224c82bde146561b446ccfc706a64b8579513cfc4ff1d930";
    let generator = "97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb";
    let message = "ab".repeat(32);
    let tag = STANDARD.encode("BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_");
    let bls = |keys: &str, signature: &str| json!({"bls": {"generator": b64(generator), "keys": b64(keys), "message": b64(&message), "tag": tag, "signature": b64(signature)}});
    assert_eq!(checked(&mut s, &list, &bls(keys, signed)), Ok(json!(true)));
    assert_eq!(
        checked(&mut s, &list, &bls(&keys[..96], signed)),
        Ok(json!(false))
    );
    let sum = |points: &str| json!({"sum": {"points": b64(points)}});
    assert_eq!(checked(&mut s, &list, &sum(signed)), Ok(json!(b64(signed))));
    // RFC 9380, J.9.1.
    let tag = STANDARD.encode("QUUX-V01-CS02-with-BLS12381G1_XMD:SHA-256_SSWU_RO_");
    let point = json!({"point": {"message": STANDARD.encode("abc"), "tag": tag}});
    let expected = "83567bc5ef9c690c2ab2ecdf6a96ef1c139cc0b2f284dca0a9a7943388a49a3aee664ba5379a7655d3c68900be2f6903";
    assert_eq!(checked(&mut s, &list, &point), Ok(json!(b64(expected))));

    for (check, word) in [
        (r1(&hash[2..], signature, key), "Invalid hash format"),
        (r1(hash, &signature[2..], key), "Invalid signature format"),
        (r1(hash, signature, &key[2..]), "Invalid public key format"),
        (r1(hash, &"00".repeat(64), key), "Generic error"),
        (r1_key, "Invalid recovery parameter"),
        (k1_key(2), "Invalid recovery parameter"),
        (bls(keys, &"c1".repeat(96)), "Invalid point"),
        (
            bls(keys, &signed[2..]),
            "Aggregation pairing equality error",
        ),
        (sum(""), "List of points is empty"),
        (sum(&signed[2..]), "List is not an expected multiple"),
        (sum(&"00".repeat(96)), "Invalid point"),
    ] {
        let text = checked(&mut s, &list, &check).unwrap_err();
        assert!(text.contains(word), "{word}: {text}");
    }
}
