//! What the vault understands and answers.

use serde::{Deserialize, Serialize};

/// How to begin.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct InstantiateMsg {
    /// Whether messages must be bound to their senders.
    pub only_bound: bool,
}

/// Changes.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ExecuteMsg {
    /// Keeps a text of the sender under a name, in place of the present one.
    Put {
        /// Its name.
        name: String,
        /// The text.
        text: String,
    },
    /// Withdraws a permit for good.
    RevokePermit {
        /// Its name.
        permit_name: String,
    },
}

/// Questions.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum QueryMsg {
    /// A question about the signer of a permit.
    WithPermit {
        /// The permit.
        permit: permit::Permit<Permission>,
        /// The question.
        query: PermittedQuery,
    },
}

/// Questions that a permit opens.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum PermittedQuery {
    /// The signer's text of this name.
    Get {
        /// Its name.
        name: String,
    },
}

/// What a permit may open.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// The texts.
    Texts,
    /// Everything.
    Owner,
}

impl permit::Permission for Permission {
    const OWNER: Self = Permission::Owner;

    fn name(self) -> &'static str {
        match self {
            Permission::Texts => "texts",
            Permission::Owner => "owner",
        }
    }
}

/// Answer to [`PermittedQuery::Get`].
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The text, if there is one.
    pub text: Option<String>,
}
