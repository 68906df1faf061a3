//! The kinds of query that a permit of the token opens (SNIP-24).

use serde::{Deserialize, Serialize};

pub use permit::{revoke, verify};

/// A permit for a token.
pub type Permit = permit::Permit<Permission>;

/// What a permit may open.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Allowances given and received.
    Allowance,
    /// The balance.
    Balance,
    /// Both histories.
    History,
    /// Everything.
    Owner,
}

impl permit::Permission for Permission {
    const OWNER: Self = Permission::Owner;

    fn name(self) -> &'static str {
        match self {
            Permission::Allowance => "allowance",
            Permission::Balance => "balance",
            Permission::History => "history",
            Permission::Owner => "owner",
        }
    }
}
