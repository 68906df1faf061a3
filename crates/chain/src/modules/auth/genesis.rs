//! Accounts and parameters of the first block.

use super::state::{ACCOUNTS, ADDRESSES, Account, NEXT_NUMBER, PARAMS, Params};
use crate::Ctx;
use crate::error::Stop;
use crate::genesis::GenesisError;
use crate::modules::accounts;
use crate::types::Address;
use base64::Engine as _;
use serde::{Deserialize, Serialize};

/// `app_state.auth`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genesis {
    /// Parameters.
    pub params: GenesisParams,
    /// Accounts in order of number; the numbers must be 0, 1, 2, ….
    pub accounts: Vec<GenesisAccount>,
}

/// Parameters as decimal strings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct GenesisParams {
    pub max_memo_characters: String,
    pub tx_sig_limit: String,
    pub tx_size_cost_per_byte: String,
    pub sig_verify_cost_ed25519: String,
    pub sig_verify_cost_secp256k1: String,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "@type")]
pub enum GenesisAccount {
    /// An ordinary account.
    #[serde(rename = "/cosmos.auth.v1beta1.BaseAccount")]
    Base(BaseAccount),
    /// A module's account.
    #[serde(rename = "/cosmos.auth.v1beta1.ModuleAccount")]
    Module(ModuleAccount),
}

/// An ordinary account, or the inner part of a module's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaseAccount {
    /// Bech32.
    pub address: String,
    /// Public key, if it is known already.
    pub pub_key: Option<PubKey>,
    /// Number.
    pub account_number: String,
    /// Sequence.
    pub sequence: String,
}

/// A secp256k1 key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "@type")]
pub enum PubKey {
    /// Compressed, base64.
    #[serde(rename = "/cosmos.crypto.secp256k1.PubKey")]
    Secp256k1 {
        /// 33 bytes in base64.
        key: String,
    },
}

/// A module's account: name and permissions must be those of [`accounts`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModuleAccount {
    /// Address, number, sequence.
    pub base_account: BaseAccount,
    /// Name.
    pub name: String,
    /// Permissions.
    pub permissions: Vec<String>,
}

impl From<&Params> for GenesisParams {
    fn from(p: &Params) -> Self {
        Self {
            max_memo_characters: p.max_memo_characters.to_string(),
            tx_sig_limit: p.tx_sig_limit.to_string(),
            tx_size_cost_per_byte: p.tx_size_cost_per_byte.to_string(),
            sig_verify_cost_ed25519: p.sig_verify_cost_ed25519.to_string(),
            sig_verify_cost_secp256k1: p.sig_verify_cost_secp256k1.to_string(),
        }
    }
}

fn number(text: &str, what: &str) -> Result<u64, GenesisError> {
    text.parse().map_err(|_| GenesisError::Field {
        what: what.to_owned(),
        why: format!("'{text}' is no number"),
    })
}

impl GenesisParams {
    fn checked(&self) -> Result<Params, GenesisError> {
        Ok(Params {
            max_memo_characters: number(
                &self.max_memo_characters,
                "auth.params.max_memo_characters",
            )?,
            tx_sig_limit: number(&self.tx_sig_limit, "auth.params.tx_sig_limit")?,
            tx_size_cost_per_byte: number(
                &self.tx_size_cost_per_byte,
                "auth.params.tx_size_cost_per_byte",
            )?,
            sig_verify_cost_ed25519: number(
                &self.sig_verify_cost_ed25519,
                "auth.params.sig_verify_cost_ed25519",
            )?,
            sig_verify_cost_secp256k1: number(
                &self.sig_verify_cost_secp256k1,
                "auth.params.sig_verify_cost_secp256k1",
            )?,
        })
    }
}

impl BaseAccount {
    fn checked(&self, is_module: bool) -> Result<(Address, Account), GenesisError> {
        let field = |what: &str, why: String| GenesisError::Field {
            what: format!("auth.accounts.{what}"),
            why,
        };
        let address: Address = self
            .address
            .parse()
            .map_err(|e| field("address", format!("{e}")))?;
        let pubkey = match &self.pub_key {
            None => None,
            Some(PubKey::Secp256k1 { key }) => {
                let bytes = base64::engine::general_purpose::STANDARD.decode(key).ok();
                let key: Option<[u8; 33]> = bytes.and_then(|b| b.try_into().ok());
                match key {
                    Some(key) if Address::of_secp256k1(&key) == address => Some(key),
                    _ => return Err(field("pub_key", format!("not the key of {address}"))),
                }
            }
        };
        let number = number(&self.account_number, "auth.accounts.account_number")?;
        let sequence = number_of_sequence(&self.sequence)?;
        Ok((
            address,
            Account {
                number,
                sequence,
                pubkey,
                is_module,
            },
        ))
    }
}

fn number_of_sequence(text: &str) -> Result<u64, GenesisError> {
    number(text, "auth.accounts.sequence")
}

impl GenesisAccount {
    fn checked(&self) -> Result<(Address, Account), GenesisError> {
        match self {
            Self::Base(base) => {
                let (address, account) = base.checked(false)?;
                if accounts::by_address(&address).is_some() {
                    let why = format!("{address} is a module's address");
                    return Err(GenesisError::Field {
                        what: "auth.accounts".into(),
                        why,
                    });
                }
                Ok((address, account))
            }
            Self::Module(module) => {
                let (address, account) = module.base_account.checked(true)?;
                let known = accounts::by_name(&module.name).is_some_and(|m| {
                    m.address() == address && m.permissions == module.permissions.as_slice()
                });
                if !known {
                    let why = format!("{} is no module account of this chain", module.name);
                    return Err(GenesisError::Field {
                        what: "auth.accounts".into(),
                        why,
                    });
                }
                Ok((address, account))
            }
        }
    }
}

/// Writes the module's first state.
///
/// # Errors
/// [`GenesisError`] for a field that is refused.
pub fn init(ctx: &mut Ctx, genesis: &Genesis) -> Result<(), GenesisError> {
    PARAMS.set(ctx, &genesis.params.checked()?)?;
    let mut next: u64 = 0;
    for entry in &genesis.accounts {
        let (address, account) = entry.checked()?;
        if account.number != next {
            let why = format!("{address} has number {}, {next} is next", account.number);
            return Err(GenesisError::Field {
                what: "auth.accounts.account_number".into(),
                why,
            });
        }
        if ACCOUNTS.has(ctx, &&address)? {
            let why = format!("{address} is there twice");
            return Err(GenesisError::Field {
                what: "auth.accounts.address".into(),
                why,
            });
        }
        ACCOUNTS.set(ctx, &&address, &account)?;
        ADDRESSES.set(ctx, &next, &address)?;
        next = next.saturating_add(1);
    }
    Ok::<_, Stop>(NEXT_NUMBER.set(ctx, &next)?).map_err(GenesisError::from)
}
