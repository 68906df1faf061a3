//! What every bench of transfers stands on: a network with one token and many holders.

use serde_json::json;
use strongroom_testkit::{Chain, Contract, Options, User, contract};

/// Each holder's tokens at the beginning.
const TOKENS: u32 = 1_000_000;
/// Holders that one transaction gives tokens to: its contract call stays below the gas that one call may have.
const FUNDED_AT_ONCE: usize = 100;
/// The scene's gas of a block: a thousand transfers fit.
pub(crate) const BLOCK_GAS: u64 = 600_000_000;
/// The gas limit of a transfer.
const TRANSFER_GAS: u64 = 500_000;

/// A network with a token. Senders and receivers come in pairs, so that every transfer of a block touches accounts of
/// its own: then a larger block is more of the same work, and no value is written twice.
pub(crate) struct Scene {
    pub(crate) chain: Chain,
    pub(crate) token: Contract,
    senders: Vec<User>,
    receivers: Vec<User>,
}

impl Scene {
    /// With `pairs` of holders, each pair after its first transfer: histories exist, keys of accounts are known.
    pub(crate) fn new(pairs: usize) -> Self {
        let mut chain = Chain::with(Options {
            block_gas: Some(BLOCK_GAS),
            accounts: 2 * pairs,
            ..Options::default()
        });
        let owner = chain.user("a");
        let token = quiet_token(&mut chain, &owner, u64::from(TOKENS) * pairs as u64);
        let senders: Vec<User> = (0..pairs).map(User::numbered).collect();
        let receivers = (pairs..2 * pairs).map(User::numbered).collect();
        for some in senders.chunks(FUNDED_AT_ONCE) {
            let actions: Vec<_> = some.iter().map(|user| transfer(user, TOKENS)).collect();
            let message = json!({"batch_transfer": {"actions": actions}});
            chain
                .execute(&owner, &token, &message)
                .expect("tokens for the holders");
        }
        let mut scene = Self {
            chain,
            token,
            senders,
            receivers,
        };
        for at in (0..pairs).step_by(1_000) {
            let txs = scene.transfers(at, (pairs - at).min(1_000));
            scene.block(txs);
        }
        scene
    }

    /// The message of a transfer to the n-th receiver.
    pub(crate) fn message(&self, pair: usize) -> serde_json::Value {
        json!({"transfer": transfer(&self.receivers[pair % self.receivers.len()], 1)})
    }

    /// The n-th sender.
    pub(crate) fn sender(&self, pair: usize) -> &User {
        &self.senders[pair % self.senders.len()]
    }

    /// Signed transfers of `count` pairs, from the n-th on.
    pub(crate) fn transfers(&mut self, first: usize, count: usize) -> Vec<Vec<u8>> {
        (first..first + count)
            .map(|pair| {
                let (sender, message) = (self.sender(pair).clone(), self.message(pair));
                let call = self.chain.message(&sender, &self.token, &message);
                let tx = self.chain.tx().gas(TRANSFER_GAS).message(&call.message);
                self.chain.sign(&sender, &tx)
            })
            .collect()
    }

    /// Makes a block in which every transaction must succeed.
    pub(crate) fn block(&mut self, txs: Vec<Vec<u8>>) {
        for result in self.chain.block(txs) {
            assert_eq!(result.code, 0, "{}", result.log);
        }
    }
}

/// A token of `supply`, all of it the owner's, which notifies nobody, as when the numbers of docs/benchmarks.md were taken.
pub(crate) fn quiet_token(chain: &mut Chain, owner: &User, supply: u64) -> Contract {
    let code = chain
        .store_code(owner, contract("token"))
        .expect("the token's code");
    let begin = json!({
        "name": "Bench token",
        "symbol": "BENCH",
        "decimals": 6,
        "prng_seed": "c2VlZA==",
        "initial_balances": [{"address": owner.address().to_string(), "amount": supply.to_string()}],
    });
    let token = chain
        .instantiate(owner, &code, "token", &begin)
        .expect("a token");
    let quiet = json!({"set_notification_status": {"enabled": false}});
    chain
        .execute(owner, &token, &quiet)
        .expect("a token that notifies nobody");
    token
}

fn transfer(to: &User, amount: u32) -> serde_json::Value {
    json!({"recipient": to.address().to_string(), "amount": amount.to_string()})
}
