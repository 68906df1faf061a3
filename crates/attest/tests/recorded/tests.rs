//! The tests, by name.

use crate::cases::{Case, Recordings};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use strongroom_attest::{
    Claims, Collateral, Evidence, Generation, Item, Key, Kind, Measurement, PckCa, Reason, Refusal,
    SnpTcb, Tcb, admit, items_of_pccs,
};

pub(crate) struct Test {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Recordings),
}

const fn test(name: &'static str, run: fn(&Recordings)) -> Test {
    Test { name, run }
}

/// Each on a line of its own: `cargo xtask tidy` looks for the names there.
#[rustfmt::skip]
pub(crate) const ALL: &[Test] = &[
    test("every_case_gives_the_verdict_that_is_known", verdicts),
    test("claims_are_what_the_manifest_says", claims),
    test("evidence_holds_in_its_window_and_not_a_second_longer", windows),
    test("every_changed_byte_of_the_recipes_is_refused", recipes),
    test("what_can_be_written_in_several_ways_proves_the_same", malleable),
    test("a_flipped_bit_is_refused_or_proves_the_same", flips),
    test("bytes_cut_off_are_refused_or_prove_the_same", cuts),
    test("changed_collateral_is_refused", changed_collateral),
    test("missing_collateral_is_named", missing_collateral),
    test("collateral_is_admitted_in_its_window_and_only_if_it_is_newer", admission),
    test("collateral_that_the_vendor_did_not_sign_is_not_admitted", forged_collateral),
    test("a_report_of_snp_needs_the_key_of_its_own_chip", chips),
];

fn refused(result: Result<Claims, Refusal>, what: &str) -> Reason {
    match result {
        Err(refusal) => refusal.reason,
        Ok(_) => panic!("{what} is taken"),
    }
}

fn verdicts(all: &Recordings) {
    assert_eq!(all.0.len(), 17);
    for case in &all.0 {
        let known = &case.manifest["observed_dcap_qvl_0_7_1"];
        let result = case.check();
        let expected = known["verdict"]
            .as_str()
            .or(case.manifest["expected"].as_str())
            .unwrap();
        if let Some((_, why)) = expected.split_once("REJECT: ") {
            let reason = if why.contains("ebug") {
                Reason::Debug
            } else {
                Reason::Rejected
            };
            let refusal = result.unwrap_err();
            assert_eq!(refusal.reason, reason, "{}: {refusal}", case.name);
            if reason == Reason::Rejected {
                assert!(refusal.detail.contains(why), "{}: {refusal}", case.name);
            }
            continue;
        }
        let claims = result.unwrap_or_else(|error| panic!("{}: {error}", case.name));
        if known.is_object() {
            assert_eq!(claims.tcb_status(), expected, "{}", case.name);
            let advisories: Vec<_> = known["advisories"].as_array().unwrap().iter().collect();
            assert_eq!(claims.advisories().iter().collect::<Vec<_>>(), advisories);
        }
    }
}

fn claims(all: &Recordings) {
    let mut seen = BTreeMap::new();
    for case in &all.0 {
        let Ok(claims) = case.check() else { continue };
        let name = case.name.as_str();
        *seen.entry(claims.kind).or_insert(0) += 1;
        let (measurement, report_data) = match claims.kind {
            Kind::Sgx => ("mrenclave", "report_data"),
            Kind::Tdx => ("mr_td", "report_data"),
            Kind::Snp => ("measurement", "report_data"),
            _ => ("", "user_data"),
        };
        assert_eq!(claims.report_data[..], case.hex(report_data), "{name}");
        if !measurement.is_empty() {
            assert_eq!(
                claims.measurement.as_bytes(),
                case.hex(measurement),
                "{name}"
            );
        }
        match &claims.tcb {
            Tcb::Dcap {
                fmspc,
                td_attributes,
                ..
            } => {
                let known = case.manifest["fmspc"].as_str().unwrap();
                assert_eq!(fmspc.to_string(), known.to_lowercase(), "{name}");
                if let Some(attributes) = td_attributes {
                    assert_eq!(attributes.0[..], case.hex("td_attributes"), "{name}");
                    registers_of_tdx(case, &claims);
                }
            }
            Tcb::Snp {
                generation,
                version,
                vmpl,
            } => {
                assert_eq!(
                    Some(u64::from(*vmpl)),
                    case.manifest["fields"]["vmpl"].as_u64()
                );
                assert_eq!(name.contains("genoa"), *generation == Generation::Genoa);
                let bytes = case.hex("reported_tcb_le_hex");
                let known = SnpTcb {
                    fmc: 0,
                    boot_loader: bytes[0],
                    tee: bytes[1],
                    snp: bytes[6],
                    microcode: bytes[7],
                };
                assert_eq!(*version, known, "{name}");
            }
            Tcb::Nitro => pcrs(case, &claims),
            Tcb::Simulated => panic!("{name}"),
        }
    }
    let kinds = [
        (Kind::Sgx, 2),
        (Kind::Tdx, 4),
        (Kind::Snp, 3),
        (Kind::Nitro, 2),
    ];
    assert_eq!(seen, BTreeMap::from(kinds));
    // Two of Nitro ran on one instance; all others are machines of their own.
    let ids: std::collections::BTreeSet<_> = all
        .0
        .iter()
        .filter_map(|case| case.check().ok())
        .map(|claims| claims.platform_id)
        .collect();
    assert_eq!(ids.len(), 10);
}

fn registers_of_tdx(case: &Case, claims: &Claims) {
    for number in 0..4u8 {
        let known = case.hex(&format!("rtmr{number}"));
        let held = claims.registers.get(&number).map(Measurement::as_bytes);
        let held = held.unwrap_or(&[0; 48]);
        assert_eq!(held, known, "{} RTMR {number}", case.name);
    }
}

fn pcrs(case: &Case, claims: &Claims) {
    let known = case.manifest["fields"]["pcrs"].as_object().unwrap();
    for (number, value) in known {
        let number: u8 = number.parse().unwrap();
        let value = hex::decode(value.as_str().unwrap()).unwrap();
        let held = if number == 0 {
            Some(&claims.measurement)
        } else {
            claims.registers.get(&number)
        };
        assert_eq!(held.map_or(&[0; 48][..], Measurement::as_bytes), value);
    }
}

fn windows(all: &Recordings) {
    for case in all.dcap() {
        let [from, until] = window(&case.manifest["window_utc"]);
        let edges = &case.manifest["observed_dcap_qvl_0_7_1"]["edges"];
        let fine = |edge: &str| edges[edge].as_str().unwrap().starts_with("OK");
        let name = case.name.as_str();
        // The library does not look at the beginning of lists of revoked keys: we do.
        assert!(case.check_at(from - 1).is_err(), "{name}");
        assert_eq!(case.check_at(from).is_ok(), fine("lo"), "{name}");
        assert_eq!(case.check_at(until - 1).is_ok(), fine("hi-1"), "{name}");
        assert_eq!(case.check_at(until).is_ok(), fine("hi"), "{name}");
        assert!(case.check_at(until + 1).is_err(), "{name}");
        if let Ok(claims) = case.check() {
            let last = if fine("hi") { until } else { until - 1 };
            assert_eq!(claims.valid_until, last, "{name}");
            assert_eq!(case.check_at(0).unwrap_err().reason, Reason::NotYetValid);
            assert_eq!(case.check_at(last + 1).unwrap_err().reason, Reason::Expired);
        }
    }
    for case in &all.0 {
        if case.name.starts_with("nitro") {
            let [from, until] = window(&case.manifest["chain_window_utc"]);
            assert_eq!(
                case.check_at(from - 1).unwrap_err().reason,
                Reason::NotYetValid
            );
            assert_eq!(case.check_at(from).unwrap().valid_until, until);
            assert!(case.check_at(until).is_ok());
            assert_eq!(
                case.check_at(until + 1).unwrap_err().reason,
                Reason::Expired
            );
        } else if let (Evidence::SnpV1 { .. }, Ok(claims)) = (&case.evidence, case.check()) {
            assert!(case.check_at(claims.valid_until).is_ok());
            let late = case.check_at(claims.valid_until + 1).unwrap_err().reason;
            assert_eq!(late, Reason::Expired);
            assert_eq!(case.check_at(0).unwrap_err().reason, Reason::NotYetValid);
        }
    }
}

fn window(value: &serde_json::Value) -> [u64; 2] {
    [0, 1].map(|i| {
        let time: strongroom_types::Timestamp = value[i].as_str().unwrap().parse().unwrap();
        u64::try_from(time.seconds).unwrap()
    })
}

/// Offsets of a quote: its body, the signature behind it, and what follows.
struct Layout {
    body: usize,
    signature: usize,
}

impl Layout {
    fn of(quote: &[u8]) -> Self {
        match quote[0] {
            3 => Self {
                body: 48,
                signature: 48 + 384 + 4,
            },
            4 => Self {
                body: 48,
                signature: 48 + 584 + 4,
            },
            _ => Self {
                body: 54,
                signature: 54 + 648 + 4,
            },
        }
    }
}

fn recipes(all: &Recordings) {
    for name in ["sgx/phala-hello", "tdx/gcp-cos113", "tdx/gcp-v5-td15"] {
        let case = all.named(name);
        let quote = case.bytes();
        let layout = Layout::of(quote);
        // Version 3 has QE's report behind the attestation key; later ones a head of 6 bytes before it.
        let qe_report = layout.signature + 128 + if quote[0] == 3 { 0 } else { 6 };
        let text = b"-----BEGIN CERTIFICATE-----";
        let pem = quote
            .windows(text.len())
            .position(|window| window == text)
            .unwrap();
        for (what, at) in [
            ("version", 0),
            ("security version of QE", 8),
            ("vendor of QE", 12),
            ("user data", 28),
            ("body", layout.body),
            ("report data", layout.signature - 4 - 64),
            ("signature", layout.signature),
            ("attestation key", layout.signature + 64),
            ("report of QE", qe_report),
            ("signature of QE's report", qe_report + 384),
            ("authentication data of QE", qe_report + 384 + 64 + 2),
            ("certificate of the platform", pem + text.len() + 100),
        ] {
            let mut changed = quote.to_vec();
            changed[at] ^= 1;
            refused(case.check_bytes(changed), &format!("{name}: {what}"));
        }
    }
    for name in ["snp/milan-virtee", "snp/genoa-azure"] {
        let case = all.named(name);
        for at in [
            0x50, 0x90, 0x180, 0x18b, 0x1a0, 0x1f8, 0x2a0, 0x2d0, 0x2e8, 0x318, 1183,
        ] {
            let mut changed = case.bytes().to_vec();
            changed[at] ^= 1;
            refused(case.check_bytes(changed), &format!("{name}: byte {at:#x}"));
        }
    }
}

fn malleable(all: &Recordings) {
    for case in all.dcap() {
        let Ok(claims) = case.check() else { continue };
        let longer = [case.bytes(), &[7; 100]].concat();
        // The length of all that is read stands before the signature.
        let signature = Layout::of(case.bytes()).signature;
        let length = case.bytes()[signature - 4..signature].try_into().unwrap();
        let end = signature + u32::from_le_bytes(length) as usize;
        let shorter = case.bytes()[..end].to_vec();
        for other in [longer, shorter] {
            let found = case.check_bytes(other).unwrap();
            assert_eq!(found, claims, "{}", case.name);
            assert_eq!(found.id(), claims.id());
        }
    }
    for case in all.0.iter().filter(|case| case.name.starts_with("nitro")) {
        let tagged = [&[0xd2], case.bytes()].concat();
        assert_eq!(case.check_bytes(tagged), case.check());
        refused(case.check_bytes([case.bytes(), &[0]].concat()), &case.name);
    }
}

fn flips(all: &Recordings) {
    let which = std::env::var("STRONGROOM_FLIPS").ok();
    let seed = std::process::id() as usize;
    println!("flips: seed {seed}");
    for case in &all.0 {
        let (known, bytes) = (case.check().ok(), case.bytes());
        let every = |which: &String| which == "all" || case.name.starts_with(which);
        let bits: Vec<usize> = if which.as_ref().is_some_and(every) {
            (0..8 * bytes.len()).collect()
        } else {
            let block = |i: usize| {
                (i * 128) + (seed.wrapping_mul(31) ^ i.wrapping_mul(2_654_435_761)) % 128
            };
            (0..bytes.len() / 16).map(block).collect()
        };
        let (next, same) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
                scope.spawn(|| {
                    while let Some(bit) = bits.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let mut changed = bytes.to_vec();
                        changed[bit / 8] ^= 1 << (bit % 8);
                        if let Ok(found) = case.check_bytes(changed) {
                            assert_eq!(Some(&found), known.as_ref(), "{}: bit {bit}", case.name);
                            same.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        let same = same.into_inner();
        println!(
            "flips: {}: {} bits, {same} prove the same",
            case.name,
            bits.len()
        );
    }
}

fn cuts(all: &Recordings) {
    for case in &all.0 {
        let known = case.check().ok();
        let mut length = case.bytes().len();
        while length > 0 {
            length -= length.div_ceil(20);
            if let Ok(found) = case.check_bytes(case.bytes()[..length].to_vec()) {
                assert_eq!(Some(found), known, "{}: {length} bytes", case.name);
            }
        }
    }
}

/// The items of a case, each changed by `change` in turn; answers what evidence says then.
fn with_changed(case: &Case, key: &Key, change: impl FnOnce(&mut Item)) -> Result<Claims, Refusal> {
    let mut collateral = case.collateral.clone();
    let mut item = collateral.get(key).unwrap().clone();
    change(&mut item);
    collateral.insert(*key, item);
    case.evidence.check(&collateral, case.time)
}

fn changed_collateral(all: &Recordings) {
    for name in ["sgx/phala-hello", "tdx/gcp-cos113"] {
        let case = all.named(name);
        for key in case.evidence.collateral_keys() {
            let last_byte = with_changed(case, &key, |item| match item {
                Item::IntelRootCrl(crl) | Item::PckCrl { crl, .. } => *crl.last_mut().unwrap() ^= 1,
                Item::TcbInfo(signed) | Item::QeIdentity(signed) => signed.signature.0[63] ^= 1,
                Item::AmdCrl { .. } => panic!(),
            });
            refused(last_byte, &format!("{name}: {key}"));
            let text = with_changed(case, &key, |item| {
                if let Item::TcbInfo(signed) | Item::QeIdentity(signed) = item {
                    signed.text = signed
                        .text
                        .replacen("\"advisoryIDs\"", "\"advisoryIDS\"", 1);
                    signed.text.push(' ');
                } else if let Item::IntelRootCrl(crl) | Item::PckCrl { crl, .. } = item {
                    crl.clear();
                }
            });
            refused(text, &format!("{name}: text of {key}"));
        }
    }
    // Another platform's, under the key that this one needs.
    let (sgx, tdx) = (all.named("sgx/phala-hello"), all.named("tdx/gcp-cos113"));
    for (own, other) in sgx
        .evidence
        .collateral_keys()
        .iter()
        .zip(tdx.evidence.collateral_keys())
    {
        if *own != other {
            let foreign = tdx.collateral.get(&other).unwrap().clone();
            let result = with_changed(sgx, own, |item| *item = foreign);
            refused(result, &format!("{other} for {own}"));
        }
    }
    // The list of the root in the place of the list of platforms.
    let Some(Item::IntelRootCrl(root)) = sgx.collateral.get(&Key::IntelRootCrl) else {
        panic!()
    };
    let key = sgx.evidence.collateral_keys()[1];
    let swapped = with_changed(sgx, &key, |item| {
        if let Item::PckCrl { crl, .. } = item {
            crl.clone_from(root);
        }
    });
    refused(swapped, "the root's list for that of platforms");
}

fn missing_collateral(all: &Recordings) {
    for case in all.dcap() {
        let keys = case.evidence.collateral_keys();
        assert_eq!(keys.len(), 4);
        for key in &keys {
            let mut collateral = Collateral::new();
            for other in keys.iter().filter(|other| *other != key) {
                collateral.insert(*other, case.collateral.get(other).unwrap().clone());
            }
            let refusal = case.evidence.check(&collateral, case.time).unwrap_err();
            if refusal.reason != Reason::Debug {
                assert_eq!(refusal.reason, Reason::CollateralMissing);
                assert!(refusal.detail.contains(&key.to_string()), "{refusal}");
            }
        }
    }
}

fn admission(all: &Recordings) {
    for case in all.dcap() {
        for key in case.evidence.collateral_keys() {
            let item = case.collateral.get(&key).unwrap();
            let (from, until) = item.window().unwrap();
            let at = |time| admit(item, None, time).map_err(|refusal| refusal.reason);
            assert_eq!(at(case.time), Ok(key), "{}", case.name);
            assert_eq!(
                (at(from), at(until)),
                (Ok(key), Ok(key)),
                "{}: {key}",
                case.name
            );
            assert_eq!(at(from - 1), Err(Reason::NotYetValid));
            assert_eq!(at(until + 1), Err(Reason::Expired));
            let again = admit(item, Some(item), case.time).unwrap_err().reason;
            assert_eq!(again, Reason::NotNewer);
            let bytes = item.encode();
            assert_eq!(Item::decode(&bytes).as_ref(), Some(item));
        }
    }
    // The identity of SGX's quoting enclave of August, of June, and of June when August is there.
    let (june, august) = (all.named("sgx/phala-hello"), all.named("sgx/automata-icx"));
    let key = Key::QeIdentity(Kind::Sgx);
    let (old, new) = (
        june.collateral.get(&key).unwrap(),
        august.collateral.get(&key).unwrap(),
    );
    assert_eq!(admit(new, Some(old), august.time), Ok(key));
    assert_eq!(
        admit(old, Some(new), june.time).unwrap_err().reason,
        Reason::NotNewer
    );
    // An item of one key never takes the place of another's.
    let other = june.collateral.get(&Key::IntelRootCrl).unwrap();
    assert_eq!(
        admit(new, Some(other), august.time).unwrap_err().reason,
        Reason::NotNewer
    );
}

fn forged_collateral(all: &Recordings) {
    let case = all.named("sgx/phala-hello");
    let get = |key: &Key| case.collateral.get(key).unwrap().clone();
    let keys = case.evidence.collateral_keys();
    let refuse = |item: &Item, what: &str| {
        let refusal = admit(item, None, case.time).expect_err(what);
        assert!(
            matches!(refusal.reason, Reason::Forged | Reason::Malformed),
            "{what}: {refusal}"
        );
    };
    for key in &keys {
        for part in 0..4 {
            let mut item = get(key);
            match (&mut item, part) {
                (Item::IntelRootCrl(crl) | Item::PckCrl { crl, .. }, 0) => crl[40] ^= 1,
                (Item::IntelRootCrl(crl) | Item::PckCrl { crl, .. }, 1) => {
                    *crl.last_mut().unwrap() ^= 1
                }
                (Item::TcbInfo(signed) | Item::QeIdentity(signed), 0) => signed.text.push(' '),
                (Item::TcbInfo(signed) | Item::QeIdentity(signed), 1) => signed.signature.0[9] ^= 1,
                (Item::PckCrl { certificate, .. }, 2)
                | (Item::TcbInfo(strongroom_attest::Signed { certificate, .. }), 2)
                | (Item::QeIdentity(strongroom_attest::Signed { certificate, .. }), 2) => {
                    *certificate.last_mut().unwrap() ^= 1;
                }
                (Item::PckCrl { certificate, .. }, 3)
                | (Item::TcbInfo(strongroom_attest::Signed { certificate, .. }), 3)
                | (Item::QeIdentity(strongroom_attest::Signed { certificate, .. }), 3) => {
                    certificate.clear();
                }
                _ => continue,
            }
            refuse(&item, &format!("part {part} of {key}"));
        }
    }
    // Certificates of the vendor in a place that is not theirs.
    let Item::PckCrl {
        certificate: authority,
        ..
    } = get(&keys[1])
    else {
        panic!()
    };
    let Item::TcbInfo(info) = get(&keys[2]) else {
        panic!()
    };
    let mut by_authority = info.clone();
    by_authority.certificate = authority;
    refuse(
        &Item::TcbInfo(by_authority),
        "a table under the key of an authority",
    );
    let Item::PckCrl { crl, .. } = get(&keys[1]) else {
        panic!()
    };
    let by_signer = Item::PckCrl {
        certificate: info.certificate,
        crl,
    };
    refuse(&by_signer, "a list under the key for tables");
    // The library ignores the chain of the list; we do not.
    let path = "pck_crl_issuer_chain";
    let json = serde_json::json!({
        path: "", "root_ca_crl": "", "pck_crl": "", "tcb_info_issuer_chain": "", "tcb_info": "",
        "tcb_info_signature": "", "qe_identity_issuer_chain": "", "qe_identity": "", "qe_identity_signature": "",
    });
    let refusal = items_of_pccs(json.to_string().as_bytes()).unwrap_err();
    assert_eq!(refusal.reason, Reason::Malformed);
    assert_eq!(keys[1], Key::PckCrl(PckCa::Processor));
}

fn chips(all: &Recordings) {
    let names = ["snp/milan-virtee", "snp/milan-azure", "snp/genoa-azure"];
    for own in names {
        for other in names.iter().filter(|other| **other != own) {
            let Evidence::SnpV1 { report, .. } = all.named(own).evidence.clone() else {
                panic!()
            };
            let Evidence::SnpV1 { vcek, .. } = all.named(other).evidence.clone() else {
                panic!()
            };
            let mixed = Evidence::SnpV1 { report, vcek };
            let result = mixed.check(&Collateral::new(), all.named(own).time);
            assert_eq!(refused(result, own), Reason::Forged);
        }
    }
}
