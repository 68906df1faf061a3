//! Signatures of multisigs as they stand in a transaction: `mode_info.multi` says who signed, the signature's bytes hold what they gave.
//!
//! Promises: reading is bounded by `KEYS_MAX` and `NESTED_MAX` of [`crate::public_key`]; what is read has one encoding. (Of more signatures than
//! the threshold somebody on the way can leave some out: a second transaction, of which one runs.) Whether the signatures hold is the ante chain's business.
//! Spec: wire.md 1.1; docs/spec/chain.md 8.

use crate::error::TxError;
use crate::proto::Message as _;
use crate::proto::cosmos::crypto::multisig::v1beta1::{CompactBitArray, MultiSignature};
use crate::proto::cosmos::tx::signing::v1beta1::SignMode;
use crate::proto::cosmos::tx::v1beta1::ModeInfo;
use crate::proto::cosmos::tx::v1beta1::mode_info::{Multi, Single, Sum};
use crate::public_key::{KEYS_MAX, NESTED_MAX};
use crate::wire::{Reader, Value};

/// What a signer gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignatureData<'a> {
    /// One signature.
    Single {
        /// The number of its sign mode, 0 (unspecified) if it names none.
        mode: i32,
        /// Its bytes, of any length.
        signature: &'a [u8],
    },
    /// Those of the members of a multisig.
    Multi {
        /// Who signed, in the order of the keys. Empty if the bit array is none.
        signed: Vec<bool>,
        /// What they gave, in the same order.
        members: Vec<SignatureData<'a>>,
    },
}

impl<'a> SignatureData<'a> {
    /// Reads what stands in mode info and signature.
    ///
    /// # Errors
    /// Code 1, `undefined`, for a multisignature that does not decode, has another encoding, more than [`KEYS_MAX`] signatures,
    /// more than [`NESTED_MAX`] levels, or not one mode for each signature.
    pub fn read(info: Option<&ModeInfo>, signature: &'a [u8]) -> Result<Self, TxError> {
        // Of all levels together: each is an event, and nobody has paid yet.
        let mut left = KEYS_MAX;
        Self::at_level(info, signature, 0, &mut left)
    }

    fn at_level(
        info: Option<&ModeInfo>,
        signature: &'a [u8],
        level: usize,
        left: &mut usize,
    ) -> Result<Self, TxError> {
        let multi = match info.and_then(|i| i.sum.as_ref()) {
            Some(Sum::Multi(multi)) => multi,
            single => {
                let mode = match single {
                    Some(Sum::Single(single)) => single.mode,
                    _ => SignMode::Unspecified.into(),
                };
                return Ok(Self::Single { mode, signature });
            }
        };
        if level >= NESTED_MAX {
            let text = format!("multisignatures nested deeper than {NESTED_MAX}");
            return Err(TxError::plain(text));
        }
        let given = signatures(signature)?;
        let (modes, signatures) = (multi.mode_infos.len(), given.len());
        if modes != signatures {
            let text = format!("multisignature of {signatures} signatures with {modes} modes");
            return Err(TxError::plain(text));
        }
        *left = left.checked_sub(signatures).ok_or_else(too_many)?;
        let below = level.saturating_add(1);
        let members = multi.mode_infos.iter().zip(given);
        let members = members.map(|(info, bytes)| Self::at_level(Some(info), bytes, below, left));
        Ok(Self::Multi {
            signed: multi.bitarray.as_ref().and_then(bits).unwrap_or_default(),
            members: members.collect::<Result<_, _>>()?,
        })
    }

    /// Whether all of it names LEGACY_AMINO_JSON: such an error has another text.
    #[must_use]
    pub fn is_amino(&self) -> bool {
        match self {
            Self::Single { mode, .. } => *mode == i32::from(SignMode::LegacyAminoJson),
            Self::Multi { members, .. } => members.iter().all(Self::is_amino),
        }
    }

    /// The signatures of all levels, in order.
    #[must_use]
    pub fn leaves(&self) -> Vec<&'a [u8]> {
        match self {
            Self::Single { signature, .. } => vec![signature],
            Self::Multi { members, .. } => members.iter().flat_map(Self::leaves).collect(),
        }
    }
}

/// The parts of a `MultiSignature`, in its one encoding.
fn signatures(bytes: &[u8]) -> Result<Vec<&[u8]>, TxError> {
    let mut found = Vec::new();
    for field in Reader::new(bytes) {
        let field = field.map_err(|_| TxError::plain("malformed MultiSignature"))?;
        if field.number != 1 {
            let text = "rejecting unrecognized fields found in MultiSignature";
            return Err(TxError::plain(text));
        }
        match field.value {
            Value::Bytes(signature) if field.is_minimal => found.push(signature),
            _ => return Err(TxError::plain("malformed MultiSignature")),
        }
        if found.len() > KEYS_MAX {
            return Err(too_many());
        }
    }
    Ok(found)
}

fn too_many() -> TxError {
    TxError::plain(format!("multisignature of more than {KEYS_MAX} signatures"))
}

/// The bits of a compact array, the highest of each byte first. `None` for one of more than [`KEYS_MAX`], and for a second
/// encoding of the same: bits of a last byte that are none must be 0.
fn bits(array: &CompactBitArray) -> Option<Vec<bool>> {
    let extra = usize::try_from(array.extra_bits_stored).ok()?;
    let of_bytes = array.elems.len().checked_mul(8)?;
    let len = match extra {
        0 => of_bytes,
        1..=7 => of_bytes.checked_sub(8)?.checked_add(extra)?,
        _ => return None,
    };
    if len > KEYS_MAX {
        return None;
    }
    let all = array.elems.iter();
    let mut all: Vec<bool> = all
        .flat_map(|byte| (0..8_u32).map(move |at| byte.rotate_left(at) & 0x80 != 0))
        .collect();
    let rest = all.split_off(len);
    (!rest.contains(&true)).then_some(all)
}

/// A mode and the signature that it is of.
pub type Signed = (ModeInfo, Vec<u8>);

/// What a member gives: its signature of the multisig's Amino document.
#[must_use]
pub fn member(signature: Vec<u8>) -> Signed {
    let mode = SignMode::LegacyAminoJson.into();
    let sum = Some(Sum::Single(Single { mode }));
    (ModeInfo { sum }, signature)
}

/// Puts together what the members of a multisig gave; in the order of its keys, `None` for those who did not sign.
#[must_use]
pub fn combine(members: Vec<Option<Signed>>) -> Signed {
    let mut elems = vec![0_u8; members.len().div_ceil(8)];
    for (at, _) in members.iter().enumerate().filter(|(_, m)| m.is_some()) {
        if let (Some(byte), Ok(bit)) = (elems.get_mut(at / 8), u32::try_from(at % 8)) {
            *byte |= 0x80_u8.rotate_right(bit);
        }
    }
    let array = CompactBitArray {
        extra_bits_stored: u32::try_from(members.len() % 8).unwrap_or(0),
        elems,
    };
    let (mode_infos, signatures) = members.into_iter().flatten().unzip();
    let multi = Multi {
        bitarray: Some(array),
        mode_infos,
    };
    let sum = Some(Sum::Multi(multi));
    let bytes = MultiSignature { signatures }.encode_to_vec();
    (ModeInfo { sum }, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn array(extra_bits_stored: u32, elems: &[u8]) -> CompactBitArray {
        let elems = elems.to_vec();
        CompactBitArray {
            extra_bits_stored,
            elems,
        }
    }

    fn signature(byte: u8) -> Option<Signed> {
        Some(member(vec![byte; 64]))
    }

    /// A multisig of members that each are one of `wide` empty signatures.
    fn nested(wide: usize) -> (ModeInfo, Vec<u8>) {
        let inner = assemble_any(vec![member(Vec::new()); wide]);
        assemble_any(vec![inner; wide])
    }

    fn assemble_any(members: Vec<Signed>) -> Signed {
        let (mode_infos, signatures) = members.into_iter().unzip();
        let sum = Sum::Multi(Multi {
            bitarray: None,
            mode_infos,
        });
        let bytes = MultiSignature { signatures }.encode_to_vec();
        (ModeInfo { sum: Some(sum) }, bytes)
    }

    #[test]
    fn signatures_of_all_levels_together_are_counted_before_they_are_told() {
        let (info, bytes) = nested(7);
        SignatureData::read(Some(&info), &bytes).unwrap();
        let (info, bytes) = nested(8);
        let text = refused(&info, &bytes);
        assert_eq!(text, "multisignature of more than 64 signatures");
    }

    fn refused(info: &ModeInfo, bytes: &[u8]) -> String {
        let error = SignatureData::read(Some(info), bytes).unwrap_err();
        assert_eq!((error.codespace.as_str(), error.code), ("undefined", 1));
        error.text
    }

    #[test]
    fn bits_are_read_from_the_highest_and_have_one_encoding() {
        assert_eq!(
            bits(&array(3, &[0b1010_0000])),
            Some(vec![true, false, true])
        );
        assert_eq!(bits(&array(0, &[0x80])).unwrap().len(), 8);
        assert_eq!(bits(&array(1, &[0, 0x80])).unwrap().len(), 9);
        assert_eq!(bits(&array(0, &[])), Some(vec![]));
        assert_eq!(bits(&array(0, &[0; 8])).unwrap().len(), KEYS_MAX);
        let none = [
            array(3, &[0b1011_0000]),
            array(3, &[]),
            array(8, &[0]),
            array(u32::MAX, &[0]),
            array(1, &[0; 9]),
            array(0, &[0; 9]),
        ];
        for array in none {
            assert_eq!(bits(&array), None, "{array:?}");
        }
    }

    #[test]
    fn what_is_put_together_reads_as_it_was() {
        let inner = combine(vec![None, signature(2)]);
        let (info, bytes) = combine(vec![signature(1), None, Some(inner)]);
        let data = SignatureData::read(Some(&info), &bytes).unwrap();
        let SignatureData::Multi { signed, members } = &data else {
            panic!("{data:?}")
        };
        assert_eq!(signed, &[true, false, true]);
        assert_eq!(members.len(), 2);
        assert_eq!(data.leaves(), [&[1; 64], &[2; 64]]);
        assert!(data.is_amino());
    }

    #[test]
    fn a_multisignature_of_another_form_is_refused() {
        let (info, bytes) = combine(vec![signature(1), signature(2)]);
        let longer = [&bytes[..], &[0x12, 0]].concat();
        let unknown = "rejecting unrecognized fields found in MultiSignature";
        assert_eq!(refused(&info, &longer), unknown);
        // The length of the first signature in two bytes.
        let second = [&[0x0a, 0xc0, 0x00], &bytes[2..]].concat();
        for bad in [&second[..], &bytes[..bytes.len() - 1], &[0x08, 0x01]] {
            assert_eq!(refused(&info, bad), "malformed MultiSignature");
        }
        let more = [&bytes[..], &[0x0a, 0]].concat();
        assert_eq!(
            refused(&info, &more),
            "multisignature of 3 signatures with 2 modes"
        );
        assert_eq!(
            refused(&info, &[]),
            "multisignature of 0 signatures with 2 modes"
        );
        let crowded = [0x0a, 0].repeat(KEYS_MAX + 1);
        assert_eq!(
            refused(&info, &crowded),
            "multisignature of more than 64 signatures"
        );
        let mut deep = member(vec![1; 64]);
        for _ in 0..=NESTED_MAX {
            deep = combine(vec![Some(deep)]);
        }
        assert_eq!(
            refused(&deep.0, &deep.1),
            "multisignatures nested deeper than 4"
        );
    }

    #[test]
    fn one_signature_is_what_it_is() {
        let data = SignatureData::read(None, &[7; 3]).unwrap();
        assert_eq!(data.leaves(), [&[7; 3]]);
        assert!(!data.is_amino());
    }

    proptest! {
        #[test]
        fn arbitrary_content_never_panics(
            info in proptest::collection::vec(any::<u8>(), 0..80),
            bytes in proptest::collection::vec(any::<u8>(), 0..80),
        ) {
            if let Ok(info) = ModeInfo::decode(info.as_slice()) {
                let _ = SignatureData::read(Some(&info), &bytes);
            }
            let (info, _) = combine(vec![signature(1), None, signature(2)]);
            let _ = SignatureData::read(Some(&info), &bytes);
        }

        #[test]
        fn whoever_signed_is_said_in_the_bits(signed in proptest::collection::vec(any::<bool>(), 1..KEYS_MAX)) {
            let members = signed.iter().map(|is| is.then(|| member(vec![1; 64])));
            let (info, bytes) = combine(members.collect());
            let read = SignatureData::read(Some(&info), &bytes).unwrap();
            let is_same = matches!(read, SignatureData::Multi { signed: said, .. } if said == signed);
            prop_assert!(is_same);
        }
    }
}
