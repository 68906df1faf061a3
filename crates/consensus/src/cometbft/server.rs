//! The ABCI 2.0 server: a socket of this machine on which CometBFT opens four connections, and a thread for each.
//!
//! Promises: answers come in the order of the requests, each flushed when it is there; the consensus connection has one lock and
//! nobody else waits for it, so that CheckTx and queries go on while a block is executed; at most [`CONNECTIONS_MAX`]
//! connections at a time. A query that is no protobuf of ours is answered with an error: CometBFT passes on what strangers ask. Any
//! other request that cannot be read or served ends the engine: no answer is invented. A connection that ends while CometBFT
//! lives is told to the supervisor, since CometBFT may live on without it.
//! Why not the server of `tendermint-abci`: it writes each answer in two pieces without `TCP_NODELAY`, about 40 ms a call.

use super::chain::Chain;
use super::error::CometError;
use super::{Queries, frames, words};
use crate::Application;
use prost::Message as _;
use std::io::{self, BufReader};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use strongroom_proof::comet::raw::abci as pb;
use strongroom_types::error::sdk;
use strongroom_types::{Height, RawTx};

/// The most connections at a time: CometBFT opens four, and four again while the old ones end.
const CONNECTIONS_MAX: usize = 8;
const POLL: Duration = Duration::from_millis(5);

/// How a request begins that is a query: field 6, length-delimited.
const QUERY_TAG: u8 = 0x32;

/// To a query whose path is no text: CometBFT takes any bytes from a URL for a string.
fn unreadable_query() -> pb::response::Value {
    let error = sdk::INVALID_REQUEST.wrap("the path of a query is text in UTF-8");
    pb::response::Value::Query(pb::ResponseQuery {
        code: error.code,
        codespace: error.codespace,
        log: error.text,
        ..pb::ResponseQuery::default()
    })
}

/// What the connections of one session share.
pub(super) struct Session {
    pub(super) chain: Mutex<Chain>,
    pub(super) app: Arc<dyn Application>,
    pub(super) queries: Arc<dyn Queries>,
    /// After each commit: height, and the transactions that the block had no room for.
    pub(super) committed: Box<dyn Fn(Height, Vec<RawTx>) + Send + Sync>,
    /// CometBFT is gone, or is to go.
    pub(super) over: Arc<AtomicBool>,
    /// Why the session cannot go on.
    pub(super) failed: Mutex<Option<CometError>>,
    /// A connection has ended.
    pub(super) parted: AtomicBool,
}

impl Session {
    /// Serves until [`Session::over`]; the thread ends when every connection has ended.
    pub(super) fn serve(self: &Arc<Self>, listener: UnixListener) -> io::Result<JoinHandle<()>> {
        listener.set_nonblocking(true)?;
        let session = Arc::clone(self);
        std::thread::Builder::new()
            .name("abci".to_owned())
            .spawn(move || session.accept(&listener))
    }

    fn accept(self: &Arc<Self>, listener: &UnixListener) {
        let open = Arc::new(AtomicUsize::new(0));
        let mut threads: Vec<JoinHandle<()>> = Vec::new();
        while !self.over.load(Ordering::SeqCst) {
            threads.retain(|thread| !thread.is_finished());
            match listener.accept() {
                Ok((stream, _)) if open.load(Ordering::SeqCst) < CONNECTIONS_MAX => {
                    match self.connection(stream, &open) {
                        Ok(thread) => threads.push(thread),
                        Err(error) => tracing::warn!("an ABCI connection is refused: {error}"),
                    }
                }
                Ok(_) => tracing::warn!("an ABCI connection too many is refused"),
                // Nobody is there, or there is no room for another now.
                Err(_) => std::thread::sleep(POLL),
            }
        }
        for thread in threads {
            if thread.join().is_err() {
                self.fail(CometError::Panicked);
            }
        }
    }

    fn connection(
        self: &Arc<Self>,
        stream: UnixStream,
        open: &Arc<AtomicUsize>,
    ) -> io::Result<JoinHandle<()>> {
        stream.set_nonblocking(false)?;
        let (session, open) = (Arc::clone(self), Arc::clone(open));
        open.fetch_add(1, Ordering::SeqCst);
        let counted = Arc::clone(&open);
        let thread = std::thread::Builder::new()
            .name("abci-connection".to_owned())
            .spawn(move || {
                let run = std::panic::AssertUnwindSafe(|| session.converse(stream));
                match std::panic::catch_unwind(run) {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => session.fail(error),
                    Err(_) => session.fail(CometError::Panicked),
                }
                session.parted.store(true, Ordering::SeqCst);
                open.fetch_sub(1, Ordering::SeqCst);
            });
        if thread.is_err() {
            counted.fetch_sub(1, Ordering::SeqCst);
        }
        thread
    }

    /// One connection, to its end. What the stream itself does is no failure of ours: CometBFT comes and goes.
    fn converse(&self, stream: UnixStream) -> Result<(), CometError> {
        let Ok(mut writer) = stream.try_clone() else {
            return Ok(());
        };
        let mut reader = BufReader::new(stream);
        loop {
            let Ok(Some(bytes)) = frames::read(&mut reader) else {
                return Ok(());
            };
            let value = match pb::Request::decode(bytes.as_slice()) {
                Ok(pb::Request { value: Some(value) }) => self.answer(value)?,
                _ if bytes.first() == Some(&QUERY_TAG) => unreadable_query(),
                _ => {
                    let text = "CometBFT asks what cannot be read";
                    return Err(CometError::Order(text.to_owned()));
                }
            };
            let response = pb::Response { value: Some(value) };
            if frames::write(&mut writer, &response).is_err() {
                return Ok(());
            }
        }
    }

    fn answer(&self, request: pb::request::Value) -> Result<pb::response::Value, CometError> {
        use pb::request::Value as Q;
        use pb::response::Value as A;
        Ok(match request {
            Q::Echo(echo) => A::Echo(pb::ResponseEcho {
                message: echo.message,
            }),
            Q::Flush(_) => A::Flush(pb::ResponseFlush {}),
            Q::Info(_) => A::Info(self.info()?),
            Q::Query(query) => A::Query(self.queries.query(query)),
            Q::CheckTx(check) => {
                let again = check.r#type == i32::from(pb::CheckTxType::Recheck);
                A::CheckTx(words::check_tx(self.queries.check_tx(&check.tx, again)))
            }
            Q::InitChain(init) => A::InitChain(self.chain().init_chain(&init)?),
            Q::PrepareProposal(prepare) => A::PrepareProposal(Chain::prepare_proposal(prepare)),
            Q::ProcessProposal(process) => A::ProcessProposal(Chain::process_proposal(&process)),
            Q::FinalizeBlock(block) => A::FinalizeBlock(self.chain().finalize_block(block)?),
            Q::Commit(_) => {
                let (height, left) = self.chain().commit()?;
                (self.committed)(height, left);
                // Every block is kept: a joining node begins with the first.
                A::Commit(pb::ResponseCommit { retain_height: 0 })
            }
            // No snapshots are offered, and none is taken.
            Q::ListSnapshots(_) => A::ListSnapshots(pb::ResponseListSnapshots::default()),
            Q::OfferSnapshot(_) => A::OfferSnapshot(pb::ResponseOfferSnapshot {
                result: pb::response_offer_snapshot::Result::Reject.into(),
            }),
            Q::LoadSnapshotChunk(_) => {
                A::LoadSnapshotChunk(pb::ResponseLoadSnapshotChunk::default())
            }
            Q::ApplySnapshotChunk(_) => A::ApplySnapshotChunk(pb::ResponseApplySnapshotChunk {
                result: pb::response_apply_snapshot_chunk::Result::Abort.into(),
                ..Default::default()
            }),
            // Vote extensions are never enabled.
            Q::ExtendVote(_) => A::ExtendVote(pb::ResponseExtendVote::default()),
            Q::VerifyVoteExtension(_) => {
                A::VerifyVoteExtension(pb::ResponseVerifyVoteExtension::default())
            }
        })
    }

    /// Where the application stands: CometBFT replays from there.
    fn info(&self) -> Result<pb::ResponseInfo, CometError> {
        let at = self.app.info()?;
        let first = at.height == 0;
        Ok(pb::ResponseInfo {
            last_block_height: i64::try_from(at.height).unwrap_or(i64::MAX),
            last_block_app_hash: if first {
                Vec::new().into()
            } else {
                at.app_hash.into()
            },
            ..self.queries.info()
        })
    }

    fn chain(&self) -> std::sync::MutexGuard<'_, Chain> {
        // A panic within ends the session: nobody goes on with half a block.
        self.chain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the first reason.
    pub(super) fn fail(&self, error: CometError) {
        if matches!(error, CometError::Stopped) {
            return;
        }
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.get_or_insert(error);
    }

    pub(super) fn has_failed(&self) -> bool {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.is_some()
    }

    pub(super) fn take_failure(&self) -> Option<CometError> {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_whose_path_is_no_text_begins_as_a_query() {
        // Field 6 of 5 bytes: field 2, a string, of 3 bytes that are no UTF-8.
        let bytes = [QUERY_TAG, 5, 0x12, 3, 0xff, 0xfe, 0xff];
        assert!(pb::Request::decode(bytes.as_slice()).is_err());
        let good = pb::Request {
            value: Some(pb::request::Value::Query(pb::RequestQuery {
                path: "/x".to_owned(),
                ..Default::default()
            })),
        };
        assert_eq!(good.encode_to_vec().first(), Some(&QUERY_TAG));
        let pb::response::Value::Query(answer) = unreadable_query() else {
            panic!()
        };
        assert_eq!((answer.code, answer.codespace.as_str()), (18, "sdk"));
    }
}
