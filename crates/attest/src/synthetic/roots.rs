//! The pinned certificates.

use crate::claims::Generation;
use crate::roots::PINNED;
use crate::x509::Cert;
use strongroom_types::sha256;

const TIME: u64 = super::NOW;

#[test]
fn the_pinned_roots_are_those_that_the_vendors_publish() {
    let fingerprints = [
        PINNED.intel,
        PINNED.nitro,
        PINNED.milan.ark,
        PINNED.genoa.ark,
        PINNED.turin.ark,
    ]
    .map(|der| hex::encode(sha256(der)));
    assert_eq!(
        fingerprints,
        [
            "44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3",
            "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b",
            "69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd",
            "4c6598d19c18719c5dfd4a7d335f674e5bfe1d8f800cea2cf270c10d103db2f1",
            "1f084161a44bb6d93778a904877d4819cafa5d05ef4193b2ded9dd9c73dd3f6a",
        ]
    );
}

#[test]
fn roots_sign_themselves_and_those_of_amd_sign_their_intermediate_keys() {
    for der in [PINNED.intel, PINNED.nitro] {
        let root = Cert::parse(der).unwrap();
        assert_eq!(root.check(&root, TIME), Ok(()));
        assert!(root.is_authority());
    }
    for generation in Generation::ALL {
        let pinned = PINNED.amd(generation);
        let (ark, ask) = (
            Cert::parse(pinned.ark).unwrap(),
            Cert::parse(pinned.ask).unwrap(),
        );
        assert_eq!(ark.check(&ark, TIME), Ok(()));
        assert_eq!(ask.check(&ark, TIME), Ok(()));
        assert_eq!(ask.name(), format!("SEV-{}", generation.as_str()));
        assert!(ark.check(&ask, TIME).is_err());
    }
}

#[test]
fn a_changed_bit_of_a_certificate_that_rsa_signed_is_refused() {
    let pinned = PINNED.milan;
    let ark = Cert::parse(pinned.ark).unwrap();
    for at in (0..pinned.ask.len()).step_by(29) {
        let mut changed = pinned.ask.to_vec();
        changed[at] ^= 1;
        let found = Cert::parse(&changed).and_then(|cert| cert.check(&ark, TIME));
        assert!(found.is_err(), "byte {at}");
    }
}
