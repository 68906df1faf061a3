//! Uploads may be gzip (RFC 1952), recognised by their first bytes. The first member is taken and what follows it is
//! not looked at, as in the reference; its checksum is verified. Output is paid for as it comes.

use crate::error::Stop;
use crate::modules::compute::error as compute;

/// Why a gzip stream is refused. `Display` is the detail of `…: create contract failed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GzipError {
    /// The header is not one of a deflate stream.
    #[error("gzip: invalid header")]
    Header,
    /// CRC-32 or length do not match.
    #[error("gzip: invalid checksum")]
    Checksum,
    /// The stream ends too early or is no deflate stream.
    #[error("unexpected EOF")]
    Truncated,
    /// The stream goes on past the largest code: refused, not cut.
    #[error("max contract size exceeded")]
    TooLarge,
}

/// Whether `bytes` begin like gzip.
#[must_use]
pub(super) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b, 0x08])
}

/// The shortest module: magic and version.
const WASM_BYTES_MIN: usize = 8;

const FLAG_HCRC: u8 = 2;
const FLAG_EXTRA: u8 = 4;
const FLAG_NAME: u8 = 8;
const FLAG_COMMENT: u8 = 16;

impl From<GzipError> for Stop {
    fn from(e: GzipError) -> Self {
        match e {
            GzipError::TooLarge => compute::MAX_CONTRACT_SIZE.bare().into(),
            other => compute::CREATE_FAILED.wrap(other).into(),
        }
    }
}

/// Bytes that are unzipped between two payments.
const CHUNK_BYTES: usize = 65_536;

/// Unzips the first member, at most `most` bytes. `pay` is told after each chunk how many bytes there are by now.
///
/// # Errors
/// What `pay` says; the error of the stream. Memory and unpaid work are bounded whatever the stream says.
pub fn gunzip(
    bytes: &[u8],
    most: usize,
    mut pay: impl FnMut(usize) -> Result<(), Stop>,
) -> Result<Vec<u8>, Stop> {
    use miniz_oxide::inflate::TINFLStatus;
    use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};

    let mut rest = header(bytes)?;
    let mut inflater = DecompressorOxide::new();
    let mut out = Vec::new();
    let mut written = 0_usize;
    loop {
        // One byte more than allowed tells a stream that goes on from one that ends right at the limit.
        let room = written
            .saturating_add(CHUNK_BYTES)
            .min(most.saturating_add(1));
        out.resize(room, 0);
        let flags = inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        let (status, used, more) = decompress(&mut inflater, rest, &mut out, written, flags);
        written = written.saturating_add(more);
        rest = rest.get(used..).ok_or(GzipError::Truncated)?;
        pay(written.min(most))?;
        if written > most {
            return Err(GzipError::TooLarge.into());
        }
        match status {
            TINFLStatus::Done => break,
            TINFLStatus::HasMoreOutput => {}
            _ => return Err(GzipError::Truncated.into()),
        }
    }
    out.truncate(written);
    let Some([a, b, c, d, e, f, g, h]) = rest.first_chunk() else {
        return Err(GzipError::Truncated.into());
    };
    let (sum, length) = (
        u32::from_le_bytes([*a, *b, *c, *d]),
        u32::from_le_bytes([*e, *f, *g, *h]),
    );
    if sum != crc32(&out) || u32::try_from(written) != Ok(length) {
        return Err(GzipError::Checksum.into());
    }
    Ok(out)
}

/// Length that the content declares in its last four bytes, for estimates. Delivery holds that against the content. What
/// says nothing that a code can be (there may be bytes behind the member) counts as the longest, `most`.
pub(super) fn declared_len(bytes: &[u8], most: usize) -> usize {
    let declared = bytes.last_chunk().copied().map_or(0, u32::from_le_bytes);
    usize::try_from(declared)
        .ok()
        .filter(|length| (WASM_BYTES_MIN..=most).contains(length))
        .unwrap_or(most)
}

/// Skips the header with its optional fields.
fn header(bytes: &[u8]) -> Result<&[u8], GzipError> {
    let (fixed, mut rest) = bytes.split_at_checked(10).ok_or(GzipError::Truncated)?;
    let flags = match fixed {
        [0x1f, 0x8b, 0x08, flags, ..] if flags & 0xe0 == 0 => *flags,
        _ => return Err(GzipError::Header),
    };
    if flags & FLAG_EXTRA != 0 {
        let (length, after) = rest.split_at_checked(2).ok_or(GzipError::Truncated)?;
        let length = length
            .iter()
            .rev()
            .fold(0_usize, |n, b| (n << 8) | usize::from(*b));
        rest = after.get(length..).ok_or(GzipError::Truncated)?;
    }
    for flag in [FLAG_NAME, FLAG_COMMENT] {
        if flags & flag != 0 {
            let end = rest
                .iter()
                .position(|b| *b == 0)
                .ok_or(GzipError::Truncated)?;
            rest = rest
                .split_at_checked(end)
                .and_then(|(_, r)| r.get(1..))
                .ok_or(GzipError::Truncated)?;
        }
    }
    if flags & FLAG_HCRC != 0 {
        rest = rest.get(2..).ok_or(GzipError::Truncated)?;
    }
    Ok(rest)
}

/// CRC-32 (IEEE 802.3, reflected), a bit at a time: uploads are rare and short.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    let bit = |crc: u32| {
        if crc & 1 == 1 {
            0xedb8_8320 ^ (crc >> 1)
        } else {
            crc >> 1
        }
    };
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| bit(crc))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::compute::limits::CODE_BYTES_MAX;

    fn zip(content: &[u8]) -> Vec<u8> {
        let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
        out.extend(miniz_oxide::deflate::compress_to_vec(content, 6));
        out.extend(crc32(content).to_le_bytes());
        out.extend((content.len() as u32).to_le_bytes());
        out
    }

    fn unzipped(bytes: &[u8]) -> Result<Vec<u8>, Stop> {
        gunzip(bytes, CODE_BYTES_MAX, |_| Ok(()))
    }

    fn refused(bytes: &[u8], error: GzipError) {
        assert_eq!(unzipped(bytes).unwrap_err(), error.into());
    }

    #[test]
    fn the_checksum_of_the_standard_test_text_is_the_known_one() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn what_was_zipped_comes_back() {
        for length in [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 200_000] {
            let content: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            assert_eq!(unzipped(&zip(&content)).unwrap(), content);
        }
    }

    #[test]
    fn a_stream_right_at_the_limit_passes_and_one_byte_more_is_refused() {
        let most = unzipped(&zip(&vec![7; CODE_BYTES_MAX])).unwrap();
        assert_eq!(most.len(), CODE_BYTES_MAX);
        refused(&zip(&vec![7; CODE_BYTES_MAX + 1]), GzipError::TooLarge);
    }

    #[test]
    fn the_declared_length_is_the_one_that_unzipping_finds_and_is_bounded() {
        for n in [WASM_BYTES_MIN, 1_000, CODE_BYTES_MAX] {
            assert_eq!(declared_len(&zip(&vec![7; n]), CODE_BYTES_MAX), n);
        }
        let mut followed = zip(b"0123456789");
        followed.extend([0; 9]);
        let bomb = zip(&vec![0; CODE_BYTES_MAX + 1]);
        for other in [followed, bomb, zip(b""), b"\x1f\x8b\x08".to_vec()] {
            assert_eq!(declared_len(&other, CODE_BYTES_MAX), CODE_BYTES_MAX);
        }
    }

    #[test]
    fn a_bomb_is_refused_and_not_cut() {
        refused(&zip(&vec![0; 50 * CODE_BYTES_MAX]), GzipError::TooLarge);
    }

    #[test]
    fn no_more_than_a_chunk_is_unzipped_before_it_is_paid() {
        let bomb = zip(&vec![0; CODE_BYTES_MAX]);
        let (mut paid, mut calls) = (0, 0);
        let ended = gunzip(&bomb, CODE_BYTES_MAX, |bytes| {
            assert!(bytes - paid <= CHUNK_BYTES);
            (paid, calls) = (bytes, calls + 1);
            if calls == 3 {
                Err(Stop::OutOfGas("here"))
            } else {
                Ok(())
            }
        });
        assert_eq!(ended, Err(Stop::OutOfGas("here")));
        assert_eq!((paid, calls), (3 * CHUNK_BYTES, 3));
        // Whatever becomes of the stream, what came out of it is paid for.
        let mut broken = zip(&[5; 100_000]);
        broken.pop();
        let mut paid = 0;
        let ended = gunzip(&broken, CODE_BYTES_MAX, |bytes| {
            paid = bytes;
            Ok(())
        });
        assert_eq!((ended, paid), (Err(GzipError::Truncated.into()), 100_000));
    }

    #[test]
    fn every_truncation_and_every_flipped_trailer_is_refused() {
        let good = zip(b"hello hello hello hello");
        for cut in 0..good.len() {
            assert!(unzipped(&good[..cut]).is_err(), "cut at {cut}");
        }
        for i in good.len() - 8..good.len() {
            let mut bad = good.clone();
            bad[i] ^= 1;
            refused(&bad, GzipError::Checksum);
        }
    }

    #[test]
    fn what_follows_the_first_member_is_not_looked_at() {
        let good = zip(b"hello");
        for more in [vec![0], vec![7; 100], zip(b" world")] {
            let longer = [good.clone(), more].concat();
            assert_eq!(unzipped(&longer).unwrap(), b"hello");
        }
    }

    #[test]
    fn optional_header_fields_are_skipped() {
        let plain = zip(b"abc");
        let mut named = plain[..10].to_vec();
        named[3] = FLAG_EXTRA | FLAG_NAME | FLAG_COMMENT | FLAG_HCRC;
        named.extend([2, 0, 9, 9]);
        named.extend(b"name\0comment\0");
        named.extend([0, 0]);
        named.extend(&plain[10..]);
        assert_eq!(unzipped(&named).unwrap(), b"abc");
    }
}
