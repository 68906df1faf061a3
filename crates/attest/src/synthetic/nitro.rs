//! AWS Nitro Enclaves.

use super::{CertSpec, NOW, SigningKey, UNTIL_SECONDS, roots_with};
use crate::claims::{Claims, Kind, Tcb};
use crate::collateral::Collateral;
use crate::evidence::Evidence;
use crate::nitro::DOCUMENT_BYTES_MAX;
use crate::reason::{Reason, Refusal};
use proptest::prelude::*;
use std::sync::LazyLock;

const ROOT: &str = "aws.nitro-enclaves";

/// An enclave, before anything is signed.
struct Enclave {
    module_id: String,
    digest: &'static str,
    pcr0: Vec<u8>,
    user_data: Option<Vec<u8>>,
    leaf: CertSpec,
    region: CertSpec,
    without_root: bool,
    /// More certificates under the first authority: each signs the next.
    authorities_more: usize,
    roots_more: usize,
    /// A map of headers that nobody signs.
    unprotected: Vec<u8>,
    protected: Vec<u8>,
    /// Another field, encoded.
    more: Vec<u8>,
}

impl Enclave {
    fn new() -> Self {
        Self {
            module_id: "i-0123456789abcdef0-enc0123456789abcdef".into(),
            digest: "SHA384",
            pcr0: vec![0x22; 48],
            user_data: Some(vec![0x44; 64]),
            leaf: CertSpec::new("enclave", "region", 3),
            region: CertSpec::authority("region", ROOT, 2),
            without_root: false,
            authorities_more: 0,
            roots_more: 0,
            unprotected: vec![0xa0],
            protected: vec![0xa1, 0x01, 0x38, 0x22],
            more: Vec::new(),
        }
    }

    fn chain(&self) -> Vec<Vec<u8>> {
        let mut chain = vec![
            ROOT_CERTIFICATE.clone(),
            self.region.sign(&SigningKey::p384(2), &SigningKey::p384(1)),
        ];
        // Pairs of another name and the first again: none is its own issuer.
        for _ in 0..self.authorities_more {
            for (name, issuer) in [("zone", "region"), ("region", "zone")] {
                let next = CertSpec::authority(name, issuer, 4);
                chain.push(next.sign(&SigningKey::p384(2), &SigningKey::p384(2)));
            }
        }
        for _ in 0..self.roots_more {
            chain.insert(1, ROOT_CERTIFICATE.clone());
        }
        if self.without_root {
            chain.remove(0);
        }
        chain
    }

    fn payload(&self) -> Vec<u8> {
        let leaf = self.leaf.sign(&SigningKey::p384(3), &SigningKey::p384(2));
        let pcrs = [
            vec![0xa3, 0x00],
            bytes(&self.pcr0),
            vec![0x01],
            bytes(&[0xa1; 48]),
            vec![0x02],
            bytes(&[0; 48]),
        ];
        let mut map = vec![0xbf];
        map.extend([text("module_id"), text(&self.module_id)].concat());
        map.extend([text("digest"), text(self.digest)].concat());
        map.extend([text("timestamp"), vec![0x1b, 0, 0, 1, 0x9b, 0, 0, 0, 0]].concat());
        map.extend([text("pcrs"), pcrs.concat()].concat());
        map.extend([text("certificate"), bytes(&leaf)].concat());
        let chain = self.chain();
        map.extend(text("cabundle"));
        map.push(0x80 | chain.len() as u8);
        map.extend(chain.iter().flat_map(|der| bytes(der)));
        map.extend([text("public_key"), vec![0xf6]].concat());
        let user_data = self.user_data.as_deref().map_or(vec![0xf6], bytes);
        map.extend([text("user_data"), user_data].concat());
        map.extend(&self.more);
        map.push(0xff);
        map
    }

    fn document(&self) -> Vec<u8> {
        let payload = self.payload();
        let mut signed = vec![0x84];
        signed.extend(text("Signature1"));
        signed.extend(bytes(&self.protected));
        signed.extend(bytes(&[]));
        signed.extend(bytes(&payload));
        let signature = SigningKey::p384(3).sign(&signed);
        let mut document = vec![0x84];
        document.extend(bytes(&self.protected));
        document.extend(&self.unprotected);
        document.extend(bytes(&payload));
        document.extend(bytes(&signature));
        document
    }

    fn check(&self) -> Result<Claims, Refusal> {
        check(self.document())
    }
}

static ROOT_CERTIFICATE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let key = SigningKey::p384(1);
    CertSpec::authority(ROOT, ROOT, 1).sign(&key, &key)
});

/// An enclave's document, signed once for the tests that change it.
static DOCUMENT: LazyLock<Vec<u8>> = LazyLock::new(|| Enclave::new().document());

fn check(document: Vec<u8>) -> Result<Claims, Refusal> {
    let roots = roots_with(|roots| roots.nitro = &ROOT_CERTIFICATE);
    Evidence::NitroV1(document).check_under(&Collateral::new(), NOW, &roots)
}

fn head(kind: u8, length: usize) -> Vec<u8> {
    match length {
        0..=23 => vec![kind | length as u8],
        24..=255 => vec![kind | 24, length as u8],
        _ => {
            let [high, low] = (length as u16).to_be_bytes();
            vec![kind | 25, high, low]
        }
    }
}

fn bytes(bytes: &[u8]) -> Vec<u8> {
    [&head(0x40, bytes.len()), bytes].concat()
}

fn text(text: &str) -> Vec<u8> {
    [&head(0x60, text.len()), text.as_bytes()].concat()
}

fn refused(change: impl FnOnce(&mut Enclave)) -> Reason {
    let mut enclave = Enclave::new();
    change(&mut enclave);
    enclave.check().unwrap_err().reason
}

#[test]
fn a_document_proves_what_it_says() {
    let claims = Enclave::new().check().unwrap();
    assert_eq!((claims.kind, &claims.tcb), (Kind::Nitro, &Tcb::Nitro));
    assert_eq!(claims.measurement, [0x22; 48].into());
    let registers: Vec<_> = claims.registers.into_iter().collect();
    assert_eq!(registers, [(1, [0xa1; 48].into())]);
    assert_eq!(claims.report_data, [0x44; 64]);
    assert_eq!(claims.valid_until, UNTIL_SECONDS);
    let tagged = [vec![0xd2], Enclave::new().document()].concat();
    assert_eq!(check(tagged), Enclave::new().check());
}

#[test]
fn enclaves_of_one_instance_are_one_platform() {
    let id = |module_id: &str| {
        let mut enclave = Enclave::new();
        enclave.module_id = module_id.into();
        enclave.check().map(|claims| claims.platform_id)
    };
    assert_eq!(id("i-1-enc1"), id("i-1-enc2"));
    assert_ne!(id("i-1-enc1"), id("i-2-enc1"));
    assert_eq!(id("i-1").unwrap_err().reason, Reason::Malformed);
    let long = |length: usize| format!("{}-enc", "i".repeat(length - 4));
    assert!(id(&long(256)).is_ok());
    assert_eq!(id(&long(257)).unwrap_err().reason, Reason::Malformed);
}

#[test]
fn debug_mode_is_refused_though_everything_is_signed() {
    assert_eq!(refused(|enclave| enclave.pcr0 = vec![0; 48]), Reason::Debug);
}

#[test]
fn a_chain_that_does_not_begin_with_the_root_is_refused() {
    assert_eq!(
        refused(|enclave| enclave.without_root = true),
        Reason::Forged
    );
    let refusal = Evidence::NitroV1(Enclave::new().document())
        .check(&Collateral::new(), NOW)
        .unwrap_err();
    assert_eq!(refusal.reason, Reason::Forged);
}

#[test]
fn certificates_hold_in_their_window_and_sign_only_if_they_may() {
    for change in [
        (|enclave: &mut Enclave| &mut enclave.leaf) as fn(&mut Enclave) -> &mut CertSpec,
        |enclave| &mut enclave.region,
    ] {
        let reason = refused(|enclave| change(enclave).from = "260601000000Z");
        assert_eq!(reason, Reason::NotYetValid);
        let reason = refused(|enclave| change(enclave).until = "260501000000Z");
        assert_eq!(reason, Reason::Expired);
        assert_eq!(
            refused(|enclave| change(enclave).issuer = "other"),
            Reason::Forged
        );
    }
    assert_eq!(
        refused(|enclave| enclave.region.authority = false),
        Reason::Forged
    );
}

#[test]
fn documents_of_another_shape_are_malformed() {
    let shapes: [fn(&mut Enclave); 9] = [
        |enclave| enclave.user_data = None,
        |enclave| enclave.user_data = Some(vec![0x44; 63]),
        |enclave| enclave.digest = "SHA256",
        |enclave| enclave.pcr0 = vec![0x22; 32],
        |enclave| enclave.unprotected = vec![0xa1, 0x01, 0x02],
        |enclave| enclave.protected = vec![0xa1, 0x01, 0x26],
        |enclave| enclave.more = [text("nonce"), text("no bytes")].concat(),
        |enclave| enclave.more = [text("unknown"), bytes(&[1])].concat(),
        |enclave| enclave.more = [text("user_data"), bytes(&[0x55; 64])].concat(),
    ];
    for (at, shape) in shapes.into_iter().enumerate() {
        assert_eq!(refused(shape), Reason::Malformed, "shape {at}");
    }
}

#[test]
fn the_root_is_not_verified_again_and_again() {
    let mut enclave = Enclave::new();
    enclave.roots_more = 1;
    let refusal = enclave.check().unwrap_err();
    assert_eq!(refusal.reason, Reason::Forged);
    assert!(
        refusal.detail.contains("its own issuer"),
        "{}",
        refusal.detail
    );
}

#[test]
fn limits_are_reached_and_not_passed() {
    let mut enclave = Enclave::new();
    // Root, region, and two more; then the limit of five is passed.
    enclave.authorities_more = 1;
    assert!(enclave.check().is_ok());
    enclave.authorities_more = 2;
    assert_eq!(enclave.check().unwrap_err().reason, Reason::Malformed);
    let padded = |length: usize| {
        let mut enclave = Enclave::new();
        enclave.more = [text("nonce"), bytes(&vec![1; length])].concat();
        enclave.document()
    };
    let empty = padded(300).len() - 300;
    assert!(check(padded(DOCUMENT_BYTES_MAX - empty)).is_ok());
    let refusal = check(padded(DOCUMENT_BYTES_MAX - empty + 1)).unwrap_err();
    assert_eq!(refusal.reason, Reason::Malformed);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_flipped_bit_of_a_document_is_refused(at: prop::sample::Index) {
        let mut document = DOCUMENT.clone();
        let bit = at.index(document.len() * 8);
        document[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(check(document).is_err());
    }

    #[test]
    fn no_bytes_make_the_check_of_a_document_panic(
        start: prop::sample::Index, bytes in prop::collection::vec(any::<u8>(), 1..64),
    ) {
        let mut document = DOCUMENT.clone();
        let start = start.index(document.len());
        for (to, from) in document[start..].iter_mut().zip(&bytes) {
            *to = *from;
        }
        let found = check(document);
        prop_assert!(found.is_err() || found == check(DOCUMENT.clone()));
        let _ = check(bytes);
    }
}
