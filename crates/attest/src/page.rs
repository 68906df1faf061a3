//! Holds docs/spec/attestation.md against the code.

use crate::claims::{Generation, Kind};
use crate::collateral::{COLLATERAL_BYTES_MAX, Key, PckCa};
use crate::dcap::QUOTE_BYTES_MAX;
use crate::evidence::EVIDENCE_BYTES_MAX;
use crate::hex::Hex;
use crate::nitro::DOCUMENT_BYTES_MAX;
use crate::pccs::PCCS_BYTES_MAX;
use crate::policy::POLICY_ENTRIES_MAX;
use crate::reason::Reason;
use crate::x509::CERTIFICATE_BYTES_MAX;

const PAGE: &str = include_str!("../../../docs/spec/attestation.md");

#[test]
fn the_page_names_every_reason_with_its_text() {
    for reason in Reason::ALL {
        let row = format!("| `{}` | {} |", reason.code(), reason.text());
        assert!(PAGE.contains(&row), "{row}");
    }
    let rows = PAGE.lines().filter(|line| line.starts_with("| `attest."));
    assert_eq!(rows.count(), Reason::ALL.len());
}

#[test]
fn the_page_names_every_limit() {
    for (name, limit) in [
        ("evidence", EVIDENCE_BYTES_MAX),
        ("quote", QUOTE_BYTES_MAX),
        ("Nitro document", DOCUMENT_BYTES_MAX),
        ("one certificate", CERTIFICATE_BYTES_MAX),
        ("one item of collateral", COLLATERAL_BYTES_MAX),
        ("collateral of a platform in JSON", PCCS_BYTES_MAX),
    ] {
        let row = format!("| {name} | {limit} |");
        assert!(PAGE.contains(&row), "{row}");
    }
    assert!(PAGE.contains(&format!("at most {POLICY_ENTRIES_MAX} entries")));
}

#[test]
fn the_page_names_every_key_of_collateral() {
    let mut keys = vec![Key::IntelRootCrl];
    keys.extend([PckCa::Processor, PckCa::Platform].map(Key::PckCrl));
    for kind in [Kind::Sgx, Kind::Tdx] {
        keys.extend([Key::TcbInfo(kind, Hex([0; 6])), Key::QeIdentity(kind)]);
    }
    keys.extend(Generation::ALL.map(Key::AmdCrl));
    for key in keys {
        let name = key.to_string().replace("000000000000", "FMSPC");
        assert!(PAGE.contains(&format!("`{name}`")), "{name}");
    }
}
