//! Changes, and what they answer.

use cosmwasm_std::{Addr, Binary, Uint128};
use permit::blanket::Interval;
use serde::{Deserialize, Serialize};
use snip::notification::SignedDoc;

use super::ContractStatus;

/// Changes something.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ExecuteMsg {
    /// Turns the coins that come along into tokens.
    Deposit {},
    /// Turns tokens into coins.
    Redeem {
        /// How many.
        amount: Uint128,
        /// Into which coin; needed if more than one is supported.
        denom: Option<String>,
    },

    /// Moves own tokens.
    Transfer(Transfer),
    /// Moves own tokens to a contract and tells it.
    Send(Send),
    /// Several transfers at once.
    BatchTransfer {
        /// In this order; all or none.
        actions: Vec<Transfer>,
    },
    /// Several sends at once.
    BatchSend {
        /// In this order; all or none.
        actions: Vec<Send>,
    },
    /// Destroys own tokens.
    Burn {
        /// How many.
        amount: Uint128,
        /// Kept in the history.
        memo: Option<String>,
    },
    /// A contract asks to be told of tokens sent to it.
    RegisterReceive {
        /// Hash of its code.
        code_hash: String,
    },

    /// Makes a viewing key.
    CreateViewingKey {
        /// Mixed into the key.
        entropy: Option<String>,
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

    /// Withdraws all permits (SNIP-24.1).
    RevokeAllPermits {
        /// Of what time; all, if absent.
        interval: Option<Interval>,
    },
    /// Takes back that they are withdrawn.
    DeletePermitRevocation {
        /// Its name.
        revocation_id: String,
    },
    /// Sets another seed for one's notifications (SNIP-52).
    UpdateSeed {
        /// What the account signed; the new seed is the hash of the signature.
        signed_doc: SignedDoc,
    },
    /// Does nothing, with as much gas as its `gas_target` says (SNIP-50).
    Evaporate {},

    /// Lets somebody spend more of one's tokens.
    IncreaseAllowance(ChangeAllowance),
    /// Lets somebody spend less of one's tokens.
    DecreaseAllowance(ChangeAllowance),
    /// Moves tokens of somebody who allowed it.
    TransferFrom(TransferFrom),
    /// Sends tokens of somebody who allowed it.
    SendFrom(SendFrom),
    /// Several at once.
    BatchTransferFrom {
        /// In this order; all or none.
        actions: Vec<TransferFrom>,
    },
    /// Several at once.
    BatchSendFrom {
        /// In this order; all or none.
        actions: Vec<SendFrom>,
    },
    /// Destroys tokens of somebody who allowed it.
    BurnFrom(BurnFrom),
    /// Several at once.
    BatchBurnFrom {
        /// In this order; all or none.
        actions: Vec<BurnFrom>,
    },

    /// A minter makes tokens.
    Mint(Mint),
    /// Several at once.
    BatchMint {
        /// In this order; all or none.
        actions: Vec<Mint>,
    },
    /// The admin names further minters.
    AddMinters {
        /// Who.
        minters: Vec<String>,
    },
    /// The admin dismisses minters.
    RemoveMinters {
        /// Who.
        minters: Vec<String>,
    },
    /// The admin names all minters anew.
    SetMinters {
        /// Who.
        minters: Vec<String>,
    },

    /// The admin hands over.
    ChangeAdmin {
        /// To whom.
        address: String,
    },
    /// The admin stops or restarts the contract.
    SetContractStatus {
        /// What is to work.
        level: ContractStatus,
    },
    /// The admin supports further coins.
    AddSupportedDenoms {
        /// Which.
        denoms: Vec<String>,
    },
    /// The admin supports fewer coins.
    RemoveSupportedDenoms {
        /// Which.
        denoms: Vec<String>,
    },
    /// The admin lets accounts be notified, or not (SNIP-52).
    SetNotificationStatus {
        /// Whether they are.
        enabled: bool,
    },
}

/// Moves own tokens.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// To whom.
    pub recipient: String,
    /// How many.
    pub amount: Uint128,
    /// Kept in the history.
    pub memo: Option<String>,
}

/// Moves own tokens and tells the receiver.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Send {
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

/// Raises or lowers what a spender may spend.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct ChangeAllowance {
    /// Who may spend.
    pub spender: String,
    /// How much more or less.
    pub amount: Uint128,
    /// Until when, in seconds since 1970; as before, if absent.
    pub expiration: Option<u64>,
}

/// Moves tokens of somebody else.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct TransferFrom {
    /// Whose.
    pub owner: String,
    /// To whom.
    pub recipient: String,
    /// How many.
    pub amount: Uint128,
    /// Kept in the history.
    pub memo: Option<String>,
}

/// Sends tokens of somebody else.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct SendFrom {
    /// Whose.
    pub owner: String,
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

/// Destroys tokens of somebody else.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct BurnFrom {
    /// Whose.
    pub owner: String,
    /// How many.
    pub amount: Uint128,
    /// Kept in the history.
    pub memo: Option<String>,
}

/// Makes tokens.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Mint {
    /// For whom.
    pub recipient: String,
    /// How many.
    pub amount: Uint128,
    /// Kept in the history.
    pub memo: Option<String>,
}

/// Execute answers that say more than "success"; the others are `{"<variant>":{"status":"success"}}`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ExecuteAnswer {
    /// The made key.
    CreateViewingKey {
        /// Its text.
        key: String,
    },
    /// All permits are withdrawn.
    RevokeAllPermits {
        /// `success`.
        status: String,
        /// The name of the revocation.
        revocation_id: String,
    },
    /// The seed that now holds.
    UpdateSeed {
        /// 32 bytes.
        seed: Binary,
    },
    /// The allowance that now holds.
    IncreaseAllowance(AllowanceNow),
    /// The allowance that now holds.
    DecreaseAllowance(AllowanceNow),
}

/// The allowance that holds after a change.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct AllowanceNow {
    /// Who may spend.
    pub spender: Addr,
    /// Whose tokens.
    pub owner: Addr,
    /// How many.
    pub allowance: Uint128,
}
