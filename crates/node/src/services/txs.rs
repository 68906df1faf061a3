//! `cosmos.tx.v1beta1.Service`: broadcasting, finding, estimating transactions (wire.md 1.7 to 1.9, 3.3).

use super::{Answer, Services, decode, internal, places, status};
use crate::chain::query::{GrpcCode, QueryError};
use crate::host::busy;
use crate::pool::Submitted;
use prost::Message as _;
use std::time::Duration;
use strongroom_comet_rpc::indexer::{SearchError, search_txs};
use strongroom_comet_rpc::query_lang::Query;
use strongroom_http::workers::Progress;
use strongroom_proof::comet::Header;
use strongroom_store::blocks::TxLocation;
use strongroom_types::proto::cosmos::base::abci::v1beta1 as abci;
use strongroom_types::proto::cosmos::tx::v1beta1 as pb;
use strongroom_types::proto::tendermint::abci::{Event, EventAttribute};
use strongroom_types::proto::{Any, Name as _};
use strongroom_types::{Height, RawTx, Timestamp};

/// Transactions of a page where the request does not say.
const LIMIT_DEFAULT: usize = 100;
/// The most bytes of transactions on a page of a search: each is printed twice, and many are in memory at one time.
const SEARCH_BYTES_MAX: usize = 8 << 20;
/// The most transactions of a page.
const LIMIT_MAX: usize = 100;

/// The answer to a broadcast.
pub struct Broadcast {
    /// The newest height.
    pub height: Height,
    /// The encoded response.
    pub answer: Vec<u8>,
    /// After what time the same transaction may be taken that was refused for want of room.
    pub retry_after: Option<Duration>,
}

impl Services {
    pub(super) fn txs(&self, method: &str, request: &[u8]) -> Answer {
        match method {
            "GetTx" => self.answer(&self.tx_by_hash(&decode::<pb::GetTxRequest>(request)?.hash)?),
            "GetTxsEvent" => self.answer(&self.search(&decode(request)?)?),
            "GetBlockWithTxs" => self.answer(&self.block_with_txs(&decode(request)?)?),
            "TxDecode" => {
                let request: pb::TxDecodeRequest = decode(request)?;
                self.answer(&pb::TxDecodeResponse {
                    tx: Some(tx_of(&request.tx_bytes)?),
                })
            }
            "TxEncode" => {
                let request: pb::TxEncodeRequest = decode(request)?;
                let tx = request
                    .tx
                    .ok_or_else(|| status(GrpcCode::InvalidArgument, "invalid empty tx"))?;
                self.answer(&pb::TxEncodeResponse {
                    tx_bytes: bytes_of(tx),
                })
            }
            _ => Err(QueryError::UnknownPath),
        }
    }

    /// `BroadcastTx`: waits for CheckTx if the mode is sync.
    ///
    /// # Errors
    /// A malformed request; gRPC 2 if it is not known whether the transaction waits for a block.
    pub async fn broadcast(&self, request: &[u8]) -> Result<Broadcast, QueryError> {
        let (checked, retry_after) = self.checked(decode(request)?).await?;
        let tx_response = Some(checked);
        let (height, answer) = self.answer(&pb::BroadcastTxResponse { tx_response })?;
        Ok(Broadcast {
            height,
            answer,
            retry_after,
        })
    }

    async fn checked(
        &self,
        request: pb::BroadcastTxRequest,
    ) -> Result<(abci::TxResponse, Option<Duration>), QueryError> {
        if request.tx_bytes.is_empty() {
            return Err(status(GrpcCode::InvalidArgument, "invalid empty tx"));
        }
        let mode = request.mode();
        if !matches!(mode, pb::BroadcastMode::Sync | pb::BroadcastMode::Async) {
            let text = "unsupported return type unspecified; supported types: sync, async";
            return Err(status(GrpcCode::Unknown, text));
        }
        let tx = RawTx::from(request.tx_bytes);
        let wait = mode == pb::BroadcastMode::Sync;
        let submitted = self.pool.submit(tx.clone(), wait).await;
        let Submitted { check, retry_after } =
            submitted.map_err(|lost| status(GrpcCode::Unknown, lost.to_string()))?;
        let response = abci::TxResponse {
            txhash: tx.hash_hex(),
            code: check.code,
            codespace: check.codespace,
            raw_log: check.log,
            info: check.info,
            ..abci::TxResponse::default()
        };
        Ok((response, retry_after))
    }

    pub(super) fn simulate(&self, request: pb::SimulateRequest) -> Progress<Answer> {
        let bytes = match request.tx {
            Some(tx) if request.tx_bytes.is_empty() => bytes_of(tx),
            _ => request.tx_bytes,
        };
        self.chain.simulate(&bytes)
    }

    /// Where the transaction with this hash (hex) is.
    pub(super) fn place_of(&self, text: &str) -> Result<TxLocation, QueryError> {
        if text.is_empty() {
            return Err(status(GrpcCode::InvalidArgument, "tx hash cannot be empty"));
        }
        // The text is the one that clients wait on: any other error ends their wait.
        let missing = || status(GrpcCode::NotFound, format!("tx not found: {text}"));
        let mut hash = [0; 32];
        hex::decode_to_slice(text, &mut hash).map_err(|_| missing())?;
        let place = self.blocks.tx_location(&hash, self.newest());
        place.map_err(internal)?.ok_or_else(missing)
    }

    fn tx_by_hash(&self, text: &str) -> Result<pb::GetTxResponse, QueryError> {
        let (tx, response) = self.tx_at(self.place_of(text)?)?;
        Ok(pb::GetTxResponse {
            tx: Some(tx),
            tx_response: Some(response),
        })
    }

    /// A committed transaction in the two forms that clients read.
    fn tx_at(&self, place: TxLocation) -> Result<(pb::Tx, abci::TxResponse), QueryError> {
        let missing = || internal(format!("the transaction {place:?} is missing"));
        let block = self
            .blocks
            .block(place.height)
            .map_err(internal)?
            .ok_or_else(missing)?;
        let results = self
            .blocks
            .results(place.height)
            .map_err(internal)?
            .ok_or_else(missing)?;
        let index = usize::try_from(place.index).map_err(internal)?;
        let bytes = block.txs.get(index).ok_or_else(missing)?;
        let result = results.tx_results.get(index).ok_or_else(missing)?;
        let header = Header::decode(&block.header).map_err(internal)?;
        let tx = tx_of(bytes)?;
        let response = abci::TxResponse {
            height: i64::try_from(place.height).unwrap_or(i64::MAX),
            txhash: bytes.hash_hex(),
            codespace: result.codespace.clone(),
            code: result.code,
            data: hex::encode_upper(&result.data),
            raw_log: result.log.clone(),
            logs: Vec::new(),
            info: result.info.clone(),
            gas_wanted: result.gas_wanted,
            gas_used: result.gas_used,
            tx: Some(Any {
                type_url: pb::Tx::type_url(),
                value: tx.encode_to_vec(),
            }),
            timestamp: Timestamp {
                seconds: header.time.seconds,
                nanos: 0,
            }
            .to_string(),
            events: result.events.iter().map(event).collect(),
        };
        Ok((tx, response))
    }

    fn search(
        &self,
        request: &pb::GetTxsEventRequest,
    ) -> Result<pb::GetTxsEventResponse, QueryError> {
        // Clients send the condition twice; `query` wins.
        let text = if request.query.is_empty() {
            request.events.join(" AND ")
        } else {
            request.query.clone()
        };
        if text.is_empty() {
            return Err(status(GrpcCode::InvalidArgument, "query cannot be empty"));
        }
        let query = text
            .parse::<Query>()
            .map_err(|e| internal(format!("invalid query: {e}")))?;
        let _pass = self.chain.gate().enter().map_err(busy)?;
        let mut found = search_txs(&self.blocks, &query, self.newest())
            .map_err(|e: SearchError| internal(e))?;
        if request.order_by() == pb::OrderBy::Desc {
            found.reverse();
        }
        let limit = match usize::try_from(request.limit).unwrap_or(LIMIT_MAX) {
            0 => LIMIT_DEFAULT,
            wanted => wanted.min(LIMIT_MAX),
        };
        let page = usize::try_from(request.page.max(1)).unwrap_or(usize::MAX);
        let total = u64::try_from(found.len()).unwrap_or(u64::MAX);
        let (mut txs, mut tx_responses, mut bytes) = (Vec::new(), Vec::new(), 0usize);
        for position in found
            .into_iter()
            .skip((page - 1).saturating_mul(limit))
            .take(limit)
        {
            let (tx, response) = self.tx_at(TxLocation {
                height: position.height,
                index: position.index,
            })?;
            bytes = bytes.saturating_add(tx.encoded_len());
            if bytes > SEARCH_BYTES_MAX {
                let text = format!(
                    "the page has more than {SEARCH_BYTES_MAX} bytes; ask for fewer per page"
                );
                return Err(status(GrpcCode::InvalidArgument, text));
            }
            txs.push(tx);
            tx_responses.push(response);
        }
        Ok(pb::GetTxsEventResponse {
            txs,
            tx_responses,
            pagination: None,
            total,
        })
    }

    fn block_with_txs(
        &self,
        request: &pb::GetBlockWithTxsRequest,
    ) -> Result<pb::GetBlockWithTxsResponse, QueryError> {
        let height: Height = self.check_height(request.height)?;
        let shown = self.shown(height)?;
        let all = shown
            .block
            .data
            .as_ref()
            .map(|d| d.txs.as_slice())
            .unwrap_or_default();
        let (places, pagination) = places(request.pagination.clone(), all.len())?;
        let txs = places
            .into_iter()
            .filter_map(|place| all.get(place))
            .map(|tx| tx_of(tx))
            .collect::<Result<_, _>>()?;
        Ok(pb::GetBlockWithTxsResponse {
            txs,
            block_id: Some(shown.id),
            block: Some(shown.block),
            pagination: Some(pagination),
        })
    }
}

/// The transaction of raw bytes.
fn tx_of(bytes: &[u8]) -> Result<pb::Tx, QueryError> {
    let broken = |e| status(GrpcCode::InvalidArgument, format!("tx parse error: {e}"));
    let raw = pb::TxRaw::decode(bytes).map_err(broken)?;
    Ok(pb::Tx {
        body: Some(pb::TxBody::decode(&*raw.body_bytes).map_err(broken)?),
        auth_info: Some(pb::AuthInfo::decode(&*raw.auth_info_bytes).map_err(broken)?),
        signatures: raw.signatures,
    })
}

/// The raw bytes of a transaction that came in parts.
fn bytes_of(tx: pb::Tx) -> Vec<u8> {
    pb::TxRaw {
        body_bytes: tx.body.unwrap_or_default().encode_to_vec(),
        auth_info_bytes: tx.auth_info.unwrap_or_default().encode_to_vec(),
        signatures: tx.signatures,
    }
    .encode_to_vec()
}

pub(super) fn event(e: &strongroom_types::Event) -> Event {
    let attribute = |a: &strongroom_types::Attribute| EventAttribute {
        key: a.key.clone(),
        value: a.value.clone(),
        index: a.index,
    };
    Event {
        r#type: e.kind.clone(),
        attributes: e.attributes.iter().map(attribute).collect(),
    }
}
