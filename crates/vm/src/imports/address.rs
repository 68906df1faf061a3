//! Addresses as contracts see them: bech32 with the prefix `secret`, any number of bytes, and the error texts that the
//! published std hands on to users (contract-abi.md section 5).

use bech32::primitives::decode::CheckedHrpstring;

/// The one prefix that is accepted and written.
const PREFIX: &str = strongroom_types::address::PREFIX;

/// What is said of an address over [`crate::limits::ADDRESS_BYTES_MAX`].
pub(crate) const TOO_LONG: &str = "Input is too long";

/// The bytes of a human address, or the text for the error region.
pub(crate) fn canonicalize(human: &[u8]) -> Result<Vec<u8>, String> {
    if human.is_empty() {
        return Err("Input is empty".to_owned());
    }
    let text = core::str::from_utf8(human).map_err(|_| "input is not valid UTF-8".to_owned())?;
    decode(text)
}

/// The human form of canonical bytes, or the text for the error region.
pub(crate) fn humanize(canonical: &[u8]) -> Result<String, String> {
    if canonical.is_empty() {
        return Err("Input is empty".to_owned());
    }
    let hrp = bech32::Hrp::parse(PREFIX).map_err(|e| e.to_string())?;
    bech32::encode::<bech32::Bech32>(hrp, canonical).map_err(|e| e.to_string())
}

/// Nothing for an address in its normal form, else the text for the error region.
pub(crate) fn validate(human: &[u8]) -> Result<(), String> {
    if human.is_empty() {
        return Err("Input is empty".to_owned());
    }
    let text = core::str::from_utf8(human).map_err(|_| "Input is not valid UTF-8".to_owned())?;
    let bytes = decode(text)?;
    if humanize(&bytes)? == text {
        Ok(())
    } else {
        Err("Address is not normalized".to_owned())
    }
}

/// Decodes bech32 and checks the prefix (in either case: `SECRET1…` is the same address, not normalised).
fn decode(text: &str) -> Result<Vec<u8>, String> {
    let checked = CheckedHrpstring::new::<bech32::Bech32>(text).map_err(|e| e.to_string())?;
    let prefix = checked.hrp().to_lowercase();
    if prefix != PREFIX {
        return Err(format!("wrong address prefix: {prefix:?}"));
    }
    Ok(checked.byte_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_goes_both_ways() {
        let human = humanize(&[7; 20]).unwrap();
        assert!(human.starts_with("secret1"));
        assert_eq!(canonicalize(human.as_bytes()).unwrap(), vec![7; 20]);
        assert_eq!(validate(human.as_bytes()), Ok(()));
    }

    #[test]
    fn any_length_can_be_written_and_read() {
        for n in [1, 19, 32, 50, 255] {
            let human = humanize(&vec![9; n]).unwrap();
            assert_eq!(canonicalize(human.as_bytes()).unwrap(), vec![9; n]);
        }
    }

    #[test]
    fn the_error_texts_are_those_of_the_protocol() {
        assert_eq!(canonicalize(b"").unwrap_err(), "Input is empty");
        assert_eq!(humanize(b"").unwrap_err(), "Input is empty");
        assert_eq!(validate(b"").unwrap_err(), "Input is empty");
        assert_eq!(
            canonicalize(&[0xff]).unwrap_err(),
            "input is not valid UTF-8"
        );
        assert_eq!(validate(&[0xff]).unwrap_err(), "Input is not valid UTF-8");
        let other = bech32::encode::<bech32::Bech32>(
            bech32::Hrp::parse("secretvaloper").unwrap(),
            &[1; 20],
        )
        .unwrap();
        assert_eq!(
            canonicalize(other.as_bytes()).unwrap_err(),
            "wrong address prefix: \"secretvaloper\""
        );
        let upper = humanize(&[7; 20]).unwrap().to_uppercase();
        assert_eq!(
            validate(upper.as_bytes()).unwrap_err(),
            "Address is not normalized"
        );
        assert_eq!(canonicalize(upper.as_bytes()).unwrap(), vec![7; 20]);
    }

    #[test]
    fn a_broken_checksum_is_an_error_text_and_not_a_trap() {
        let mut human = humanize(&[7; 20]).unwrap().into_bytes();
        let last = human.len() - 1;
        human[last] = if human[last] == b'q' { b'p' } else { b'q' };
        assert!(!canonicalize(&human).unwrap_err().is_empty());
        assert!(!validate(b"no separator").unwrap_err().is_empty());
    }
}
