//! The region ABI (contract-abi.md section 4), checked once for every engine: a region is three little-endian `u32` at
//! a wasm address (offset, capacity, length), and it must lie in memory whole.

use crate::engine::RegionBytes;

/// A region descriptor that was found sound: `offset + capacity` lies in memory and `length <= capacity`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Region {
    /// Where the bytes begin.
    pub(crate) offset: usize,
    /// How many there may be.
    pub(crate) capacity: usize,
    /// How many there are.
    pub(crate) length: usize,
}

/// Bytes of a descriptor.
const DESCRIPTOR_BYTES: usize = 12;
/// Where the length stands in a descriptor.
const LENGTH_AT: usize = 8;

/// The descriptor at `ptr`, or `None` if `ptr` or its offset is null, or any part is out of bounds.
pub(crate) fn descriptor(memory: &[u8], ptr: u32) -> Option<Region> {
    if ptr == 0 {
        return None;
    }
    let start = usize::try_from(ptr).ok()?;
    let bytes = memory.get(start..start.checked_add(DESCRIPTOR_BYTES)?)?;
    let mut words = bytes.chunks_exact(4).map(|w| {
        let word: [u8; 4] = w.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(word)).ok()
    });
    let region = Region {
        offset: words.next()??,
        capacity: words.next()??,
        length: words.next()??,
    };
    let end = region.offset.checked_add(region.capacity)?;
    let sound = region.offset != 0 && region.length <= region.capacity && end <= memory.len();
    sound.then_some(region)
}

/// The bytes that the region at `ptr` holds, at most `max` of them.
pub(crate) fn read(memory: &[u8], ptr: u32, max: usize) -> Option<&[u8]> {
    let region = descriptor(memory, ptr)?;
    if region.length > max {
        return None;
    }
    memory.get(region.offset..region.offset.checked_add(region.length)?)
}

/// What the region at `ptr` holds: see [`crate::engine::Guest::read_region`].
pub(crate) fn copy(memory: &[u8], ptr: u32, max: usize, budget: usize) -> Option<RegionBytes> {
    let bytes = read(memory, ptr, max)?;
    Some(RegionBytes {
        length: bytes.len(),
        bytes: if bytes.len() <= budget {
            bytes.to_vec()
        } else {
            Vec::new()
        },
    })
}

/// Copies `bytes` into the region at `ptr` and sets its length. `None`, with memory unchanged, if it has no room.
///
/// The length is written last: where a contract lets a region's bytes overlap its own descriptor, the length stands.
pub(crate) fn write(memory: &mut [u8], ptr: u32, bytes: &[u8]) -> Option<()> {
    let region = descriptor(memory, ptr)?;
    if bytes.len() > region.capacity {
        return None;
    }
    let length = u32::try_from(bytes.len()).ok()?;
    let at = usize::try_from(ptr).ok()?.checked_add(LENGTH_AT)?;
    memory
        .get_mut(region.offset..region.offset.checked_add(bytes.len())?)?
        .copy_from_slice(bytes);
    memory
        .get_mut(at..at.checked_add(4)?)?
        .copy_from_slice(&length.to_le_bytes());
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A memory of 64 bytes with one descriptor at 4.
    fn memory(offset: u32, capacity: u32, length: u32) -> Vec<u8> {
        let mut memory = vec![0u8; 64];
        for (i, word) in [offset, capacity, length].into_iter().enumerate() {
            memory[4 + 4 * i..8 + 4 * i].copy_from_slice(&word.to_le_bytes());
        }
        memory
    }

    #[test]
    fn a_sound_region_is_read_and_written() {
        let mut m = memory(32, 8, 3);
        m[32..35].copy_from_slice(b"abc");
        assert_eq!(read(&m, 4, 100), Some(&b"abc"[..]));
        assert_eq!(write(&mut m, 4, b"12345678"), Some(()));
        assert_eq!(read(&m, 4, 100), Some(&b"12345678"[..]));
        assert_eq!(write(&mut m, 4, b""), Some(()));
        assert_eq!(read(&m, 4, 0), Some(&b""[..]));
    }

    #[test]
    fn a_region_may_end_where_memory_ends_and_not_one_byte_later() {
        assert!(descriptor(&memory(56, 8, 8), 4).is_some());
        assert!(descriptor(&memory(56, 9, 8), 4).is_none());
        assert!(
            descriptor(&memory(64, 0, 0), 4).is_some(),
            "empty at the very end"
        );
        assert!(descriptor(&memory(65, 0, 0), 4).is_none());
    }

    #[test]
    fn null_pointers_and_null_offsets_are_refused() {
        assert!(descriptor(&memory(32, 8, 3), 0).is_none());
        assert!(descriptor(&memory(0, 8, 3), 4).is_none());
    }

    #[test]
    fn a_length_over_capacity_is_refused() {
        assert!(descriptor(&memory(32, 8, 9), 4).is_none());
    }

    #[test]
    fn offsets_that_overflow_are_refused() {
        assert!(descriptor(&memory(u32::MAX, u32::MAX, 1), 4).is_none());
        assert!(descriptor(&memory(32, u32::MAX, 1), 4).is_none());
        assert!(descriptor(&memory(32, 8, 3), u32::MAX).is_none());
        assert!(
            descriptor(&memory(32, 8, 3), 53).is_none(),
            "the descriptor itself must lie in memory"
        );
    }

    #[test]
    fn more_bytes_than_asked_for_are_refused() {
        assert_eq!(read(&memory(32, 8, 3), 4, 2), None);
    }

    #[test]
    fn a_write_without_room_changes_nothing() {
        let mut m = memory(32, 2, 1);
        let before = m.clone();
        assert_eq!(write(&mut m, 4, b"abc"), None);
        assert_eq!(m, before);
    }

    #[test]
    fn a_region_over_its_own_descriptor_keeps_the_length_written_last() {
        let mut m = memory(4, 16, 0);
        assert_eq!(write(&mut m, 4, &[0xff; 16]), Some(()));
        assert_eq!(&m[12..16], &16u32.to_le_bytes());
    }
}
