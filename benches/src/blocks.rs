//! Blocks of 10, 100 and 1,000 transfers: what one transfer costs in each.

use crate::figures::{Samples, ratio, table, timed, us};
use crate::scene::Scene;
use std::time::{Duration, Instant};

const SIZES: [usize; 3] = [10, 100, 1_000];
/// Transfers of every size in each round: each pair of holders makes one.
const PAIRS: usize = 1_000;
/// Rounds on one network: the tree stays below what the enclave keeps, so that nothing is asked for again.
const ROUNDS: usize = 5;
/// Networks, one after the other.
const SCENES: usize = 3;

/// One size's samples, per transfer.
#[derive(Default)]
struct Cost {
    enclave: Samples,
    node: Samples,
    node_clock: Samples,
    asks: u64,
}

pub(crate) fn run() {
    let mut costs: [Cost; 3] = Default::default();
    for _ in 0..SCENES {
        let mut scene = Scene::new(PAIRS);
        for _ in 0..ROUNDS {
            // All sizes in each round, so that what disturbs the machine disturbs all of them.
            for (size, cost) in SIZES.into_iter().zip(&mut costs) {
                cost.round(&mut scene, size);
            }
        }
    }
    show(&costs);
}

impl Cost {
    /// Every pair's transfer, in blocks of `size`.
    fn round(&mut self, scene: &mut Scene, size: usize) {
        let [mut enclave, mut node, mut node_clock] = [Duration::ZERO; 3];
        for first in (0..PAIRS).step_by(size) {
            let txs = scene.transfers(first, size);
            scene.chain.door().take_traffic();
            let begin = Instant::now();
            let ((), took) = timed(|| scene.block(txs));
            node_clock += begin.elapsed();
            node += took;
            let traffic = scene.chain.door().take_traffic();
            enclave += traffic.executing_processor;
            self.asks += traffic.asks;
        }
        self.enclave.push(enclave / PAIRS as u32);
        self.node.push(node / PAIRS as u32);
        self.node_clock.push(node_clock / PAIRS as u32);
    }
}

/// Costs in comparison with those of the same round: what disturbs a round disturbs all of it.
fn paired(samples: &Samples, base: &Samples) -> f64 {
    let mut ratios: Vec<f64> = samples
        .each()
        .zip(base.each())
        .map(|(a, b)| ratio(a, b))
        .collect();
    ratios.sort_by(f64::total_cmp);
    ratios.get(ratios.len() / 2).copied().unwrap_or_default()
}

fn show(costs: &[Cost; 3]) {
    let [_, base, _] = costs;
    let cells = |samples: &Samples, base: &Samples| {
        let (low, high) = samples.quartiles();
        [
            format!("{:.2}", paired(samples, base)),
            format!("{} ({}–{})", us(samples.median()), us(low), us(high)),
        ]
    };
    let rows: Vec<Vec<String>> = SIZES
        .iter()
        .zip(costs)
        .map(|(size, cost)| {
            let mut row = vec![size.to_string()];
            row.extend(cells(&cost.enclave, &base.enclave));
            row.extend(cells(&cost.node, &base.node));
            row.push(us(cost.node_clock.median()));
            row.push(cost.asks.to_string());
            row
        })
        .collect();
    table(
        &format!(
            "Blocks of transfers, {} rounds of {PAIRS} transfers per size",
            SCENES * ROUNDS
        ),
        &[
            "transfers in a block",
            "enclave, ratio to 100",
            "enclave, µs per transfer (quartiles)",
            "whole node, ratio to 100",
            "whole node, µs per transfer (quartiles)",
            "whole node by the clock, µs",
            "asks of the enclave",
        ],
        &rows,
    );
    let ratios = costs
        .each_ref()
        .map(|cost| paired(&cost.enclave, &base.enclave));
    let dearest = ratios.into_iter().fold(f64::MIN, f64::max);
    let cheapest = ratios.into_iter().fold(f64::MAX, f64::min);
    println!(
        "\nDearest to cheapest size, in the enclave: {:.2}x.",
        dearest / cheapest
    );
}
