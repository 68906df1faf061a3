//! Work on the transactions of a block that needs their bytes alone, done on all cores before they run: decoding, and the ECDSA of DIRECT
//! signatures.
//!
//! Promises: what runs is the same with and without; nothing of it is believed from anybody; what is left out of the block is not looked at, and
//! whoever watches knows which transaction each thread looks at. A signature that was looked at ahead counts
//! only for the very key, digest and signature that the ante chain asks about, which are its own; for any other it verifies itself.
//! Refuses: more than [`CHUNK`] transactions at a time, and more bytes than [`CHUNK_BYTES`] but for a single one, so that what is decoded and
//! not yet run is bounded: decoded, it may have many times its bytes.

use crate::ctx::{Ctx, ExecutionEnv};
use crate::error::Fault;
use crate::modules;
use crate::ports::{Watch, WatchAhead};
use crate::state::State;
use crate::tx::looked::Looked;
use crate::tx::{DecodedTx, decode};
use crate::types::multisig::SignatureData;
use crate::types::proto::cosmos::tx::signing::v1beta1::SignMode;
use crate::types::{PublicKey, RawTx, TxError, sha256};

use super::{BlockInfo, unmetered};

/// Transactions that are looked at together.
pub const CHUNK: usize = 256;
/// Bytes of transactions that are looked at together.
const CHUNK_BYTES: usize = 256 * 1024;
/// Fewer are not worth a thread.
const FEW: usize = 8;
/// Threads at most.
const THREADS_MAX: usize = 8;

/// What is known of a transaction before it runs.
pub(super) struct Ahead {
    pub(super) decoded: Result<DecodedTx, TxError>,
    pub(super) signed: Option<Looked>,
}

/// The first of `txs`, which are looked at together.
pub(super) fn chunk(txs: &[RawTx]) -> &[RawTx] {
    let mut bytes = 0_usize;
    let fit = txs.iter().take(CHUNK).take_while(|tx| {
        bytes = bytes.saturating_add(tx.len());
        bytes <= CHUNK_BYTES
    });
    let fit = fit.count().max(1);
    txs.get(..fit).unwrap_or(txs)
}

/// Looks at transactions, at most [`CHUNK`], each with its place in the block. On one core, or for a few, at none.
///
/// # Errors
/// A fault of the state.
pub(super) fn look(
    state: &mut State<'_>,
    block: &BlockInfo,
    env: ExecutionEnv<'_>,
    txs: &[(u32, &RawTx)],
    watch: &dyn Watch,
) -> Result<Vec<Option<Ahead>>, Fault> {
    let threads = env.engine.cores().min(THREADS_MAX);
    if threads < 2 || txs.len() < FEW {
        return Ok(Vec::new());
    }
    let threaded = watch.ahead();
    let decoded = decode_all(threads, txs, threaded);
    let mut asked = Vec::new();
    for ((at, tx), decoded) in txs.iter().zip(decoded) {
        let number = match &decoded {
            // A fault of the state is this transaction's, as if it ran.
            Some(Ok(decoded)) if watch.begins(*at, tx.hash()) => {
                let number = number_of(state, block, env, decoded)?;
                watch.ended();
                number
            }
            _ => None,
        };
        asked.push((at, tx, decoded, number));
    }
    let chain_id = block.chain_id.as_str();
    let signed = on_all(threads, &asked, |(at, tx, decoded, number)| {
        let decoded = decoded.as_ref()?.as_ref().ok()?;
        let looks = threaded.looks(**at, tx.hash());
        let looked = looks
            .then(|| look_at(decoded, chain_id, (*number)?))
            .flatten();
        threaded.looked();
        looked
    });
    let asked = asked.into_iter().zip(signed);
    let ahead = asked.map(|((.., decoded, _), signed)| {
        let decoded = decoded?;
        Some(Ahead { decoded, signed })
    });
    Ok(ahead.collect())
}

/// Decodes transactions, each with its place in the block, but those that are left out of it.
pub(super) fn decode_all(
    threads: usize,
    txs: &[(u32, &RawTx)],
    watch: &dyn WatchAhead,
) -> Vec<Option<Result<DecodedTx, TxError>>> {
    on_all(threads, txs, |(at, tx)| {
        let decoded = watch.looks(*at, tx.hash()).then(|| decode(tx));
        watch.looked();
        decoded
    })
}

/// The number of the first signer's account: the one thing that is signed and not in the bytes. It never changes.
fn number_of(
    state: &mut State<'_>,
    block: &BlockInfo,
    env: ExecutionEnv<'_>,
    decoded: &DecodedTx,
) -> Result<Option<u64>, Fault> {
    let Some(key) = key_of(decoded) else {
        return Ok(None);
    };
    let address = PublicKey::Secp256k1(key).address();
    let mut ctx = Ctx::of_block(state, block, env);
    let account = modules::signer(&mut ctx, &address).map_err(unmetered)?;
    Ok(account.map(|account| account.number))
}

/// The key that came with the first signer.
fn key_of(decoded: &DecodedTx) -> Option<[u8; 33]> {
    let info = decoded.tx.auth_info.signer_infos.first()?;
    match PublicKey::from_any(info.public_key.as_ref()?) {
        Ok(PublicKey::Secp256k1(key)) => Some(key),
        _ => None,
    }
}

fn look_at(decoded: &DecodedTx, chain_id: &str, number: u64) -> Option<Looked> {
    let key = key_of(decoded)?;
    let Ok(SignatureData::Single { mode, signature }) = decoded.tx.signature(0) else {
        return None;
    };
    if SignMode::try_from(mode) != Ok(SignMode::Direct) {
        return None;
    }
    let digest = sha256(&decoded.tx.sign_bytes_direct(chain_id, number));
    Looked::new(&key, &digest, signature)
}

/// `work` on each of `items`, in their order, shared among so many threads, this one among them.
fn on_all<T: Sync, R: Send>(threads: usize, items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let share = items.len().div_ceil(threads.max(1)).max(1);
    let work = &work;
    std::thread::scope(|scope| {
        let mut shares = items.chunks(share);
        let own = shares.next().unwrap_or_default();
        let others: Vec<_> = shares
            .map(|share| {
                let run = move || share.iter().map(work).collect::<Vec<R>>();
                (share, std::thread::Builder::new().spawn_scoped(scope, run))
            })
            .collect();
        let mut done: Vec<R> = own.iter().map(work).collect();
        for (share, thread) in others {
            let other = thread.ok().and_then(|thread| thread.join().ok());
            // No thread was to be had, or it panicked where that does not end the process.
            done.extend(other.unwrap_or_else(|| share.iter().map(work).collect()));
        }
        done
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_among_threads_comes_back_in_order_also_where_one_panics_once() {
        let items: Vec<usize> = (0..100).collect();
        for threads in [1, 2, 3, 8, 200] {
            let doubled = on_all(threads, &items, |n| n * 2);
            assert_eq!(doubled, items.iter().map(|n| n * 2).collect::<Vec<_>>());
        }
        let once = std::sync::atomic::AtomicBool::new(true);
        let here = std::thread::current().id();
        let work = |n: &usize| {
            let other = std::thread::current().id() != here;
            assert!(!(other && once.swap(false, std::sync::atomic::Ordering::SeqCst)));
            *n
        };
        assert_eq!(on_all(2, &items, work), items);
        assert!(on_all(4, &[], |n: &usize| *n).is_empty());
    }

    #[test]
    fn a_chunk_ends_with_its_number_or_its_bytes_and_has_one_at_least() {
        let txs = |sizes: &[usize]| RawTx::list(sizes.iter().map(|size| vec![0; *size]));
        for (sizes, first) in [
            (&[][..], 0),
            (&[0; CHUNK + 1], CHUNK),
            (&[CHUNK_BYTES, 0, 1], 2),
            (&[CHUNK_BYTES - 1, 1, 1], 2),
            (&[CHUNK_BYTES + 1, 1], 1),
            (&[1, CHUNK_BYTES], 1),
        ] {
            assert_eq!(chunk(&txs(sizes)).len(), first);
        }
    }
}
