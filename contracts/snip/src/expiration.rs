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
