//! Intel's collateral in the form that caching services (PCCS) and quoting libraries hand it out: one JSON object per platform.

use crate::collateral::{Item, Signed};
use crate::hex::Hex;
use crate::reason::{Reason, Refusal};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dcap_qvl::QuoteCollateralV3;

/// The most bytes of such an object: hex doubles the lists of revoked keys.
pub const PCCS_BYTES_MAX: usize = 256 << 10;

/// The four items in it. Nothing is checked: [`crate::admit`] does that with each.
///
/// # Errors
///
/// [`Reason::Malformed`] if a part is missing or cannot be read.
pub fn items_of_pccs(json: &[u8]) -> Result<[Item; 4], Refusal> {
    if json.len() > PCCS_BYTES_MAX {
        return Err(malformed("the collateral is too long"));
    }
    let all: QuoteCollateralV3 = serde_json::from_slice(json)
        .map_err(|error| malformed(&format!("not collateral of a platform: {error}")))?;
    Ok([
        Item::IntelRootCrl(all.root_ca_crl),
        Item::PckCrl {
            certificate: first(&all.pck_crl_issuer_chain)?,
            crl: all.pck_crl,
        },
        Item::TcbInfo(Signed {
            certificate: first(&all.tcb_info_issuer_chain)?,
            text: all.tcb_info,
            signature: signature(&all.tcb_info_signature)?,
        }),
        Item::QeIdentity(Signed {
            certificate: first(&all.qe_identity_issuer_chain)?,
            text: all.qe_identity,
            signature: signature(&all.qe_identity_signature)?,
        }),
    ])
}

/// The first certificate of a chain (PEM): the signer's.
fn first(chain: &str) -> Result<Vec<u8>, Refusal> {
    let (_, rest) = chain
        .split_once("-----BEGIN CERTIFICATE-----")
        .ok_or_else(|| malformed("a chain without certificates"))?;
    let (body, _) = rest
        .split_once("-----END CERTIFICATE-----")
        .ok_or_else(|| malformed("a certificate without an end"))?;
    let text: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    STANDARD
        .decode(text)
        .map_err(|_| malformed("a certificate that is not base64"))
}

fn signature(bytes: &[u8]) -> Result<Hex<64>, Refusal> {
    bytes
        .try_into()
        .map(Hex)
        .map_err(|_| malformed("a signature that has not 64 bytes"))
}

fn malformed(text: &str) -> Refusal {
    Refusal::new(Reason::Malformed, text)
}
