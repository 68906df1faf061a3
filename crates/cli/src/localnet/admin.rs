//! The private door of a network that runs: a socket in its home, for `strongroom localnet status|stop|time|snapshot|revert|dump|load`.
//!
//! One line of JSON in, one out. Promises: nobody else reaches it (its directory is for its owner only, and no port is opened); one request at a
//! time; a request that is no JSON, too long or too slow is answered or dropped, and changes nothing.

use super::greet::Places;
use crate::home::{ADMIN, Home};
use crate::{exit, rpc};
use anyhow::{Context as _, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use strongroom_types::Timestamp;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

const SOCKET: &str = "socket";
/// The longest request or answer, in bytes.
const LINE_BYTES_MAX: u64 = 64 << 10;
/// How long a request may take to arrive.
const REQUEST_WAITS: Duration = Duration::from_secs(5);
/// How long an answer is waited for: a large network is copied meanwhile.
const ANSWER_WAITS: Duration = Duration::from_secs(600);
/// Requests that wait.
const WAITING_MAX: usize = 8;
/// How long a block is waited for that was asked for.
pub(super) const BLOCK_WAITS: Duration = Duration::from_secs(10);
/// The clock of blocks stays before 2554-01-01T00:00:00Z, in nanoseconds since 1970.
const CLOCK_END: u64 = 18_429_292_800_000_000_000;
const TIME_END: &str = "the clock of blocks stays before the year 2554";
/// Between two looks for it.
const LOOK: Duration = Duration::from_millis(5);

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Do {
    Status,
    Stop,
    /// Set the clock of blocks forward.
    Forward {
        nanos: u64,
    },
    /// Set it to a time, in nanoseconds since 1970.
    To {
        nanos: u64,
    },
    #[serde(untagged)]
    Change(Change),
}

/// What is done to the files of a network of which nothing runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Change {
    Snapshot { name: String },
    Revert { name: String },
    Dump { file: PathBuf },
    Load { file: PathBuf },
}

impl Change {
    /// Finds out what can be wrong, and makes ready what can be made ready, while the network runs.
    pub(super) fn prepare(&self, home: &Home) -> anyhow::Result<()> {
        match self {
            Self::Snapshot { name } => home.check_snapshot(name),
            Self::Revert { name } => home.prepare_snapshot(name),
            Self::Dump { file } => home.check_dump(file),
            Self::Load { file } => home.prepare_dump(file),
        }
    }

    /// Does it, while nothing runs. A network that takes the place of another one leaves that where [`Home::recover`] finds it, until it runs.
    pub(super) fn make(&self, home: &Home) -> anyhow::Result<()> {
        match self {
            Self::Snapshot { name } => home.snapshot(name),
            Self::Dump { file } => home.dump(file),
            Self::Revert { .. } | Self::Load { .. } => home.install().map(|_| ()),
        }
    }
}

/// A request, and who waits for its answer.
pub(super) struct Request {
    what: Option<Do>,
    reply: oneshot::Sender<Value>,
}

impl Request {
    /// What is asked; nothing but the state, if it is asked for again.
    pub(super) fn take(&mut self) -> Do {
        self.what.take().unwrap_or(Do::Status)
    }

    pub(super) fn answer(self, done: anyhow::Result<Value>) {
        let answer = match done {
            Ok(value) => json!({ "ok": value }),
            Err(error) => json!({ "error": exit::in_one_line(&error) }),
        };
        // Who asked may be gone.
        let _ = self.reply.send(answer);
    }

    pub(super) fn refuse(self, error: &anyhow::Error) {
        let _ = self
            .reply
            .send(json!({ "error": exit::in_one_line(error) }));
    }
}

/// The listening socket. It goes when this goes.
pub(super) struct Admin {
    requests: mpsc::Receiver<Request>,
    /// Told when an answer has left.
    left: mpsc::Receiver<()>,
    path: PathBuf,
    serving: JoinSet<()>,
}

impl Drop for Admin {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
        let _ = self.path.parent().map(fs::remove_dir);
    }
}

impl Admin {
    /// Listens in a home that is locked: whatever socket lies there belongs to nobody.
    pub(super) fn listen(home: &Home) -> anyhow::Result<Self> {
        let directory = home.path().join(ADMIN);
        let failed = || format!("localnet.socket: {}", directory.display());
        if !directory.is_dir() {
            let mut builder = fs::DirBuilder::new();
            builder
                .mode(0o700)
                .create(&directory)
                .with_context(failed)?;
        }
        let path = directory.join(SOCKET);
        let _ = fs::remove_file(&path);
        let listener = reach(&path, |path| UnixListener::bind(path)).with_context(failed)?;
        let (send, requests) = mpsc::channel(WAITING_MAX);
        let (answered, left) = mpsc::channel(WAITING_MAX);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    sleep(LOOK).await;
                    continue;
                };
                let (send, answered) = (send.clone(), answered.clone());
                tokio::spawn(async move {
                    let _ = serve(stream, send).await;
                    let _ = answered.try_send(());
                });
            }
        });
        Ok(Self {
            requests,
            left,
            path,
            serving,
        })
    }

    /// The next request.
    pub(super) async fn next(&mut self) -> Request {
        match self.requests.recv().await {
            Some(request) => request,
            // The task that accepts has ended, which it never does.
            None => std::future::pending().await,
        }
    }

    /// Gives the last answer, and waits until it has left.
    pub(super) async fn last(&mut self, request: Request, answer: Value) {
        while self.left.try_recv().is_ok() {}
        request.answer(Ok(answer));
        let _ = timeout(REQUEST_WAITS, self.left.recv()).await;
        self.serving.abort_all();
    }
}

async fn serve(stream: UnixStream, send: mpsc::Sender<Request>) -> anyhow::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    let mut read = BufReader::new(read.take(LINE_BYTES_MAX));
    timeout(REQUEST_WAITS, read.read_line(&mut line)).await??;
    let answer = match serde_json::from_str(&line) {
        Err(_) => json!({ "error": "localnet.request: this is no request of this version" }),
        Ok(what) => {
            let (reply, answer) = oneshot::channel();
            let what = Some(what);
            send.send(Request { what, reply }).await?;
            answer.await?
        }
    };
    write.write_all(format!("{answer}\n").as_bytes()).await?;
    Ok(write.shutdown().await?)
}

/// Asks the network of a home.
pub(super) async fn ask(home: &Path, what: &Do) -> anyhow::Result<Value> {
    let path = home.join(ADMIN).join(SOCKET);
    let stream = match reach(&path, |path| Ok(path.to_owned())) {
        Ok(path) => UnixStream::connect(path).await,
        Err(error) => Err(error),
    };
    let Ok(stream) = stream else {
        let home_text = home.display();
        ensure!(
            !crate::home::is_locked(home),
            "localnet.busy: the network in {home_text} is starting or stopping: try again"
        );
        bail!(
            "localnet.not_running: no network runs in {home_text}: `strongroom localnet --home {home_text}` starts it"
        );
    };
    let (read, mut write) = stream.into_split();
    let request = serde_json::to_string(what)?;
    write.write_all(format!("{request}\n").as_bytes()).await?;
    let mut line = String::new();
    let mut read = BufReader::new(read.take(LINE_BYTES_MAX));
    let waited = timeout(ANSWER_WAITS, read.read_line(&mut line)).await;
    waited.context("localnet.silent: the network does not answer")??;
    let mut answer: Value = serde_json::from_str(&line)
        .context("localnet.silent: the network ended before it answered")?;
    if let Some(error) = answer["error"].as_str() {
        bail!("{error}");
    }
    Ok(answer["ok"].take())
}

/// Does something with a socket whose path may be longer than sockets take: then by way of its directory.
fn reach<T>(path: &Path, work: impl FnOnce(&Path) -> std::io::Result<T>) -> std::io::Result<T> {
    /// What systems take, with the zero at the end.
    const PATH_BYTES_MAX: usize = 100;
    if path.as_os_str().len() < PATH_BYTES_MAX {
        return work(path);
    }
    let absolute = std::path::absolute(path)?;
    let here = std::env::current_dir()?;
    match absolute.strip_prefix(&here) {
        Ok(short) if short.as_os_str().len() < PATH_BYTES_MAX => work(short),
        _ => Err(std::io::Error::other(
            "the path of the home is too long for a socket: name a shorter --home",
        )),
    }
}

/// Where a network is reached and where it stands.
pub(super) async fn status(places: &Places, ahead: Option<Duration>) -> anyhow::Result<Value> {
    let mut node = rpc::own(places.rpc).await?;
    let status = node.call("status", &json!({})).await?;
    let mut whole = places.to_json();
    whole["catching_up"] = status["sync_info"]["catching_up"].clone();
    whole["height"] = status["sync_info"]["latest_block_height"].clone();
    whole["time"] = status["sync_info"]["latest_block_time"].clone();
    if let Some(ahead) = ahead {
        whole["clock_ahead_seconds"] = json!(ahead.as_secs().to_string());
    }
    Ok(whole)
}

/// The time of the newest block.
pub(super) async fn block_time(rpc: SocketAddr) -> anyhow::Result<Timestamp> {
    let mut node = rpc::own(rpc).await?;
    let status = node.call("status", &json!({})).await?;
    let time = status["sync_info"]["latest_block_time"].as_str();
    let time = time.and_then(|time| time.parse().ok());
    time.context("the node tells no time of its newest block")
}

/// By how much a clock goes forward to a time, in nanoseconds since 1970, and the time it is then. What contracts can see ends in the year 2554: the
/// months before it are for the network to run on.
pub(super) fn shift(now: Timestamp, to: Option<u64>) -> anyhow::Result<(Duration, Timestamp)> {
    let end = || format!("localnet.time: {TIME_END}");
    let to = to.filter(|to| *to < CLOCK_END).with_context(end)?;
    let nanos = now.nanos_total().with_context(end)?;
    let by = to.checked_sub(nanos).with_context(|| {
        format!("localnet.time: the clock of blocks is at {now}, and goes forward only")
    })?;
    Ok((Duration::from_nanos(by), Timestamp::from_nanos_total(to)))
}

/// Refuses a clock that is past what [`shift`] takes.
pub(super) fn check_clock(now: Timestamp) -> anyhow::Result<()> {
    let fits = now.nanos_total().is_some_and(|now| now < CLOCK_END);
    ensure!(fits, "localnet.time: {TIME_END}");
    Ok(())
}

/// Has blocks made until one has at least this time.
pub(super) async fn until(
    rpc: SocketAddr,
    target: Timestamp,
    want_block: impl Fn() -> bool,
) -> anyhow::Result<()> {
    let waited = timeout(BLOCK_WAITS, async {
        want_block();
        while block_time(rpc).await? < target {
            sleep(LOOK).await;
        }
        anyhow::Ok(())
    });
    waited.await.context("localnet.time: no block came")?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_go_through_their_line() {
        for what in [
            Do::Status,
            Do::Stop,
            Do::Forward { nanos: 7 },
            Do::To { nanos: u64::MAX },
            Do::Change(Change::Snapshot {
                name: "a".to_owned(),
            }),
            Do::Change(Change::Load { file: "/x".into() }),
        ] {
            let line = serde_json::to_string(&what).unwrap();
            assert_eq!(serde_json::from_str::<Do>(&line).unwrap(), what, "{line}");
        }
        for bad in [
            "",
            "{}",
            "\"reset\"",
            r#"{"revert":{}}"#,
            r#"{"forward":{"nanos":-1}}"#,
        ] {
            assert!(serde_json::from_str::<Do>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_clock_goes_forward_only_and_ends_before_contracts_see_no_time() {
        let now = Timestamp {
            seconds: 100,
            nanos: 5,
        };
        let (by, then) = shift(now, Some(160_000_000_005)).unwrap();
        assert_eq!(
            (by, then.seconds, then.nanos),
            (Duration::from_secs(60), 160, 5)
        );
        assert!(shift(now, Some(100_000_000_005)).is_ok());
        assert!(shift(now, Some(CLOCK_END - 1)).is_ok());
        for bad in [None, Some(100_000_000_004), Some(CLOCK_END), Some(u64::MAX)] {
            let error = shift(now, bad).unwrap_err().to_string();
            assert!(error.starts_with("localnet.time: "), "{bad:?}: {error}");
        }
        let end: Timestamp = "2554-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(end.nanos_total(), Some(CLOCK_END));
        check_clock(now).unwrap();
        for late in [
            end,
            Timestamp {
                seconds: i64::MAX,
                nanos: 0,
            },
            Timestamp {
                seconds: -1,
                nanos: 0,
            },
        ] {
            assert!(check_clock(late).is_err(), "{late}");
        }
    }
}
