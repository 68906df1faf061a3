//! The faucet of a local network on port 5000 (wire.md section 5): sends a fixed amount to whoever asks.
//!
//! A client of its node, as any other: it asks the RPC for its account, signs, and broadcasts. Plain HTTP, for local
//! networks only: its key is public knowledge.

#[cfg(test)]
mod tests;

use crate::rpc;
use anyhow::bail;
use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use strongroom_chain::tx::GasPrice;
use strongroom_http::{Server, Settings, cors, retry};
use strongroom_sdk::client::{Error, Position, no_room_in};
use strongroom_sdk::keys::Account;
use strongroom_sdk::tx::TxBuilder;
use strongroom_types::proto::cosmos::bank::v1beta1::MsgSend;
use strongroom_types::proto::cosmos::base::v1beta1::Coin;
use strongroom_types::{Address, sha256};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// Payment of one request, in [`DENOM`].
pub(crate) const AMOUNT: u128 = 1_000_000_000;
/// The denomination.
pub(crate) const DENOM: &str = "uscrt";
/// Gas of one send, with room for a new account.
const GAS_LIMIT: u64 = 100_000;
/// sdk code of a wrong sequence.
const WRONG_SEQUENCE: u64 = 32;
/// How long a payment waits for those before it. Longer than that, who asks is better told to come again.
const TURN_WAITS: Duration = Duration::from_secs(10);
/// When to come again where nobody knows.
const SOON: Duration = Duration::from_secs(1);
/// Methods that may have an effect. Browsers ask with the others, and nobody means a payment by them.
const METHODS: &str = "GET, POST, OPTIONS";

/// Paying account, and its chain.
pub(crate) struct Faucet {
    account: Account,
    chain_id: String,
    /// The least price that the node takes.
    price: GasPrice,
    /// The RPC of its node.
    node: SocketAddr,
    /// As [`TURN_WAITS`].
    turn_waits: Duration,
    /// The next sequence, where transactions of ours wait. Held while one is made: one after the other.
    next: Mutex<u64>,
}

/// Serves on a bound address until the server is stopped.
///
/// # Errors
/// As [`Server::start`].
pub(crate) fn serve(
    faucet: Faucet,
    tcp: TcpListener,
    settings: Settings,
    origins: &[String],
) -> io::Result<Server> {
    let (faucet, origins) = (Arc::new(faucet), cors::Origins::new(origins));
    Server::start(tcp, settings, move |request| {
        answer(Arc::clone(&faucet), origins.clone(), request)
    })
}

async fn answer(
    faucet: Arc<Faucet>,
    origins: cors::Origins,
    request: Request<Body>,
) -> Response<Body> {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let mut response = match *request.method() {
        _ if !origins.admit(request.headers()) => empty(StatusCode::FORBIDDEN),
        Method::GET | Method::POST => faucet.handle(request.uri()).await,
        Method::OPTIONS => empty(StatusCode::NO_CONTENT),
        _ => empty(StatusCode::METHOD_NOT_ALLOWED),
    };
    origins.mark(origin.as_ref(), response.headers_mut(), METHODS);
    response
}

impl Faucet {
    /// A faucet that pays from `account` by the RPC at `node`.
    pub(crate) fn new(
        account: Account,
        chain_id: String,
        price: GasPrice,
        node: SocketAddr,
    ) -> Self {
        Self {
            account,
            chain_id,
            price,
            node,
            turn_waits: TURN_WAITS,
            next: Mutex::default(),
        }
    }

    async fn handle(&self, uri: &Uri) -> Response<Body> {
        match uri.path() {
            "/" | "/status" => {
                let address = self.account.address().to_string();
                json(
                    StatusCode::OK,
                    &serde_json::json!({ "faucet_address": address, "amount": AMOUNT.to_string() }),
                )
            }
            "/faucet" => {
                let query = uri.query().unwrap_or_default();
                let wanted = form_urlencoded::parse(query.as_bytes()).find(|(k, _)| k == "address");
                let Some((_, to)) = wanted.filter(|(_, to)| !to.is_empty()) else {
                    let error = serde_json::json!({ "error": "address is required" });
                    return json(StatusCode::BAD_REQUEST, &error);
                };
                match self.pay(&to).await {
                    Ok(txhash) => json(StatusCode::OK, &serde_json::json!({ "txhash": txhash })),
                    Err(error) => refused(&error),
                }
            }
            _ => Response::new(Body::from("Invalid Request!")),
        }
    }

    /// Broadcasts one send; does not wait for its block.
    async fn pay(&self, to: &str) -> anyhow::Result<String> {
        let to: Address = to.parse()?;
        let turn = timeout(self.turn_waits, self.next.lock()).await;
        let mut next = turn.map_err(|_| NotNow {
            why: "the faucet is busy, try again".to_owned(),
            again: SOON,
        })?;
        let mut node = rpc::own(self.node).await?;
        let Position {
            number,
            sequence: committed,
        } = node.position(&self.account.address()).await?;
        // Others may use the account too: once with our own idea of the sequence, once with the chain's.
        for sequence in [committed.max(*next), committed] {
            let send = self.send(&to, number, sequence)?;
            // Others wait for their turn meanwhile: it is not for the faucet to wait for room.
            let checked = node.broadcast_once(&send).await;
            if let Some(again) = no_room_in(&checked) {
                let why = checked.map_or_else(|error| error.to_string(), |checked| checked.log);
                return Err(NotNow { why, again }.into());
            }
            // The node may have taken it.
            let checked = checked.map_err(|why| Error::Unknown {
                hash: hex::encode_upper(sha256(&send)),
                why: Box::new(why),
            })?;
            match checked.code {
                0 => {
                    *next = sequence.saturating_add(1);
                    return Ok(checked.hash);
                }
                WRONG_SEQUENCE if sequence != committed => {}
                // Another waits, of somebody else or one of ours of which the answer was lost: its block says so.
                WRONG_SEQUENCE => {
                    return Err(NotNow {
                        why: checked.log,
                        again: SOON,
                    }
                    .into());
                }
                _ => bail!(checked.log),
            }
        }
        bail!("the sequence of the faucet's account is not known")
    }

    /// What the node asks, and no less than wallets pay.
    fn fee(&self) -> u64 {
        let least = u64::try_from(self.price.fee(GAS_LIMIT).amount).unwrap_or(u64::MAX);
        least.max(GAS_LIMIT.div_ceil(10))
    }

    fn send(&self, to: &Address, number: u64, sequence: u64) -> anyhow::Result<Vec<u8>> {
        let message = MsgSend {
            from_address: self.account.address().to_string(),
            to_address: to.to_string(),
            amount: vec![Coin {
                denom: DENOM.to_owned(),
                amount: AMOUNT.to_string(),
            }],
        };
        let builder = TxBuilder::new(&self.chain_id)
            .message(&message)
            .gas(GAS_LIMIT)
            .fee(self.fee());
        Ok(builder.sign(&self.account, number, sequence)?)
    }
}

/// Nothing is paid now; who asks again may be paid.
#[derive(Debug)]
struct NotNow {
    why: String,
    again: Duration,
}

impl core::fmt::Display for NotNow {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.why)
    }
}

impl core::error::Error for NotNow {}

fn refused(error: &anyhow::Error) -> Response<Body> {
    let body = serde_json::json!({ "error": format!("{error:#}") });
    let Some(NotNow { again, .. }) = error.downcast_ref() else {
        return json(StatusCode::INTERNAL_SERVER_ERROR, &body);
    };
    let mut response = json(StatusCode::SERVICE_UNAVAILABLE, &body);
    retry::after(*again, response.headers_mut());
    response
}

/// Without a body, and with the methods that are allowed.
fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let methods = HeaderValue::from_static(METHODS);
    response.headers_mut().insert(header::ALLOW, methods);
    response
}

fn json(status: StatusCode, body: &serde_json::Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
