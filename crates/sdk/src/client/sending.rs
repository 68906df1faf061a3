//! The way of a transaction: it is signed, broadcast, looked for until a block holds it, and proven there.
//!
//! Promises: from the first byte that leaves, nothing says that no block will hold it but a refusal of a node that is believed; and where something is
//! trusted, nothing says how it ended there but a proof. All else is [`Error::Unknown`] or [`Error::NotIncluded`].

use super::room::{self, ROOM_WAITS};
use super::{Client, Error, Included, Proven, Transport, account_key, recorded_sequence};
use crate::keys::Account;
use crate::light::{self, Call, Question};
use crate::tx::TxBuilder;
use crate::types::{Address, Height, Timestamp, Tree, sha256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core::time::Duration;
use serde_json::json;
use strongroom_proof::light::LightError;

/// The first and the longest time between two looks for a transaction; each is twice the one before.
const LOOKS: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(200)];
/// The longest between two looks while the node is silent, or has no time.
const SILENT_LOOK: Duration = Duration::from_secs(5);
/// The longest that a node that has no time is left alone, whatever it says.
const AGAIN_MAX: Duration = Duration::from_secs(30);
/// How long a transaction may take to be in a block.
pub(super) const BLOCK_WAITS: Duration = Duration::from_secs(60);
/// How long the blocks after it may take: the next one's header commits to the result, and over routes of the Cosmos SDK alone the one after that has its commit.
pub(super) const RESULT_WAITS: Duration = Duration::from_secs(30);

/// Result of CheckTx.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// 0: the transaction waits for a block.
    pub code: u64,
    /// Family of the code.
    pub codespace: String,
    /// Why it does not wait.
    pub log: String,
    /// Hash of the transaction, upper-case hex.
    pub hash: String,
}

impl<T: Transport> Client<T> {
    /// Broadcasts a raw transaction and waits for CheckTx. A node that has no room for it is asked again for half a minute, each time when it said
    /// that there may be some; then that is the result, code 20.
    ///
    /// # Errors
    /// As [`Client::call`]. That CheckTx refuses it is no error here: [`Client::passed`].
    pub async fn broadcast(&mut self, tx: &[u8]) -> Result<Checked, Error> {
        self.broadcast_telling(tx, |_| {}).await
    }

    /// As [`Client::broadcast`]; calls `tell` before each rest, with its length.
    ///
    /// # Errors
    /// As [`Client::broadcast`].
    pub async fn broadcast_telling(
        &mut self,
        tx: &[u8],
        mut tell: impl FnMut(Duration),
    ) -> Result<Checked, Error> {
        let Self {
            transport,
            language,
            ..
        } = self;
        language.find(transport).await?;
        let (begun, mut rested, mut rests) = (self.transport.now(), Duration::ZERO, 0);
        loop {
            let answer = self.broadcast_once(tx).await;
            let told = room::no_room_in(&answer);
            // A call takes as long as the node likes; a clock may be set back.
            let waited = since(begun, self.transport.now()).max(rested);
            let Some(told) = told else { return answer };
            if waited >= ROOM_WAITS {
                // Each time it said that it does not take it.
                return answer.or_else(|error| Ok(room::never(&error, tx)));
            }
            // The last time is when time is up.
            let rest = room::rest(told, &sha256(tx), rests).min(ROOM_WAITS.saturating_sub(waited));
            tell(rest);
            self.transport.pause(rest).await;
            rested = rested.saturating_add(rest);
            rests += 1;
        }
    }

    /// As [`Client::broadcast`], and a node that has no room is not asked again.
    ///
    /// # Errors
    /// As [`Client::broadcast`].
    pub async fn broadcast_once(&mut self, tx: &[u8]) -> Result<Checked, Error> {
        let params = json!({ "tx": STANDARD.encode(tx) });
        let answer = self.call("broadcast_tx_sync", &params).await?;
        let shown = |name| answer[name].as_str().unwrap_or_default().to_owned();
        let code = answer["code"].as_u64().ok_or(Error::Form {
            method: "broadcast_tx_sync",
            field: "code",
        })?;
        Ok(Checked {
            code,
            codespace: shown("codespace"),
            log: shown("log"),
            // Ours, not the node's: it is what we wait for.
            hash: hex::encode_upper(sha256(tx)),
        })
    }

    /// What follows from the result of CheckTx: that it waits for a block, as far as it is known.
    ///
    /// # Errors
    /// [`Error::Refused`] for a transaction that does not, on the word of a node that is believed. Where something is trusted that is the reason of an
    /// [`Error::Unknown`]: the node may have passed it on all the same.
    pub fn passed(&self, checked: Checked) -> Result<Checked, Error> {
        if checked.code == 0 {
            return Ok(checked);
        }
        let hash = checked.hash.clone();
        let refused = Error::Refused {
            codespace: checked.codespace,
            code: checked.code,
            log: checked.log,
            hash: checked.hash,
        };
        Err(match self.anchor {
            None => refused,
            Some(_) => Error::Unknown {
                hash,
                why: Box::new(refused),
            },
        })
    }

    /// Signs a transaction of one signer, broadcasts it, and waits until it is in a block. Whether it succeeded there says
    /// [`Included::succeeded`]: proven where something is trusted.
    ///
    /// # Errors
    /// [`Error::NoAccount`] and [`Error::Key`] if nothing was sent; [`Error::Refused`] as [`Client::passed`]; [`Error::NotIncluded`] and
    /// [`Error::Unknown`] if a block holds it or may still hold it; before it is sent as [`Client::position`].
    pub async fn send(&mut self, account: &Account, tx: &TxBuilder) -> Result<Included, Error> {
        let position = self.position(&account.address()).await?;
        let raw = tx.sign(account, position.number, position.sequence)?;
        let unknown = |why| Error::Unknown {
            hash: hex::encode_upper(sha256(&raw)),
            why: Box::new(why),
        };
        // Whatever is wrong with an answer: the node may have taken it.
        let checked = self.broadcast(&raw).await.map_err(unknown)?;
        let checked = self.passed(checked)?;
        self.wait(&checked.hash).await
    }

    /// The transaction with this hash (hex). Where something is trusted, it is proven that its block holds it, and its result as soon as there is the
    /// next block: [`Included::proven`].
    ///
    /// # Errors
    /// [`Error::NotIncluded`] if no block has it, or one that had no room left to run it; as [`Client::call`]; [`Error::Light`].
    pub async fn transaction(&mut self, hash: &str) -> Result<Included, Error> {
        let bytes = hex::decode(hash).unwrap_or_default();
        let params = json!({ "hash": STANDARD.encode(bytes), "prove": self.anchor.is_some() });
        let answer = match self.call("tx", &params).await {
            // REST has a code for it.
            Err(Error::Rpc(text)) if self.language.is_rpc() && text.contains("not found") => {
                return Err(Error::NotIncluded {
                    hash: hash.to_owned(),
                });
            }
            answer => answer?,
        };
        let mut included = Included::read(&answer)?;
        let same = included.hash.eq_ignore_ascii_case(hash)
            && hex::encode_upper(sha256(&included.tx)) == included.hash;
        if !same {
            return Err(Error::Form {
                method: "tx",
                field: "hash",
            });
        }
        if let Some((mut headers, mut terms)) = self.anchor() {
            let ask = async |call: &Call| self.ask(call).await;
            let (height, tx, proof) = (included.height, &included.tx, &answer["proof"]);
            let found = light::included(&mut headers, &terms, height, tx, proof, ask).await;
            self.keep(headers.clone());
            let found = found?;
            // Time has passed, and the next block may be younger than that.
            if let Some((_, later)) = self.anchor() {
                terms = later;
            }
            let ask = async |call: &Call| self.ask(call).await;
            let result = light::result(&mut headers, &found, &terms, ask).await;
            self.keep(headers);
            included.proven = match result {
                Ok(proven) if included.has(&proven) => Proven::Result,
                Ok(_) => return Err(light::Error::from(strongroom_proof::Error::Value).into()),
                // No next block yet, or none that this machine's clock has reached, or a node that keeps no results.
                Err(
                    light::Error::TooNew(_)
                    | light::Error::Node(_)
                    | light::Error::Form { .. }
                    | light::Error::Light(LightError::Future { .. }),
                ) => Proven::Block,
                Err(error) => return Err(error.into()),
            };
        }
        // With a result that is not proven it is not known.
        if included.proven != Proven::Block && included.is_left() {
            return Err(Error::NotIncluded {
                hash: included.hash,
            });
        }
        Ok(included)
    }

    /// Waits until the transaction with this hash is in a block, and, where something is trusted, half a minute more until its result is proven.
    ///
    /// # Errors
    /// After a minute [`Error::NotIncluded`], or [`Error::Unknown`] with whatever is wrong with the node then: [`Error::NoResult`] if a block is proven
    /// to hold it, and its result is not. What the node says of that result is not told.
    pub async fn wait(&mut self, hash: &str) -> Result<Included, Error> {
        let (begun, mut pause, mut paused) = (self.transport.now(), LOOKS[0], Duration::ZERO);
        let mut found: Option<(Included, Duration)> = None;
        loop {
            self.transport.pause(pause).await;
            paused = paused.saturating_add(pause);
            // Whatever is wrong with a node may be over soon.
            let looked = self.transaction(hash).await;
            // A look takes as long as the node likes; a clock may be set back.
            let waited = since(begun, self.transport.now()).max(paused);
            let looked = match looked {
                Ok(included) if included.proven != Proven::Block => return Ok(included),
                Ok(included) => {
                    found.get_or_insert((included, waited));
                    Ok(())
                }
                Err(error) => Err(error),
            };
            // Each silence may have taken as long as the transport waits.
            let (longest, again) = match self.silence {
                Some(again) => (SILENT_LOOK, again.min(AGAIN_MAX)),
                None => (LOOKS[1], Duration::ZERO),
            };
            pause = pause.saturating_mul(2).min(longest).max(again);
            let until = found
                .as_ref()
                .map_or(BLOCK_WAITS, |(_, since)| since.saturating_add(RESULT_WAITS));
            if waited < until {
                // The last look is when time is up.
                pause = pause.min(until.saturating_sub(waited));
                continue;
            }
            return Err(match (looked, found) {
                // With a block proven, only a proof of something else says more.
                (Ok(()), Some((included, _))) => included.no_result(),
                (Err(why), Some((included, _))) if !contradicts(&why) => included.no_result(),
                (Ok(()) | Err(Error::NotIncluded { .. }), _) => Error::NotIncluded {
                    hash: hash.to_owned(),
                },
                (Err(why), _) => Error::Unknown {
                    hash: hash.to_owned(),
                    why: Box::new(why),
                },
            });
        }
    }

    /// A height of the past, and the sequence that an account had there or later: a transaction of this sequence or a later one that no block
    /// up to this height may hold can come no more. Both are proven where something is trusted, and the height is one or two blocks
    /// old then, three over routes of the Cosmos SDK alone.
    ///
    /// # Errors
    /// As [`Client::position`] and [`Client::prove`].
    pub async fn settled(&mut self, address: &Address) -> Result<(Height, u64), Error> {
        let Some(anchor) = self.anchor() else {
            let height = self.height().await?;
            return Ok((height, self.position(address).await?.sequence));
        };
        let question = Question {
            tree: Tree::Native,
            key: account_key(address),
            height: None,
        };
        let (height, value) = self.proven(anchor, &question).await?;
        let sequence = value.as_deref().map_or(Some(0), recorded_sequence);
        let sequence = sequence.ok_or(Error::Form {
            method: "abci_query",
            field: "account",
        })?;
        Ok((height, sequence))
    }
}

/// Whether what is wrong with a node is a lie, and neither silence nor a header that is ahead of the clock.
const fn contradicts(why: &Error) -> bool {
    use light::Error::{Form, Light, Node, TooNew};
    match why {
        Error::Light(Node(_) | Form { .. } | TooNew(_) | Light(LightError::Future { .. })) => false,
        Error::Light(_) => true,
        _ => false,
    }
}

/// How long it is since then; nothing, if the clock was set back.
fn since(then: Timestamp, now: Timestamp) -> Duration {
    let nanos = now.nanos_total().zip(then.nanos_total());
    let nanos = nanos.map_or(0, |(now, then)| now.saturating_sub(then));
    Duration::from_nanos(nanos)
}
