//! The faucet of a local network on port 5000 (wire.md section 5): sends a fixed amount to whoever asks.
//!
//! Plain HTTP, for local networks only: its key is public knowledge.

use crate::services::Services;
use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use prost::Message as _;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use strongroom_comet_rpc::mempool::CheckTx;
use strongroom_http::server::{Listener, Settings};
use strongroom_http::workers::{Work, Workers};
use strongroom_types::proto::cosmos::auth::v1beta1::{
    QueryAccountInfoRequest, QueryAccountInfoResponse,
};
use strongroom_types::proto::cosmos::bank::v1beta1::MsgSend;
use strongroom_types::proto::cosmos::base::v1beta1::Coin;
use strongroom_types::proto::cosmos::crypto::secp256k1;
use strongroom_types::proto::cosmos::tx::signing::v1beta1::SignMode;
use strongroom_types::proto::cosmos::tx::v1beta1::mode_info::{Single, Sum};
use strongroom_types::proto::cosmos::tx::v1beta1::{AuthInfo, Fee, ModeInfo, SignerInfo, TxBody};
use strongroom_types::proto::pack;
use strongroom_types::{Address, sha256, tx};
use tokio::sync::watch;

/// What one request gets, in [`DENOM`].
pub const AMOUNT: u128 = 1_000_000_000;
/// The denomination.
pub const DENOM: &str = "uscrt";
/// Gas of one send, with room for a new account.
const GAS_LIMIT: u64 = 100_000;
/// 0.25 per gas.
const FEE: u64 = GAS_LIMIT / 4;
/// sdk code of a wrong sequence.
const WRONG_SEQUENCE: u32 = 32;

/// Signs the SHA-256 of what it is given: 64 bytes r ‖ s; `None` if the key does not sign.
pub type Sign = Box<dyn Fn(&[u8]) -> Option<[u8; 64]> + Send + Sync>;

/// The account that pays.
pub struct Purse {
    /// Its address.
    pub address: Address,
    /// Its compressed public key.
    pub public_key: [u8; 33],
    /// Its signature.
    pub sign: Sign,
}

struct Faucet {
    services: Services,
    chain_id: String,
    purse: Purse,
    /// The next sequence, where transactions of ours wait. Held while one is made: one after the other.
    next: Mutex<u64>,
}

/// Serves until `stopping` becomes true.
///
/// # Errors
/// If the address cannot be bound, or the system gives no thread.
pub async fn serve(
    services: Services,
    chain_id: String,
    purse: Purse,
    address: SocketAddr,
    settings: Settings,
    stopping: watch::Receiver<bool>,
) -> io::Result<(SocketAddr, tokio::task::JoinHandle<()>)> {
    let faucet = Arc::new(Faucet {
        services,
        chain_id,
        purse,
        next: Mutex::new(0),
    });
    // One thread: payments are made one after the other anyway.
    let worker = Arc::new(Workers::new("faucet", 1)?);
    let listener = Listener::bind(address, settings).await?;
    let bound = listener.address()?;
    let handle =
        move |request: Request<Body>| answer(Arc::clone(&faucet), Arc::clone(&worker), request);
    let task = tokio::spawn(listener.serve(handle, stopping));
    Ok((bound, task))
}

/// Methods that may have an effect. Browsers ask with the others, and nobody means a payment by them.
const METHODS: &str = "GET, POST, OPTIONS";

async fn answer(
    faucet: Arc<Faucet>,
    worker: Arc<Workers>,
    request: Request<Body>,
) -> Response<Body> {
    let mut response = match *request.method() {
        Method::GET | Method::POST => {
            let uri: Uri = request.uri().clone();
            let work = worker
                .run(Work::Light, move || {
                    faucet.handle(uri.path(), uri.query().unwrap_or_default())
                })
                .await;
            work.unwrap_or_else(|error| failure(&error.to_string()))
        }
        Method::OPTIONS => empty(StatusCode::NO_CONTENT),
        _ => empty(StatusCode::METHOD_NOT_ALLOWED),
    };
    let headers = response.headers_mut();
    let any = HeaderValue::from_static("*");
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any);
    response
}

/// Without a body, and with the methods that are allowed.
fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let methods = HeaderValue::from_static(METHODS);
    let headers = response.headers_mut();
    headers.insert(header::ALLOW, methods.clone());
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    let any = HeaderValue::from_static("*");
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, any);
    response
}

impl Faucet {
    fn handle(&self, path: &str, query: &str) -> Response<Body> {
        match path {
            "/" | "/status" => {
                let address = self.purse.address.to_string();
                json(
                    StatusCode::OK,
                    &serde_json::json!({ "faucet_address": address, "amount": AMOUNT.to_string() }),
                )
            }
            "/faucet" => {
                let wanted = form_urlencoded::parse(query.as_bytes()).find(|(k, _)| k == "address");
                match wanted {
                    Some((_, to)) if !to.is_empty() => match self.send(&to) {
                        Ok(txhash) => {
                            json(StatusCode::OK, &serde_json::json!({ "txhash": txhash }))
                        }
                        Err(text) => failure(&text),
                    },
                    _ => json(
                        StatusCode::BAD_REQUEST,
                        &serde_json::json!({ "error": "address is required" }),
                    ),
                }
            }
            _ => Response::new(Body::from("Invalid Request!")),
        }
    }

    /// Broadcasts one send; does not wait for its block.
    fn send(&self, to: &str) -> Result<String, String> {
        let to: Address = to.parse().map_err(|e| format!("{e}"))?;
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let (number, committed) = self.account()?;
        // Others may use the account too: once with our own idea of the sequence, once with the chain's.
        for sequence in [committed.max(*next), committed] {
            let bytes = self.signed(&to, number, sequence)?;
            let txhash = hex::encode_upper(sha256(&bytes));
            match self
                .services
                .mempool
                .submit(bytes)
                .map_err(|e| e.to_string())?
            {
                CheckTx { code: 0, .. } => {
                    *next = sequence.saturating_add(1);
                    return Ok(txhash);
                }
                CheckTx {
                    code: WRONG_SEQUENCE,
                    ..
                } if sequence != committed => {}
                refused => return Err(refused.log),
            }
        }
        Err("the sequence of the faucet's account is not known".to_owned())
    }

    fn account(&self) -> Result<(u64, u64), String> {
        let request = QueryAccountInfoRequest {
            address: self.purse.address.to_string(),
        };
        let path = "/cosmos.auth.v1beta1.Query/AccountInfo";
        let (_, answer) = self
            .services
            .call(path, &request.encode_to_vec(), 0)
            .map_err(|e| e.grpc().1)?;
        let info = QueryAccountInfoResponse::decode(answer.as_slice())
            .map_err(|e| e.to_string())?
            .info;
        let info = info.ok_or("the faucet has no account")?;
        Ok((info.account_number, info.sequence))
    }

    fn signed(&self, to: &Address, account_number: u64, sequence: u64) -> Result<Vec<u8>, String> {
        let coin = |amount: String| Coin {
            denom: DENOM.to_owned(),
            amount,
        };
        let message = MsgSend {
            from_address: self.purse.address.to_string(),
            to_address: to.to_string(),
            amount: vec![coin(AMOUNT.to_string())],
        };
        let body = TxBody {
            messages: vec![pack(&message)],
            ..TxBody::default()
        }
        .encode_to_vec();
        let signer = SignerInfo {
            public_key: Some(pack(&secp256k1::PubKey {
                key: self.purse.public_key.to_vec(),
            })),
            mode_info: Some(ModeInfo {
                sum: Some(Sum::Single(Single {
                    mode: SignMode::Direct.into(),
                })),
            }),
            sequence,
        };
        let fee = Fee {
            amount: vec![coin(FEE.to_string())],
            gas_limit: GAS_LIMIT,
            ..Fee::default()
        };
        let auth = AuthInfo {
            signer_infos: vec![signer],
            fee: Some(fee),
            ..AuthInfo::default()
        }
        .encode_to_vec();
        let document = tx::sign_bytes_direct(&body, &auth, &self.chain_id, account_number);
        let signature = (self.purse.sign)(&document).ok_or("the key does not sign")?;
        Ok(tx::encode(body, auth, vec![signature.to_vec()]))
    }
}

fn failure(text: &str) -> Response<Body> {
    json(
        StatusCode::INTERNAL_SERVER_ERROR,
        &serde_json::json!({ "error": text }),
    )
}

fn json(status: StatusCode, body: &serde_json::Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}
