//! `app_state.feegrant`: the allowances, in the JSON form of their protobuf.

use super::allowance::{Allowance, Basic, Period, Periodic};
use super::keeper::{all_of, find, insert};
use crate::Ctx;
use crate::error::Stop;
use crate::genesis::{GenesisCoin, GenesisError, LocalnetParams};
use crate::module::GenesisState;
use crate::modules::auth;
use crate::types::TxError;
use crate::types::address::AddressError;
use crate::types::time::TimeError;
use crate::types::{Address, Coins, Timestamp};
use serde::{Deserialize, Serialize};

/// `app_state.feegrant`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genesis {
    /// By granter in order of account number, then by grantee in order of address.
    pub allowances: Vec<Grant>,
}

/// An allowance with its two sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Grant {
    pub granter: String,
    pub grantee: String,
    pub allowance: GenesisAllowance,
}

/// An allowance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "@type")]
pub enum GenesisAllowance {
    /// See [`Allowance::Basic`].
    #[serde(rename = "/cosmos.feegrant.v1beta1.BasicAllowance")]
    Basic(GenesisBasic),
    /// See [`Allowance::Periodic`].
    #[serde(rename = "/cosmos.feegrant.v1beta1.PeriodicAllowance")]
    Periodic(GenesisPeriodic),
    /// See [`Allowance::AllowedMsg`].
    #[serde(rename = "/cosmos.feegrant.v1beta1.AllowedMsgAllowance")]
    AllowedMsg(GenesisAllowedMsg),
}

/// See [`Basic`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct GenesisBasic {
    pub spend_limit: Vec<GenesisCoin>,
    pub expiration: Option<String>,
}

/// See [`Periodic`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct GenesisPeriodic {
    pub basic: GenesisBasic,
    /// Seconds with as many places as needed, and `s`.
    pub period: String,
    pub period_spend_limit: Vec<GenesisCoin>,
    pub period_can_spend: Vec<GenesisCoin>,
    pub period_reset: String,
}

/// See [`Allowance::AllowedMsg`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct GenesisAllowedMsg {
    pub allowance: Box<GenesisAllowance>,
    pub allowed_messages: Vec<String>,
}

fn refuse(what: &str, why: impl core::fmt::Display) -> GenesisError {
    GenesisError::field(&format!("feegrant.allowances.{what}"), why.to_string())
}

fn coins(list: &[GenesisCoin], what: &str) -> Result<Coins, GenesisError> {
    GenesisCoin::read(list).map_err(|e: String| refuse(what, e))
}

fn time(text: &str, what: &str) -> Result<Timestamp, GenesisError> {
    text.parse().map_err(|e: TimeError| refuse(what, e))
}

fn address(text: &str, what: &str) -> Result<Address, GenesisError> {
    text.parse().map_err(|e: AddressError| refuse(what, e))
}

impl From<&Allowance> for GenesisAllowance {
    fn from(allowance: &Allowance) -> Self {
        match allowance {
            Allowance::Basic(basic) => Self::Basic(basic.into()),
            Allowance::Periodic(p) => Self::Periodic(GenesisPeriodic {
                basic: (&p.basic).into(),
                period: p.period.to_string(),
                period_spend_limit: GenesisCoin::list(&p.period_spend_limit),
                period_can_spend: GenesisCoin::list(&p.period_can_spend),
                period_reset: p.period_reset.to_string(),
            }),
            Allowance::AllowedMsg {
                allowance,
                messages,
            } => Self::AllowedMsg(GenesisAllowedMsg {
                allowance: Box::new(allowance.as_ref().into()),
                allowed_messages: messages.clone(),
            }),
        }
    }
}

impl From<&Basic> for GenesisBasic {
    fn from(basic: &Basic) -> Self {
        Self {
            spend_limit: GenesisCoin::list(&basic.spend_limit),
            expiration: basic.expiration.map(|time| time.to_string()),
        }
    }
}

impl GenesisBasic {
    fn form(&self) -> Result<Basic, GenesisError> {
        let expiration = self.expiration.as_deref();
        let expiration = expiration.map(|text| time(text, "expiration"));
        Ok(Basic {
            spend_limit: coins(&self.spend_limit, "spend_limit")?,
            expiration: expiration.transpose()?,
        })
    }
}

impl GenesisAllowance {
    fn form(&self) -> Result<Allowance, GenesisError> {
        Ok(match self {
            Self::Basic(basic) => Allowance::Basic(basic.form()?),
            Self::Periodic(p) => Allowance::Periodic(Periodic {
                basic: p.basic.form()?,
                period: Period::parse(&p.period)
                    .ok_or_else(|| refuse("period", "is no length of time"))?,
                period_spend_limit: coins(&p.period_spend_limit, "period_spend_limit")?,
                period_can_spend: coins(&p.period_can_spend, "period_can_spend")?,
                period_reset: time(&p.period_reset, "period_reset")?,
            }),
            Self::AllowedMsg(outer) => Allowance::AllowedMsg {
                allowance: Box::new(outer.allowance.form()?),
                messages: outer.allowed_messages.clone(),
            },
        })
    }

    /// The same rules as for a message.
    fn checked(&self) -> Result<Allowance, GenesisError> {
        Allowance::from_proto(&self.form()?.to_proto()).map_err(|e: TxError| refuse("allowance", e))
    }
}

impl GenesisState for Genesis {
    fn localnet(_: &LocalnetParams) -> Self {
        Self::default()
    }

    /// Both sides must have accounts already.
    fn init(&self, ctx: &mut Ctx) -> Result<(), GenesisError> {
        for grant in &self.allowances {
            let granter = address(&grant.granter, "granter")?;
            let grantee = address(&grant.grantee, "grantee")?;
            for side in [&granter, &grantee] {
                if !auth::keeper::has_account(ctx, side)? {
                    return Err(refuse("granter", format!("{side} has no account")));
                }
            }
            if granter == grantee || find(ctx, &granter, &grantee)?.is_some() {
                let why = format!("{granter} and {grantee} are the same, or there twice");
                return Err(refuse("granter", why));
            }
            insert(ctx, &granter, &grantee, &grant.allowance.checked()?)?;
        }
        Ok(())
    }

    /// Whoever has granted something has an account.
    fn export(ctx: &mut Ctx) -> Result<Self, Stop> {
        let mut allowances = Vec::new();
        for number in 0..auth::keeper::accounts_len(ctx)? {
            let granter = auth::keeper::address_of(ctx, number)?;
            for (grantee, allowance) in all_of(ctx, &granter)? {
                allowances.push(Grant {
                    granter: granter.to_string(),
                    grantee: grantee.to_string(),
                    allowance: (&allowance).into(),
                });
            }
        }
        Ok(Self { allowances })
    }
}
