//! SGX and TDX.

use super::{
    CertSpec, CrlSpec, FROM_SECONDS, NOW, SigningKey, UNTIL_SECONDS, extension, int, octets, oid,
    roots_with, seq, tlv,
};
use crate::claims::{Claims, Kind, Tcb, TcbStatus};
use crate::collateral::{Collateral, Item, Key, PckCa, Signed, admit_under};
use crate::dcap::QUOTE_BYTES_MAX;
use crate::evidence::Evidence;
use crate::hex::Hex;
use crate::reason::{Reason, Refusal};
use base64::Engine as _;
use proptest::prelude::*;
use strongroom_types::sha256;

const ROOT: &str = "Intel SGX Root CA";
const PLATFORM: &str = "Intel SGX PCK Platform CA";
const PROCESSOR: &str = "Intel SGX PCK Processor CA";
const SIGNER: &str = "Intel SGX TCB Signing";
const FMSPC: [u8; 6] = [0, 0x60, 0x6a, 0, 0, 0];

/// A platform, its collateral and its quote, before anything is signed.
struct Platform {
    /// 3: SGX; 4 and 5: TDX.
    version: u16,
    body: Vec<u8>,
    leaf: CertSpec,
    authority: CertSpec,
    signer: CertSpec,
    ppid: Vec<u8>,
    cert_type: u16,
    certificates_more: usize,
    root_crl: CrlSpec,
    pck_crl: CrlSpec,
    status: &'static str,
    advisories: &'static str,
    tcb_info_version: u8,
    tcb_info_fmspc: &'static str,
    /// Of the table; the quoting enclave's identity has 18.
    evaluation_number: u32,
    /// The lowest version of the first component that the table knows; the platform has 2.
    svn_min: u8,
    issue: &'static str,
    next: &'static str,
    qe_product: u8,
    /// Left out when the evidence is checked.
    without: Option<usize>,
}

impl Platform {
    fn new(version: u16) -> Self {
        let body = match version {
            3 => sgx_body(),
            4 => td_body(),
            _ => [td_body(), vec![0; 64]].concat(),
        };
        Self {
            version,
            body,
            leaf: CertSpec::new("Intel SGX PCK Certificate", PLATFORM, 9),
            authority: CertSpec::authority(PLATFORM, ROOT, 2),
            signer: CertSpec::new(SIGNER, ROOT, 3),
            ppid: vec![7; 16],
            cert_type: 5,
            certificates_more: 0,
            root_crl: CrlSpec::new(ROOT),
            pck_crl: CrlSpec::new(PLATFORM),
            status: "UpToDate",
            advisories: "",
            tcb_info_version: 3,
            tcb_info_fmspc: "00606A000000",
            evaluation_number: 17,
            svn_min: 1,
            issue: "2026-05-01T00:00:00Z",
            next: "2026-06-30T00:00:00Z",
            qe_product: 1,
            without: None,
        }
    }

    fn kind(&self) -> Kind {
        if self.version == 3 {
            Kind::Sgx
        } else {
            Kind::Tdx
        }
    }

    fn quote(&self) -> Vec<u8> {
        let (pck, attestation) = (SigningKey::p256(4), SigningKey::p256(5));
        let point = attestation.point();
        let (key, auth) = (&point[1..], [9; 32]);
        let mut signed = self.version.to_le_bytes().to_vec();
        signed.extend([2, 0]);
        signed.extend(if self.version == 3 {
            [0; 4]
        } else {
            [0x81, 0, 0, 0]
        });
        signed.extend([0; 4]);
        signed.extend(dcap_qvl::INTEL_QE_VENDOR_ID);
        signed.extend([0; 20]);
        if self.version == 5 {
            signed.extend([3, 0]);
            signed.extend((self.body.len() as u32).to_le_bytes());
        }
        signed.extend(&self.body);
        let mut qe_report = sgx_body();
        qe_report[256] = 1;
        qe_report[320..352].copy_from_slice(&sha256(&[key, &auth].concat()));
        qe_report[352..].fill(0);
        let chain = self.chain();
        let mut certified = qe_report.clone();
        certified.extend(pck.sign(&qe_report));
        certified.extend([32, 0]);
        certified.extend(auth);
        certified.extend(self.cert_type.to_le_bytes());
        certified.extend((chain.len() as u32).to_le_bytes());
        certified.extend(chain);
        let mut data = attestation.sign(&signed);
        data.extend(key);
        if self.version > 3 {
            data.extend([6, 0]);
            data.extend((certified.len() as u32).to_le_bytes());
        }
        data.extend(certified);
        signed.extend((data.len() as u32).to_le_bytes());
        signed.extend(data);
        signed
    }

    fn chain(&self) -> Vec<u8> {
        let (root, authority, pck) = (
            SigningKey::p256(1),
            SigningKey::p256(2),
            SigningKey::p256(4),
        );
        let mut leaf = self.leaf.clone();
        leaf.extensions.push(extension(
            "1.2.840.113741.1.13.1",
            false,
            &self.sgx_extension(),
        ));
        let mut chain = vec![
            leaf.sign(&pck, &authority),
            self.authority.sign(&authority, &root),
            root_certificate(),
        ];
        chain.extend(vec![root_certificate(); self.certificates_more]);
        let pem = |der: &Vec<u8>| {
            let text = base64::engine::general_purpose::STANDARD.encode(der);
            format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
        };
        chain.iter().map(pem).collect::<String>().into_bytes()
    }

    fn sgx_extension(&self) -> Vec<u8> {
        let id = |rest: &str| oid(&format!("1.2.840.113741.1.13.1.{rest}"));
        let mut tcb: Vec<_> = (1..=16)
            .map(|i| seq(&[id(&format!("2.{i}")), int(&[2])]))
            .collect();
        tcb.push(seq(&[id("2.17"), int(&[11])]));
        tcb.push(seq(&[id("2.18"), octets(&[2; 16])]));
        seq(&[
            seq(&[id("1"), octets(&self.ppid)]),
            seq(&[id("2"), seq(&tcb)]),
            seq(&[id("3"), octets(&[0, 0])]),
            seq(&[id("4"), octets(&FMSPC)]),
            seq(&[id("5"), tlv(0x0a, &[0])]),
        ])
    }

    /// The four items, in the order of [`Evidence::collateral_keys`].
    fn items(&self) -> [Item; 4] {
        let (root, authority) = (SigningKey::p256(1), SigningKey::p256(2));
        [
            Item::IntelRootCrl(self.root_crl.sign(&root)),
            Item::PckCrl {
                certificate: self.authority.sign(&authority, &root),
                crl: self.pck_crl.sign(&authority),
            },
            Item::TcbInfo(self.signed(self.tcb_info())),
            Item::QeIdentity(self.signed(self.qe_identity())),
        ]
    }

    fn signed(&self, text: String) -> Signed {
        let (root, signer) = (SigningKey::p256(1), SigningKey::p256(3));
        Signed {
            certificate: self.signer.sign(&signer, &root),
            signature: Hex(signer.sign(text.as_bytes()).try_into().unwrap()),
            text,
        }
    }

    fn tcb_info(&self) -> String {
        let components = |svn: u8| vec![format!("{{\"svn\":{svn}}}"); 16].join(",");
        let (id, module, tdx) = if self.version == 3 {
            ("SGX", String::new(), String::new())
        } else {
            let module = format!(
                r#""tdxModule":{{"mrsigner":"{}","attributes":"0000000000000000","attributesMask":"FFFFFFFFFFFFFFFF"}},"#,
                "00".repeat(48)
            );
            (
                "TDX",
                module,
                format!(r#","tdxtcbcomponents":[{}]"#, components(0)),
            )
        };
        format!(
            r#"{{"id":"{id}","version":{},"issueDate":"{}","nextUpdate":"{}","fmspc":"{}","pceId":"0000","tcbType":0,"tcbEvaluationDataNumber":{},{module}"tcbLevels":[{{"tcb":{{"sgxtcbcomponents":[{}],"pcesvn":11{tdx}}},"tcbDate":"2026-01-01T00:00:00Z","tcbStatus":"{}","advisoryIDs":[{}]}}]}}"#,
            self.tcb_info_version,
            self.issue,
            self.next,
            self.tcb_info_fmspc,
            self.evaluation_number,
            components(self.svn_min),
            self.status,
            self.advisories,
        )
    }

    fn qe_identity(&self) -> String {
        let id = if self.version == 3 { "QE" } else { "TD_QE" };
        format!(
            r#"{{"id":"{id}","version":2,"issueDate":"{}","nextUpdate":"{}","tcbEvaluationDataNumber":18,"miscselect":"00000000","miscselectMask":"FFFFFFFF","attributes":"{}","attributesMask":"{}","mrsigner":"{}","isvprodid":{},"tcbLevels":[{{"tcb":{{"isvsvn":0}},"tcbDate":"2026-01-01T00:00:00Z","tcbStatus":"UpToDate"}}]}}"#,
            self.issue,
            self.next,
            "00".repeat(16),
            "00".repeat(16),
            "33".repeat(32),
            self.qe_product,
        )
    }

    fn collateral(&self) -> Collateral {
        let kind = self.kind();
        let keys = [
            Key::IntelRootCrl,
            Key::PckCrl(PckCa::Platform),
            Key::TcbInfo(kind, Hex(FMSPC)),
            Key::QeIdentity(kind),
        ];
        let mut collateral = Collateral::new();
        for (at, (key, item)) in keys.into_iter().zip(self.items()).enumerate() {
            if self.without != Some(at) {
                collateral.insert(key, item);
            }
        }
        collateral
    }

    fn check(&self) -> Result<Claims, Refusal> {
        self.check_quote(self.quote(), NOW)
    }

    fn check_quote(&self, quote: Vec<u8>, time: u64) -> Result<Claims, Refusal> {
        let root = root_certificate();
        let roots = roots_with(|roots| roots.intel = &root);
        Evidence::DcapV1(quote).check_under(&self.collateral(), time, &roots)
    }
}

fn root_certificate() -> Vec<u8> {
    let root = SigningKey::p256(1);
    CertSpec::authority(ROOT, ROOT, 1).sign(&root, &root)
}

/// A report of an enclave: initialised, 64 bits, code 0x11, signer 0x33.
fn sgx_body() -> Vec<u8> {
    let mut body = vec![0; 384];
    body[48] = 5;
    body[64..96].fill(0x11);
    body[128..160].fill(0x33);
    body[320..].fill(0x44);
    body
}

/// A report of a domain: exceptions on pages that vanish are off, code 0x22, registers 0, 1 and 3.
fn td_body() -> Vec<u8> {
    let mut body = vec![0; 584];
    body[123] = 0x10;
    body[136..184].fill(0x22);
    body[328..376].fill(0xa0);
    body[376..424].fill(0xa1);
    body[472..520].fill(0xa3);
    body[520..].fill(0x44);
    body
}

/// What is different about a platform.
type Change = fn(&mut Platform);

fn refused(version: u16, change: impl FnOnce(&mut Platform)) -> (Reason, String) {
    let mut platform = Platform::new(version);
    change(&mut platform);
    let refusal = platform.check().unwrap_err();
    (refusal.reason, refusal.detail)
}

#[test]
fn a_quote_of_each_version_proves_what_its_body_says() {
    for version in [3, 4, 5] {
        let platform = Platform::new(version);
        let claims = platform.check().unwrap();
        assert_eq!(claims.kind, platform.kind());
        assert_eq!(claims.report_data, [0x44; 64]);
        let (measurement, registers) = if version == 3 {
            ([0x11; 32].into(), vec![])
        } else {
            let held = |byte: u8| [byte; 48].into();
            (
                [0x22; 48].into(),
                vec![(0, held(0xa0)), (1, held(0xa1)), (3, held(0xa3))],
            )
        };
        assert_eq!(claims.measurement, measurement);
        assert_eq!(claims.registers.into_iter().collect::<Vec<_>>(), registers);
        let attributes = (version > 3).then_some(Hex([0, 0, 0, 0x10, 0, 0, 0, 0]));
        assert_eq!(
            claims.tcb,
            Tcb::Dcap {
                fmspc: Hex(FMSPC),
                status: TcbStatus::UpToDate,
                advisories: Vec::new(),
                evaluation_number: 17,
                td_attributes: attributes,
            }
        );
        // The vendor's statements end before the certificates do.
        assert_eq!(claims.valid_until, 1_782_777_600);
    }
}

#[test]
fn a_machine_is_the_same_whatever_it_runs_and_no_other() {
    let id = |change: fn(&mut Platform)| {
        let mut platform = Platform::new(3);
        change(&mut platform);
        platform.check().unwrap().platform_id
    };
    assert_eq!(id(|_| ()), id(|platform| platform.body[64] = 9));
    assert_ne!(id(|_| ()), id(|platform| platform.ppid[0] = 9));
    let of = |version| Platform::new(version).check().unwrap().platform_id;
    assert_eq!(of(3), of(4), "SGX and TDX on one processor");
}

#[test]
fn debug_mode_is_refused_though_everything_is_signed() {
    for (version, at, bit) in [(3, 48, 2), (4, 120, 1), (5, 120, 1)] {
        let (reason, _) = refused(version, |platform| platform.body[at] |= bit);
        assert_eq!(reason, Reason::Debug);
    }
}

#[test]
fn a_domain_that_can_be_moved_profiled_or_surprised_is_refused() {
    for (at, value, why) in [
        (120, 0x10, "profiling"),
        (123, 0x30, "migration"),
        (123, 0x00, "SEPT_VE_DISABLE"),
        (124, 0x01, "Reserved"),
        (122, 0x02, "SERVTD"),
    ] {
        let (reason, detail) = refused(4, |platform| platform.body[at] = value);
        assert_eq!(reason, Reason::Rejected);
        assert!(detail.contains(why), "{detail}");
    }
    let (reason, detail) = refused(5, |platform| platform.body[600] = 1);
    assert_eq!(reason, Reason::Rejected);
    assert!(detail.contains("service TD"), "{detail}");
}

#[test]
fn each_status_of_the_firmware_is_claimed_and_a_revoked_level_is_refused() {
    // The last two are of domains that were replaced while they ran.
    for status in &TcbStatus::ALL[..6] {
        let mut platform = Platform::new(3);
        platform.status = status.as_str();
        platform.advisories = r#""INTEL-SA-2","INTEL-SA-1","INTEL-SA-2""#;
        let claims = platform.check().unwrap();
        assert_eq!(claims.tcb_status(), status.as_str());
        assert_eq!(claims.advisories(), ["INTEL-SA-1", "INTEL-SA-2"]);
    }
    let (reason, detail) = refused(3, |platform| platform.status = "Revoked");
    assert_eq!(reason, Reason::Rejected);
    assert!(detail.contains("Revoked"), "{detail}");
}

#[test]
fn a_table_that_does_not_fit_the_platform_is_refused() {
    let tables: [(Change, &str); 4] = [
        (|p| p.svn_min = 3, "No matching TCB level"),
        (|p| p.tcb_info_fmspc = "00606A000001", "Fmspc"),
        (|p| p.tcb_info_version = 1, "non-SGX TCB info"),
        (|p| p.qe_product = 2, "ISVPRODID"),
    ];
    for (change, why) in tables {
        let (reason, detail) = refused(3, change);
        assert_eq!(reason, Reason::Rejected);
        assert!(detail.contains(why), "{detail}");
    }
}

#[test]
fn certificates_that_are_not_valid_at_the_moment_are_refused() {
    let changes: [fn(&mut Platform, &'static str, &'static str); 2] = [
        |p, from, until| (p.leaf.from, p.leaf.until) = (from, until),
        |p, from, until| (p.authority.from, p.authority.until) = (from, until),
    ];
    for change in changes {
        let (reason, _) = refused(3, |p| change(p, "260601000000Z", "261231000000Z"));
        assert_eq!(reason, Reason::NotYetValid);
        let (reason, _) = refused(3, |p| change(p, "260101000000Z", "260501000000Z"));
        assert_eq!(reason, Reason::Expired);
    }
    let (reason, _) = refused(3, |p| p.signer.until = "260501000000Z");
    assert_eq!(reason, Reason::Rejected);
}

#[test]
fn collateral_that_is_not_valid_at_the_moment_is_refused() {
    let late: [Change; 3] = [
        |p| p.root_crl.from = "260601000000Z",
        |p| p.pck_crl.from = "260601000000Z",
        |p| p.issue = "2026-06-01T00:00:00Z",
    ];
    for change in late {
        assert_eq!(refused(3, change).0, Reason::NotYetValid);
    }
    let early: [Change; 3] = [
        |p| p.root_crl.until = "260501000000Z",
        |p| p.pck_crl.until = "260501000000Z",
        |p| p.next = "2026-05-02T00:00:00Z",
    ];
    for change in early {
        assert_eq!(refused(3, change).0, Reason::Expired);
    }
}

#[test]
fn revoked_keys_are_refused() {
    let revoked: [Change; 3] = [
        |p| p.pck_crl.revoked.push(9),
        |p| p.root_crl.revoked.push(2),
        |p| p.root_crl.revoked.push(3),
    ];
    for change in revoked {
        let (reason, detail) = refused(3, change);
        assert_eq!(reason, Reason::Rejected);
        assert!(detail.contains("Revoked"), "{detail}");
    }
}

#[test]
fn each_missing_item_is_named() {
    for (at, name) in [
        "root_crl",
        "pck_crl/platform",
        "tcb_info/tdx/00606a000000",
        "qe_identity/tdx",
    ]
    .into_iter()
    .enumerate()
    {
        let (reason, detail) = refused(4, |platform| platform.without = Some(at));
        assert_eq!(reason, Reason::CollateralMissing);
        assert!(detail.contains(name), "{detail}");
    }
}

#[test]
fn quotes_of_another_shape_are_malformed() {
    let shapes: [Change; 5] = [
        |p| p.cert_type = 4,
        |p| p.certificates_more = 3,
        |p| p.leaf.issuer = "Intel SGX PCK Other CA",
        |p| p.ppid.clear(),
        |p| p.body.truncate(100),
    ];
    for change in shapes {
        assert_eq!(refused(3, change).0, Reason::Malformed);
    }
    let platform = Platform::new(3);
    let mut long = platform.quote();
    long.resize(QUOTE_BYTES_MAX, 0);
    assert!(platform.check_quote(long.clone(), NOW).is_ok());
    long.push(0);
    let refusal = platform.check_quote(long, NOW).unwrap_err();
    assert_eq!(refusal.reason, Reason::Malformed);
    // SGX in version 4 is of no use to anyone: one kind has one form.
    let mut quote = platform.quote();
    quote[0] = 4;
    let refusal = platform.check_quote(quote, NOW).unwrap_err();
    assert_eq!(refusal.reason, Reason::Malformed);
}

#[test]
fn no_more_certificates_than_needed_are_carried() {
    let mut platform = Platform::new(3);
    platform.certificates_more = 1;
    assert_eq!(platform.check().unwrap_err().reason, Reason::Malformed);
}

#[test]
fn evidence_under_another_root_proves_nothing() {
    let platform = Platform::new(3);
    let evidence = Evidence::DcapV1(platform.quote());
    let refusal = evidence.check(&platform.collateral(), NOW).unwrap_err();
    assert_eq!(refusal.reason, Reason::Rejected);
}

#[test]
fn collateral_is_admitted_if_the_root_signed_it() {
    let root = root_certificate();
    let roots = roots_with(|roots| roots.intel = &root);
    let platform = Platform::new(4);
    let keys = Evidence::DcapV1(platform.quote()).collateral_keys();
    for (item, key) in platform.items().iter().zip(keys) {
        assert_eq!(admit_under(item, None, NOW, &roots), Ok(key));
        assert_eq!(item.key(), Some(key));
        let pinned = crate::collateral::admit(item, None, NOW).unwrap_err();
        assert_eq!(pinned.reason, Reason::Forged);
        let again = admit_under(item, Some(item), NOW, &roots).unwrap_err();
        assert_eq!(again.reason, Reason::NotNewer);
    }
}

#[test]
fn collateral_never_goes_back() {
    let root = root_certificate();
    let roots = roots_with(|roots| roots.intel = &root);
    let table = |issue, evaluation_number| {
        let mut platform = Platform::new(3);
        (platform.issue, platform.evaluation_number) = (issue, evaluation_number);
        platform.items()[2].clone()
    };
    let old = table("2026-05-01T00:00:00Z", 17);
    let admit = |new: &Item| admit_under(new, Some(&old), NOW, &roots).map_err(|r| r.reason);
    assert!(admit(&table("2026-05-02T00:00:00Z", 17)).is_ok());
    assert!(admit(&table("2026-05-02T00:00:00Z", 18)).is_ok());
    for (issue, number) in [
        ("2026-05-01T00:00:00Z", 18),
        ("2026-04-30T00:00:00Z", 18),
        ("2026-05-02T00:00:00Z", 16),
    ] {
        assert_eq!(admit(&table(issue, number)), Err(Reason::NotNewer));
    }
}

#[test]
fn a_statement_counts_only_under_the_key_for_statements() {
    let root = root_certificate();
    let roots = roots_with(|roots| roots.intel = &root);
    let admit = |change: fn(&mut Platform)| {
        let mut platform = Platform::new(3);
        change(&mut platform);
        let refuse = |item: &Item| admit_under(item, None, NOW, &roots).map_err(|r| r.reason);
        (refuse(&platform.items()[2]), refuse(&platform.items()[1]))
    };
    let (table, list) = admit(|_| ());
    assert!(table.is_ok() && list.is_ok());
    let forged = Err(Reason::Forged);
    assert_eq!(admit(|p| p.signer.name = PLATFORM).0, forged);
    assert_eq!(admit(|p| p.signer.authority = true).0, forged);
    assert_eq!(admit(|p| p.signer.issuer = PLATFORM).0, forged);
    assert_eq!(admit(|p| p.authority.authority = false).1, forged);
    assert_eq!(admit(|p| p.authority.name = PROCESSOR).1, forged);
    assert_eq!(admit(|p| p.pck_crl.issuer = PROCESSOR).1, forged);
    assert_eq!(admit(|p| p.pck_crl.issuer = ROOT).1, Err(Reason::Malformed));
}

#[test]
fn a_list_is_valid_until_the_second_before_the_next_one() {
    let platform = Platform::new(3);
    let [root_crl, ..] = platform.items();
    assert_eq!(root_crl.window(), Some((FROM_SECONDS, UNTIL_SECONDS - 1)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_flipped_bit_of_a_quote_is_refused_or_proves_the_same(version in 3u16..=5, at: prop::sample::Index) {
        let platform = Platform::new(version);
        let mut quote = platform.quote();
        let bit = at.index(quote.len() * 8);
        quote[bit / 8] ^= 1 << (bit % 8);
        if let Ok(claims) = platform.check_quote(quote, NOW) {
            prop_assert_eq!(claims, platform.check().unwrap());
        }
    }

    #[test]
    fn no_bytes_make_the_check_of_a_quote_panic(
        version in 3u16..=5, start: prop::sample::Index, bytes in prop::collection::vec(any::<u8>(), 1..64),
    ) {
        let platform = Platform::new(version);
        let mut quote = platform.quote();
        let start = start.index(quote.len());
        for (to, from) in quote[start..].iter_mut().zip(&bytes) {
            *to = *from;
        }
        let evidence = Evidence::DcapV1(quote);
        let _ = evidence.collateral_keys();
        let _ = evidence.check(&platform.collateral(), NOW);
        let _ = Evidence::DcapV1(bytes).check(&platform.collateral(), NOW);
    }

    #[test]
    fn no_bytes_make_the_admission_of_collateral_panic(
        which in 0usize..4, start: prop::sample::Index, bytes in prop::collection::vec(any::<u8>(), 1..32),
    ) {
        let item = Platform::new(4).items()[which].clone();
        let mut encoded = item.encode();
        let start = start.index(encoded.len());
        for (to, from) in encoded[start..].iter_mut().zip(&bytes) {
            *to = *from;
        }
        if let Some(changed) = Item::decode(&encoded) {
            let root = root_certificate();
            let roots = roots_with(|roots| roots.intel = &root);
            let _ = admit_under(&changed, Some(&item), NOW, &roots);
            let admitted = admit_under(&changed, None, NOW, &roots);
            prop_assert!(changed == item || admitted.is_err() || admitted == admit_under(&item, None, NOW, &roots));
        }
    }
}
