//! Vectors of RFC 9380 (J.9.1, J.10.1), and those of Ethereum's consensus for keys in G1 and signatures in G2.

use super::*;
use proptest::prelude::*;
use sha2::Digest as _;

/// The tag of Ethereum's signatures.
const TAG: &[u8] = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
const MESSAGE: [u8; 32] = [0xab; 32];
/// Who signed [`MESSAGE`], and how.
const KEYS: [&str; 3] = [
    "a491d1b0ecd9bb917989f0e74f0dea0422eac4a873e5e2644f368dffb9a6e20fd6e10c1b77654d067c0618f6e5a7f79a",
    "b301803f8b5ac4a1133581fc676dfedc60d891dd5fa99028805e5ea5b08d3491af75d0707adab3b70c6a6a580217bf81",
    "b53d21a4cfd562c469cc81514d4ce5a6b577d8403d32a394dc265dd190b47fa9f829fdd7963afdf972e5e77854051f6f",
];
const SIGNATURES: [&str; 3] = [
    "91347bccf740d859038fcdcaf233eeceb2a436bcaaee9b2aa3bfb70efe29dfb2677562ccbea1c8e061fb9971b0753c240622fab78489ce96768259fc01360346da5b9f579e5da0d941e4c6ba18a0e64906082375394f337fa1af2b7127b0d121",
    "9674e2228034527f4c083206032b020310face156d4a4685e2fcaec2f6f3665aa635d90347b6ce124eb879266b1e801d185de36a0a289b85e9039662634f2eea1e02e670bc7ab849d006a70b2f93b84597558a05b879c8d445f387a5d5b653df",
    "ae82747ddeefe4fd64cf9cedb9b04ae3e8a43420cd255e3c7cd06a8d88b7c7f8638543719981c5d16fa3527c468c25f0026704a6951bde891360c7e8d12ddee0559004ccdbe6046b55bae1b257ee97f7cdb955773d7cf29adf3ccbb9975e4eb9",
];
/// The sum of the signatures.
const AGGREGATE: &str = "9712c3edd73a209c742b8250759db12549b3eaf43b5ca61376d9f30e2747dbcf842d8b2ac0901d2a093713e20284a7670fcf6954e9ab93de991bb9b313e664785a075fc285806fa5224c82bde146561b446ccfc706a64b8579513cfc4ff1d930";
/// What is hashed in the vectors of the RFC, by its length in bytes, and the points.
const HASHED: [(usize, &str, &str); 5] = [
    (
        0,
        "852926add2207b76ca4fa57a8734416c8dc95e24501772c814278700eed6d1e4e8cf62d9c09db0fac349612b759e79a1",
        "a5cb8437535e20ecffaef7752baddf98034139c38452458baeefab379ba13dff5bf5dd71b72418717047f5b0f37da03d0141ebfbdca40eb85b87142e130ab689c673cf60f1a3e98d69335266f30d9b8d4ac44c1038e9dcdd5393faf5c41fb78a",
    ),
    (
        3,
        "83567bc5ef9c690c2ab2ecdf6a96ef1c139cc0b2f284dca0a9a7943388a49a3aee664ba5379a7655d3c68900be2f6903",
        "939cddbccdc5e91b9623efd38c49f81a6f83f175e80b06fc374de9eb4b41dfe4ca3a230ed250fbe3a2acf73a41177fd802c2d18e033b960562aae3cab37a27ce00d80ccd5ba4b7fe0e7a210245129dbec7780ccc7954725f4168aff2787776e6",
    ),
    (
        16,
        "91e0b079dea29a68f0383ee94fed1b940995272407e3bb916bbf268c263ddd57a6a27200a784cbc248e84f357ce82d98",
        "990d119345b94fbd15497bcba94ecf7db2cbfd1e1fe7da034d26cbba169fb3968288b3fafb265f9ebd380512a71c3f2c121982811d2491fde9ba7ed31ef9ca474f0e1501297f68c298e9f4c0028add35aea8bb83d53c08cfc007c1e005723cd0",
    ),
    (
        133,
        "b5f68eaa693b95ccb85215dc65fa81038d69629f70aeee0d0f677cf22285e7bf58d7cb86eefe8f2e9bc3f8cb84fac488",
        "8934aba516a52d8ae479939a91998299c76d39cc0c035cd18813bec433f587e2d7a4fef038260eef0cef4d02aae3eb9119a84dd7248a1066f737cc34502ee5555bd3c19f2ecdb3c7d9e24dc65d4e25e50d83f0f77105e955d78f4762d33c17da",
    ),
    (
        517,
        "882aabae8b7dedb0e78aeb619ad3bfd9277a2f77ba7fad20ef6aabdc6c31d19ba5a6d12283553294c1825c4b3ca2dcfe",
        "91fca2ff525572795a801eed17eb12785887c7b63fb77a42be46ce4a34131d71f7a73e95fee3f812aea3de78b4d0156901a6ba2f9a11fa5598b2d8ace0fbe0a0eacb65deceb476fbbcb64fd24557c2f4b18ecfc5663e54ae16a84f5ab7f62534",
    ),
];
/// What is no point of G1, and why.
const NOT_G1: [(&str, &str); 11] = [
    (
        "infinity with false b flag",
        "800000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        "infinity with true b flag",
        "c01000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        "not in G1",
        "8123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    ),
    (
        "not in curve",
        "8123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde0",
    ),
    (
        "too few bytes",
        "9a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaa",
    ),
    (
        "too many bytes",
        "9a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaa900",
    ),
    (
        "with b flag and a flag true",
        "e00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        "with b flag and x nonzero",
        "c123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    ),
    (
        "with wrong c flag",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    ),
    (
        "x equal to modulus",
        "9a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab",
    ),
    (
        "x greater than modulus",
        "9a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaac",
    ),
];
/// The same of G2.
const NOT_G2: [(&str, &str); 13] = [
    (
        "infinity with false b flag",
        "800000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        "infinity with true b flag",
        "c01000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        "not in G2",
        "8123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    ),
    (
        "not in curve",
        "8123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde0",
    ),
    (
        "too few bytes",
        "8123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd",
    ),
    (
        "too many bytes",
        "8123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdefff",
    ),
    (
        "with b flag and a flag true",
        "e00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        "with b flag and x nonzero",
        "c123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    ),
    (
        "with wrong c flag",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    ),
    (
        "xim equal to modulus",
        "9a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        "xim greater than modulus",
        "9a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaac000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        "xre equal to modulus",
        "8000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab",
    ),
    (
        "xre greater than modulus",
        "8000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaac",
    ),
];

fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex).unwrap()
}

fn list(points: &[&str]) -> Vec<u8> {
    points.iter().flat_map(|point| bytes(point)).collect()
}

fn generator_g1() -> Vec<u8> {
    G1Affine::generator().to_compressed().to_vec()
}

fn generator_g2() -> Vec<u8> {
    G2Affine::generator().to_compressed().to_vec()
}

/// Whether `signature` is that of `key`: e(G, signature) = e(key, hash).
fn verifies(key: &[u8], message: &[u8], signature: &[u8]) -> Result<bool, CallError> {
    let hash = bls12_381_hash_to_g2(0, message, TAG)?;
    bls12_381_pairing_equality(&generator_g1(), signature, key, &hash)
}

#[test]
fn messages_are_hashed_to_the_points_of_rfc_9380() {
    let (g1_tag, g2_tag) = (
        b"QUUX-V01-CS02-with-BLS12381G1_XMD:SHA-256_SSWU_RO_",
        b"QUUX-V01-CS02-with-BLS12381G2_XMD:SHA-256_SSWU_RO_",
    );
    for (length, g1, g2) in HASHED {
        let message = match length {
            133 => [&b"q128_"[..], &[b'q'; 128]].concat(),
            517 => [&b"a512_"[..], &[b'a'; 512]].concat(),
            _ => b"abcdef0123456789"[..length].to_vec(),
        };
        let point = bls12_381_hash_to_g1(0, &message, g1_tag).unwrap();
        assert_eq!(hex::encode(point), g1);
        let point = bls12_381_hash_to_g2(0, &message, g2_tag).unwrap();
        assert_eq!(hex::encode(point), g2);
    }
}

#[test]
fn a_tag_has_any_length_and_a_long_one_is_hashed_first() {
    let mut seen = std::collections::BTreeSet::new();
    for length in [0, 1, 255, 256, 257, 5_120] {
        let tag = vec![7; length];
        let point = bls12_381_hash_to_g1(0, b"m", &tag).unwrap();
        assert!(seen.insert(point), "{length}");
        assert_eq!(bls12_381_aggregate_g1(&point), Ok(point));
        let point = bls12_381_hash_to_g2(0, b"m", &tag).unwrap();
        assert_eq!(bls12_381_aggregate_g2(&point), Ok(point));
        if length > 255 {
            // RFC 9380, 5.3.3.
            let hashed = Sha256::digest([&b"H2C-OVERSIZE-DST-"[..], &tag].concat());
            assert_eq!(bls12_381_hash_to_g2(0, b"m", &hashed), Ok(point));
        }
    }
}

#[test]
fn signatures_of_ethereum_verify_one_by_one_and_together() {
    for (key, signature) in KEYS.iter().zip(SIGNATURES) {
        let (key, signature) = (bytes(key), bytes(signature));
        assert_eq!(verifies(&key, &MESSAGE, &signature), Ok(true));
        assert_eq!(verifies(&key, b"another", &signature), Ok(false));
        let other = bytes(AGGREGATE);
        assert_eq!(verifies(&key, &MESSAGE, &other), Ok(false));
    }
    let signature = bls12_381_aggregate_g2(&list(&SIGNATURES)).unwrap();
    assert_eq!(hex::encode(signature), AGGREGATE);
    let key = bls12_381_aggregate_g1(&list(&KEYS)).unwrap();
    assert_eq!(verifies(&key, &MESSAGE, &signature), Ok(true));
    // The same as a product of many pairs: e(G, signature) = e(key, hash) · …
    let hash = bls12_381_hash_to_g2(0, &MESSAGE, TAG).unwrap();
    let hashes = [hash; 3].concat();
    let product =
        |keys: &[u8]| bls12_381_pairing_equality(keys, &hashes, &generator_g1(), &signature);
    assert_eq!(product(&list(&KEYS)), Ok(true));
    assert_eq!(product(&list(&[KEYS[0], KEYS[1], KEYS[1]])), Ok(false));
}

#[test]
fn the_product_of_any_number_of_pairs_is_compared() {
    let (p, q) = (G1Affine::generator(), generator_g2());
    let (p, minus_p) = (p.to_compressed(), p.neg().to_compressed());
    let infinity = G1Affine::identity().to_compressed();
    for count in [
        0,
        1,
        2,
        PAIRS_AT_ONCE,
        2 * PAIRS_AT_ONCE,
        2 * PAIRS_AT_ONCE + 1,
    ] {
        let signs = [p, minus_p].into_iter().cycle();
        let mut ps: Vec<u8> = signs.take(count).flatten().collect();
        let qs = q.repeat(count);
        // The product of an even number is 1, as of a pair with infinity; that of an odd number is e(p, q).
        let expected = if count % 2 == 0 { infinity } else { p };
        let equal = |ps: &[u8]| bls12_381_pairing_equality(ps, &qs, &expected, &q);
        assert_eq!(equal(&ps), Ok(true), "{count}");
        if let Some(last) = ps.last_chunk_mut() {
            *last = infinity;
            assert_eq!(equal(&ps), Ok(false), "{count}");
        }
    }
    // e(2p, q) = e(p, 2q)
    let twice_p = bls12_381_aggregate_g1(&[p, p].concat()).unwrap();
    let twice_q = bls12_381_aggregate_g2(&q.repeat(2)).unwrap();
    let equal = bls12_381_pairing_equality(&twice_p, &q, &p, &twice_q);
    assert_eq!(equal, Ok(true));
    let equal = bls12_381_pairing_equality(&p, &q, &p, &twice_q);
    assert_eq!(equal, Ok(false));
}

#[test]
fn infinity_is_a_point_and_adds_nothing() {
    let infinity = G1Affine::identity().to_compressed();
    assert_eq!(bls12_381_aggregate_g1(&infinity), Ok(infinity));
    let with = [infinity.to_vec(), generator_g1()].concat();
    assert_eq!(
        bls12_381_aggregate_g1(&with).unwrap().to_vec(),
        generator_g1()
    );
    let p = G1Affine::generator();
    let both = [p.to_compressed(), p.neg().to_compressed()].concat();
    assert_eq!(bls12_381_aggregate_g1(&both), Ok(infinity));
    let infinity = G2Affine::identity().to_compressed();
    let with = [infinity.to_vec(), generator_g2()].concat();
    assert_eq!(
        bls12_381_aggregate_g2(&with).unwrap().to_vec(),
        generator_g2()
    );
}

#[test]
fn each_class_of_bad_point_is_refused_wherever_it_stands() {
    let (p, q) = (generator_g1(), generator_g2());
    for (why, bad) in NOT_G1.map(|(why, bad)| (why, bytes(bad))) {
        let (whole, point) = (bad.len() == G1_BYTES, Err(CallError::Point));
        let list = |error| if whole { point } else { Err(error) };
        assert_eq!(
            bls12_381_aggregate_g1(&bad),
            if whole {
                Err(CallError::Point)
            } else {
                Err(CallError::PointList)
            },
            "{why}"
        );
        let pairing = |ps: &[u8], r: &[u8]| bls12_381_pairing_equality(ps, &q, r, &q);
        assert_eq!(pairing(&bad, &p), list(CallError::PointListG1), "{why}");
        assert_eq!(pairing(&p, &bad), point, "{why}");
    }
    for (why, bad) in NOT_G2.map(|(why, bad)| (why, bytes(bad))) {
        let (whole, point) = (bad.len() == G2_BYTES, Err(CallError::Point));
        let list = |error| if whole { point } else { Err(error) };
        assert_eq!(
            bls12_381_aggregate_g2(&bad),
            if whole {
                Err(CallError::Point)
            } else {
                Err(CallError::PointList)
            },
            "{why}"
        );
        let pairing = |qs: &[u8], s: &[u8]| bls12_381_pairing_equality(&p, qs, &p, s);
        assert_eq!(pairing(&bad, &q), list(CallError::PointListG2), "{why}");
        assert_eq!(pairing(&q, &bad), point, "{why}");
    }
}

#[test]
fn what_is_no_list_or_no_function_has_the_code_that_contracts_know() {
    let code = |error: CallError| error.code();
    let (p, q) = (generator_g1(), generator_g2());
    assert_eq!(bls12_381_aggregate_g1(&[]).map_err(code), Err(14));
    assert_eq!(bls12_381_aggregate_g2(&[]).map_err(code), Err(14));
    assert_eq!(bls12_381_aggregate_g1(&p[1..]).map_err(code), Err(15));
    assert_eq!(bls12_381_aggregate_g2(&p).map_err(code), Err(15));
    assert_eq!(bls12_381_aggregate_g1(&[0; 48]).map_err(code), Err(8));
    let pairing = |ps: &[u8], qs: &[u8]| bls12_381_pairing_equality(ps, qs, &p, &q).map_err(code);
    assert_eq!(pairing(&p[1..], &q[1..]), Err(11));
    assert_eq!(pairing(&p, &q[1..]), Err(12));
    assert_eq!(pairing(&p, &[]), Err(13));
    assert_eq!(pairing(&p, &q.repeat(2)), Err(13));
    assert_eq!(pairing(&p, &[0; 96]), Err(8));
    for hash in [1, 256, u32::MAX] {
        assert_eq!(bls12_381_hash_to_g1(hash, b"", b"t").map_err(code), Err(9));
        assert_eq!(bls12_381_hash_to_g2(hash, b"", b"t").map_err(code), Err(9));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_changed_point_is_another_or_none_and_never_a_panic(at in 0..96_usize, bit in 0..8_u8) {
        let mut q = generator_g2();
        q[at] ^= 1 << bit;
        if let Ok(point) = bls12_381_aggregate_g2(&q) {
            prop_assert_eq!(point.to_vec(), q);
        }
        let mut p = generator_g1();
        p[at / 2] ^= 1 << bit;
        if let Ok(point) = bls12_381_aggregate_g1(&p) {
            prop_assert_eq!(point.to_vec(), p);
        }
    }
}
