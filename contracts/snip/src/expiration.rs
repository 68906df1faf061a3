//! Until when an approval holds (SNIP-721, SNIP-1155).

use cosmwasm_std::BlockInfo;
use serde::{Deserialize, Serialize};

/// Until when something holds.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Expiration {
    /// Until it is revoked.
    Never,
    /// Before this block.
    AtHeight(u64),
    /// Before this time, in seconds since 1970.
    AtTime(u64),
}

impl Expiration {
    /// Whether it is over.
    #[must_use]
    pub fn has_come(self, block: &BlockInfo) -> bool {
        match self {
            Expiration::Never => false,
            Expiration::AtHeight(height) => block.height >= height,
            Expiration::AtTime(time) => block.time.seconds() >= time,
        }
    }

    /// The earlier of this and another; nothing, if one is a height and the other a time: which comes first nobody knows.
    #[must_use]
    pub fn at_most(self, end: Self) -> Option<Self> {
        match (self, end) {
            (Expiration::Never, end) => Some(end),
            (this, Expiration::Never) => Some(this),
            (Expiration::AtHeight(a), Expiration::AtHeight(b)) => {
                Some(Expiration::AtHeight(a.min(b)))
            }
            (Expiration::AtTime(a), Expiration::AtTime(b)) => Some(Expiration::AtTime(a.min(b))),
            (Expiration::AtHeight(_), Expiration::AtTime(_))
            | (Expiration::AtTime(_), Expiration::AtHeight(_)) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use cosmwasm_std::testing::mock_env;
    use cosmwasm_std::{from_slice, to_vec};

    use super::*;

    #[test]
    fn the_end_itself_is_too_late() {
        let block = mock_env().block;
        let (height, time) = (block.height, block.time.seconds());
        assert!(!Expiration::Never.has_come(&block));
        assert!(Expiration::AtHeight(height).has_come(&block));
        assert!(!Expiration::AtHeight(height + 1).has_come(&block));
        assert!(Expiration::AtTime(time).has_come(&block));
        assert!(!Expiration::AtTime(time + 1).has_come(&block));
    }

    #[test]
    fn the_earlier_of_two_ends_is_known_if_they_are_of_a_kind() {
        use Expiration::{AtHeight, AtTime, Never};
        for (a, b, earlier) in [
            (Never, Never, Some(Never)),
            (Never, AtTime(5), Some(AtTime(5))),
            (AtHeight(5), AtHeight(7), Some(AtHeight(5))),
            (AtTime(5), AtTime(7), Some(AtTime(5))),
            (AtHeight(5), AtTime(7), None),
        ] {
            assert_eq!((a.at_most(b), b.at_most(a)), (earlier, earlier));
        }
    }

    #[test]
    fn ends_are_written_as_clients_write_them() {
        for (end, json) in [
            (Expiration::Never, r#""never""#),
            (Expiration::AtHeight(5), r#"{"at_height":5}"#),
            (Expiration::AtTime(7), r#"{"at_time":7}"#),
        ] {
            assert_eq!(to_vec(&end).unwrap(), json.as_bytes());
            assert_eq!(from_slice::<Expiration>(json.as_bytes()).unwrap(), end);
        }
    }
}
