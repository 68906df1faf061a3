//! How far a node has come while it catches up with its network: told on standard error to whoever has started it.

use crate::output::plain;
use crate::rpc::{self, Client};
use serde_json::{Value, json};
use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use strongroom_types::Height;

/// Time between two looks, and between two lines on a terminal, where each takes the place of the one before.
const LOOK: Duration = Duration::from_secs(1);
/// Time between two lines that stay.
const LINE: Duration = Duration::from_secs(30);

/// Where a node stands.
struct Place {
    height: Height,
    /// Of the newest block.
    time: String,
    catching_up: bool,
}

/// Asks a node of this machine until it is in step with its network, and says how far it is.
pub(crate) async fn tell(node: SocketAddr) {
    let is_terminal = std::io::stderr().is_terminal();
    let every = if is_terminal { LOOK } else { LINE };
    let mut client = None;
    let (mut told, mut from) = (Instant::now(), None);
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(place) = look(node, &mut client).await else {
            continue;
        };
        // A network that has not begun has nothing to be in step with.
        if !place.catching_up && place.height > 0 {
            clear(is_terminal);
            talk!("in step with the network at block {}", place.height);
            return;
        }
        let from_height = *from.get_or_insert(place.height);
        let passed = told.elapsed();
        if !place.catching_up || passed < every {
            continue;
        }
        let line = line(&place, place.height.saturating_sub(from_height), passed);
        clear(is_terminal);
        match is_terminal {
            true => drop(write!(std::io::stderr(), "{line}")),
            false => talk!("{line}"),
        }
        (told, from) = (Instant::now(), Some(place.height));
    }
}

/// Takes the line before away, on a terminal.
fn clear(is_terminal: bool) {
    if is_terminal {
        let _ = write!(std::io::stderr(), "\r\x1b[K");
    }
}

/// Where it stands; `None` while it does not answer.
async fn look(node: SocketAddr, client: &mut Option<Client>) -> Option<Place> {
    if client.is_none() {
        *client = rpc::own(node).await.ok();
    }
    let answer = client.as_mut()?.call("status", &json!({})).await;
    if answer.is_err() {
        *client = None;
    }
    Place::read(&answer.ok()?["sync_info"])
}

impl Place {
    fn read(sync: &Value) -> Option<Self> {
        Some(Self {
            height: sync["latest_block_height"].as_str()?.parse().ok()?,
            time: plain(sync["latest_block_time"].as_str()?),
            catching_up: sync["catching_up"].as_bool()?,
        })
    }
}

fn line(place: &Place, blocks: u64, passed: Duration) -> String {
    let millis = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX).max(1);
    let pace = blocks.saturating_mul(1_000) / millis;
    let seconds = place.time.get(..19).unwrap_or(&place.time);
    format!(
        "catching up: block {} of {seconds}Z, {pace} blocks a second",
        place.height
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_is_behind_is_told_with_its_pace() {
        let sync = json!({ "latest_block_height": "1234", "latest_block_time": "2026-11-30T08:00:01.5Z", "catching_up": true });
        let place = Place::read(&sync).unwrap();
        assert_eq!(
            line(&place, 700, Duration::from_secs(2)),
            "catching up: block 1234 of 2026-11-30T08:00:01Z, 350 blocks a second"
        );
        let odd = Place {
            time: "ü".to_owned(),
            ..place
        };
        assert!(line(&odd, u64::MAX, Duration::ZERO).contains("of üZ"));
        for broken in [Value::Null, json!({ "latest_block_height": 1 })] {
            assert!(Place::read(&broken).is_none());
        }
    }
}
