//! Uploads may be gzip (RFC 1952), recognised by their first bytes. One member, bounded output, checksum verified.

use super::limits::CODE_BYTES_MAX;

/// Why a gzip stream is refused. `Display` is the detail of `…: create contract failed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum GzipError {
    /// The header is not one of a deflate stream.
    #[error("gzip: invalid header")]
    Header,
    /// CRC-32 or length do not match, or bytes follow the member.
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

const FLAG_HCRC: u8 = 2;
const FLAG_EXTRA: u8 = 4;
const FLAG_NAME: u8 = 8;
const FLAG_COMMENT: u8 = 16;

/// Unzips one member of at most [`CODE_BYTES_MAX`] bytes.
///
/// # Errors
/// [`GzipError`]; memory is bounded by the limit whatever the stream says.
pub(super) fn gunzip(bytes: &[u8]) -> Result<Vec<u8>, GzipError> {
    let mut rest = header(bytes)?;
    let mut inflater = miniz_oxide::inflate::core::DecompressorOxide::new();
    // One byte more than allowed tells a stream that goes on from one that ends right at the limit.
    let mut out = vec![0; CODE_BYTES_MAX.saturating_add(1)];
    let (status, used, written) = miniz_oxide::inflate::core::decompress(
        &mut inflater,
        rest,
        &mut out,
        0,
        miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
    );
    if written > CODE_BYTES_MAX {
        return Err(GzipError::TooLarge);
    }
    match status {
        miniz_oxide::inflate::TINFLStatus::Done => {}
        miniz_oxide::inflate::TINFLStatus::HasMoreOutput => return Err(GzipError::TooLarge),
        _ => return Err(GzipError::Truncated),
    }
    out.truncate(written);
    rest = rest.get(used..).ok_or(GzipError::Truncated)?;
    let trailer: [u8; 8] = match rest.len() {
        8 => rest.try_into().map_err(|_| GzipError::Truncated)?,
        0..8 => return Err(GzipError::Truncated),
        _ => return Err(GzipError::Checksum),
    };
    let [a, b, c, d, e, f, g, h] = trailer;
    let length = u32::try_from(written).map_err(|_| GzipError::TooLarge)?;
    if u32::from_le_bytes([a, b, c, d]) != crc32(&out) || u32::from_le_bytes([e, f, g, h]) != length
    {
        return Err(GzipError::Checksum);
    }
    Ok(out)
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

    fn zip(content: &[u8]) -> Vec<u8> {
        let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
        out.extend(miniz_oxide::deflate::compress_to_vec(content, 6));
        out.extend(crc32(content).to_le_bytes());
        out.extend((content.len() as u32).to_le_bytes());
        out
    }

    #[test]
    fn the_checksum_of_the_standard_test_text_is_the_known_one() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn what_was_zipped_comes_back() {
        let content: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
        assert_eq!(gunzip(&zip(&content)).unwrap(), content);
    }

    #[test]
    fn a_stream_right_at_the_limit_passes_and_one_byte_more_is_refused() {
        assert_eq!(
            gunzip(&zip(&vec![7; CODE_BYTES_MAX])).unwrap().len(),
            CODE_BYTES_MAX
        );
        assert_eq!(
            gunzip(&zip(&vec![7; CODE_BYTES_MAX + 1])),
            Err(GzipError::TooLarge)
        );
    }

    #[test]
    fn a_bomb_is_refused_and_not_cut() {
        assert_eq!(
            gunzip(&zip(&vec![0; 50 * CODE_BYTES_MAX])),
            Err(GzipError::TooLarge)
        );
    }

    #[test]
    fn every_truncation_and_every_flipped_trailer_is_refused() {
        let good = zip(b"hello hello hello hello");
        for cut in 0..good.len() {
            assert!(gunzip(&good[..cut]).is_err(), "cut at {cut}");
        }
        for i in good.len() - 8..good.len() {
            let mut bad = good.clone();
            bad[i] ^= 1;
            assert_eq!(gunzip(&bad), Err(GzipError::Checksum));
        }
        let mut longer = good;
        longer.push(0);
        assert_eq!(gunzip(&longer), Err(GzipError::Checksum));
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
        assert_eq!(gunzip(&named).unwrap(), b"abc");
    }
}
