//! What a node answers that a client asks over REST: each answer may be a lie.

use crate::seeds::recorded;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use strongroom_proof::light::skipping::Terms;
use strongroom_sdk::client::{Client, Error, Proven, Request, Response, Transport};
use strongroom_sdk::light::{self, Trusted};
use strongroom_types::{DecidedBlock, ExecTxResult, Timestamp};

/// When a client begins: after the recorded blocks.
const START: Timestamp = Timestamp {
    seconds: 1_800_000_000,
    nanos: 0,
};
/// The most questions of one call to a node that answers nothing more.
const ASKED_MAX: usize = 2_000;

/// A node that says one thing after the other, whatever it is asked.
pub(crate) struct Node<A> {
    answers: A,
    asked: usize,
    waited: Duration,
}

impl<A: FnMut(&Request) -> Option<Response>> Node<A> {
    pub(crate) const fn new(answers: A) -> Self {
        Self {
            answers,
            asked: 0,
            waited: Duration::ZERO,
        }
    }
}

impl<A: FnMut(&Request) -> Option<Response>> Transport for Node<A> {
    async fn exchange(&mut self, request: Request) -> Result<Response, Error> {
        self.asked += 1;
        assert!(self.asked < ASKED_MAX, "it asks for ever");
        // What is behind the address is settled: it is REST that is looked at.
        let answer = match request.path.as_str() {
            "" => Some(said(501, br#"{"code":12,"message":"Not Implemented"}"#)),
            path if path.ends_with("/node_info") => Some(said(
                200,
                br#"{"default_node_info":{"network":"golden-single-1"}}"#,
            )),
            _ => (self.answers)(&request),
        };
        answer.ok_or_else(|| Error::NoAnswer("nothing".to_owned()))
    }

    fn now(&self) -> Timestamp {
        let passed = u64::try_from(self.waited.as_nanos()).unwrap_or(u64::MAX);
        let begun = START.nanos_total().unwrap_or_default();
        Timestamp::from_nanos_total(begun.saturating_add(passed))
    }

    async fn pause(&mut self, time: Duration) {
        self.waited = self.waited.saturating_add(time);
    }
}

pub(crate) fn said(status: u16, body: &[u8]) -> Response {
    Response {
        status,
        body: body.to_vec(),
        ..Response::default()
    }
}

/// An answer in a line: its status, how long to wait in a header of it, and the body.
fn line(line: &[u8]) -> Response {
    let text = String::from_utf8_lossy(line);
    let mut parts = text.splitn(3, ' ');
    let status = parts.next().and_then(|status| status.parse().ok());
    let wait = parts.next().filter(|wait| !wait.is_empty());
    Response {
        retry_after_ms: wait.map(str::to_owned),
        ..said(
            status.unwrap_or(200),
            parts.next().unwrap_or_default().as_bytes(),
        )
    }
}

/// The outcome of work that waits for nobody but the node above.
pub(crate) fn ready<T>(work: impl Future<Output = T>) -> T {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("it waits"),
    }
}

/// What a client can be asked for that has the form of an answer: the words are the first line of an input.
pub(crate) async fn ask<T: Transport>(client: &mut Client<T>, words: &str) -> Result<(), Error> {
    let (what, of) = words.split_once(' ').unwrap_or((words, ""));
    let with = |name: &str| serde_json::json!({ name: of });
    match what {
        "tx" => {
            let included = client.transaction(of).await?;
            if included.proven != Proven::Nothing {
                let (block, results) = BLOCKS.get(&included.height).expect("a recorded block");
                let at = block.txs.iter().position(|tx| **tx == *included.tx);
                let result = results
                    .get(at.expect("its transaction"))
                    .expect("its result");
                let committed =
                    |r: &ExecTxResult| (r.code, r.data.clone(), r.gas_wanted, r.gas_used);
                let is_so = committed(&included.result) == committed(result);
                assert!(included.proven == Proven::Block || is_so, "another result");
            }
            // What is in the recorded blocks is nothing that it reads further.
            let _ = included.open(None);
        }
        "wait" => drop(client.wait(of).await?),
        "send" => drop(client.broadcast(of.as_bytes()).await?),
        "position" => drop(
            client
                .position(&of.parse().map_err(|_| Error::NoJson)?)
                .await?,
        ),
        "height_in" => drop(client.height_in(Duration::from_secs(60)).await?),
        "key" => drop(client.network_key().await?),
        "settled" => drop(
            client
                .settled(&of.parse().map_err(|_| Error::NoJson)?)
                .await?,
        ),
        "results" => drop(client.call("block_results", &with("height")).await?),
        "search" => drop(client.call("tx_search", &with("query")).await?),
        "validators" => drop(client.call("validators", &with("height")).await?),
        _ => drop(client.height().await?),
    }
    Ok(())
}

/// The recorded blocks of the chain of one, with their results.
static BLOCKS: LazyLock<BTreeMap<u64, (DecidedBlock, Vec<ExecTxResult>)>> = LazyLock::new(|| {
    let blocks = recorded::states(&recorded::CHAINS[0]).into_iter();
    let blocks = (1..).zip(blocks.map(|(_, block)| block));
    blocks
        .map(|(height, block)| (height, (block, recorded::results("single", height))))
        .collect()
});

/// What a client knows that believes nothing.
pub(crate) fn trusted() -> Trusted {
    static TRUSTED: LazyLock<Trusted> =
        LazyLock::new(|| light::genesis(&recorded::genesis("single")).expect("a recorded genesis"));
    TRUSTED.clone()
}

/// A question in the first line, and what a node says to it, an answer in each line: for a client that believes the node, and for one that has all proven.
pub fn client_rest(data: &[u8]) -> bool {
    let mut lines = data.split(|byte| *byte == b'\n');
    let words = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let lines: Vec<&[u8]> = lines.collect();
    let node = || {
        let mut left = lines.iter();
        Node::new(move |_: &Request| left.next().map(|answer| line(answer)))
    };
    let believed = ready(ask(&mut Client::new(node()), &words));
    let mut proving = Client::new(node()).trusting(trusted(), Terms::WITHOUT_CLOCK);
    let proven = ready(ask(&mut proving, &words));
    if let Ok(height) = ready(proving.height()) {
        assert!(BLOCKS.contains_key(&height), "a height that no block has");
    }
    believed.is_ok() || proven.is_ok()
}
