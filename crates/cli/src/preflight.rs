//! What a network needs of its machine, looked for before anything is changed.

use crate::faucet::DENOM;
use anyhow::{Context as _, ensure};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use strongroom_chain::tx::{GasPrice, NotAGasPrice};
use strongroom_http::Shares;
use strongroom_types::consensus::CHAIN_ID_BYTES_MAX;

/// Bytes on disk that a start needs: what the stores leave free, and as much again.
const FREE_BYTES_MIN: u64 = 128 << 20;
/// Threads that a start takes beyond the first: 52 of a node and its enclave at rest, and some that come and go meanwhile.
const THREADS_MIN: usize = 60;
/// Of a thread that only waits.
const STACK_BYTES: usize = 64 << 10;

/// Refuses a machine that gives too little, before anything is touched and before there is any other thread. Gives what
/// each server may take.
pub(crate) fn machine() -> anyhow::Result<Shares> {
    let shares = Shares::of_process().context("start.descriptors")?;
    let given = threads_up_to(THREADS_MIN);
    ensure!(
        given >= THREADS_MIN,
        "start.threads: this user may start {given} more threads, and a node with its enclave needs {THREADS_MIN}: raise \
         the limit of threads and processes (`ulimit -u`), or end others of this user"
    );
    Ok(shares)
}

/// How many threads can be started, up to so many: limits of the user, of a container and of the machine are found by
/// nothing else.
fn threads_up_to(most: usize) -> usize {
    let gate = Arc::new(Mutex::new(()));
    let shut = gate.lock();
    let start = |_| {
        let gate = Arc::clone(&gate);
        let wait = move || drop(gate.lock());
        let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn(wait);
        thread.ok()
    };
    let started: Vec<_> = (0..most).map_while(start).collect();
    drop(shut);
    let count = started.len();
    for thread in started {
        let _ = thread.join();
    }
    count
}

/// Origins that browsers may call from: all, if none is named.
pub(crate) fn origins(named: &[String]) -> Vec<String> {
    match named {
        [] => vec!["*".to_owned()],
        named => named.to_vec(),
    }
}

/// The name of a chain: what a client puts into URLs and file names without a thought.
pub(crate) fn chain_id(text: &str) -> Result<String, String> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if text.is_empty() || text.len() > CHAIN_ID_BYTES_MAX || !text.bytes().all(is_plain) {
        return Err(format!(
            "1 to {CHAIN_ID_BYTES_MAX} letters, digits, '-', '_' and '.' are a name"
        ));
    }
    Ok(text.to_owned())
}

/// The id of a node.
pub(crate) fn node_id(text: &str) -> Result<String, String> {
    let bytes = hex::decode(text).ok().filter(|bytes| bytes.len() == 20);
    let bytes =
        bytes.ok_or("a node has an id of 40 hexadecimal digits (`strongroom node status`)")?;
    Ok(hex::encode(bytes))
}

/// The only denomination of fees on a local network is that of its accounts.
pub(crate) fn gas_price(text: &str) -> Result<GasPrice, String> {
    let price: GasPrice = text.parse().map_err(|e: NotAGasPrice| e.to_string())?;
    if price.denom == DENOM {
        Ok(price)
    } else {
        Err(format!("fees are paid in {DENOM}, not in {}", price.denom))
    }
}

/// Refuses a file system that is full, or that this user may not write to. Gives the bytes
/// that are free.
pub(crate) fn free_space(home: &Path) -> anyhow::Result<u64> {
    let home = std::path::absolute(home)?;
    let there = home.ancestors().find(|path| path.exists());
    let there = there.context("there is no file system")?;
    let disk = rustix::fs::statvfs(there).with_context(|| there.display().to_string())?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    ensure!(
        free >= FREE_BYTES_MIN,
        "{} has {} MiB free: a network needs {} MiB",
        there.display(),
        free >> 20,
        FREE_BYTES_MIN >> 20
    );
    rustix::fs::access(there, rustix::fs::Access::WRITE_OK)
        .with_context(|| format!("cannot write to {}", there.display()))?;
    Ok(free)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_limits_says_how_many_threads_a_start_takes() {
        let table = include_str!("../../../docs/spec/serving.md");
        let row = format!("| threads of node and enclave beyond the first | {THREADS_MIN} |");
        assert!(table.contains(&row), "{row}");
    }

    #[test]
    fn threads_are_counted_up_to_what_is_wanted() {
        assert_eq!(threads_up_to(0), 0);
        assert_eq!(threads_up_to(7), 7);
    }

    #[test]
    fn a_chain_has_a_name_that_needs_no_quotes() {
        for good in ["secretdev-1", "a", "x_y.Z-9", &"x".repeat(50)] {
            assert_eq!(chain_id(good).as_deref(), Ok(good));
        }
        for bad in ["", " ", "a b", "a/b", "ä", "a\n", &"x".repeat(51)] {
            assert!(chain_id(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_node_is_named_by_its_whole_id() {
        let id = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(node_id(id).as_deref(), Ok(id));
        assert_eq!(node_id(&id.to_uppercase()).as_deref(), Ok(id));
        for bad in ["", "node0", &id[1..], &format!("{id}00")] {
            assert!(node_id(bad).is_err(), "{bad}");
        }
    }
}
