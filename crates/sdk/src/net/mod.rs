//! A way to the RPC of a node, or to its REST, for programs with an operating system: HTTP/1.1, plain or within TLS, over one connection, one call after the other.
//!
//! Circle: client. Promises: with `https` nothing is said before the certificate is checked (its name, its time, and that an authority has signed it
//! that is trusted: [`Roots`]), and nothing is ever said in plain instead; no answer is waited for longer than [`ANSWER_WAITS`], none above
//! [`ANSWER_BYTES_MAX`] is read. Refuses: to follow a redirect, to send a name or a password, to ask whether a certificate was revoked.
//!
//! TLS says who the node is, not that it speaks the truth: that is [`Client::trusting`](crate::client::Client::trusting)'s.
//!
//! ```no_run
//! # use strongroom_sdk::client::Client;
//! # use strongroom_sdk::net::{Http, Roots};
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let node = "https://rpc.example.org".parse()?;
//! let mut client = Client::new(Http::connect(&node, &Roots::System).await?);
//! let height = client.height().await?;
//! # Ok(())
//! # }
//! ```

mod body;
mod endpoint;
mod tls;

#[cfg(test)]
mod tests;

pub use endpoint::{AddressError, Endpoint};
pub use tls::{Roots, TlsError};

use crate::client::{self, Error, Response, Transport};
use crate::types::Timestamp;
use body::Upload;
use core::time::Duration;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, header};
use hyper_util::rt::TokioIo;
use std::io;
use std::time::{SystemTime, UNIX_EPOCH};
use tls::Tls;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a node may take to answer: it makes its own clients wait no longer for a thread.
pub const ANSWER_WAITS: Duration = Duration::from_secs(10);
/// The longest answer of a node, in bytes: the proof of an absent key carries two whole neighbours (`proof::ics23::ENTRY_BYTES_MAX`), in base64.
pub const ANSWER_BYTES_MAX: usize = 16 << 20;

/// Where REST says at which height it has answered.
const HEIGHT: &str = "grpc-metadata-x-cosmos-block-height";
const RETRY_AFTER_MS: &str = "retry-after-ms";

/// A connection to the RPC of a node, or to its REST. It is made again where the node has closed it.
pub struct Http {
    endpoint: Endpoint,
    tls: Option<Tls>,
    connection: SendRequest<Upload>,
    progress: Option<fn(usize, usize)>,
}

impl Http {
    /// Connects, within a runtime of tokio.
    ///
    /// # Errors
    /// [`Error::Tls`], of `http` with authorities too: whoever names them wants TLS; [`Error::NoAnswer`].
    pub async fn connect(endpoint: &Endpoint, roots: &Roots) -> Result<Self, Error> {
        let tls = match (endpoint.is_tls(), roots) {
            (true, roots) => Some(Tls::new(endpoint.host(), roots)?),
            (false, Roots::System) => None,
            (false, Roots::Pem(_)) => return Err(TlsError::Plain(endpoint.to_string()).into()),
        };
        Ok(Self {
            connection: connection(endpoint, tls.as_ref()).await?,
            endpoint: endpoint.clone(),
            tls,
            progress: None,
        })
    }

    /// This connection, which tells of each request how many bytes of how many are on their way.
    #[must_use]
    pub fn telling(self, progress: fn(usize, usize)) -> Self {
        let progress = Some(progress);
        Self { progress, ..self }
    }

    async fn send(&mut self, asked: client::Request) -> Result<Response, Error> {
        let method = match asked.body {
            Some(_) => Method::POST,
            None => Method::GET,
        };
        let target = self.endpoint.target(&asked.path);
        if target.len() > client::TARGET_BYTES_MAX {
            return Err(Error::TooLong);
        }
        let body = asked.body.unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header(header::HOST, self.endpoint.authority())
            .header(header::CONTENT_TYPE, "application/json")
            .body(Upload::new(body.into(), self.progress))
            .map_err(|error| Error::NoAnswer(error.to_string()))?;
        // CometBFT closes connections that are idle, and some that it has answered an error on; and one may still hold what a call before has left.
        let ready = timeout(ANSWER_WAITS, self.connection.ready()).await;
        if !matches!(ready, Ok(Ok(()))) {
            self.connection = connection(&self.endpoint, self.tls.as_ref()).await?;
        }
        let endpoint = &self.endpoint;
        in_time(async {
            let answer = self.connection.send_request(request).await;
            let answer = answer.map_err(|error| broken(&error, endpoint))?;
            let said = |name: &str| {
                let value = answer.headers().get(name)?.to_str().ok();
                value.map(str::to_owned)
            };
            let mut response = Response {
                status: answer.status().as_u16(),
                height: said(HEIGHT),
                retry_after: said(header::RETRY_AFTER.as_str()),
                retry_after_ms: said(RETRY_AFTER_MS),
                body: Vec::new(),
            };
            let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX);
            let body = body.collect().await;
            let body = body.map_err(|error| broken(&*error, endpoint))?;
            response.body = body.to_bytes().to_vec();
            Ok(response)
        })
        .await
    }
}

impl Transport for Http {
    async fn exchange(&mut self, request: client::Request) -> Result<Response, Error> {
        self.send(request).await
    }

    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let nanos = since.unwrap_or_default().as_nanos();
        Timestamp::from_nanos_total(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    async fn pause(&mut self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

impl core::fmt::Debug for Http {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Http({})", self.endpoint)
    }
}

async fn connection(endpoint: &Endpoint, tls: Option<&Tls>) -> Result<SendRequest<Upload>, Error> {
    in_time(async {
        let stream = TcpStream::connect((endpoint.host(), endpoint.port())).await;
        let stream = stream.map_err(|error| Error::NoAnswer(error.to_string()))?;
        // A call is one piece, and waits for its answer.
        let _ = stream.set_nodelay(true);
        match tls {
            None => spoken(stream, endpoint).await,
            Some(tls) => spoken(tls.connect(stream).await?, endpoint).await,
        }
    })
    .await
}

async fn spoken(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    endpoint: &Endpoint,
) -> Result<SendRequest<Upload>, Error> {
    let spoken = handshake(TokioIo::new(stream)).await;
    let (connection, io) = spoken.map_err(|error| broken(&error, endpoint))?;
    // Ends with the connection; whoever waits for an answer hears of it.
    tokio::spawn(io);
    Ok(connection)
}

async fn in_time<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let late = |_| Error::NoAnswer("it takes too long, try again".to_owned());
    timeout(ANSWER_WAITS, work).await.map_err(late)?
}

/// What broke a connection that was there.
fn broken(error: &(dyn core::error::Error + 'static), endpoint: &Endpoint) -> Error {
    let mut text = error.to_string();
    let mut cause = Some(error);
    while let Some(error) = cause {
        let system = error.downcast_ref::<io::Error>();
        if system.and_then(tls::inside).is_some() {
            return TlsError::later(endpoint.host()).into();
        }
        let http = error.downcast_ref::<hyper::Error>();
        let ours = match http {
            Some(http) if http.is_parse_too_large() => {
                Some("it says more before its answer than any node does")
            }
            Some(http) if http.is_parse() && endpoint.is_tls() => {
                Some("what answers there speaks no HTTP")
            }
            Some(http) if http.is_parse() => Some(
                "what answers there speaks no HTTP: is it TLS, with an address that begins with https://?",
            ),
            // TLS has words of its own for it.
            _ if system.is_some_and(|system| system.kind() == io::ErrorKind::UnexpectedEof) => {
                Some("it hangs up within its answer")
            }
            _ if error.is::<LengthLimitError>() => Some("its answer is longer than 16 MiB"),
            _ => None,
        };
        if let Some(ours) = ours {
            return Error::NoAnswer(ours.to_owned());
        }
        cause = error.source();
        text = cause.map_or(text, ToString::to_string);
    }
    Error::NoAnswer(text)
}
