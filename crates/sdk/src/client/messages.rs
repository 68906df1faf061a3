//! Contract messages, and contract queries.

use super::outcome::{open_error, unpadded};
use super::{Client, Error, Transport};
use crate::crypto::secret::Secret;
use crate::keys::Account;
use crate::message::{Binding, SealError, Sealer, Target};
use crate::types::proto::cosmos::base::v1beta1::Coin;
use crate::types::proto::secret::compute::v1beta1 as compute;
use crate::types::{Address, Hash};
use serde::Serialize;
use serde_json::Value;

/// What is instantiated.
#[derive(Clone, Copy, Debug)]
pub struct Instantiate<'i> {
    /// Number of the code.
    pub code_id: u64,
    /// The name of the contract: no other may have it.
    pub label: &'i str,
    /// Who may migrate it; nobody if empty.
    pub admin: &'i str,
}

/// Who a contract message is from: the account that it is bound to, and the seed that seals it and opens what answers it. Usually both are of
/// one account; a multisig has no key to seal with.
pub struct Author {
    address: Address,
    seed: Secret<32>,
}

impl Author {
    /// An account whose messages are sealed with the key of another one.
    #[must_use]
    pub fn new(address: Address, sealing: &Account) -> Self {
        Self {
            address,
            seed: sealing.encryption_seed(),
        }
    }

    /// The account that signs.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.address
    }
}

impl From<&Account> for Author {
    fn from(account: &Account) -> Self {
        Self::new(account.address(), account)
    }
}

impl From<&Self> for Author {
    fn from(author: &Self) -> Self {
        Self {
            address: author.address.clone(),
            seed: Secret::new(*author.seed.expose()),
        }
    }
}

impl core::fmt::Debug for Author {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Author({})", self.address)
    }
}

impl<T: Transport> Client<T> {
    /// Seals messages of this account for the network.
    ///
    /// # Errors
    /// As [`Client::network_key`].
    pub async fn sealer(&mut self, author: impl Into<Author>) -> Result<Sealer, Error> {
        let network = self.network_key().await?;
        Ok(Sealer::new(*author.into().seed.expose(), network.key))
    }

    /// The hash of the code that a contract has, asked for once.
    ///
    /// # Errors
    /// [`Error::Query`] if there is no such contract.
    pub async fn code_hash(&mut self, contract: &Address) -> Result<Hash, Error> {
        if let Some(known) = self.code_hashes.get(contract.as_bytes()) {
            return Ok(*known);
        }
        let request = compute::QueryByContractAddressRequest {
            contract_address: contract.to_string(),
        };
        let path = "/secret.compute.v1beta1.Query/CodeHashByContractAddress";
        let answer: compute::QueryCodeHashResponse = self.query_own(path, &request).await?;
        let hash = hash_of(&answer)?;
        self.code_hashes.insert(contract.as_bytes().to_vec(), hash);
        Ok(hash)
    }

    /// The hash of a code.
    ///
    /// # Errors
    /// [`Error::Query`] if there is no such code.
    pub async fn code_hash_of(&mut self, code_id: u64) -> Result<Hash, Error> {
        let request = compute::QueryByCodeIdRequest { code_id };
        let path = "/secret.compute.v1beta1.Query/CodeHashByCodeId";
        let answer: compute::QueryCodeHashResponse = self.query_own(path, &request).await?;
        hash_of(&answer)
    }

    /// Asks a contract. Query and answer are sealed; nobody is told who asks.
    ///
    /// # Errors
    /// [`Error::Contract`] with the contract's own text; [`Error::Query`] with the chain's.
    pub async fn query_contract(
        &mut self,
        contract: &Address,
        query: &impl Serialize,
    ) -> Result<Value, Error> {
        let answer = self.query_contract_bytes(contract, query).await?;
        serde_json::from_slice(&answer).map_err(|_| Error::Answer("it is no JSON"))
    }

    /// As [`Client::query_contract`], for answers that are no JSON.
    ///
    /// # Errors
    /// As [`Client::query_contract`].
    pub async fn query_contract_bytes(
        &mut self,
        contract: &Address,
        query: &impl Serialize,
    ) -> Result<Vec<u8>, Error> {
        let query = json(query)?;
        let known = self.code_hashes.get(contract.as_bytes()).copied();
        let answer = self.ask_contract(contract, &query).await;
        let (Err(Error::Query { .. }), Some(known)) = (&answer, known) else {
            return answer;
        };
        // The contract may have been given other code since its hash was asked for.
        self.code_hashes.remove(contract.as_bytes());
        if self.code_hash(contract).await? == known {
            return answer;
        }
        self.ask_contract(contract, &query).await
    }

    async fn ask_contract(&mut self, contract: &Address, query: &str) -> Result<Vec<u8>, Error> {
        let code_hash = self.code_hash(contract).await?;
        let network = self.network_key().await?;
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|_| SealError::Randomness)?;
        let sealer = Sealer::new(seed, network.key);
        let sealed = sealer.seal(&code_hash, query.as_bytes())?;
        let request = compute::QuerySecretContractRequest {
            contract_address: contract.to_string(),
            query: sealed.wire,
        };
        let path = "/secret.compute.v1beta1.Query/QuerySecretContract";
        let answer = self.query_own::<_, compute::QuerySecretContractResponse>(path, &request);
        match answer.await {
            Ok(answer) => {
                let opened = sealed.key.open_data(&answer.data);
                let opened = opened.map_err(|_| Error::Answer("it does not open"))?;
                Ok(unpadded(&opened).to_vec())
            }
            Err(Error::Query {
                codespace,
                code,
                log,
            }) => Err(match open_error(&log, &sealed.key) {
                Some(text) => Error::Contract(own_words(&text).to_owned()),
                None => Error::Query {
                    codespace,
                    code,
                    log,
                },
            }),
            Err(error) => Err(error),
        }
    }

    /// A message that calls a contract.
    ///
    /// # Errors
    /// As [`Client::code_hash`] and [`Client::network_key`].
    pub async fn execute_message(
        &mut self,
        author: impl Into<Author>,
        contract: &Address,
        message: &impl Serialize,
        funds: Vec<Coin>,
    ) -> Result<compute::MsgExecuteContract, Error> {
        let author = author.into();
        let code_hash = self.code_hash(contract).await?;
        let target = Target::Execute(contract.as_bytes());
        let msg = self.sealed(&author, target, &code_hash, message).await?;
        Ok(compute::MsgExecuteContract {
            sender: author.address.as_bytes().to_vec(),
            contract: contract.as_bytes().to_vec(),
            msg,
            sent_funds: funds,
            ..Default::default()
        })
    }

    /// A message that makes a contract of a code.
    ///
    /// # Errors
    /// As [`Client::code_hash_of`] and [`Client::network_key`].
    pub async fn instantiate_message(
        &mut self,
        author: impl Into<Author>,
        what: &Instantiate<'_>,
        message: &impl Serialize,
        funds: Vec<Coin>,
    ) -> Result<compute::MsgInstantiateContract, Error> {
        let author = author.into();
        let code_hash = self.code_hash_of(what.code_id).await?;
        let target = Target::Instantiate {
            code_id: what.code_id,
            label: what.label,
        };
        let init_msg = self.sealed(&author, target, &code_hash, message).await?;
        Ok(compute::MsgInstantiateContract {
            sender: author.address.as_bytes().to_vec(),
            code_id: what.code_id,
            label: what.label.to_owned(),
            init_msg,
            init_funds: funds,
            admin: what.admin.to_owned(),
            ..Default::default()
        })
    }

    /// A message that gives a contract other code.
    ///
    /// # Errors
    /// As [`Client::code_hash_of`] and [`Client::network_key`].
    pub async fn migrate_message(
        &mut self,
        author: impl Into<Author>,
        contract: &Address,
        code_id: u64,
        message: &impl Serialize,
    ) -> Result<compute::MsgMigrateContract, Error> {
        let author = author.into();
        let code_hash = self.code_hash_of(code_id).await?;
        let target = Target::Migrate {
            contract: contract.as_bytes(),
            code_id,
        };
        let msg = self.sealed(&author, target, &code_hash, message).await?;
        // It has other code soon, if all goes well.
        self.code_hashes.remove(contract.as_bytes());
        Ok(compute::MsgMigrateContract {
            sender: author.address.to_string(),
            contract: contract.to_string(),
            code_id,
            msg,
            ..Default::default()
        })
    }

    async fn sealed(
        &mut self,
        author: &Author,
        target: Target<'_>,
        code_hash: &Hash,
        message: &impl Serialize,
    ) -> Result<Vec<u8>, Error> {
        let sealer = self.sealer(author).await?;
        let chain_id = self.chain_id().await?;
        let binding = Binding {
            chain_id: &chain_id,
            sender: author.address.as_bytes(),
            target,
        };
        let message = json(message)?;
        Ok(sealer
            .seal_bound(&binding, code_hash, message.as_bytes())?
            .wire)
    }
}

fn hash_of(answer: &compute::QueryCodeHashResponse) -> Result<Hash, Error> {
    let bytes = hex::decode(&answer.code_hash).ok();
    bytes
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(Error::Form {
            method: "abci_query",
            field: "code hash",
        })
}

fn json(message: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(message).map_err(|_| Error::NoJson)
}

/// Without what the chain says after it.
fn own_words(text: &str) -> &str {
    text.strip_suffix(": query contract failed").unwrap_or(text)
}
