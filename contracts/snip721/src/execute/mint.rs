//! Making tokens, and what they say of themselves.

use cosmwasm_std::{Response, StdError, StdResult};

use super::{answer, not_authorized, own_token, success, Call};
use crate::answer::{Action, ExecuteAnswer};
use crate::approval::Approvals;
use crate::mint_run::{self, Minted, SerialNumber};
use crate::msg::{Mint, MintClones};
use crate::royalty::RoyaltyInfo;
use crate::state::{self, Token, CONTRACT, HISTORY, MINTERS, ROYALTIES};
use snip::metadata::Metadata;

/// Longest id of a token, in bytes.
const ID_BYTES_MAX: usize = 128;

/// A minter makes a token.
pub fn mint(mut call: Call, mint: Mint) -> StdResult<Response> {
    check_minter(&call)?;
    let token_id = make(&mut call, mint)?;
    let log = token_id.clone();
    Ok(answer(&ExecuteAnswer::MintNft { token_id })?.add_attribute("minted", log))
}

/// A minter makes several.
pub fn batch_mint(mut call: Call, mints: Vec<Mint>) -> StdResult<Response> {
    check_minter(&call)?;
    let made = mints.into_iter().map(|mint| make(&mut call, mint));
    let token_ids = made.collect::<StdResult<Vec<_>>>()?;
    let log = format!("{token_ids:?}");
    Ok(answer(&ExecuteAnswer::BatchMintNft { token_ids })?.add_attribute("minted", log))
}

/// A minter makes several that are the same but for their number. How many at once is limited by gas.
pub fn clones(mut call: Call, clones: MintClones) -> StdResult<Response> {
    check_minter(&call)?;
    let minter = &call.info.sender;
    let quantity = clones.quantity;
    if quantity == 0 {
        return Err(StdError::generic_err("Quantity can not be zero"));
    }
    let run_id = clones.mint_run_id.as_deref();
    let mint_run = run_id.map(|id| mint_run::next(call.deps.storage, minter, id));
    let mint_run = mint_run.transpose()?;
    let one = |serial_number| Mint {
        token_id: None,
        owner: clones.owner.clone(),
        public_metadata: clones.public_metadata.clone(),
        private_metadata: clones.private_metadata.clone(),
        serial_number: Some(SerialNumber {
            mint_run,
            serial_number,
            quantity_minted_this_run: Some(quantity),
        }),
        royalty_info: clones.royalty_info.clone(),
        transferable: None,
        memo: clones.memo.clone(),
    };
    let first_minted = make(&mut call, one(1))?;
    let mut last_minted = first_minted.clone();
    for number in 2..=quantity {
        last_minted = make(&mut call, one(number))?;
    }
    let log = [
        ("first_minted", first_minted.clone()),
        ("last_minted", last_minted.clone()),
    ];
    let made = ExecuteAnswer::MintNftClones {
        first_minted,
        last_minted,
    };
    Ok(answer(&made)?.add_attributes(log))
}

/// Changes metadata.
pub fn set_metadata(
    call: Call,
    token_id: &str,
    public: Option<Metadata>,
    private: Option<Metadata>,
) -> StdResult<Response> {
    let storage = call.deps.storage;
    let sender = &call.info.sender;
    let contract = CONTRACT.load(storage)?;
    let is_minter = MINTERS.load(storage)?.contains(sender);
    let by_minter = contract.minter_may_update_metadata && is_minter;
    let token = state::token(storage, token_id)?
        .filter(|token| by_minter || contract.owner_may_update_metadata && token.owner == *sender);
    let mut token = token.ok_or_else(|| not_authorized(token_id))?;
    for metadata in [&public, &private].into_iter().flatten() {
        metadata.check()?;
    }
    // Who waits for a seal to be broken relies on what is behind it.
    if private.is_some() && !token.unwrapped {
        return Err(StdError::generic_err(
            "The private metadata of a sealed token can not be modified",
        ));
    }
    token.public_metadata = public.or(token.public_metadata);
    token.private_metadata = private.or(token.private_metadata);
    state::save_token(storage, token_id, &token)?;
    Ok(success("set_metadata"))
}

/// An owner breaks the seal of a token: its private metadata is seen from now on, by the owner or by everybody, as the contract has it.
pub fn reveal(call: Call, token_id: &str) -> StdResult<Response> {
    let contract = CONTRACT.load(call.deps.storage)?;
    if !contract.sealed_metadata {
        return Err(StdError::generic_err(
            "Sealed metadata functionality is not enabled for this contract",
        ));
    }
    let mut token = own_token(&call, token_id)?;
    if token.unwrapped {
        return Err(StdError::generic_err(
            "This token has already been unwrapped",
        ));
    }
    token.unwrapped = true;
    if !contract.unwrapped_is_private {
        token.public_metadata = token.private_metadata.take().or(token.public_metadata);
    }
    state::save_token(call.deps.storage, token_id, &token)?;
    Ok(success("reveal"))
}

/// Says which parts of a price go to whom.
pub fn set_royalty_info(
    call: Call,
    token_id: Option<String>,
    royalties: Option<RoyaltyInfo>,
) -> StdResult<Response> {
    check_minter(&call)?;
    if let Some(royalties) = &royalties {
        royalties.check(call.deps.api)?;
    }
    match token_id {
        Some(id) => {
            // Who bought a token relies on what it said: only a minter who has it changes that.
            let mut token = own_token(&call, &id)?;
            token.royalty_info = royalties;
            state::save_token(call.deps.storage, &id, &token)?;
        }
        None => ROYALTIES.save(call.deps.storage, &royalties)?,
    }
    Ok(success("set_royalty_info"))
}

fn check_minter(call: &Call) -> StdResult<()> {
    if MINTERS.load(call.deps.storage)?.contains(&call.info.sender) {
        return Ok(());
    }
    Err(StdError::generic_err(
        "Only designated minters are allowed to mint",
    ))
}

fn make(call: &mut Call, mint: Mint) -> StdResult<String> {
    let minter = call.info.sender.clone();
    let owner = match &mint.owner {
        Some(owner) => call.deps.api.addr_validate(owner)?,
        None => minter.clone(),
    };
    let storage = &mut *call.deps.storage;
    let metadata = [&mint.public_metadata, &mint.private_metadata];
    for metadata in metadata.into_iter().flatten() {
        metadata.check()?;
    }
    if let Some(royalties) = &mint.royalty_info {
        royalties.check(call.deps.api)?;
    }
    let token_id = match mint.token_id {
        Some(id) => id,
        None => state::free_id(storage)?,
    };
    if token_id.is_empty() || token_id.len() > ID_BYTES_MAX {
        let why = format!("The id of a token has 1 to {ID_BYTES_MAX} bytes");
        return Err(StdError::generic_err(why));
    }
    let royalty_info = match mint.royalty_info {
        Some(royalties) => Some(royalties),
        None => ROYALTIES.load(storage)?,
    };
    let unwrapped = !CONTRACT.load(storage)?.sealed_metadata;
    let minted = Minted {
        by: minter.clone(),
        at: call.env.block.time.seconds(),
        serial: mint.serial_number,
    };
    state::add_token(storage, &token_id, owner.clone(), |owner| Token {
        owner,
        position: 0,
        place: 0,
        transferable: mint.transferable.unwrap_or(true),
        public_metadata: mint.public_metadata,
        unwrapped,
        private_metadata: mint.private_metadata,
        royalty_info,
        minted,
        approvals: Approvals::default(),
    })?;
    let participants = [&minter, &owner];
    let action = Action::Mint {
        minter: minter.clone(),
        recipient: owner.clone(),
    };
    HISTORY.append(
        storage,
        &call.env,
        &participants,
        &token_id,
        action,
        mint.memo,
    )?;
    Ok(token_id)
}
