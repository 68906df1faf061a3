//! The module's part of the genesis document.

use super::code_list;
use super::state::{
    AUTHORIZED_ADMIN, AUTHORIZED_MIGRATION, CODE_CONTRACT, CODE_CONTRACTS, CODES, CONTRACTS, Code,
    CodeRecord, Contract, ContractRecord, HISTORY, HISTORY_LENGTH, HistoryEntry, LABELS,
    LAST_CODE_ID, LAST_INSTANCE_ID, Operation, PARAMS, Params, Position, SIMULATION,
    SimulationPolicy, StorageLayout,
};
use crate::Bytes;
use crate::attest::Security;
use crate::ctx::Ctx;
use crate::error::{Stop, broken};
use crate::genesis::{GenesisError, LocalnetParams};
use crate::module::GenesisState;
use crate::modules::{auth, registration};
use crate::types::{Address, sha256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use strongroom_vm::{PREP_VERSION, PrepareError};

/// Decimal places of a `LegacyDec`.
const DECIMALS: usize = 18;

/// `app_state.compute`. A chain that begins anew has neither codes nor contracts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genesis {
    /// Parameters.
    pub params: GenesisParams,
    /// Whether messages to contracts are simulated.
    #[serde(default, skip_serializing_if = "is_off")]
    pub simulation: SimulationPolicy,
    /// Codes in order of id, from 1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<GenesisCode>,
    /// Number of instances so far.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_instance_id: String,
}

/// Parameters as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisParams {
    /// Gas per byte of uploaded code, a decimal with at most 18 places.
    pub compile_cost: String,
    /// Largest unzipped code in bytes.
    pub max_contract_size: String,
}

/// A code. What a load of it takes, and what it asks for, is found out again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct GenesisCode {
    /// Base64.
    pub wasm: String,
    pub creator: String,
    pub source: String,
    pub builder: String,
    pub prep_version: u32,
    /// Its contracts, in the order of its list.
    pub contracts: Vec<GenesisContract>,
}

/// A contract. Its values stand in [`crate::genesis::AppState::contract_state`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct GenesisContract {
    pub address: String,
    pub creator: String,
    /// Empty for none.
    pub admin: String,
    pub label: String,
    pub created: GenesisPosition,
    /// Whether it keeps its keys in order, which its first code decided.
    #[serde(default)]
    pub ordered: bool,
    /// Oldest first.
    pub history: Vec<GenesisHistory>,
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub require_governance: bool,
    /// The code to which it may migrate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorized_code_id: Option<String>,
    /// The admin that it may be given, empty for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorized_admin: Option<String>,
}

/// A position in the chain: height and transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct GenesisPosition {
    pub height: String,
    pub tx_index: u32,
}

/// An entry of a contract's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct GenesisHistory {
    /// `init` or `migrate`.
    pub operation: String,
    pub code_id: String,
    pub updated: GenesisPosition,
    /// Sealed, base64.
    pub msg: String,
}

/// Words of the file for operations.
const INIT: &str = "init";
const MIGRATE: &str = "migrate";

impl Default for Genesis {
    fn default() -> Self {
        Self {
            params: GenesisParams::from(&Params::default()),
            simulation: SimulationPolicy::Off,
            codes: Vec::new(),
            last_instance_id: String::new(),
        }
    }
}

impl From<&Params> for GenesisParams {
    fn from(params: &Params) -> Self {
        Self {
            compile_cost: dec(params.compile_cost_e18),
            max_contract_size: params.max_contract_size.to_string(),
        }
    }
}

impl From<Position> for GenesisPosition {
    fn from(position: Position) -> Self {
        Self {
            height: position.height.to_string(),
            tx_index: position.tx_index,
        }
    }
}

impl GenesisPosition {
    fn checked(&self) -> Result<Position, GenesisError> {
        Ok(Position {
            height: number(&self.height, "height")?,
            tx_index: self.tx_index,
        })
    }
}

const fn is_off(policy: &SimulationPolicy) -> bool {
    matches!(policy, SimulationPolicy::Off)
}

fn refuse(what: &str, why: &str) -> GenesisError {
    GenesisError::field(&format!("compute.{what}"), why)
}

fn number(text: &str, what: &str) -> Result<u64, GenesisError> {
    text.parse().map_err(|_| refuse(what, "is no number"))
}

fn bytes(text: &str, what: &str) -> Result<Vec<u8>, GenesisError> {
    let bytes = STANDARD.decode(text);
    bytes.map_err(|_| refuse(what, "is not base64"))
}

fn address(text: &str, what: &str) -> Result<Address, GenesisError> {
    text.parse().map_err(|_| refuse(what, "is no address"))
}

/// Empty for none.
fn some_address(text: &str, what: &str) -> Result<Option<Address>, GenesisError> {
    match text {
        "" => Ok(None),
        text => address(text, what).map(Some),
    }
}

impl GenesisParams {
    fn checked(&self) -> Result<Params, GenesisError> {
        let why = "not a number in range";
        let compile_cost_e18 =
            parse_dec(&self.compile_cost).ok_or_else(|| refuse("params.compile_cost", why))?;
        let max_contract_size = self.max_contract_size.parse().ok();
        let max_contract_size = max_contract_size.filter(|n| (1..=2_097_152).contains(n));
        Ok(Params {
            compile_cost_e18,
            max_contract_size: max_contract_size
                .ok_or_else(|| refuse("params.max_contract_size", why))?,
        })
    }
}

impl GenesisState for Genesis {
    fn localnet(params: &LocalnetParams) -> Self {
        Self {
            simulation: params.simulation,
            ..Self::default()
        }
    }

    fn init(&self, ctx: &mut Ctx<'_, '_>) -> Result<(), GenesisError> {
        PARAMS.set(ctx, &self.params.checked()?)?;
        if self.simulation == SimulationPolicy::Open {
            if registration::keeper::security(ctx)? != Some(Security::Insecure) {
                let why = "open is for networks whose registration.security is insecure: whoever runs a node could run messages of others";
                return Err(refuse("simulation", why));
            }
            SIMULATION.set(ctx, &self.simulation)?;
        }
        for (code, id) in self.codes.iter().zip(1_u64..) {
            code.init(ctx, id)?;
            for contract in &code.contracts {
                contract.init(ctx, id)?;
            }
            LAST_CODE_ID.set(ctx, &id)?;
        }
        if !self.last_instance_id.is_empty() {
            LAST_INSTANCE_ID.set(ctx, &number(&self.last_instance_id, "last_instance_id")?)?;
        }
        Ok(())
    }

    fn export(ctx: &mut Ctx<'_, '_>) -> Result<Self, Stop> {
        let params = PARAMS.get(ctx)?.unwrap_or_default();
        let mut codes = Vec::new();
        for id in 1..=LAST_CODE_ID.get(ctx)?.unwrap_or(0) {
            codes.push(GenesisCode::export(ctx, id)?);
        }
        let last = LAST_INSTANCE_ID.get(ctx)?;
        Ok(Self {
            params: GenesisParams::from(&params),
            simulation: SIMULATION.get(ctx)?.unwrap_or_default(),
            codes,
            last_instance_id: last.map(|n| n.to_string()).unwrap_or_default(),
        })
    }
}

impl GenesisCode {
    fn init(&self, ctx: &mut Ctx<'_, '_>, id: u64) -> Result<(), GenesisError> {
        if self.prep_version != PREP_VERSION {
            return Err(refuse("codes.prep_version", "is of another version"));
        }
        let wasm = bytes(&self.wasm, "codes.wasm")?;
        let hash = sha256(&wasm);
        let module = ctx.env.engine.validate_upload(&hash, &wasm);
        let module = module.map_err(GenesisError::Fault)?;
        let module = module.map_err(|e: PrepareError| refuse("codes.wasm", &e.to_string()))?;
        let code = Code {
            hash,
            weight: u64::try_from(module.weight).unwrap_or(u64::MAX),
            creator: address(&self.creator, "codes.creator")?,
            source: self.source.clone(),
            builder: self.builder.clone(),
            prep_version: self.prep_version,
            requires_random: module.info.requires_random(),
            iterates: module.info.iterates,
            stock: module.info.stock,
            generation: module.info.generation,
        };
        CODES.set(ctx, &id, &CodeRecord::of(code, &module.info))?;
        ctx.keep_code(hash, Bytes::from(wasm));
        Ok(())
    }

    fn export(ctx: &mut Ctx<'_, '_>, id: u64) -> Result<Self, Stop> {
        let code = CODES.get(ctx, &id)?;
        let code = code
            .ok_or_else(|| broken("a code id is missing"))?
            .into_code();
        let wasm = ctx.env.code.code(&code.hash)?;
        let mut contracts = Vec::new();
        for n in 0..CODE_CONTRACTS.get(ctx, &id)?.unwrap_or(0) {
            let address = CODE_CONTRACT.get(ctx, &(id, n))?;
            let address = address.ok_or_else(|| broken("contract of a code is missing"))?;
            contracts.push(GenesisContract::export(ctx, &address)?);
        }
        Ok(Self {
            wasm: STANDARD.encode(wasm),
            creator: code.creator.to_string(),
            source: code.source,
            builder: code.builder,
            prep_version: code.prep_version,
            contracts,
        })
    }
}

impl GenesisContract {
    fn init(&self, ctx: &mut Ctx<'_, '_>, code_id: u64) -> Result<(), GenesisError> {
        let own = address(&self.address, "contracts.address")?;
        let taken = CONTRACTS.has(ctx, &own)? || LABELS.has(ctx, &self.label.as_str())?;
        if taken || !auth::keeper::has_account(ctx, &own)? {
            let why = "is there twice, or its label, or has no account";
            return Err(refuse("contracts.address", why));
        }
        let mut contract = Contract {
            code_id,
            creator: address(&self.creator, "contracts.creator")?,
            admin: some_address(&self.admin, "contracts.admin")?,
            label: self.label.clone(),
            created: self.created.checked()?,
            storage_layout: if self.ordered {
                StorageLayout::Ordered
            } else {
                StorageLayout::Flat
            },
            require_governance: self.require_governance,
            place: 0,
        };
        code_list::enter(ctx, &own, &mut contract)?;
        LABELS.set(ctx, &self.label.as_str(), &own)?;
        CONTRACTS.set(ctx, &own, &ContractRecord::V1(contract))?;
        for (entry, n) in self.history.iter().zip(0_u64..) {
            HISTORY.set(ctx, &(&own, n), &entry.checked()?)?;
            HISTORY_LENGTH.set(ctx, &own, &n.saturating_add(1))?;
        }
        if let Some(code_id) = &self.authorized_code_id {
            let code_id = number(code_id, "contracts.authorized_code_id")?;
            AUTHORIZED_MIGRATION.set(ctx, &own, &code_id)?;
        }
        if let Some(admin) = &self.authorized_admin {
            let admin = some_address(admin, "contracts.authorized_admin")?;
            AUTHORIZED_ADMIN.set(ctx, &own, &admin)?;
        }
        Ok(())
    }

    fn export(ctx: &mut Ctx<'_, '_>, address: &Address) -> Result<Self, Stop> {
        let contract = CONTRACTS.get(ctx, address)?;
        let contract = contract
            .ok_or_else(|| broken("a contract is missing"))?
            .into_contract();
        let mut history = Vec::new();
        for n in 0..HISTORY_LENGTH.get(ctx, address)?.unwrap_or(0) {
            let entry = HISTORY.get(ctx, &(address, n))?;
            history.push(entry.ok_or_else(|| broken("a history entry is missing"))?);
        }
        let authorized_code_id = AUTHORIZED_MIGRATION.get(ctx, address)?;
        let authorized_admin = AUTHORIZED_ADMIN.get(ctx, address)?;
        let text = |admin: Option<Address>| admin.map(|a| a.to_string()).unwrap_or_default();
        Ok(Self {
            address: address.to_string(),
            creator: contract.creator.to_string(),
            admin: text(contract.admin),
            label: contract.label,
            created: contract.created.into(),
            ordered: contract.storage_layout == StorageLayout::Ordered,
            history: history.into_iter().map(GenesisHistory::from).collect(),
            require_governance: contract.require_governance,
            authorized_code_id: authorized_code_id.map(|id| id.to_string()),
            authorized_admin: authorized_admin.map(text),
        })
    }
}

impl From<HistoryEntry> for GenesisHistory {
    fn from(entry: HistoryEntry) -> Self {
        let operation = match entry.operation {
            Operation::Init => INIT,
            Operation::Migrate => MIGRATE,
        };
        Self {
            operation: operation.into(),
            code_id: entry.code_id.to_string(),
            updated: entry.updated.into(),
            msg: STANDARD.encode(entry.msg),
        }
    }
}

impl GenesisHistory {
    fn checked(&self) -> Result<HistoryEntry, GenesisError> {
        let operation = match self.operation.as_str() {
            INIT => Operation::Init,
            MIGRATE => Operation::Migrate,
            _ => return Err(refuse("history.operation", "is neither init nor migrate")),
        };
        Ok(HistoryEntry {
            operation,
            code_id: number(&self.code_id, "history.code_id")?,
            updated: self.updated.checked()?,
            msg: bytes(&self.msg, "history.msg")?,
        })
    }
}

/// A number of 10^-18 as decimal text with 18 places.
#[must_use]
pub fn dec(e18: u128) -> String {
    let digits = format!("{e18:0>width$}", width = DECIMALS.saturating_add(1));
    let (whole, places) = digits.split_at(digits.len().saturating_sub(DECIMALS));
    format!("{whole}.{places}")
}

/// Reads decimal text with at most 18 places.
#[must_use]
pub fn parse_dec(text: &str) -> Option<u128> {
    let (whole, places) = text.split_once('.').unwrap_or((text, ""));
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || places.len() > DECIMALS || (text.contains('.') && !digits(places)) {
        return None;
    }
    format!("{whole}{places:0<DECIMALS$}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_read_and_print_with_eighteen_places() {
        assert_eq!(parse_dec("0.8"), Some(800_000_000_000_000_000));
        assert_eq!(dec(800_000_000_000_000_000), "0.800000000000000000");
        assert_eq!(dec(0), "0.000000000000000000");
        assert_eq!(parse_dec("12"), Some(12_000_000_000_000_000_000));
        for bad in ["", ".", "1.", ".5", "-1", "1e3", "0.0000000000000000001"] {
            assert_eq!(parse_dec(bad), None, "{bad}");
        }
    }
}
