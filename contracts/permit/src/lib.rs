//! Query permits (SNIP-24): a signature that opens queries about its signer, without a transaction. A library for contracts.
//!
//! The permit names the contracts and the kinds of query that it opens; a contract says which kinds it has ([`Permission`]). Its signer is whoever the public key belongs
//! to; who sends the query does not matter. A permit may say when it was made and when it ends (SNIP-24.1). Its signer can revoke it for good, or all of a time at
//! once ([`blanket`]).

pub mod blanket;
mod document;
mod time;

use cosmwasm_std::{Addr, CanonicalAddr, Deps, Env, StdError, StdResult, Storage};
use serde::{Deserialize, Serialize};
use storage::Map;

pub use document::{sign_document, PermitSignature, PubKey};
use time::Moment;

/// (account, permit name) → revoked.
static REVOKED: Map<bool> = Map::new("revoked_permits");

/// The kinds of query of a contract that a permit may open.
pub trait Permission: Serialize + Copy + PartialEq {
    /// The kind that opens all.
    const OWNER: Self;

    /// As it is written in a permit.
    fn name(self) -> &'static str;
}

/// The kinds of the SNIP standards. A contract need not have all of them, but clients write all of them.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum TokenPermission {
    /// Allowances given and received.
    Allowance,
    /// Balances.
    Balance,
    /// Histories.
    History,
    /// Everything.
    Owner,
}

impl Permission for TokenPermission {
    const OWNER: Self = TokenPermission::Owner;

    fn name(self) -> &'static str {
        match self {
            TokenPermission::Allowance => "allowance",
            TokenPermission::Balance => "balance",
            TokenPermission::History => "history",
            TokenPermission::Owner => "owner",
        }
    }
}

/// A permit as clients send it.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Permit<P> {
    /// What is permitted.
    pub params: PermitParams<P>,
    /// Who permits it.
    pub signature: PermitSignature,
}

/// What is permitted.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct PermitParams<P> {
    /// By this name it can be revoked.
    pub permit_name: String,
    /// Contracts that may accept it.
    pub allowed_tokens: Vec<String>,
    /// Part of what is signed; not compared with the chain's name.
    pub chain_id: String,
    /// What it opens.
    pub permissions: Vec<P>,
    /// When it was made, as `2026-11-29T20:15:00.000Z`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// When it ends, in the same form. That moment is too late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

/// A permit whose signature was checked, for this contract. The only way to one is [`verify`].
pub struct VerifiedPermit<P> {
    account: Addr,
    permissions: Vec<P>,
}

impl<P: Permission> VerifiedPermit<P> {
    /// The signer, if the permit opens this kind of query.
    pub fn account_for(self, permission: P) -> StdResult<Addr> {
        let opens = |p: &P| *p == permission || *p == P::OWNER;
        if self.permissions.iter().any(opens) {
            return Ok(self.account);
        }
        let names: Vec<&str> = self.permissions.iter().map(|p| p.name()).collect();
        Err(StdError::generic_err(format!(
            "No permission to query {}, got permissions {names:?}",
            permission.name(),
        )))
    }
}

/// Instead of addresses: any token (SNIP-24.1). Such a permit says when it was made, so that it can be revoked by that.
pub const ANY_TOKEN: &str = "ANY_TOKEN";

/// What the clocks of a client and of the chain may differ by, in seconds. A permit that was made later than that would not be taken by a
/// revocation of all that were made until now.
const AHEAD_MAX: u64 = 300;

/// Checks a permit: for this contract by its address, not over, not of the future, properly signed, not revoked.
pub fn verify<P: Permission>(
    deps: Deps,
    env: &Env,
    permit: Permit<P>,
) -> StdResult<VerifiedPermit<P>> {
    let api = deps.api;
    check(deps, env, permit, false, &|account| {
        api.addr_humanize(account)
    })
}

/// The same, for a token whose accounts can revoke all permits ([`blanket`]): a permit for any token is one for it too.
pub fn verify_for_token<P: Permission>(
    deps: Deps,
    env: &Env,
    permit: Permit<P>,
) -> StdResult<VerifiedPermit<P>> {
    let api = deps.api;
    check(deps, env, permit, true, &|account| {
        api.addr_humanize(account)
    })
}

/// The checks. How an address is written is told apart: the library's mock of the chain takes none of 20 bytes.
fn check<P: Permission>(
    deps: Deps,
    env: &Env,
    permit: Permit<P>,
    takes_any: bool,
    humanize: &dyn Fn(&CanonicalAddr) -> StdResult<Addr>,
) -> StdResult<VerifiedPermit<P>> {
    let PermitParams {
        allowed_tokens,
        permit_name: name,
        created,
        expires,
        ..
    } = &permit.params;
    let own_address = &env.contract.address;
    let is_for_any = takes_any && *allowed_tokens == [ANY_TOKEN];
    if !is_for_any && !allowed_tokens.iter().any(|token| own_address == token) {
        return Err(StdError::generic_err(format!(
            "Permit doesn't apply to token \"{own_address}\", allowed tokens: {allowed_tokens:?}"
        )));
    }
    let created = created.as_deref().map(Moment::parse).transpose()?;
    if is_for_any && created.is_none() {
        return Err(StdError::generic_err(
            "A permit for any token must say when it was created",
        ));
    }
    let now = Moment::of(env.block.time);
    if created.is_some_and(|created| created > now.later(AHEAD_MAX)) {
        return Err(StdError::generic_err(format!(
            "Permit \"{name}\" says it was made in the future"
        )));
    }
    if let Some(expires) = expires {
        if Moment::parse(expires)? <= now {
            return Err(StdError::generic_err(format!(
                "Permit \"{name}\" expired at {expires}"
            )));
        }
    }

    // Before it is looked up what was revoked: that is for the signer to know.
    let signer = permit.signature.signer(deps.api, &signed(&permit.params)?);
    let signer = signer
        .ok_or_else(|| StdError::generic_err("Failed to verify signatures for the given permit"))?;
    let account = humanize(&signer)?;
    if is_revoked(deps.storage, &account, name, created)? {
        return Err(StdError::generic_err(format!(
            "Permit \"{name}\" was revoked by account \"{account}\""
        )));
    }
    Ok(VerifiedPermit {
        account,
        permissions: permit.params.permissions,
    })
}

/// Revokes a permit of an account for good.
pub fn revoke(storage: &mut dyn Storage, account: &Addr, permit_name: &str) -> StdResult<()> {
    REVOKED.set(
        storage,
        &[account.as_bytes(), permit_name.as_bytes()],
        &true,
    )
}

fn is_revoked(
    storage: &dyn Storage,
    account: &Addr,
    permit_name: &str,
    created: Option<Moment>,
) -> StdResult<bool> {
    let revoked = REVOKED.get(storage, &[account.as_bytes(), permit_name.as_bytes()])?;
    let all = blanket::revocations(storage, account)?;
    let is_of_its_time = |r: &blanket::Revocation| r.interval.takes(created);
    Ok(revoked.unwrap_or_default() || all.iter().any(is_of_its_time))
}

/// The bytes that were signed.
fn signed<P: Permission>(params: &PermitParams<P>) -> StdResult<Vec<u8>> {
    #[derive(Serialize)]
    struct Content<'a, P> {
        allowed_tokens: &'a [String],
        #[serde(skip_serializing_if = "Option::is_none")]
        created: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        expires: Option<&'a str>,
        permissions: &'a [P],
        permit_name: &'a str,
    }

    let content = Content {
        allowed_tokens: &params.allowed_tokens,
        created: params.created.as_deref(),
        expires: params.expires.as_deref(),
        permissions: &params.permissions,
        permit_name: &params.permit_name,
    };
    sign_document(&params.chain_id, "query_permit", &content)
}

#[cfg(test)]
mod tests;
