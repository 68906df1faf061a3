//! What is held against each other.

use crate::compare::{AtHeight, compare};
use crate::record::Network;
use crate::replay::{contents, on_solo};
use strongroom_types::{Event, ValidatorUpdate};

pub(crate) struct Test {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Network),
}

macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        pub(crate) const ALL: &[Test] = &[$(Test { name: stringify!($name), run: $name }),*];
    };
}

/// Makes what a node has of a height another.
type Change = fn(&mut AtHeight);

tests![
    the_same_genesis_and_transactions_give_the_same_blocks_results_and_events_on_both_engines,
    another_time_or_transaction_gives_another_chain,
    a_difference_anywhere_is_found_at_its_height,
];

fn the_same_genesis_and_transactions_give_the_same_blocks_results_and_events_on_both_engines(
    network: &Network,
) {
    let heights = &network.heights;
    println!("{:?}", Figures::of(heights));
    Figures::of(heights).check();
    let replayed = on_solo(&network.chain, contents(heights));
    compare(heights, &replayed).unwrap_or_else(|difference| panic!("{difference}"));
}

fn another_time_or_transaction_gives_another_chain(network: &Network) {
    let looked = usize::try_from(network.looked).unwrap();
    let heights = &network.heights[..looked];
    let of_block = looked - 1;
    assert!(
        heights[of_block]
            .results
            .tx_results
            .iter()
            .all(|result| result.code == 0)
    );
    let mut late = contents(heights);
    late[of_block].time.nanos ^= 1;
    let mut short = contents(heights);
    short[of_block].txs.pop();
    // The contract sees a nanosecond.
    for (contents, what) in [(late, "transaction 0: data"), (short, "transactions")] {
        let difference = compare(heights, &on_solo(&network.chain, contents)).unwrap_err();
        let expected = format!("height {looked}: {what}");
        assert!(difference.starts_with(&expected), "{difference}");
    }
}

fn a_difference_anywhere_is_found_at_its_height(network: &Network) {
    let heights = &network.heights;
    compare(heights, heights).unwrap();
    let at = heights
        .iter()
        .position(|at| !at.txs.is_empty())
        .expect("transactions");
    let changes: [(&str, Change); 15] = [
        ("header", |at| at.header[0] ^= 1),
        ("last commit", |at| at.last_commit.push(0)),
        ("evidence", |at| at.evidence.push(0)),
        ("block id", |at| at.id.parts.total += 1),
        ("app hash", |at| at.results.app_hash[31] ^= 1),
        ("code", |at| at.results.tx_results[0].code += 1),
        ("codespace", |at| {
            at.results.tx_results[0].codespace.push('x')
        }),
        ("log", |at| at.results.tx_results[0].log.push('x')),
        ("data", |at| at.results.tx_results[0].data.push(0)),
        ("gas wanted", |at| at.results.tx_results[0].gas_wanted += 1),
        ("gas used", |at| at.results.tx_results[0].gas_used += 1),
        ("event", |at| {
            at.results.tx_results[0].events[0].attributes[0]
                .value
                .push('x')
        }),
        ("number of events", |at| {
            at.results.events.push(Event {
                kind: String::from("another"),
                attributes: Vec::new(),
            });
        }),
        ("validator updates", |at| {
            at.results.validator_updates.push(ValidatorUpdate {
                pubkey: [1; 32],
                power: 1,
            });
        }),
        ("validators", |at| at.validators.clear()),
    ];
    for (what, change) in changes {
        let mut others = heights.clone();
        change(&mut others[at]);
        let difference = compare(heights, &others).unwrap_err();
        assert!(
            difference.starts_with(&format!("height {}: ", at + 1)),
            "{difference}"
        );
        assert!(difference.contains(what), "{what}: {difference}");
    }
    let shorter = &heights[..heights.len() - 1];
    assert!(compare(heights, shorter).is_err() && compare(shorter, heights).is_err());
}

/// How rich a chain is.
#[derive(Debug, Default)]
struct Figures {
    blocks: usize,
    empty: usize,
    with_several: usize,
    succeeded: usize,
    failed: usize,
    events: usize,
    of_contracts: usize,
    validator_updates: usize,
}

impl Figures {
    fn of(heights: &[AtHeight]) -> Self {
        let mut figures = Self::default();
        for at in heights {
            figures.blocks += 1;
            figures.empty += usize::from(at.txs.is_empty());
            figures.with_several += usize::from(at.txs.len() > 1);
            figures.validator_updates += at.results.validator_updates.len();
            for result in &at.results.tx_results {
                match result.code {
                    0 => figures.succeeded += 1,
                    _ => figures.failed += 1,
                }
                figures.events += result.events.len();
                let own = result.events.iter().filter(|event| event.kind == "wasm");
                figures.of_contracts += own.count();
            }
        }
        figures
    }

    /// So much there is at least.
    fn check(&self) {
        assert!(self.succeeded > 30 && self.failed > 20);
        assert!(self.empty > 0 && self.with_several > 3);
        assert!(self.of_contracts > 5 && self.events > 100);
        assert_eq!(self.validator_updates, 2);
    }
}
