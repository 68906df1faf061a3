//! Places of transactions in a block, as a row of the index has them: runs, each how far it is from the end of the one before and how much
//! longer than one it is, as varints (little endian, seven bits a byte).

/// Ascending places.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// From, and behind the last.
    runs: Vec<(u32, u32)>,
}

impl Places {
    /// The first `count` places.
    pub(super) fn all(count: u32) -> Self {
        Self {
            runs: vec![(0, count)],
        }
    }

    /// Adds a place that is not below the last one; the last one again changes nothing.
    pub(super) fn push(&mut self, place: u32) {
        match self.runs.last_mut() {
            Some((_, end)) if place < *end => {}
            Some((_, end)) if place == *end => *end = end.saturating_add(1),
            _ => self.runs.push((place, place.saturating_add(1))),
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let (mut out, mut before) = (Vec::new(), 0);
        for (from, end) in &self.runs {
            push_varint(&mut out, from - before);
            push_varint(&mut out, end - from - 1);
            before = *end;
        }
        out
    }
}

/// The places of a row, until `visit` fails; `None` if it is no such row.
pub(super) fn visit<E>(
    mut row: &[u8],
    visit: &mut dyn FnMut(u32) -> Result<(), E>,
) -> Option<Result<(), E>> {
    let mut before = 0_u32;
    while !row.is_empty() {
        let from = before.checked_add(take_varint(&mut row)?)?;
        let end = from.checked_add(take_varint(&mut row)?)?.checked_add(1)?;
        for place in from..end {
            if let Err(error) = visit(place) {
                return Some(Err(error));
            }
        }
        before = end;
    }
    Some(Ok(()))
}

fn push_varint(out: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn take_varint(row: &mut &[u8]) -> Option<u32> {
    let mut number = 0_u64;
    for shift in [0, 7, 14, 21, 28] {
        let (byte, rest) = row.split_first()?;
        *row = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return u32::try_from(number).ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn read(row: &[u8]) -> Option<Vec<u32>> {
        let mut places = Vec::new();
        let mut visited = |place| {
            places.push(place);
            if places.len() > 9_999 {
                Err(())
            } else {
                Ok(())
            }
        };
        visit(row, &mut visited)?.ok()?;
        Some(places)
    }

    proptest! {
        #[test]
        fn what_was_pushed_is_read(places in proptest::collection::btree_set(0..400_u32, 0..200), far in 0..u32::MAX) {
            let places: BTreeSet<u32> = places.into_iter().chain([far]).collect();
            let mut row = Places::default();
            for place in &places {
                row.push(*place);
                row.push(*place);
            }
            prop_assert_eq!(read(&row.encode()), Some(places.into_iter().collect()));
        }

        #[test]
        fn a_damaged_row_is_refused_or_read_and_never_panics(row in proptest::collection::vec(any::<u8>(), 0..30)) {
            if let Some(places) = read(&row) {
                prop_assert!(places.is_sorted());
            }
        }
    }

    #[test]
    fn a_thousand_neighbours_take_three_bytes() {
        let mut row = Places::default();
        (0..1_000).for_each(|place| row.push(place));
        assert_eq!(row.encode(), Places::all(1_000).encode());
        assert_eq!(row.encode().len(), 3);
    }
}
