//! Small helpers between protobuf and checked values.

use super::DecodeError;
use prost::Message;
use strongroom_types::Timestamp;
use tendermint_proto::google::protobuf::Timestamp as RawTimestamp;

/// 0001-01-01T00:00:00Z, the zero time of Go, which an absent vote carries.
pub(super) const TIME_ZERO_SECONDS: i64 = -62_135_596_800;

/// Decodes `M` and refuses bytes that it would not encode to itself.
pub(super) fn decode_canonical<M: Message + Default>(
    what: &'static str,
    bytes: &[u8],
) -> Result<M, DecodeError> {
    let message = M::decode(bytes).map_err(|e| DecodeError::Protobuf {
        what,
        reason: e.to_string(),
    })?;
    if message.encode_to_vec() != bytes {
        return Err(DecodeError::NotCanonical { what });
    }
    Ok(message)
}

/// A copy of `bytes` as an array of exactly `N`.
pub(super) fn array<const N: usize>(
    what: &'static str,
    field: &'static str,
    bytes: &[u8],
) -> Result<[u8; N], DecodeError> {
    <[u8; N]>::try_from(bytes).map_err(|_| DecodeError::Field { what, field })
}

/// A number that must fit, e.g. a height out of an `int64`.
pub(super) fn fit<A, B: TryFrom<A>>(
    what: &'static str,
    field: &'static str,
    value: A,
) -> Result<B, DecodeError> {
    B::try_from(value).map_err(|_| DecodeError::Field { what, field })
}

/// A present timestamp between the years 1 and 9999.
pub(super) fn time(
    what: &'static str,
    field: &'static str,
    raw: Option<&RawTimestamp>,
) -> Result<Timestamp, DecodeError> {
    let read =
        |raw: &RawTimestamp| Timestamp::new(raw.seconds, u32::try_from(raw.nanos).ok()?).ok();
    raw.and_then(read).ok_or(DecodeError::Field { what, field })
}

/// The protobuf of a time. Nanoseconds above 999,999,999 cannot come out of [`time`]; they saturate.
pub(super) fn raw_time(time: Timestamp) -> RawTimestamp {
    RawTimestamp {
        seconds: time.seconds,
        nanos: i32::try_from(time.nanos).unwrap_or(i32::MAX),
    }
}

/// A height as protobuf has it. Heights above `i64::MAX` cannot come out of a decoder; they saturate.
pub(super) fn raw_height(height: u64) -> i64 {
    i64::try_from(height).unwrap_or(i64::MAX)
}

/// Bytes wrapped as `google.protobuf.BytesValue`, empty if empty: the leaf form of hashes and addresses.
pub(super) fn bytes_leaf(bytes: &[u8]) -> Vec<u8> {
    #[derive(Clone, PartialEq, Message)]
    struct BytesValue {
        #[prost(bytes = "vec", tag = "1")]
        value: Vec<u8>,
    }
    BytesValue {
        value: bytes.to_vec(),
    }
    .encode_to_vec()
}

/// A string wrapped as `google.protobuf.StringValue`.
pub(super) fn string_leaf(text: &str) -> Vec<u8> {
    bytes_leaf(text.as_bytes())
}

/// A height wrapped as `google.protobuf.Int64Value`.
pub(super) fn height_leaf(height: u64) -> Vec<u8> {
    #[derive(Clone, PartialEq, Message)]
    struct Int64Value {
        #[prost(int64, tag = "1")]
        value: i64,
    }
    Int64Value {
        value: raw_height(height),
    }
    .encode_to_vec()
}
