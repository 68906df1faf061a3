//! The faucet of a local network on port 5000 (wire.md section 5): sends a fixed amount to whoever asks.
//!
//! Plain HTTP, for local networks only: its key is public knowledge.

use crate::mempool::CheckTx;
use crate::services::Services;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use prost::Message as _;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
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
use tokio::net::TcpListener;
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
/// If the address cannot be bound.
pub async fn serve(
    services: Services,
    chain_id: String,
    purse: Purse,
    address: SocketAddr,
    mut stopping: watch::Receiver<bool>,
) -> io::Result<(SocketAddr, tokio::task::JoinHandle<()>)> {
    let faucet = Arc::new(Faucet {
        services,
        chain_id,
        purse,
        next: Mutex::new(0),
    });
    let app = Router::new().fallback(move |request: Request<Body>| {
        let faucet = Arc::clone(&faucet);
        async move {
            let uri = request.uri().clone();
            let work = tokio::task::spawn_blocking(move || {
                faucet.handle(uri.path(), uri.query().unwrap_or_default())
            });
            work.await.unwrap_or_else(|_| failure("the faucet failed"))
        }
    });
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    let task = tokio::spawn(async move {
        let stop = async move {
            let _ = stopping.wait_for(|stop| *stop).await;
        };
        if let Err(error) = axum::serve(listener, app)
            .with_graceful_shutdown(stop)
            .await
        {
            tracing::error!(%error, "the faucet ended");
        }
    });
    Ok((bound, task))
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
            _ => {
                let mut response = Response::new(Body::from("Invalid Request!"));
                with_cors(&mut response);
                response
            }
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
    with_cors(&mut response);
    response
}

fn with_cors(response: &mut Response<Body>) {
    response.headers_mut().insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
}
