//! What a token's next holders cost when it has many already.

use crate::figures::{Samples, ratio, table, timed, us};
use crate::scene::{BLOCK_GAS, quiet_token};
use serde_json::json;
use std::time::Duration;
use strongroom_testkit::{Chain, Options, User};

/// Holders that one step adds.
const STEP: usize = 10_000;
const STEPS: usize = 5;
/// Holders of one transaction, of one block, and those with whom it all gets warm.
const IN_TX: usize = 100;
const IN_BLOCK: usize = 1_000;
const BEFORE: usize = 1_000;
/// The gas limit of a transaction.
const GAS: u64 = 50_000_000;

/// Costs of a holder in the blocks of a step.
#[derive(Default)]
struct Step {
    enclave: Samples,
    node: Samples,
    asks: u64,
}

pub(crate) fn run() {
    let mut chain = Chain::with(Options {
        block_gas: Some(BLOCK_GAS),
        ..Options::default()
    });
    let owner = chain.user("a");
    let token = quiet_token(&mut chain, &owner, (BEFORE + STEP * STEPS) as u64);
    let mut holders = 0;
    let mut add = |step: &mut Step| {
        let txs: Vec<Vec<u8>> = (0..IN_BLOCK / IN_TX)
            .map(|_| {
                let actions: Vec<_> = (holders..holders + IN_TX)
                    .map(|n| json!({"recipient": User::numbered(n).address().to_string(), "amount": "1"}))
                    .collect();
                holders += IN_TX;
                let message = json!({"batch_transfer": {"actions": actions}});
                let call = chain.message(&owner, &token, &message);
                let tx = chain.tx().gas(GAS).message(&call.message);
                chain.sign(&owner, &tx)
            })
            .collect();
        chain.door().take_traffic();
        let (results, took) = timed(|| chain.block(txs));
        for result in results {
            assert_eq!(result.code, 0, "{}", result.log);
        }
        let traffic = chain.door().take_traffic();
        step.enclave
            .push(traffic.executing_processor / IN_BLOCK as u32);
        step.node.push(took / IN_BLOCK as u32);
        step.asks += traffic.asks;
    };
    let mut warm = Step::default();
    for _ in 0..BEFORE / IN_BLOCK {
        add(&mut warm);
    }
    let steps: Vec<Step> = (0..STEPS)
        .map(|_| {
            let mut step = Step::default();
            for _ in 0..STEP / IN_BLOCK {
                add(&mut step);
            }
            step
        })
        .collect();
    let all = |samples: &Samples| samples.each().sum::<Duration>() / (STEP / IN_BLOCK) as u32;
    let rows: Vec<Vec<String>> = steps
        .iter()
        .enumerate()
        .map(|(n, step)| {
            let cells = |samples: &Samples, base: &Samples| {
                let (low, high) = samples.quartiles();
                [
                    format!("{:.2}", ratio(all(samples), all(base))),
                    format!("{} ({}–{})", us(all(samples)), us(low), us(high)),
                ]
            };
            let mut row = vec![format!("{}", BEFORE + n * STEP)];
            row.extend(cells(&step.enclave, &steps[0].enclave));
            row.extend(cells(&step.node, &steps[0].node));
            row.push(step.asks.to_string());
            row
        })
        .collect();
    table(
        &format!(
            "The next {STEP} holders of a token, {IN_TX} to a transaction, {IN_BLOCK} to a block"
        ),
        &[
            "holders before",
            "enclave, ratio to the first (wanted: at most 1.2)",
            "enclave, µs a holder (quartiles of blocks)",
            "whole node, ratio",
            "whole node, µs a holder (quartiles of blocks)",
            "asks of the enclave",
        ],
        &rows,
    );
}
