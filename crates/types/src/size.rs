//! Size classes of sealed values: what a length is rounded up to before it can be seen or charged for.
//!
//! Padmé (Nikitin et al., PURBs, 2019) of max(64, length): at most 12 % more bytes, and a length leaks only
//! O(log log n) bits. Integers only. Stored length and storage gas are functions of the class (docs/spec/state.md 5).

/// The smallest class in bytes: every shorter value looks like it.
pub const SIZE_CLASS_MIN: u64 = 64;

/// The class of a value of `len` bytes: at least `len`, a fixed point of itself, monotone. Saturates near `u64::MAX`.
#[must_use]
pub const fn size_class(len: u64) -> u64 {
    let len = if len < SIZE_CLASS_MIN {
        SIZE_CLASS_MIN
    } else {
        len
    };
    let exponent = len.ilog2();
    // As many leading bits may differ as it takes to write the exponent; the rest is rounded up.
    let kept = exponent.ilog2().saturating_add(1);
    let mask = (1_u64 << exponent.saturating_sub(kept)).saturating_sub(1);
    len.saturating_add(mask) & !mask
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_classes() {
        for (len, class) in [
            (0, 64),
            (1, 64),
            (64, 64),
            (65, 72),
            (72, 72),
            (73, 80),
            (100, 104),
            (127, 128),
            (128, 128),
            (129, 144),
            (1_000, 1_024),
            (1_025, 1_088),
            (1 << 20, 1 << 20),
            ((1 << 20) + 1, (1 << 20) + (1 << 15)),
        ] {
            assert_eq!(size_class(len), class, "{len}");
        }
    }

    proptest! {
        #[test]
        fn a_class_covers_its_length_within_an_eighth_and_is_its_own_class(len in 0_u64..1 << 50) {
            let class = size_class(len);
            prop_assert!(class >= len.max(64));
            prop_assert!(class <= len.max(64) + len.max(64) / 8);
            prop_assert_eq!(size_class(class), class);
            prop_assert!(size_class(len + 1) >= class);
        }

        #[test]
        fn no_length_panics(len in any::<u64>()) {
            let _ = size_class(len);
        }
    }
}
