//! The form of the protocol's certificate (encryption.md 3.3): what `RaAuthenticate` is checked for before the ante chain.

use crate::types::TxError;
use crate::types::error::sdk;

/// Tags of the parts that attest something: a quote, a token of an attestation service.
const ATTESTING: [u8; 2] = [2, 4];

/// Refuses a certificate that is none.
///
/// # Errors
/// sdk 18 for an empty one, else undefined 1 (wire.md 1.12.6).
pub(super) fn check(certificate: &[u8]) -> Result<(), TxError> {
    let Some(first) = certificate.first() else {
        let text = "Authenticating certificate cannot be empty";
        return Err(sdk::INVALID_REQUEST.wrap(text));
    };
    let attests = if *first == 0 {
        attests_fixed(certificate)
    } else {
        attests_tagged(certificate)
    };
    let failed = |why: &str| TxError::plain(format!("Certificate validation failed: {why}"));
    match attests {
        Ok(true) => Ok(()),
        // The protocol's own spelling.
        Ok(false) => Err(failed("No valid attestatoin found")),
        Err(why) => Err(failed(why)),
    }
}

/// A length of four bytes, little-endian, and what follows.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    Some((usize::try_from(u32::from_le_bytes(*length)).ok()?, rest))
}

/// Three lengths, then certificate, quote and collateral.
fn attests_fixed(bytes: &[u8]) -> Result<bool, &'static str> {
    let small = "Combined hdr too small";
    let (certificate, rest) = length(bytes).ok_or(small)?;
    let (quote, rest) = length(rest).ok_or(small)?;
    let (collateral, rest) = length(rest).ok_or(small)?;
    let sum = certificate
        .checked_add(quote)
        .and_then(|sum| sum.checked_add(collateral));
    if sum != Some(rest.len()) {
        return Err("combined hdr invalid");
    }
    Ok(certificate > 0 || quote > 0)
}

/// Parts, each with a tag and a length.
fn attests_tagged(mut bytes: &[u8]) -> Result<bool, &'static str> {
    let mut attests = false;
    while let Some((tag, rest)) = bytes.split_first() {
        let (length, rest) = length(rest).ok_or("Combined hdr too small")?;
        let (value, rest) = rest
            .split_at_checked(length)
            .ok_or("combined hdr invalid")?;
        attests |= ATTESTING.contains(tag) && !value.is_empty();
        bytes = rest;
    }
    Ok(attests)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(certificate: &[u8]) -> (String, u32, String) {
        let e = check(certificate).unwrap_err();
        (e.codespace, e.code, e.text)
    }

    #[test]
    fn certificates_are_refused_with_the_texts_of_the_protocol() {
        let empty = "Authenticating certificate cannot be empty: invalid request";
        assert_eq!(text(b""), ("sdk".into(), 18, empty.into()));
        let failed = |why: &str| {
            let text = format!("Certificate validation failed: {why}");
            ("undefined".to_owned(), 1, text)
        };
        assert_eq!(text(&[0; 11]), failed("Combined hdr too small"));
        assert_eq!(text(&[2, 0, 0]), failed("Combined hdr too small"));
        assert_eq!(text(&[0; 13]), failed("combined hdr invalid"));
        let long = [&[0; 4], [255; 4].as_slice(), &[255; 4]].concat();
        assert_eq!(text(&long), failed("combined hdr invalid"));
        assert_eq!(text(&[2, 9, 0, 0, 0, 1]), failed("combined hdr invalid"));
        assert_eq!(text(&[0; 12]), failed("No valid attestatoin found"));
        assert_eq!(
            text(&[3, 1, 0, 0, 0, 7]),
            failed("No valid attestatoin found")
        );
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_check_of_a_certificate_panic(
            bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60),
        ) {
            let _ = check(&bytes);
        }
    }

    #[test]
    fn both_forms_of_a_certificate_pass() {
        let fixed = [&[0; 4], [1, 0, 0, 0].as_slice(), &[0; 4], &[7]].concat();
        assert_eq!(check(&fixed), Ok(()));
        let tagged = [[9, 0, 0, 0, 0].as_slice(), &[2, 1, 0, 0, 0, 7]].concat();
        assert_eq!(check(&tagged), Ok(()));
        assert_eq!(check(&[4, 1, 0, 0, 0, 7]), Ok(()));
    }
}
