//! A client of the private RPC socket of our own CometBFT: blocks and commits for the enclave, broadcasts, status.
//!
//! One connection for each call: over a socket of this machine that costs less than keeping track of connections that
//! CometBFT closes after ten idle seconds. No proxy is in between, so `/commit` cannot be an old answer.
//! Promises: no call waits longer than [`CALL_WAITS`] for the other end, no answer above [`ANSWER_BYTES_MAX`] is read.

use super::json::{self, Block, JsonError, SignedHeader};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;
use strongroom_types::{ExecTxResult, Height};

/// How long the other end may take. Long enough for a `broadcast_tx_sync` behind a full mempool.
const CALL_WAITS: Duration = Duration::from_secs(20);
/// The longest answer, in bytes: a block of 4 MiB in base64, with evidence, twice over.
const ANSWER_BYTES_MAX: u64 = 32 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RpcError {
    /// CometBFT is not there, or not yet there: it was asked nothing.
    #[error("CometBFT's RPC: {0}")]
    Unasked(io::Error),
    /// It was asked, and no answer came, or none that can be read: what it was to do may be done.
    #[error("CometBFT's RPC was asked, and its answer is lost: {0}")]
    Lost(io::Error),
    /// An error instead of an answer, or no answer of this shape.
    #[error(transparent)]
    Json(#[from] JsonError),
}

/// See the module. Clones name the same socket.
#[derive(Clone, Debug)]
pub struct Rpc {
    socket: PathBuf,
}

impl Rpc {
    /// A client of the RPC at `socket`; nothing is connected yet.
    #[must_use]
    pub const fn new(socket: PathBuf) -> Self {
        Self { socket }
    }

    /// Header of a height, with a commit for it.
    ///
    /// # Errors
    /// [`RpcError`].
    pub fn commit(&self, height: Height) -> Result<SignedHeader, RpcError> {
        Ok(json::signed_header(
            &self.get(&format!("/commit?height={height}"))?,
        )?)
    }

    /// The block of a height.
    ///
    /// # Errors
    /// [`RpcError`].
    pub fn block(&self, height: Height) -> Result<Block, RpcError> {
        Ok(json::block(&self.get(&format!("/block?height={height}"))?)?)
    }

    /// Newest height of its block store; `None` for an empty one, which CometBFT answers with an error.
    ///
    /// # Errors
    /// [`RpcError`] if CometBFT cannot be asked.
    pub fn newest(&self) -> Result<Option<Height>, RpcError> {
        match self.get("/blockchain?minHeight=1&maxHeight=1") {
            Ok(chain) => {
                let text = chain["last_height"].as_str().unwrap_or_default();
                Ok(text.parse().ok().filter(|height| *height > 0))
            }
            Err(RpcError::Json(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether CometBFT is fetching blocks that others have.
    ///
    /// # Errors
    /// [`RpcError`].
    pub fn catching_up(&self) -> Result<bool, RpcError> {
        let status = self.get("/status")?;
        Ok(status["sync_info"]["catching_up"].as_bool().unwrap_or(true))
    }

    /// Number of peers.
    ///
    /// # Errors
    /// [`RpcError`].
    pub fn peers(&self) -> Result<usize, RpcError> {
        let info = self.get("/net_info")?;
        let number = info["n_peers"].as_str().unwrap_or_default();
        Ok(number.parse().unwrap_or(0))
    }

    /// Gives a transaction to CometBFT's mempool and tells what CheckTx said; an error text of CometBFT's own (the mempool is
    /// full, the transaction is known) is the inner error.
    ///
    /// # Errors
    /// [`RpcError::Unasked`] if CometBFT does not have it; [`RpcError::Lost`] if it may have it.
    pub fn broadcast(&self, tx: &[u8]) -> Result<Result<ExecTxResult, String>, RpcError> {
        let request = json!({
            "jsonrpc": "2.0", "id": 1, "method": "broadcast_tx_sync",
            "params": { "tx": STANDARD.encode(tx) },
        });
        let mut answer = self.post(&request)?;
        if let Some(data) = answer["error"]["data"].as_str() {
            return Ok(Err(data.to_owned()));
        }
        let result = answer["result"].take();
        let text = |name: &str| result[name].as_str().unwrap_or_default().to_owned();
        let code = result["code"].as_u64().and_then(|c| u32::try_from(c).ok());
        Ok(Ok(ExecTxResult {
            code: code.ok_or_else(|| RpcError::Lost(ErrorKind::InvalidData.into()))?,
            log: text("log"),
            codespace: text("codespace"),
            data: STANDARD.decode(text("data")).unwrap_or_default(),
            ..ExecTxResult::default()
        }))
    }

    fn get(&self, target: &str) -> Result<Value, RpcError> {
        let body = self.exchange(&format!("GET {target} HTTP/1.0\r\n\r\n"))?;
        Ok(json::result(&body)?)
    }

    fn post(&self, request: &Value) -> Result<Value, RpcError> {
        let body = request.to_string();
        let head = format!(
            "POST / HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = self.exchange(&head)?;
        serde_json::from_slice(&answer)
            .map_err(|e| RpcError::Lost(io::Error::new(ErrorKind::InvalidData, e)))
    }

    /// One exchange of HTTP/1.0: the body ends with the connection.
    fn exchange(&self, request: &str) -> Result<Vec<u8>, RpcError> {
        // A request that is not whole is not read.
        let mut stream = self.ask(request).map_err(RpcError::Unasked)?;
        answer(&mut stream).map_err(RpcError::Lost)
    }

    fn ask(&self, request: &str) -> io::Result<UnixStream> {
        let mut stream = UnixStream::connect(&self.socket)?;
        stream.set_read_timeout(Some(CALL_WAITS))?;
        stream.set_write_timeout(Some(CALL_WAITS))?;
        stream.write_all(request.as_bytes())?;
        Ok(stream)
    }
}

/// The body of what comes until the connection ends.
fn answer(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX + 1).read_to_end(&mut answer)?;
    if answer.len() as u64 > ANSWER_BYTES_MAX {
        let text = format!("an answer above {ANSWER_BYTES_MAX} bytes");
        return Err(io::Error::new(ErrorKind::InvalidData, text));
    }
    let body = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let Some(body) = body else {
        return Err(ErrorKind::UnexpectedEof.into());
    };
    Ok(answer.split_off(body + 4))
}
