//! Module accounts: names, permissions, addresses, and who may receive (wire.md 1.13.3).

use super::MODULES;
pub use crate::module::ModuleAccount;
use crate::types::Address;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Collects the fees of a block.
pub const FEE_COLLECTOR: &str = "fee_collector";
/// Rewards; the one module account that may receive.
pub const DISTRIBUTION: &str = "distribution";
/// Mints.
pub const MINT: &str = "mint";
/// Holds bonded tokens.
pub const BONDED_POOL: &str = "bonded_tokens_pool";
/// Holds tokens that unbond.
pub const NOT_BONDED_POOL: &str = "not_bonded_tokens_pool";
/// The authority of every params message.
pub const GOV: &str = "gov";

/// Accounts of modules that come later: their addresses are taken from the start. A module that comes takes its row along.
const RESERVED: &[ModuleAccount] = &[
    ModuleAccount {
        may_receive: true,
        ..ModuleAccount::blocked(DISTRIBUTION, &[])
    },
    ModuleAccount::blocked(MINT, &["minter"]),
    ModuleAccount::blocked(BONDED_POOL, &["burner", "staking"]),
    ModuleAccount::blocked(NOT_BONDED_POOL, &["burner", "staking"]),
    ModuleAccount::blocked(GOV, &["burner"]),
    ModuleAccount::blocked("transfer", &["minter", "burner"]),
    ModuleAccount::blocked("interchainaccounts", &[]),
    ModuleAccount::blocked("feeibc", &[]),
    ModuleAccount::blocked("emergencybutton", &[]),
    ModuleAccount::blocked("cron", &[]),
];

/// All module accounts, those without a number yet included.
pub fn all() -> impl Iterator<Item = ModuleAccount> {
    let modules = MODULES.iter().flat_map(|m| m.accounts);
    modules.chain(RESERVED).copied()
}

static BY_ADDRESS: LazyLock<BTreeMap<Address, ModuleAccount>> =
    LazyLock::new(|| all().map(|m| (m.address(), m)).collect());

/// The module account with this address.
#[must_use]
pub fn by_address(address: &Address) -> Option<ModuleAccount> {
    BY_ADDRESS.get(address).copied()
}

/// The module account with this name.
#[must_use]
pub fn by_name(name: &str) -> Option<ModuleAccount> {
    all().find(|m| m.name == name)
}

/// Whether users and contracts may not send coins to `address`, and it may not call contracts.
#[must_use]
pub fn is_blocked(address: &Address) -> bool {
    by_address(address).is_some_and(|m| !m.may_receive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_are_those_that_clients_know() {
        for (name, address) in [
            (
                "fee_collector",
                "secret17xpfvakm2amg962yls6f84z3kell8c5ljuhfkp",
            ),
            (
                "distribution",
                "secret1jv65s3grqf6v6jl3dp4t6c9t9rk99cd896s45r",
            ),
            ("mint", "secret1m3h30wlvsf8llruxtpukdvsy0km2kum825n36u"),
            (
                "bonded_tokens_pool",
                "secret1fl48vsnmsdzcv85q5d2q4z5ajdha8yu3h7axyt",
            ),
            (
                "not_bonded_tokens_pool",
                "secret1tygms3xhhs3yv487phx3dw4a95jn7t7lr7phjl",
            ),
            ("gov", "secret10d07y265gmmuvt4z0w9aw880jnsr700jc88vt0"),
            ("transfer", "secret1yl6hdjhmkf37639730gffanpzndzdpmhv6zq2l"),
            (
                "interchainaccounts",
                "secret1vlthgax23ca9syk7xgaz347xmf4nunef9dz73v",
            ),
            ("feeibc", "secret176rcyfn5k9d0wcxel3kmwvxh0hy3xcwemfh2mc"),
            (
                "emergencybutton",
                "secret1jg0ltcqcxj7p7f4uxyxk44gyzwa7a9fctv8n2x",
            ),
            ("compute", "secret1kp9p9ajg863y5urtl5xpqxt6dp75u4yxjpz8pc"),
            ("cron", "secret1cd6wafvehv79pm2yxth40thpyc7dc0yrxveaz0"),
        ] {
            assert_eq!(by_name(name).unwrap().address().to_string(), address);
        }
    }

    #[test]
    fn every_module_account_but_distribution_is_blocked() {
        for module in all() {
            assert_eq!(is_blocked(&module.address()), module.name != "distribution");
        }
        assert!(!is_blocked(&Address::from_bytes(&[1; 20]).unwrap()));
    }
}
