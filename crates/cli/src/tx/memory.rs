//! What calls of contracts have used, so that the next one like them need not be given a guess. Most networks let no node tell (docs/adr/0027); whoever has made a
//! call knows.
//!
//! Promises: the file tells nobody which contracts and which messages it is about (their names are made with the key of the account); one that is
//! damaged, or cannot be written, costs what it remembers and nothing else; no limit comes from more than the user has granted such a call before.
//! Format: docs/book/cli.md, "The file of gas".

use crate::keyring::Keyring;
use crate::rpc::Client;
use crate::{given, preflight};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use strongroom_sdk::client::{Included, MARGIN_PERCENT, sealed_in};
use strongroom_sdk::keys::Account;
use strongroom_store::files::{self, Readers};
use strongroom_types::Gas;
use strongroom_types::proto::secret::compute::v1beta1::MsgExecuteContract;
use strongroom_types::proto::{Any, Message as _};
use strongroom_types::tx::Tx;

const FORMAT: &str = "strongroom-gas/v1";
const BYTES_MAX: usize = 256 << 10;
/// Kinds of calls of one account on one chain; the one that was made longest ago goes first.
const CALLS_MAX: usize = 256;
/// How many calls of a kind count: the state of a contract changes, and what a call uses with it.
const USED_MAX: usize = 5;
/// Limits are rounded up to this: they stand in the open before the call does, and a number of one's own would tell whose it is.
const STEP: Gas = 5_000;
const EXECUTE: &str = "/secret.compute.v1beta1.MsgExecuteContract";
/// Codespace and code of a transaction that ran out of gas.
const OUT_OF_GAS: (&str, u32) = ("sdk", 11);

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    format: String,
    /// The newest last.
    calls: Vec<Call>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    name: String,
    /// The newest last.
    used: Vec<Gas>,
}

/// What calls of one kind have used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// The most of the last ones.
    pub(super) most: Gas,
    /// How many they are.
    pub(super) calls: usize,
}

impl Known {
    /// The limit to give the next one.
    pub(super) fn limit(self) -> Gas {
        let margin = self.most.saturating_mul(MARGIN_PERCENT).div_ceil(100);
        let limit = self.most.saturating_add(margin);
        limit.div_ceil(STEP).saturating_mul(STEP)
    }
}

/// What an account remembers of a chain.
struct Memory {
    path: PathBuf,
    calls: Vec<Call>,
}

impl Memory {
    /// `None` for a chain whose name is none.
    fn open(keyring: &Keyring, account: &Account, chain_id: &str) -> Option<Self> {
        preflight::chain_id(chain_id).ok()?;
        let file = format!("{}.{chain_id}.json", account.address());
        let path = keyring.gas().join(file);
        let bytes = given::read(&path, BYTES_MAX).unwrap_or_default();
        let content: Content = serde_json::from_slice(&bytes).unwrap_or_default();
        let mut calls = content.calls;
        calls.retain(|call| content.format == FORMAT && !call.used.is_empty());
        Some(Self { path, calls })
    }

    fn known(&self, name: &str) -> Option<Known> {
        let call = self.calls.iter().find(|call| call.name == name)?;
        let most = call.used.iter().max().copied()?;
        let calls = call.used.len();
        Some(Known { most, calls })
    }

    fn keep(&mut self, name: String, used: Gas) {
        let place = self.calls.iter().position(|call| call.name == name);
        let mut call = match place {
            Some(place) => self.calls.remove(place),
            None => Call {
                name,
                used: Vec::new(),
            },
        };
        call.used.push(used);
        call.used.drain(..call.used.len().saturating_sub(USED_MAX));
        self.calls.push(call);
        self.calls
            .drain(..self.calls.len().saturating_sub(CALLS_MAX));
    }

    fn forget(&mut self, name: &str) {
        self.calls.retain(|call| call.name != name);
    }

    fn save(self) -> Option<()> {
        let mut builder = fs::DirBuilder::new();
        builder
            .recursive(true)
            .mode(0o700)
            .create(self.path.parent()?)
            .ok()?;
        let content = Content {
            format: FORMAT.to_owned(),
            calls: self.calls,
        };
        let bytes = serde_json::to_vec_pretty(&content).ok()?;
        files::write(&self.path, &bytes, Readers::Owner).ok()
    }
}

/// What calls like these messages of this account have used, if they are one call of a contract.
pub(super) async fn known(
    keyring: &Keyring,
    client: &mut Client,
    account: &Account,
    messages: &[Any],
) -> Option<Known> {
    let name = name_of(client, account, messages).await?;
    let chain_id = client.chain_id().await.ok()?;
    Memory::open(keyring, account, &chain_id)?.known(&name)
}

/// Remembers what a transaction of this account has used, if it was one call of a contract.
pub(super) async fn learn(
    keyring: &Keyring,
    client: &mut Client,
    account: &Account,
    included: &Included,
) -> Option<()> {
    let tx = Tx::decode(&included.tx).ok()?;
    let name = name_of(client, account, &tx.body.messages).await?;
    let chain_id = client.chain_id().await.ok()?;
    let mut memory = Memory::open(keyring, account, &chain_id)?;
    let result = &included.result;
    if result.is_ok() {
        // What was granted is in what was signed: a node cannot make it more.
        let used = Gas::try_from(result.gas_used).ok()?;
        memory.keep(name, used.min(tx.fee().gas_limit));
    } else if (result.codespace.as_str(), result.code) == OUT_OF_GAS {
        memory.forget(&name);
    } else {
        return None;
    }
    memory.save()
}

/// The kind of a call: contract and name of the message, on this network, for nobody's eyes.
async fn name_of(client: &mut Client, account: &Account, messages: &[Any]) -> Option<String> {
    let [message] = messages else { return None };
    if message.type_url != EXECUTE {
        return None;
    }
    let network = client.network_key().await.ok()?.key;
    let sealer = client.sealer(account).await.ok()?;
    let input = sealed_in(message, &sealer)?;
    let execute = MsgExecuteContract::decode(message.value.as_slice()).ok()?;
    kind(account, &network, &execute.contract, &input)
}

fn kind(account: &Account, network: &[u8; 32], contract: &[u8], input: &[u8]) -> Option<String> {
    let members: Map<String, Value> = serde_json::from_slice(input).ok()?;
    let mut names = members.keys();
    let (Some(name), None) = (names.next(), names.next()) else {
        return None;
    };
    // A contract that is made again under its address on another network is another one. The name is the only part without a length of its own.
    let length = u8::try_from(contract.len()).ok()?;
    let all = [
        b"gas",
        network.as_slice(),
        &[length],
        contract,
        name.as_bytes(),
    ]
    .concat();
    Some(hex::encode(account.fingerprint(&all)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::Args;

    fn account() -> Account {
        Account::from_bytes(&[1; 32]).unwrap()
    }

    #[test]
    fn a_limit_is_the_most_of_the_last_calls_a_tenth_more_and_rounded_up() {
        let directory = tempfile::tempdir().unwrap();
        let keyring = keyring(directory.path());
        let open = || Memory::open(&keyring, &account(), "chain-1").unwrap();
        assert_eq!(open().known("a"), None);
        for used in [99_000, 40_000, 41_000, 42_000, 43_000, 44_001] {
            let mut memory = open();
            memory.keep("a".to_owned(), used);
            memory.save().unwrap();
        }
        let known = open().known("a").unwrap();
        assert_eq!(
            (known.most, known.calls, known.limit()),
            (44_001, 5, 50_000)
        );
        assert_eq!(open().known("b"), None);
        assert_eq!(
            Known {
                most: 50_000,
                calls: 1
            }
            .limit(),
            55_000
        );
        assert_eq!(
            Known {
                most: Gas::MAX,
                calls: 1
            }
            .limit(),
            Gas::MAX
        );
        let mut memory = open();
        memory.forget("a");
        memory.save().unwrap();
        assert_eq!(open().known("a"), None);
        assert!(Memory::open(&keyring, &account(), "../x").is_none());
    }

    #[test]
    fn what_was_called_longest_ago_is_forgotten_first_and_a_damaged_file_is_an_empty_one() {
        let directory = tempfile::tempdir().unwrap();
        let keyring = keyring(directory.path());
        let mut memory = Memory::open(&keyring, &account(), "chain-1").unwrap();
        for n in 0..CALLS_MAX {
            memory.keep(n.to_string(), 1);
        }
        memory.keep("0".to_owned(), 2);
        memory.keep("new".to_owned(), 3);
        assert_eq!((memory.known("1"), memory.calls.len()), (None, CALLS_MAX));
        assert_eq!(memory.known("0"), Some(Known { most: 2, calls: 2 }));
        let path = memory.path.clone();
        memory.save().unwrap();
        assert!(fs::metadata(&path).unwrap().len() < BYTES_MAX as u64);
        for bytes in [
            "",
            "{",
            r#"{"format":"strongroom-gas/v2","calls":[{"name":"0","used":[1]}]}"#,
        ] {
            fs::write(&path, bytes).unwrap();
            let memory = Memory::open(&keyring, &account(), "chain-1").unwrap();
            assert_eq!(memory.known("0"), None, "{bytes}");
        }
    }

    #[test]
    fn a_kind_of_calls_is_of_one_account_one_network_one_contract_and_one_message() {
        let (one, other) = (account(), Account::from_bytes(&[2; 32]).unwrap());
        let name = |account, network: u8, contract: u8, input: &str| {
            kind(account, &[network; 32], &[contract; 20], input.as_bytes())
        };
        let first = name(&one, 1, 1, r#"{"transfer":{"amount":"1"}}"#).unwrap();
        assert_eq!(
            name(&one, 1, 1, r#"{"transfer":{"amount":"2"}}"#),
            Some(first.clone())
        );
        for changed in [
            name(&other, 1, 1, r#"{"transfer":{}}"#),
            name(&one, 2, 1, r#"{"transfer":{}}"#),
            name(&one, 1, 2, r#"{"transfer":{}}"#),
            name(&one, 1, 1, r#"{"send":{}}"#),
        ] {
            assert_ne!(changed.unwrap(), first);
        }
        for none in ["", "[]", "{}", r#"{"a":1,"b":2}"#, "\"transfer\""] {
            assert_eq!(name(&one, 1, 1, none), None, "{none}");
        }
    }

    fn keyring(directory: &std::path::Path) -> Keyring {
        Keyring::new(&Args::at(directory)).unwrap()
    }
}
