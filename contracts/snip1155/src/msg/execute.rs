//! Changes, and what they answer.

use cosmwasm_std::{Addr, Binary, Uint128};
use serde::{Deserialize, Serialize};
use snip::expiration::Expiration;
use snip::metadata::Metadata;

use super::{InitialToken, TokenAmount};

/// Changes something.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::large_enum_variant)] // One is read for a call, and taken apart at once.
pub enum ExecuteMsg {
    /// A curator makes token ids.
    CurateTokenIds {
        /// In this order; all or none.
        initial_tokens: Vec<InitialToken>,
        /// Kept in the history.
        memo: Option<String>,
    },
    /// Minters make tokens.
    MintTokens {
        /// In this order; all or none.
        mint_tokens: Vec<TokenAmount>,
        /// Kept in the history.
        memo: Option<String>,
    },
    /// Owners destroy tokens.
    BurnTokens {
        /// In this order; all or none. Accounts must be the sender.
        burn_tokens: Vec<TokenAmount>,
        /// Kept in the history.
        memo: Option<String>,
    },
    /// Changes what a token says of itself; what is absent stays.
    ChangeMetadata {
        /// Which.
        token_id: String,
        /// What everybody sees.
        public_metadata: Option<Metadata>,
        /// What owners see.
        private_metadata: Option<Metadata>,
    },

    /// Moves tokens.
    Transfer(Transfer),
    /// Several at once.
    BatchTransfer {
        /// In this order; all or none.
        actions: Vec<Transfer>,
    },
    /// Moves tokens to a contract and tells it.
    Send(Send),
    /// Several at once.
    BatchSend {
        /// In this order; all or none.
        actions: Vec<Send>,
    },
    /// A contract asks to be told of tokens sent to it.
    RegisterReceive {
        /// Hash of its code.
        code_hash: String,
    },

    /// Lets somebody see or move tokens of the sender. What is absent stays as it was.
    GivePermission {
        /// Who.
        allowed_address: String,
        /// Of which token.
        token_id: String,
        /// Whether to see the balance.
        view_balance: Option<bool>,
        /// Until when.
        view_balance_expiry: Option<Expiration>,
        /// Whether to see private metadata.
        view_private_metadata: Option<bool>,
        /// Until when.
        view_private_metadata_expiry: Option<Expiration>,
        /// How many to move.
        transfer: Option<Uint128>,
        /// Until when.
        transfer_expiry: Option<Expiration>,
    },
    /// Takes all of it back: by its giver, or by who has it.
    RevokePermission {
        /// Of which token.
        token_id: String,
        /// Who gave it.
        owner: String,
        /// Who has it.
        allowed_address: String,
    },

    /// Makes a viewing key.
    CreateViewingKey {
        /// Mixed into the key.
        entropy: String,
    },
    /// Sets a viewing key.
    SetViewingKey {
        /// The key's text.
        key: String,
    },
    /// Withdraws a permit for good.
    RevokePermit {
        /// Its name.
        permit_name: String,
    },

    /// The admin names further curators.
    AddCurators {
        /// Who.
        add_curators: Vec<String>,
    },
    /// The admin dismisses curators.
    RemoveCurators {
        /// Who.
        remove_curators: Vec<String>,
    },
    /// The token's curator or the admin names further minters of a token.
    AddMinters {
        /// Which.
        token_id: String,
        /// Who.
        add_minters: Vec<String>,
    },
    /// The token's curator or the admin dismisses minters of a token.
    RemoveMinters {
        /// Which.
        token_id: String,
        /// Who.
        remove_minters: Vec<String>,
    },
    /// The admin hands over.
    ChangeAdmin {
        /// To whom.
        new_admin: String,
    },
    /// The admin leaves for good. Who and where must be said, so that it is not done by mistake.
    RemoveAdmin {
        /// Who leaves.
        current_admin: String,
        /// This contract.
        contract_address: String,
    },
}

/// Moves tokens.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Which.
    pub token_id: String,
    /// Whose.
    pub from: String,
    /// To whom.
    pub recipient: String,
    /// How many.
    pub amount: Uint128,
    /// Kept in the history.
    pub memo: Option<String>,
}

/// Moves tokens and tells the receiver.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Send {
    /// Which.
    pub token_id: String,
    /// Whose.
    pub from: String,
    /// To whom.
    pub recipient: String,
    /// Hash of the recipient's code; else the one that it registered.
    pub recipient_code_hash: Option<String>,
    /// How many.
    pub amount: Uint128,
    /// Handed to the receiver.
    pub msg: Option<Binary>,
    /// Kept in the history, and handed to the receiver.
    pub memo: Option<String>,
}

/// What an owner lets an account.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// Whether it may see the balance.
    pub view_balance_perm: bool,
    /// Until when.
    pub view_balance_exp: Expiration,
    /// Whether it may see private metadata.
    pub view_pr_metadata_perm: bool,
    /// Until when.
    pub view_pr_metadata_exp: Expiration,
    /// How many tokens it may still move.
    pub trfer_allowance_perm: Uint128,
    /// Until when.
    pub trfer_allowance_exp: Expiration,
}

/// What a receiver is told.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ReceiverMsg {
    /// Of tokens.
    Snip1155Receive {
        /// Who sent them.
        sender: Addr,
        /// Which.
        token_id: String,
        /// Whose they were.
        from: Addr,
        /// How many.
        amount: Uint128,
        /// The memo, if there was one.
        memo: Option<String>,
        /// From whoever sent them.
        msg: Option<Binary>,
    },
}

/// What execute answers, beside `{"<variant>":{"status":"success"}}`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ExecuteAnswer {
    /// The made key.
    CreateViewingKey {
        /// Its text.
        key: String,
    },
}
