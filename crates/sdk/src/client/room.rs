//! When a transaction comes again that a node had no room for (docs/spec/serving.md, "Room for transactions").

use super::Error;
use super::sending::Checked;
use crate::types::{Hash, sha256};
use core::time::Duration;

/// What [`Error::Busy`] says of a mempool without room, of which REST tells nothing but the code.
pub(super) const NO_ROOM: &str = "its mempool is full";
/// How long room is waited for.
pub(super) const ROOM_WAITS: Duration = Duration::from_secs(30);
/// The rest where a node says nothing of it.
const REST: Duration = Duration::from_secs(1);
/// The shortest and the longest rest, whatever a node says.
const RESTS: [Duration; 2] = [Duration::from_millis(10), Duration::from_secs(10)];
/// Rests differ by this part of them at most, so that not all come at once.
const JITTER: u32 = 8;

/// How its RPC says that a node, or its enclave, has no time now.
const NO_TIME: [&str; 3] = [
    "the node is busy",
    "rpc error: code = Unavailable desc = ",
    "rpc error: code = ResourceExhausted desc = ",
];

/// If this is what a node says over its RPC that has no time for a query: its own words.
#[must_use]
pub fn no_time(text: &str) -> Option<&str> {
    let [own, coded @ ..] = NO_TIME;
    let told = coded.iter().find_map(|form| text.strip_prefix(form));
    let told = told.map(|told| told.strip_suffix(": invalid request").unwrap_or(told));
    told.or_else(|| text.starts_with(own).then_some(text))
}

/// If this is what a node says that has no room for a transaction: how long to rest before it is sent again. Its RPC says it to the millisecond, and so
/// does its REST, unless what stands before it lets the header of that not through.
#[must_use]
pub fn no_room(text: &str) -> Option<Duration> {
    let why = [
        text.strip_prefix("mempool is full"),
        text.strip_prefix(NO_ROOM),
    ];
    let told = why.into_iter().flatten().next()?.rsplit_once(" again in ");
    let told = told.and_then(|(_, time)| {
        let (number, unit) = time.split_once(' ')?;
        let number = number.parse().ok()?;
        match unit {
            "ms" => Some(Duration::from_millis(number)),
            "s" => Some(Duration::from_secs(number)),
            _ => None,
        }
    });
    let told = told.unwrap_or(REST);
    Some(told.clamp(RESTS[0], RESTS[1]))
}

/// The same of an answer to [`Client::broadcast_once`](super::Client::broadcast_once).
#[must_use]
pub fn no_room_in(answer: &Result<Checked, Error>) -> Option<Duration> {
    match answer {
        Err(Error::Rpc(text) | Error::Busy { why: text, .. }) => no_room(text),
        // CheckTx says so beside CometBFT.
        Ok(checked) => ((checked.code, checked.codespace.as_str()) == (20, "sdk")).then_some(REST),
        Err(_) => None,
    }
}

/// What CheckTx would say of a transaction for which a node had no room to the end.
pub(super) fn never(error: &Error, tx: &[u8]) -> Checked {
    Checked {
        code: 20,
        codespace: "sdk".to_owned(),
        log: error.to_string(),
        hash: hex::encode_upper(sha256(tx)),
    }
}

/// The `n`th rest of the transaction with this hash, which is no shorter than what was told.
pub(super) fn rest(told: Duration, hash: &Hash, n: usize) -> Duration {
    let part = hash.get(n % hash.len()).copied().unwrap_or_default();
    told.saturating_add(told / JITTER * u32::from(part) / 256)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_node_says_that_has_no_time_is_read_and_nothing_else_is_taken_for_it() {
        let coded =
            |code: &str| format!("rpc error: code = {code} desc = asked too much: invalid request");
        for code in ["Unavailable", "ResourceExhausted"] {
            assert_eq!(no_time(&coded(code)), Some("asked too much"));
        }
        let own = "the node is busy, try again";
        assert_eq!(no_time(own), Some(own));
        for text in [
            coded("Unknown"),
            format!("{own}: x").replace("the", "a"),
            "mempool is full".to_owned(),
        ] {
            assert_eq!(no_time(&text), None, "{text}");
        }
    }

    #[test]
    fn what_a_node_says_that_is_full_is_read_and_nothing_else_is_taken_for_it() {
        let ms = |ms| Some(Duration::from_millis(ms));
        for (text, rest) in [
            (
                "mempool is full: 900 txs wait for blocks, try again in 120 ms",
                ms(120),
            ),
            (
                "mempool is full: number of txs 5000 (max: 5000), total txs bytes 1 (max: 2)",
                Some(REST),
            ),
            ("mempool is full: try again in -5 ms", Some(REST)),
            (
                "mempool is full: try again in 99999999999999999999 ms",
                Some(REST),
            ),
            ("mempool is full: try again in 0 ms", Some(RESTS[0])),
            ("mempool is full: try again in 5 h", Some(REST)),
            ("its mempool is full; ask again in 3 s", ms(3_000)),
            ("its mempool is full; ask again soon", Some(REST)),
            ("mempool is full: try again in 86400000 ms", Some(RESTS[1])),
            ("tx already exists in cache", None),
            ("Busy, try again in 5 ms", None),
        ] {
            assert_eq!(no_room(text), rest, "{text}");
        }
    }

    #[test]
    fn a_rest_is_what_was_told_and_an_eighth_more_at_most() {
        let told = Duration::from_millis(800);
        let hash = core::array::from_fn(|n| [0, 128, 255][n % 3]);
        let rests = [0, 1, 2, 32].map(|n| rest(told, &hash, n).as_millis());
        assert_eq!(rests, [800, 850, 899, 800]);
    }
}
