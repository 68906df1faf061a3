//! Transactions: bounded, strict decoding of `TxRaw`, and the bytes that DIRECT signs (wire.md 1.1, 1.12.2).
//!
//! Promises: what decodes has fields in ADR-027 order, no unknown critical field at any depth, only messages that a
//! `Msg` service takes, and is no larger than [`TX_LEN_MAX`]. Refuses with (`sdk`, code, text) as clients know them.
//! Messages stay `Any`: what is in them is the modules' business.

use crate::{
    error::{TxError, sdk},
    multisig::SignatureData,
    proto::{
        Any,
        cosmos::tx::{
            signing::v1beta1::SignMode,
            v1beta1::{AuthInfo, Fee, SignDoc, TxBody, TxRaw},
        },
    },
    schema,
    strict::Walk,
    wire::{Reader, Value},
};
use prost::Message;

pub use crate::{
    strict::{DEPTH_MAX, FIELDS_MAX, StrictError},
    wire::WireError,
};

/// Largest transaction in bytes: a block's worth (4 MiB), so that the largest upload fits.
pub const TX_LEN_MAX: usize = 4 << 20;
/// Largest transaction that a node takes from a client, in bytes: the largest upload (2 MiB of code) and 64 KiB around it.
pub const BROADCAST_LEN_MAX: usize = (2 << 20) + (64 << 10);
/// Most signatures that are decoded at all; the ante chain allows far fewer (`tx_sig_limit`).
pub const SIGNATURES_MAX: usize = 64;
/// Most messages in one transaction.
pub const MESSAGES_MAX: usize = 10_000;

/// A decoded transaction with the bytes that were signed.
#[derive(Clone, Debug, PartialEq)]
pub struct Tx {
    /// Messages, memo, timeout height, extension options.
    pub body: TxBody,
    /// Signers and fee.
    pub auth_info: AuthInfo,
    /// One per signer, in order; lengths are not checked here.
    pub signatures: Vec<Vec<u8>>,
    /// `body` as it came: signatures cover these bytes.
    pub body_bytes: Vec<u8>,
    /// `auth_info` as it came.
    pub auth_info_bytes: Vec<u8>,
    /// Length of the whole transaction in bytes (`tx_size_cost_per_byte` counts it).
    pub len: usize,
    /// Whether the body holds unknown fields that are not critical; Amino JSON cannot sign those.
    pub has_unknown_fields: bool,
    /// Whether body and auth info are the canonical encodings of what they say: a signature in Amino JSON covers no other.
    pub is_canonical: bool,
}

impl Tx {
    /// Decodes `TxRaw` bytes.
    ///
    /// # Errors
    /// sdk 2 `<detail>: tx parse error` for whatever does not decode, is out of order, unknown or too large; sdk 18
    /// `must contain at least one message: invalid request`.
    pub fn decode(bytes: &[u8]) -> Result<Self, TxError> {
        if bytes.len() > TX_LEN_MAX {
            return Err(parse_error(format!(
                "tx of {} bytes, at most {TX_LEN_MAX}",
                bytes.len()
            )));
        }
        check_order(bytes)?;
        strict(false, "cosmos.tx.v1beta1.TxRaw", bytes)?;
        let raw: TxRaw = decode_proto(bytes)?;
        let of_body = strict(true, "cosmos.tx.v1beta1.TxBody", &raw.body_bytes)?;
        let body: TxBody = decode_proto(&raw.body_bytes)?;
        let of_info = strict(false, "cosmos.tx.v1beta1.AuthInfo", &raw.auth_info_bytes)?;
        let auth_info: AuthInfo = decode_proto(&raw.auth_info_bytes)?;
        check_messages(&body.messages)?;
        Ok(Self {
            body,
            auth_info,
            signatures: raw.signatures,
            body_bytes: raw.body_bytes,
            auth_info_bytes: raw.auth_info_bytes,
            len: bytes.len(),
            has_unknown_fields: of_body.found_non_critical,
            is_canonical: of_body.is_canonical && of_info.is_canonical,
        })
    }

    /// The fee, empty if there is none.
    #[must_use]
    pub fn fee(&self) -> Fee {
        self.auth_info.fee.clone().unwrap_or_default()
    }

    /// What signer `index` gave, nothing if there is no such signer.
    ///
    /// # Errors
    /// As [`SignatureData::read`].
    pub fn signature(&self, index: usize) -> Result<SignatureData<'_>, TxError> {
        let info = self.auth_info.signer_infos.get(index);
        let bytes = self.signatures.get(index);
        SignatureData::read(
            info.and_then(|i| i.mode_info.as_ref()),
            bytes.map(Vec::as_slice).unwrap_or_default(),
        )
    }

    /// The bytes that this transaction's signers sign in DIRECT mode.
    #[must_use]
    pub fn sign_bytes_direct(&self, chain_id: &str, account_number: u64) -> Vec<u8> {
        sign_bytes_direct(
            &self.body_bytes,
            &self.auth_info_bytes,
            chain_id,
            account_number,
        )
    }
}

/// A sign mode by name, or by number if it has none.
#[must_use]
pub fn sign_mode_name(mode: i32) -> String {
    SignMode::try_from(mode).map_or_else(|_| mode.to_string(), |m| m.as_str_name().to_owned())
}

/// The `SignDoc` that DIRECT signs; ECDSA is over its SHA-256.
#[must_use]
pub fn sign_bytes_direct(
    body: &[u8],
    auth_info: &[u8],
    chain_id: &str,
    account_number: u64,
) -> Vec<u8> {
    SignDoc {
        body_bytes: body.to_vec(),
        auth_info_bytes: auth_info.to_vec(),
        chain_id: chain_id.to_owned(),
        account_number,
    }
    .encode_to_vec()
}

/// Puts a signed transaction together.
#[must_use]
pub fn encode(body_bytes: Vec<u8>, auth_info_bytes: Vec<u8>, signatures: Vec<Vec<u8>>) -> Vec<u8> {
    TxRaw {
        body_bytes,
        auth_info_bytes,
        signatures,
    }
    .encode_to_vec()
}

/// sdk 2: `<detail>: tx parse error`. It takes a text, so whoever passes an error on makes one of it where its type is seen.
pub fn parse_error(detail: impl Into<String>) -> TxError {
    sdk::TX_DECODE.wrap(detail.into())
}

/// Decodes a message of a transaction. The text of the error is ours: no library's may get into a result.
///
/// # Errors
/// sdk 2 `malformed protobuf: tx parse error`.
pub fn decode_proto<M: Message + Default>(bytes: &[u8]) -> Result<M, TxError> {
    M::decode(bytes).map_err(|_| parse_error("malformed protobuf"))
}

/// ADR-027: the three fields in ascending order, lengths in the fewest bytes, none but `signatures` twice.
fn check_order(bytes: &[u8]) -> Result<(), TxError> {
    let (mut before, mut signatures) = (0, 0_usize);
    for field in Reader::new(bytes) {
        let field = field.map_err(|e: WireError| parse_error(e.to_string()))?;
        let number = field.number;
        if !matches!(field.value, Value::Bytes(_)) {
            let got = field.value.type_name();
            return Err(parse_error(format!(
                "expected bytes wire type for tagNum {number}, got {got}"
            )));
        }
        if number < before || (number == before && number < 3) {
            return Err(parse_error(format!(
                "txRaw must follow ADR-027, got tagNum {number} after tagNum {before}"
            )));
        }
        if !field.is_minimal {
            return Err(parse_error(format!(
                "length prefix for tagNum {number} is not as short as possible"
            )));
        }
        if number == 3 {
            signatures = signatures.saturating_add(1);
        }
        before = number;
    }
    if signatures > SIGNATURES_MAX {
        return Err(parse_error(format!(
            "{signatures} signatures, at most {SIGNATURES_MAX}"
        )));
    }
    Ok(())
}

/// Walks a message of this name (`package.Message`) as those of a transaction are walked: unknown fields, depth and number of fields are
/// looked at before anything is made of the bytes.
///
/// # Errors
/// sdk 2.
pub fn strict_message(name: &'static str, bytes: &[u8]) -> Result<(), TxError> {
    strict(false, name, bytes).map(drop)
}

/// Answers the walk, which knows what was found.
fn strict(allow_non_critical: bool, name: &'static str, bytes: &[u8]) -> Result<Walk, TxError> {
    let message = schema::message(name)
        .ok_or_else(|| parse_error(StrictError::TypeUrl(name.to_owned()).to_string()))?;
    let mut walk = Walk::new(allow_non_critical);
    walk.check(message, bytes)
        .map_err(|e: StrictError| parse_error(e.to_string()))?;
    Ok(walk)
}

fn check_messages(messages: &[Any]) -> Result<(), TxError> {
    if messages.is_empty() {
        return Err(sdk::INVALID_REQUEST.wrap("must contain at least one message"));
    }
    if messages.len() > MESSAGES_MAX {
        return Err(parse_error(format!(
            "{} messages, at most {MESSAGES_MAX}",
            messages.len()
        )));
    }
    for Any { type_url, .. } in messages {
        if !schema::by_type_url(type_url).is_some_and(|m| m.is_request) {
            return Err(parse_error(format!(
                "no concrete type registered for type URL {type_url} against interface *types.Msg"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{cosmos::bank::v1beta1::MsgSend, cosmos::base::v1beta1::Coin, pack};
    use proptest::prelude::*;

    fn send() -> MsgSend {
        MsgSend {
            from_address: "secret1ap26qrlp8mcq2pg6r47w43l0y8zkqm8a450s03".into(),
            to_address: "secret1fc3fzy78ttp0lwuujw7e52rhspxn8uj52zfyne".into(),
            amount: vec![Coin {
                denom: "uscrt".into(),
                amount: "5".into(),
            }],
        }
    }

    fn body(messages: Vec<Any>) -> TxBody {
        TxBody {
            messages,
            memo: "hi".into(),
            ..TxBody::default()
        }
    }

    fn bytes_of(body: &[u8]) -> Vec<u8> {
        let info = AuthInfo {
            fee: Some(Fee {
                gas_limit: 9,
                ..Fee::default()
            }),
            ..AuthInfo::default()
        };
        encode(body.to_vec(), info.encode_to_vec(), vec![vec![7; 64]])
    }

    fn good() -> Vec<u8> {
        bytes_of(&body(vec![pack(&send())]).encode_to_vec())
    }

    fn refused(bytes: &[u8]) -> String {
        let e = Tx::decode(bytes).unwrap_err();
        assert_eq!((e.codespace.as_str(), e.code), ("sdk", 2), "{e}");
        e.text
    }

    /// `inner` as field `number` of wire type 2.
    fn field(number: u8, inner: &[u8]) -> Vec<u8> {
        [
            &[number << 3 | 2, u8::try_from(inner.len()).unwrap()],
            inner,
        ]
        .concat()
    }

    #[test]
    fn a_transaction_decodes_with_the_bytes_that_were_signed() {
        let bytes = good();
        let tx = Tx::decode(&bytes).unwrap();
        assert_eq!(tx.body, body(vec![pack(&send())]));
        assert_eq!(tx.body_bytes, tx.body.encode_to_vec());
        assert_eq!(
            (tx.fee().gas_limit, tx.len, tx.has_unknown_fields),
            (9, bytes.len(), false)
        );
        let doc = SignDoc::decode(tx.sign_bytes_direct("secretdev-1", 3).as_slice()).unwrap();
        assert_eq!(
            (doc.body_bytes, doc.chain_id, doc.account_number),
            (tx.body_bytes, "secretdev-1".into(), 3)
        );
    }

    #[test]
    fn fields_out_of_order_or_twice_are_refused() {
        let (body, info) = (field(1, b""), field(2, b""));
        assert_eq!(
            refused(&[info.clone(), body.clone()].concat()),
            "txRaw must follow ADR-027, got tagNum 1 after tagNum 2: tx parse error"
        );
        assert_eq!(
            refused(&[body.clone(), body.clone(), info].concat()),
            "txRaw must follow ADR-027, got tagNum 1 after tagNum 1: tx parse error"
        );
        assert!(refused(&[0x0a, 0x80, 0x00]).contains("not as short as possible"));
        assert!(refused(&[0x08, 0x01]).contains("wire type"));
    }

    #[test]
    fn nobody_lengthens_the_transaction_of_another_with_what_a_decoder_forgets() {
        let raw =
            |body: &[u8], info: &[u8]| encode(body.to_vec(), info.to_vec(), vec![vec![7; 64]]);
        let good = Tx::decode(&good()).unwrap();
        let (body, info) = (&good.body_bytes[..], &good.auth_info_bytes[..]);
        Tx::decode(&raw(body, info)).unwrap();
        // The memo of the victim is the last, and counts.
        let memo = [field(2, b"junk"), field(2, b"more")].concat();
        let twice = refused(&raw(&[body, &memo].concat(), info));
        assert!(
            twice.contains("field 2 of \"/cosmos.tx.v1beta1.TxBody\" is there twice"),
            "{twice}"
        );
        // Fees without anything would be merged to nothing.
        let fees = refused(&raw(body, &[info, &field(2, b"")].concat()));
        assert!(fees.contains("is there twice"), "{fees}");
        // Within a message, too: the sender twice.
        let sends = [send().encode_to_vec(), field(1, b"x")].concat();
        let mut any = pack(&send());
        any.value = sends;
        let with = self::body(vec![any]).encode_to_vec();
        let within = refused(&raw(&with, info));
        assert!(within.contains("is there twice"), "{within}");
        // The mode of a signature beside another: the last would count.
        let two = field(
            1,
            &field(2, &[field(1, b"\x08\x01"), field(2, b"")].concat()),
        );
        let two = refused(&raw(body, &[&two, info].concat()));
        assert!(two.contains("beside an alternative"), "{two}");
        // A timeout height of 0 in two bytes.
        let long = refused(&raw(&[body, &[0x18, 0x80, 0x00]].concat(), info));
        assert!(long.contains("more bytes than it needs"), "{long}");
    }

    #[test]
    fn what_could_be_written_otherwise_is_not_canonical() {
        use crate::proto::cosmos::feegrant::v1beta1::{
            BasicAllowance, MsgGrantAllowance, PeriodicAllowance,
        };
        let is_canonical = |any: Any, more: &[u8]| {
            let body = [&body(vec![any]).encode_to_vec(), more].concat();
            Tx::decode(&bytes_of(&body)).unwrap().is_canonical
        };
        let with = |more: &[u8]| {
            let mut any = pack(&send());
            any.value.extend(more);
            any
        };
        let url = |url: &str| Any {
            type_url: url.into(),
            ..pack(&send())
        };
        assert!(is_canonical(pack(&send()), &[]));
        assert!(is_canonical(pack(&send()), &[0x18, 5]));
        // A timeout height of 0.
        assert!(!is_canonical(pack(&send()), &[0x18, 0]));
        // A coin with an empty denomination, written; then as it is left out.
        assert!(!is_canonical(with(&field(3, &field(1, b""))), &[]));
        assert!(is_canonical(with(&field(3, b"")), &[]));
        assert!(!is_canonical(url("a/cosmos.bank.v1beta1.MsgSend"), &[]));
        assert!(!is_canonical(url("//cosmos.bank.v1beta1.MsgSend"), &[]));
        // The amount before the addresses.
        let mut reordered = pack(&send());
        reordered.value.rotate_right(field(3, &[0; 10]).len());
        assert_eq!(
            decode_proto::<MsgSend>(&reordered.value).unwrap(),
            send(),
            "the same message"
        );
        assert!(!is_canonical(reordered, &[]));
        // A message within that Amino JSON writes always.
        let grant = |basic| {
            let allowance = PeriodicAllowance {
                basic,
                period: Some(crate::proto::google::protobuf::Duration::default()),
                period_reset: Some(crate::proto::google::protobuf::Timestamp::default()),
                ..PeriodicAllowance::default()
            };
            pack(&MsgGrantAllowance {
                allowance: Some(pack(&allowance)),
                ..MsgGrantAllowance::default()
            })
        };
        assert!(is_canonical(grant(Some(BasicAllowance::default())), &[]));
        assert!(!is_canonical(grant(None), &[]));
    }

    #[test]
    fn numbers_beyond_their_type_are_not_canonical() {
        let of = |name: &str, bytes: &[u8]| {
            let mut walk = Walk::new(false);
            walk.check(schema::message(name).unwrap(), bytes).unwrap();
            walk.is_canonical
        };
        let single = "cosmos.tx.v1beta1.ModeInfo.Single";
        assert!(of(single, &[0x08, 0x7f]));
        assert!(!of(single, &[0x08, 0xff, 0xff, 0xff, 0xff, 0x1f]));
        let negative = [&[0x08][..], &[0xff; 9], &[0x01]].concat();
        assert!(of(single, &negative));
        let bits = "cosmos.crypto.multisig.v1beta1.CompactBitArray";
        assert!(of(bits, &[0x08, 3]));
        assert!(!of(bits, &[0x08, 0x83, 0x80, 0x80, 0x80, 0x10]));
        let switch = "cosmos.bank.v1beta1.SendEnabled";
        assert!(of(switch, &[0x10, 1]));
        assert!(!of(switch, &[0x10, 2]));
    }

    #[test]
    fn none_of_our_messages_has_a_packed_list() {
        let packed = schema::messages().iter().filter(|m| {
            let mut fields = m.fields.iter();
            !m.amino_name.is_empty() && fields.any(|f| f.repeated && f.kind.is_packable())
        });
        let names: Vec<&str> = packed.map(|m| m.name).collect();
        assert!(names.is_empty(), "{names:?}");
    }

    #[test]
    fn only_a_transaction_without_signers_has_a_second_encoding() {
        let only_body = encode(body(vec![pack(&send())]).encode_to_vec(), vec![], vec![]);
        let explicit = [only_body.clone(), field(2, b"")].concat();
        for bytes in [only_body, explicit] {
            let tx = Tx::decode(&bytes).unwrap();
            assert!(tx.auth_info.signer_infos.is_empty());
        }
    }

    #[test]
    fn unknown_fields_are_refused_at_every_depth() {
        assert!(refused(&[good(), field(5, b"x")].concat()).starts_with(
            "errUnknownField \"/cosmos.tx.v1beta1.TxRaw\": {TagNum: 5, WireType:\"bytes\"}: tx parse error"
        ));
        let in_body = [body(vec![pack(&send())]).encode_to_vec(), field(9, b"x")].concat();
        assert!(refused(&bytes_of(&in_body)).contains("\"/cosmos.tx.v1beta1.TxBody\": {TagNum: 9"));
        let mut any = pack(&send());
        any.value.extend(field(7, b"x"));
        let in_message = body(vec![any]).encode_to_vec();
        assert!(
            refused(&bytes_of(&in_message))
                .contains("\"/cosmos.bank.v1beta1.MsgSend\": {TagNum: 7")
        );
        let mut any = pack(&send());
        any.value.extend(field(3, &field(9, b"x")));
        assert!(
            refused(&bytes_of(&body(vec![any]).encode_to_vec()))
                .contains("v1beta1.Coin\": {TagNum: 9")
        );
    }

    #[test]
    fn an_unknown_field_that_is_not_critical_passes_in_the_body_only() {
        // Field 1024 + 1, wire type 2, empty.
        let extra = [0x8a, 0x40, 0x00];
        let with = [body(vec![pack(&send())]).encode_to_vec(), extra.to_vec()].concat();
        assert!(Tx::decode(&bytes_of(&with)).unwrap().has_unknown_fields);
        let info = encode(
            body(vec![pack(&send())]).encode_to_vec(),
            extra.to_vec(),
            vec![],
        );
        assert!(refused(&info).contains("AuthInfo"));
    }

    #[test]
    fn a_field_of_another_wire_type_is_refused() {
        let text = refused(&bytes_of(&[0x10, 0x05]));
        assert!(
            text.contains("GotWireType: \"varint\" != WantWireType: \"bytes\""),
            "{text}"
        );
    }

    #[test]
    fn unknown_types_and_types_that_are_no_messages_are_refused() {
        let unknown = Any {
            type_url: "/cosmos.bank.v1beta1.MsgSteal".into(),
            value: vec![],
        };
        assert_eq!(
            refused(&bytes_of(&body(vec![unknown]).encode_to_vec())),
            "unable to resolve type URL /cosmos.bank.v1beta1.MsgSteal: tx parse error"
        );
        assert_eq!(
            refused(&bytes_of(
                &body(vec![pack(&Coin::default())]).encode_to_vec()
            )),
            "no concrete type registered for type URL /cosmos.base.v1beta1.Coin against interface *types.Msg: \
             tx parse error"
        );
    }

    #[test]
    fn a_transaction_without_messages_is_refused() {
        let e = Tx::decode(&bytes_of(&body(vec![]).encode_to_vec())).unwrap_err();
        assert_eq!(
            (e.code, e.text.as_str()),
            (18, "must contain at least one message: invalid request")
        );
        assert_eq!(Tx::decode(&[]).unwrap_err().code, 18);
    }

    #[test]
    fn limits_are_reached_and_hold() {
        assert!(refused(&vec![0; TX_LEN_MAX + 1]).contains("at most 4194304"));
        let many = encode(
            body(vec![pack(&send())]).encode_to_vec(),
            vec![],
            vec![vec![]; SIGNATURES_MAX + 1],
        );
        assert!(refused(&many).contains("65 signatures, at most 64"));
        let many = bytes_of(&body(vec![pack(&send()); MESSAGES_MAX + 1]).encode_to_vec());
        assert!(refused(&many).contains("10001 messages, at most 10000"));
        let crowded = vec![[0x0a, 0x00]; FIELDS_MAX + 1].concat();
        let info = encode(body(vec![pack(&send())]).encode_to_vec(), crowded, vec![]);
        assert!(refused(&info).contains("exceeded maximum number of fields"));
        // Keys within keys: a multisig key holds `Any`s.
        let url = "/cosmos.crypto.multisig.LegacyAminoPubKey";
        let mut nested = Vec::new();
        for _ in 0..DEPTH_MAX {
            let any = Any {
                type_url: url.into(),
                value: nested.clone(),
            }
            .encode_to_vec();
            let length = [
                u8::try_from((any.len() % 128) | 128).unwrap(),
                u8::try_from(any.len() / 128).unwrap(),
            ];
            nested = [&[0x12][..], &length, &any].concat();
        }
        let key = Any {
            type_url: url.into(),
            value: nested,
        };
        let info = crate::proto::cosmos::tx::v1beta1::SignerInfo {
            public_key: Some(key),
            ..Default::default()
        };
        let info = AuthInfo {
            signer_infos: vec![info],
            ..AuthInfo::default()
        };
        let deep = encode(
            body(vec![pack(&send())]).encode_to_vec(),
            info.encode_to_vec(),
            vec![],
        );
        assert!(refused(&deep).contains("exceeded maximum depth"));
    }

    #[test]
    fn every_truncation_of_a_transaction_is_refused_or_says_no_message() {
        let bytes = good();
        for len in 0..bytes.len() {
            if let Ok(tx) = Tx::decode(&bytes[..len]) {
                // Cut between fields: whole body, no signature; the ante chain refuses it.
                assert!(tx.signatures.is_empty());
            }
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Tx::decode(&bytes);
        }

        #[test]
        fn a_changed_byte_never_panics_and_changes_what_is_signed_or_the_signatures(at in 0..good().len(), to in any::<u8>()) {
            let (mut bytes, before) = (good(), good()[at]);
            bytes[at] = to;
            if let Ok(tx) = Tx::decode(&bytes) {
                let parts = |tx: Tx| (tx.body_bytes, tx.auth_info_bytes, tx.signatures);
                prop_assert_eq!(parts(tx) == parts(Tx::decode(&good()).unwrap()), to == before);
            }
        }
    }
}
