//! Lists of byte strings as the ABI writes them (contract-abi.md section 4): each item followed by its length.

/// Takes a list of "sections" apart: items, each followed by its length as big-endian u32, parsed from the end.
pub(crate) fn sections(mut bytes: &[u8], max: usize) -> Option<Vec<&[u8]>> {
    let mut items = Vec::new();
    while !bytes.is_empty() {
        let (rest, length) = bytes.split_last_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (rest, item) = rest.split_at_checked(rest.len().checked_sub(length)?)?;
        if items.len() >= max {
            return None;
        }
        items.push(item);
        bytes = rest;
    }
    items.reverse();
    Some(items)
}

/// The list of these items.
pub(crate) fn of(items: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for item in items {
        out.extend_from_slice(item);
        // Regions are shorter than 2^32.
        out.extend(u32::try_from(item.len()).unwrap_or(u32::MAX).to_be_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_from_the_end() {
        assert_eq!(sections(b"", 0), Some(vec![]));
        assert_eq!(sections(b"\0\0\0\0", 1), Some(vec![&b""[..]]));
        assert_eq!(
            sections(b"ab\0\0\0\x02c\0\0\0\x01", 2),
            Some(vec![&b"ab"[..], b"c"])
        );
    }

    #[test]
    fn a_list_is_read_as_it_was_written() {
        assert_eq!(
            sections(&of(&[b"key", b""]), 2),
            Some(vec![&b"key"[..], b""])
        );
        assert_eq!(of(&[b"", b""]), [0; 8]);
    }

    #[test]
    fn broken_and_long_lists_are_refused() {
        assert_eq!(sections(b"\0\0\0", 9), None);
        assert_eq!(sections(b"a\0\0\0\x02", 9), None);
        assert_eq!(sections(b"\xff\xff\xff\xff", 9), None);
        assert_eq!(sections(b"\0\0\0\0\0\0\0\0", 1), None);
    }
}
