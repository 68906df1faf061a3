//! A client of a network: what a program needs between its user and a node.
//!
//! Circle: client. Promises: contract messages leave sealed, and bound to who sends them to what; what comes back is opened; a node that lies
//! can refuse service and nothing else where the network key is proven ([`Client::trusting`]). Refuses: to move bytes
//! ([`Transport`]), to know the time.
//!
//! **Whom it trusts.** The network key decides who can read what is sealed. [`Client::trusting`] has it proven from a genesis file or a header;
//! [`Client::new`] takes the node's word for it, which is right for a node of one's own. So are the newest height ([`Client::height`]), that
//! a block holds a transaction and what it resulted in there ([`Client::transaction`], [`Proven`]), and that one can get into no block any more
//! ([`Client::settled`]). Everything else is the node's word: positions, code hashes, texts and events of a result. A wrong code hash costs a refusal by the enclave, not a secret.
//!
//! **What it speaks.** The address is that of a node's RPC or of its REST: the first question finds out which, and everything is asked, checked and proven over
//! the one as over the other. Over an older node of ours, or a server that passes the routes of the Cosmos SDK only, the newest block cannot be proven yet,
//! and other queries than those that this client makes itself are refused. A node of another project proves headers and transactions, and no value: its trees and
//! proofs are others (docs/spec/state.md 6.1).
//!
//! Three lines from a node to a private query:
//!
//! ```no_run
//! # use serde_json::{Value, json};
//! # use strongroom_sdk::client::{Client, Error, Transport};
//! # async fn example(transport: impl Transport) -> Result<Value, Box<dyn std::error::Error>> {
//! let mut client = Client::new(transport);
//! let counter = "secret18vd8fpwxzck93qlwghaj6arh4p7c5n8978vsyg".parse()?;
//! let answer = client.query_contract(&counter, &json!({"get_count": {}})).await?;
//! # Ok(answer)
//! # }
//! ```
//!
//! And a call, paid by an account, whose outputs only this account can read:
//!
//! ```no_run
//! # use serde_json::json;
//! # use strongroom_sdk::client::{Client, Opened, Transport};
//! # use strongroom_sdk::keys::Account;
//! # use strongroom_sdk::tx::TxBuilder;
//! # async fn example<T: Transport>(mut client: Client<T>, words: &str) -> Result<Opened, Box<dyn std::error::Error>> {
//! let account = Account::from_mnemonic(words)?;
//! let counter = "secret18vd8fpwxzck93qlwghaj6arh4p7c5n8978vsyg".parse()?;
//! let call = client.execute_message(&account, &counter, &json!({"increment": {}}), Vec::new()).await?;
//! let tx = TxBuilder::new(client.chain_id().await?).message(&call);
//! let gas = client.estimate(&account, &tx).await?.limit();
//! let included = client.send(&account, &tx.gas(gas)).await?;
//! let opened = client.open(&account, &included).await?;
//! # Ok(opened)
//! # }
//! ```
//!
//! The feature `net` has a transport over HTTP, plain or with TLS (`net::Http`); `examples/private_query.rs` has one over a plain socket.

mod effect;
mod error;
mod gas;
mod language;
mod messages;
mod outcome;
mod rest;
mod room;
mod rpc;
mod sending;
mod transport;

#[cfg(test)]
mod tests;

pub use effect::{effect, sealed_in};
pub use error::Error;
pub use gas::{CALL_ESTIMATE_MAX, Estimate, MARGIN_PERCENT, Simulation};
pub use messages::{Author, Instantiate};
pub use outcome::{Included, Opened, OpenedMessage, Proven};
pub use room::{no_room, no_room_in, no_time};
pub use sending::Checked;
pub use transport::{Request, Response, TARGET_BYTES_MAX, Transport};

use language::{Language, query_params};

use crate::keys::Account;
use crate::light::{self, Answer, Call, Headers, Question, Terms, Trusted};
use crate::types::proto::Message;
use crate::types::proto::cosmos::auth::v1beta1::{
    QueryAccountInfoRequest, QueryAccountInfoResponse,
};
use crate::types::proto::google::protobuf::Empty;
use crate::types::proto::secret::registration::v1beta1::Key;
use crate::types::{Address, Hash, Height, Timestamp, Tree};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core::time::Duration;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use strongroom_proof::comet::BLOCK_PROTOCOL;

/// Where the state keeps the network's keys, in the native tree: `01`, the key that messages are sealed for, another of 32 bytes
/// (docs/spec/registration.md 7).
pub const NETWORK_KEYS: &str = "registration/keys";
/// Where the state keeps accounts, in the native tree (docs/spec/chain.md 3).
pub const ACCOUNTS: &str = "auth/account/";
/// Where the state says that the network simulates messages to contracts, in the native tree: `01 01` if so, absent if not. Genesis says it, and nothing
/// changes it (docs/adr/0027).
pub const SIMULATION: &str = "compute/simulation";
/// The fewest and the most blocks that [`Client::height_in`] looks ahead, whatever a node says of the pace.
const BLOCKS_AHEAD: [u64; 2] = [50, 10_000];

/// Where a chain stands.
struct Tip {
    height: Height,
    /// Time between the first block that the node has and the newest.
    age: Duration,
}

impl Tip {
    fn read(info: &Value) -> Result<Self, Error> {
        let number = |field| {
            let number = text(&info[field], "status", field)?.parse::<Height>();
            number.map_err(|_| Error::Form {
                method: "status",
                field,
            })
        };
        let newest = number("latest_block_height")?;
        let blocks = newest
            .saturating_sub(number("earliest_block_height").unwrap_or(1))
            .max(1);
        let nanos = |name: &str| {
            info[name]
                .as_str()?
                .parse::<Timestamp>()
                .ok()?
                .nanos_total()
        };
        let times = nanos("earliest_block_time").zip(nanos("latest_block_time"));
        let (first, last) = times.unwrap_or_default();
        // As if the first one were that of genesis.
        let age = Duration::from_nanos(last.saturating_sub(first));
        Ok(Self {
            height: newest,
            age: age.saturating_mul(u32::try_from(newest / blocks).unwrap_or(u32::MAX)),
        })
    }
}

/// A client of one network, through one node.
pub struct Client<T> {
    transport: T,
    language: Language,
    /// What is trusted, with what was proven from it, and the terms.
    anchor: Option<(Headers, Terms)>,
    chain_id: Option<String>,
    network_key: Option<NetworkKey>,
    /// Whether the network is proven to simulate messages to contracts, or not to.
    simulates: Option<bool>,
    code_hashes: BTreeMap<Vec<u8>, Hash>,
    answered_at: Option<Height>,
    /// Of the last call: that nobody answered or had time, and when to ask again.
    silence: Option<Duration>,
}

/// The key that messages are sealed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkKey {
    /// An X25519 public key.
    pub key: [u8; 32],
    /// Height of the state in which it is proven to stand; `None`: it is the node's word.
    pub proven: Option<Height>,
}

/// What a signature needs of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Number of the account.
    pub number: u64,
    /// Its next sequence, as of the newest block.
    pub sequence: u64,
}

impl<T: Transport> Client<T> {
    /// A client that takes the node's word for everything.
    pub const fn new(transport: T) -> Self {
        Self {
            transport,
            language: Language::Unknown,
            anchor: None,
            chain_id: None,
            network_key: None,
            simulates: None,
            code_hashes: BTreeMap::new(),
            answered_at: None,
            silence: None,
        }
    }

    /// This client, which from now on has the network key proven down from a point that is trusted ([`light::genesis`], [`light::header`]),
    /// and speaks of the chain of that point only. What `terms` say of now is not looked at: [`Transport::now`] is asked whenever headers are.
    #[must_use]
    pub fn trusting(self, trusted: Trusted, terms: Terms) -> Self {
        Self {
            anchor: Some((Headers::new(trusted), terms)),
            network_key: None,
            simulates: None,
            ..self
        }
    }

    /// What is trusted and proven, and on which terms now. A copy: a question that is given up takes nothing away.
    fn anchor(&self) -> Option<(Headers, Terms)> {
        let (headers, mut terms) = self.anchor.clone()?;
        if let Some(clock) = &mut terms.clock {
            clock.now = self.transport.now();
        }
        Some((headers, terms))
    }

    /// The next question goes on from these headers.
    fn keep(&mut self, headers: Headers) {
        if let Some((known, _)) = &mut self.anchor {
            *known = headers;
        }
    }

    /// Calls a method of CometBFT's RPC. Over REST those are there that this client needs (`status`, `commit`, `validators`, `abci_query`,
    /// `broadcast_tx_sync`, `tx`, `block_results`, `tx_search`), with the members that it reads.
    ///
    /// # Errors
    /// [`Error::NoAnswer`], [`Error::NotRpc`], [`Error::NotRest`], [`Error::Busy`], [`Error::Rpc`]; over REST [`Error::NoRoute`] and [`Error::TooLong`],
    /// and of `tx` [`Error::NotIncluded`].
    pub async fn call(&mut self, method: &str, params: &Value) -> Result<Value, Error> {
        let Self {
            transport,
            language,
            ..
        } = self;
        let answer = language.call(transport, method, params).await;
        self.silence = match &answer {
            Err(Error::Busy { again, .. }) => Some(again.unwrap_or_default()),
            Err(Error::NoAnswer(_)) => Some(Duration::ZERO),
            _ => None,
        };
        answer
    }

    /// The chain: that of the trusted point, else what the node says. Who signs for a node's word may sign for another chain on which the
    /// account has coins: a program names its chain itself, unless the node is its own.
    ///
    /// # Errors
    /// [`Error::OtherVersion`]; as [`Client::call`].
    pub async fn chain_id(&mut self) -> Result<String, Error> {
        if let Some((headers, _)) = &self.anchor {
            return Ok(headers.chain_id().to_owned());
        }
        if self.chain_id.is_none() {
            let status = self.call("status", &json!({})).await?;
            let info = &status["node_info"];
            let version = info["protocol_version"]["block"].as_str();
            match version.and_then(|version| version.parse().ok()) {
                None | Some(BLOCK_PROTOCOL) => {}
                Some(found) => return Err(Error::OtherVersion { found }),
            }
            let told = text(&info["network"], "status", "network")?;
            self.chain_id = Some(told.to_owned());
        }
        Ok(self.chain_id.clone().unwrap_or_default())
    }

    /// The newest height; that of a header that is proven, where something is trusted.
    ///
    /// # Errors
    /// As [`Client::call`]; [`Error::Light`].
    pub async fn height(&mut self) -> Result<Height, Error> {
        Ok(self.tip().await?.height)
    }

    /// The height that the chain will have after about this time, at the pace of its blocks so far: 50 to 10,000 blocks from now.
    ///
    /// # Errors
    /// As [`Client::height`].
    pub async fn height_in(&mut self, time: Duration) -> Result<Height, Error> {
        let tip = self.tip().await?;
        let blocks = match tip.age.is_zero() {
            true => BLOCKS_AHEAD[1],
            false => {
                let blocks = time.as_millis().saturating_mul(tip.height.into());
                u64::try_from(blocks / tip.age.as_millis().max(1)).unwrap_or(u64::MAX)
            }
        };
        Ok(tip
            .height
            .saturating_add(blocks.clamp(BLOCKS_AHEAD[0], BLOCKS_AHEAD[1])))
    }

    async fn tip(&mut self) -> Result<Tip, Error> {
        let status = self.call("status", &json!({})).await?;
        let tip = Tip::read(&status["sync_info"])?;
        if let Some((mut headers, terms)) = self.anchor() {
            let ask = async |call: &Call| self.ask(call).await;
            let reached = headers.at(tip.height, &terms, ask).await.map(|_| ());
            self.keep(headers);
            reached?;
        }
        Ok(tip)
    }

    /// Calls the gRPC method `path` (`/package.Service/Method`) at the newest height.
    ///
    /// # Errors
    /// [`Error::Query`], [`Error::Busy`]; as [`Client::call`].
    pub async fn query<Q: Message, A: Message + Default>(
        &mut self,
        path: &str,
        request: &Q,
    ) -> Result<A, Error> {
        let answer = self.query_bytes(path, &request.encode_to_vec()).await?;
        decoded(&answer)
    }

    /// As [`Client::query`], of what this client asks itself. Over REST not every node takes that as a query of CometBFT's: then by a route of its own, and the
    /// answer has what this client reads.
    async fn query_own<Q: Message, A: Message + Default>(
        &mut self,
        path: &str,
        request: &Q,
    ) -> Result<A, Error> {
        let data = request.encode_to_vec();
        let error = match self.query_bytes(path, &data).await {
            Ok(answer) => return decoded(&answer),
            Err(error) => error,
        };
        let Self {
            transport,
            language,
            ..
        } = self;
        let asked = (path, data.as_slice());
        match language.by_own_route(transport, asked, &error).await {
            Some(answer) => decoded(&self.value_in(&answer?)?),
            None => Err(error),
        }
    }

    /// The height of the state that the last query was answered from, queries of contracts included, as the node says; `None` if it does not. A host can
    /// answer from an older state, which the chain really had: held against a header that is proven, this says how old (docs/security.md).
    #[must_use]
    pub const fn answered_at(&self) -> Option<Height> {
        self.answered_at
    }

    /// As [`Client::query`], with an encoded request and answer.
    ///
    /// # Errors
    /// As [`Client::query`].
    pub async fn query_bytes(&mut self, path: &str, request: &[u8]) -> Result<Vec<u8>, Error> {
        let params = query_params(path, request);
        let answer = self.call("abci_query", &params).await?;
        self.value_in(&answer)
    }

    /// The value in an answer to `abci_query`.
    fn value_in(&mut self, answer: &Value) -> Result<Vec<u8>, Error> {
        let response = &answer["response"];
        let bad = |field| Error::Form {
            method: "abci_query",
            field,
        };
        let shown = |name| response[name].as_str().unwrap_or_default().to_owned();
        let height = response["height"].as_str().and_then(|h| h.parse().ok());
        self.answered_at = height.filter(|height| *height > 0);
        match response["code"].as_u64().ok_or_else(|| bad("code"))? {
            0 => STANDARD.decode(shown("value")).map_err(|_| bad("value")),
            code => {
                let (codespace, log) = (shown("codespace"), shown("log"));
                // As an error of ABCI, where HTTP would have said it with its status.
                if let Some(why) = no_time(&log).filter(|_| codespace == "sdk") {
                    self.silence = Some(Duration::ZERO);
                    return Err(Error::Busy {
                        why: why.to_owned(),
                        again: None,
                    });
                }
                Err(Error::Query {
                    codespace,
                    code,
                    log,
                })
            }
        }
    }

    /// A value of the state, proven down from a point that is trusted.
    ///
    /// # Errors
    /// [`Error::Light`].
    pub async fn prove(
        &mut self,
        trusted: &Trusted,
        terms: &Terms,
        question: &Question,
    ) -> Result<Answer, Error> {
        let ask = async |call: &Call| self.ask(call).await;
        Ok(light::value(trusted, terms, question, ask).await?)
    }

    /// A value of the state, proven from what this client trusts, and its height.
    async fn proven(
        &mut self,
        (mut headers, terms): (Headers, Terms),
        question: &Question,
    ) -> Result<(Height, Option<Vec<u8>>), Error> {
        let ask = async |call: &Call| self.ask(call).await;
        let found = headers.value(&terms, question, ask).await;
        self.keep(headers);
        Ok(found?)
    }

    /// As [`Client::call`], for the functions of [`light`].
    ///
    /// # Errors
    /// The text of [`Client::call`]'s.
    pub async fn ask(&mut self, call: &Call) -> Result<Value, String> {
        let answer = self.call(call.method, &call.params).await;
        answer.map_err(|error| error.to_string())
    }

    /// The key that messages are sealed for, asked for once.
    ///
    /// # Errors
    /// [`Error::Light`] if it is to be proven and is not; else as [`Client::query`].
    pub async fn network_key(&mut self) -> Result<NetworkKey, Error> {
        if let Some(known) = self.network_key {
            return Ok(known);
        }
        let found = match self.anchor() {
            Some(anchor) => {
                let question = Question {
                    tree: Tree::Native,
                    key: NETWORK_KEYS.as_bytes().to_vec(),
                    height: None,
                };
                let (height, value) = self.proven(anchor, &question).await?;
                let key = match value.as_deref() {
                    Some([1, keys @ ..]) if keys.len() == 64 => keys.first_chunk().copied(),
                    _ => None,
                };
                let proven = Some(height);
                key.map(|key| NetworkKey { key, proven })
            }
            None => {
                let path = "/secret.registration.v1beta1.Query/TxKey";
                let answer: Key = self.query_own(path, &Empty {}).await?;
                let key = answer.key.try_into().ok();
                key.map(|key| NetworkKey { key, proven: None })
            }
        };
        self.network_key = found;
        found.ok_or(Error::Form {
            method: "abci_query",
            field: "network key",
        })
    }

    /// Whether the network is proven to simulate messages to contracts. Where nothing is trusted, nothing is proven; nor does it follow from what the
    /// client trusts where the node is silent or lies. Then an estimate of such messages is a guess, and no more is lost.
    pub(super) async fn simulates_contracts(&mut self) -> bool {
        if let Some(known) = self.simulates {
            return known;
        }
        let Some(anchor) = self.anchor() else {
            return false;
        };
        let question = Question {
            tree: Tree::Native,
            key: SIMULATION.as_bytes().to_vec(),
            height: None,
        };
        let Ok((_, value)) = self.proven(anchor, &question).await else {
            return false;
        };
        *self.simulates.insert(value.as_deref() == Some(&[1, 1]))
    }

    /// Number and committed sequence of an account.
    ///
    /// # Errors
    /// [`Error::NoAccount`] for one that never had coins; as [`Client::query`].
    pub async fn position(&mut self, address: &Address) -> Result<Position, Error> {
        let request = QueryAccountInfoRequest {
            address: address.to_string(),
        };
        let path = "/cosmos.auth.v1beta1.Query/AccountInfo";
        let answer: QueryAccountInfoResponse = match self.query_own(path, &request).await {
            Err(error) if error.is_not_found() => {
                return Err(Error::NoAccount(address.clone()));
            }
            answer => answer?,
        };
        let info = answer
            .info
            .ok_or_else(|| Error::NoAccount(address.clone()))?;
        Ok(Position {
            number: info.account_number,
            sequence: info.sequence,
        })
    }

    /// A transaction as this account reads it: its own messages, and what contracts answered to them.
    ///
    /// # Errors
    /// As [`Client::network_key`] and [`Included::open`].
    pub async fn open(&mut self, account: &Account, included: &Included) -> Result<Opened, Error> {
        let sealer = self.sealer(account).await?;
        included.open(Some(&sealer))
    }
}

/// The key under which the state keeps an account: its address after its length.
#[must_use]
pub fn account_key(address: &Address) -> Vec<u8> {
    let bytes = address.as_bytes();
    // An address has at most 255 bytes.
    let length = u8::try_from(bytes.len()).unwrap_or(u8::MAX);
    [ACCOUNTS.as_bytes(), &[length], bytes].concat()
}

/// The sequence in the record of an account: a format byte, the number, the sequence, 8 bytes each with the lowest first.
#[must_use]
pub fn recorded_sequence(record: &[u8]) -> Option<u64> {
    let (format, rest) = record.split_first()?;
    let sequence = rest.get(8..16)?.try_into().ok()?;
    (*format == 1).then_some(u64::from_le_bytes(sequence))
}

impl<T> core::fmt::Debug for Client<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Client({:?})", self.chain_id)
    }
}

fn decoded<A: Message + Default>(answer: &[u8]) -> Result<A, Error> {
    A::decode(answer).map_err(|_| Error::Form {
        method: "abci_query",
        field: "value",
    })
}

fn text<'v>(value: &'v Value, method: &'static str, field: &'static str) -> Result<&'v str, Error> {
    value.as_str().ok_or(Error::Form { method, field })
}
