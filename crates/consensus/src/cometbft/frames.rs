//! ABCI's frames: each message is protobuf behind its length as a varint.
//!
//! Promises: a length above [`MESSAGE_BYTES_MAX`] is refused before anything is held for it.

use prost::Message;
use std::io::{self, ErrorKind, Read, Write};

/// The longest message, in bytes: CometBFT's own limit (100 MiB). Only its own child is at the other end.
pub(super) const MESSAGE_BYTES_MAX: u64 = 104_857_600;
/// Bytes of a varint of 64 bits at most.
const VARINT_BYTES_MAX: u32 = 10;

/// Reads the bytes of the next message; `None` at the end of the stream between two messages.
///
/// # Errors
/// A stream that ends within a message, or a length above the limit.
pub(super) fn read(from: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let Some(length) = read_length(from)? else {
        return Ok(None);
    };
    if length > MESSAGE_BYTES_MAX {
        let text = format!("a message of {length} bytes, at most {MESSAGE_BYTES_MAX}");
        return Err(io::Error::new(ErrorKind::InvalidData, text));
    }
    let mut bytes = Vec::new();
    from.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != length {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(bytes))
}

/// Writes a message in one piece.
///
/// # Errors
/// If the other end is gone.
pub(super) fn write<M: Message>(to: &mut impl Write, message: &M) -> io::Result<()> {
    to.write_all(&message.encode_length_delimited_to_vec())?;
    to.flush()
}

fn read_length(from: &mut impl Read) -> io::Result<Option<u64>> {
    let mut length = 0_u64;
    for place in 0..VARINT_BYTES_MAX {
        let mut byte = [0];
        match from.read_exact(&mut byte) {
            Err(e) if e.kind() == ErrorKind::UnexpectedEof && place == 0 => return Ok(None),
            read => read?,
        }
        let bits = u64::from(byte[0] & 0x7f);
        let shifted = bits << (7 * place);
        if shifted >> (7 * place) != bits {
            break;
        }
        length |= shifted;
        if byte[0] & 0x80 == 0 {
            return Ok(Some(length));
        }
    }
    Err(io::Error::new(
        ErrorKind::InvalidData,
        "the length of a message is no varint of 64 bits",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use strongroom_proof::comet::raw::abci::RequestEcho;

    fn echo(message: &str) -> RequestEcho {
        RequestEcho {
            message: message.to_owned(),
        }
    }

    #[test]
    fn messages_come_out_as_they_went_in_and_then_the_stream_ends() {
        let mut bytes = Vec::new();
        for text in ["", "a", &"x".repeat(100_000)] {
            write(&mut bytes, &echo(text)).unwrap();
        }
        let mut from = bytes.as_slice();
        for text in ["", "a", &"x".repeat(100_000)] {
            let bytes = read(&mut from).unwrap().unwrap();
            assert_eq!(RequestEcho::decode(bytes.as_slice()).unwrap(), echo(text));
        }
        assert_eq!(read(&mut from).unwrap(), None);
    }

    #[test]
    fn a_length_above_the_limit_is_refused_before_anything_is_read() {
        let mut bytes = Vec::new();
        prost::encoding::encode_varint(MESSAGE_BYTES_MAX + 1, &mut bytes);
        let error = read(&mut bytes.as_slice()).unwrap_err();
        assert!(error.to_string().contains("at most"), "{error}");
    }

    #[test]
    fn a_stream_that_ends_within_a_message_is_an_error() {
        let mut bytes = Vec::new();
        write(&mut bytes, &echo("hello")).unwrap();
        for end in 1..bytes.len() {
            assert!(read(&mut &bytes[..end]).is_err(), "{end}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = read(&mut bytes.as_slice());
        }
    }
}
