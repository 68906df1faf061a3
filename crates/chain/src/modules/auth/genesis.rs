//! Accounts and parameters of the first block.

use super::keeper;
use super::state::{ACCOUNTS, ADDRESSES, Account, NEXT_NUMBER, PARAMS, Params};
use crate::Ctx;
use crate::error::{Stop, broken};
use crate::genesis::localnet::{VALIDATOR, VALIDATOR_PUBKEY};
use crate::genesis::{GenesisError, LOCAL_ACCOUNTS, LocalnetParams};
use crate::module::GenesisState;
use crate::modules::accounts;
use crate::types::address::AddressError;
use crate::types::public_key::Multisig;
use crate::types::{Address, PublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// Modules with an account from the start on the local network, in order of number.
const LOCALNET_MODULES: [&str; 6] = [
    accounts::FEE_COLLECTOR,
    accounts::DISTRIBUTION,
    accounts::BONDED_POOL,
    accounts::NOT_BONDED_POOL,
    accounts::GOV,
    accounts::MINT,
];

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

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "@type")]
pub enum PubKey {
    /// Compressed.
    #[serde(rename = "/cosmos.crypto.secp256k1.PubKey")]
    Secp256k1 {
        /// 33 bytes in base64.
        key: String,
    },
    /// Member of a multisig only.
    #[serde(rename = "/cosmos.crypto.ed25519.PubKey")]
    Ed25519 {
        /// 32 bytes in base64.
        key: String,
    },
    /// Several keys.
    #[serde(rename = "/cosmos.crypto.multisig.LegacyAminoPubKey")]
    Multisig {
        /// How many must sign.
        threshold: u32,
        /// The members.
        public_keys: Vec<PubKey>,
    },
}

impl PubKey {
    /// The key, if it is one.
    fn read(&self) -> Option<PublicKey> {
        let bytes = |key| STANDARD.decode(key).ok();
        match self {
            Self::Secp256k1 { key } => Some(PublicKey::Secp256k1(bytes(key)?.try_into().ok()?)),
            Self::Ed25519 { key } => Some(PublicKey::Ed25519(bytes(key)?.try_into().ok()?)),
            Self::Multisig {
                threshold,
                public_keys,
            } => {
                let keys: Option<_> = public_keys.iter().map(Self::read).collect();
                let several = Multisig::new(*threshold, keys?).ok()?;
                Some(PublicKey::Multisig(several))
            }
        }
    }
}

impl From<&PublicKey> for PubKey {
    fn from(key: &PublicKey) -> Self {
        match key {
            PublicKey::Secp256k1(key) => Self::Secp256k1 {
                key: STANDARD.encode(key),
            },
            PublicKey::Ed25519(key) => Self::Ed25519 {
                key: STANDARD.encode(key),
            },
            PublicKey::Multisig(several) => Self::Multisig {
                threshold: several.threshold(),
                public_keys: several.keys().iter().map(Self::from).collect(),
            },
        }
    }
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

fn field(what: &str, why: String) -> GenesisError {
    GenesisError::field(&format!("auth.{what}"), why)
}

fn number(text: &str, what: &str) -> Result<u64, GenesisError> {
    text.parse()
        .map_err(|_| GenesisError::field(what, format!("'{text}' is no number")))
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
        let field =
            |what: &str, why: String| GenesisError::field(&format!("auth.accounts.{what}"), why);
        let address: Address = self
            .address
            .parse()
            .map_err(|e: AddressError| field("address", format!("{e}")))?;
        let pubkey = match &self.pub_key {
            None => None,
            // An account whose key is of a kind that signs nothing would be lost.
            Some(key) => match key.read() {
                Some(key) if key.address() == address && !matches!(key, PublicKey::Ed25519(_)) => {
                    Some(key)
                }
                _ => return Err(field("pub_key", format!("not the key of {address}"))),
            },
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
    /// The account of a user, or of a module.
    #[must_use]
    pub fn new(base: BaseAccount, module: Option<accounts::ModuleAccount>) -> Self {
        match module {
            None => Self::Base(base),
            Some(module) => Self::Module(ModuleAccount {
                base_account: base,
                name: module.name.to_owned(),
                permissions: module.permissions.iter().map(|&p| p.to_owned()).collect(),
            }),
        }
    }

    fn checked(&self) -> Result<(Address, Account), GenesisError> {
        match self {
            Self::Base(base) => {
                let (address, account) = base.checked(false)?;
                if accounts::by_address(&address).is_some() {
                    let why = format!("{address} is a module's address");
                    return Err(GenesisError::field("auth.accounts", why));
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
                    return Err(GenesisError::field("auth.accounts", why));
                }
                Ok((address, account))
            }
        }
    }
}

impl GenesisState for Genesis {
    /// The accounts of the local network, then those of the modules that have one from the start, in order of number.
    fn localnet(_: &LocalnetParams) -> Self {
        let users = LOCAL_ACCOUNTS.iter().map(|account| {
            let bonded = account.name == VALIDATOR;
            let pub_key = bonded.then(|| PubKey::Secp256k1 {
                key: VALIDATOR_PUBKEY.into(),
            });
            (account.address.to_owned(), pub_key, u64::from(bonded), None)
        });
        let modules = LOCALNET_MODULES
            .iter()
            .filter_map(|name| accounts::by_name(name))
            .map(|module| (module.address().to_string(), None, 0, Some(module)));
        let numbered = users.chain(modules).zip(0_u64..);
        let made = numbered.map(|((address, pub_key, sequence, module), number)| {
            let base = BaseAccount {
                address,
                pub_key,
                account_number: number.to_string(),
                sequence: sequence.to_string(),
            };
            GenesisAccount::new(base, module)
        });
        Self {
            params: (&Params::default()).into(),
            accounts: made.collect(),
        }
    }

    fn init(&self, ctx: &mut Ctx) -> Result<(), GenesisError> {
        PARAMS.set(ctx, &self.params.checked()?)?;
        let mut next: u64 = 0;
        for entry in &self.accounts {
            let (address, account) = entry.checked()?;
            if account.number != next {
                let why = format!("{address} has number {}, {next} is next", account.number);
                return Err(field("accounts.account_number", why));
            }
            if ACCOUNTS.has(ctx, &&address)? {
                return Err(field(
                    "accounts.address",
                    format!("{address} is there twice"),
                ));
            }
            ACCOUNTS.set(ctx, &&address, &account)?;
            ADDRESSES.set(ctx, &next, &address)?;
            next = next.saturating_add(1);
        }
        Ok(NEXT_NUMBER.set(ctx, &next)?)
    }

    fn export(ctx: &mut Ctx) -> Result<Self, Stop> {
        let mut accounts = Vec::new();
        for number in 0..keeper::accounts_len(ctx)? {
            let address = keeper::address_of(ctx, number)?;
            let account = keeper::account(ctx, &address)?;
            let account = account.ok_or_else(|| broken("a numbered address without account"))?;
            let base = BaseAccount {
                address: address.to_string(),
                pub_key: account.pubkey.as_ref().map(PubKey::from),
                account_number: account.number.to_string(),
                sequence: account.sequence.to_string(),
            };
            let module = accounts::by_address(&address).filter(|_| account.is_module);
            accounts.push(GenesisAccount::new(base, module));
        }
        Ok(Self {
            params: (&keeper::params(ctx)?).into(),
            accounts,
        })
    }
}
