//! Transfers of the three kinds of tokens, beside a call that does nothing.

use crate::calls::{Call, measure};
use crate::figures::{row, table};
use serde_json::{Value, json};
use strongroom_testkit::{Chain, Contract, Options, User, contract};

/// Transfers in a block, each between its own pair of accounts.
const SIZE: usize = 50;
/// Blocks of each kind.
const ROUNDS: usize = 24;
/// Gas limit of a call. Preparing takes more than transfers do.
const GAS: u64 = 500_000;

pub(crate) fn run() {
    let mut chain = Chain::with(Options {
        accounts: 2 * SIZE,
        block_gas: Some(2 * SIZE as u64 * GAS),
        ..Options::default()
    });
    let owner = chain.user("a");
    let mut make = |name: &str, begin: &Value| -> Contract {
        let code = chain.store_code(&owner, contract(name)).expect("good code");
        let made = chain.instantiate(&owner, &code, name, begin);
        made.unwrap_or_else(|e| panic!("{name}: {e:?}"))
    };
    let users: Vec<User> = (0..2 * SIZE).map(User::numbered).collect();
    let address = |user: &User| user.address().to_string();
    let balances: Vec<Value> = users
        .iter()
        .map(|user| json!({"address": address(user), "amount": "1000000"}))
        .collect();

    let nothing = make("everything", &json!({}));
    let token = make(
        "token",
        &json!({"name": "Bench token", "symbol": "BENCH", "decimals": 6, "prng_seed": "c2VlZA==",
            "initial_balances": &balances[..4]}),
    );
    let unique = make(
        "snip721",
        &json!({"name": "Bench", "symbol": "BENCH", "entropy": "dice"}),
    );
    let config = json!({"fungible": {"minters": [], "decimals": 0, "public_total_supply": false, "enable_mint": false,
        "enable_burn": false, "minter_may_update_metadata": false}});
    let many = make(
        "snip1155",
        &json!({"has_admin": false, "curators": [], "entropy": "dice",
            "initial_tokens": [{"token_info": {"token_id": "1", "name": "one", "symbol": "ONE", "token_config": config},
                "balances": &balances[..4]}]}),
    );
    // In parts: a call has as much gas as it may have.
    fund(&mut chain, &owner, &token, &many, &unique, &users);

    let calls = |kind: usize, round: usize| -> Vec<Call> {
        // There and back again.
        let (from, to) = if round.is_multiple_of(2) {
            (0, SIZE)
        } else {
            (SIZE, 0)
        };
        let call = |n: usize| {
            let (sender, recipient) = (&users[from + n], address(&users[to + n]));
            let (contract, message) = match kind {
                0 => (&nothing, json!({"forget": true})),
                1 => (
                    &token,
                    json!({"transfer": {"recipient": recipient, "amount": "1"}}),
                ),
                2 => (
                    &unique,
                    json!({"transfer_nft": {"recipient": recipient, "token_id": format!("n{n}")}}),
                ),
                _ => (
                    &many,
                    json!({"transfer": {"token_id": "1", "from": address(sender), "recipient": recipient, "amount": "1"}}),
                ),
            };
            (sender.clone(), contract.clone(), message)
        };
        (0..SIZE).map(call).collect()
    };
    let costs = measure(&mut chain, GAS, 4, ROUNDS, calls);
    let base = costs[1].median();
    let rows = [
        ("baseline: SNIP-20, with a notification", &costs[1]),
        ("SNIP-721", &costs[2]),
        ("SNIP-1155", &costs[3]),
        ("for comparison: a call that does nothing", &costs[0]),
    ]
    .map(|(what, samples)| row(what, samples, base));
    table(
        &format!("Transfers of tokens, one of {SIZE} in a block ({ROUNDS} blocks)"),
        &["what runs", "ratio", "µs (median)", "quartiles"],
        &rows,
    );
}

/// Everybody gets of everything.
fn fund(
    chain: &mut Chain,
    owner: &User,
    token: &Contract,
    many: &Contract,
    unique: &Contract,
    users: &[User],
) {
    let rich = &users[0];
    for user in users.iter().skip(1) {
        let recipient = user.address().to_string();
        let coins = json!({"transfer": {"recipient": recipient, "amount": "1000"}});
        chain.execute(rich, token, &coins).expect("tokens");
        let coins = json!({"transfer": {"token_id": "1", "from": rich.address().to_string(), "recipient": recipient, "amount": "1000"}});
        chain.execute(rich, many, &coins).expect("tokens of many");
    }
    for (n, user) in users.iter().enumerate().take(SIZE) {
        let mint =
            json!({"mint_nft": {"token_id": format!("n{n}"), "owner": user.address().to_string()}});
        chain.execute(owner, unique, &mint).expect("a token");
    }
}
