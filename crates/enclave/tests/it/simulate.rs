//! Simulations of messages to contracts: only where genesis says so, and as if they had never been.

use crate::blocks::{Secret, with_contract, with_contract_where};
use crate::contract::message;
use crate::node::{failure_of, honest};
use prost::Message as _;
use strongroom_bridge::{EnclaveRequest, FailureCode, HostResponse, Reply, Request};
use strongroom_chain::modules::SimulationPolicy;
use strongroom_chain::query::{GrpcCode, QueryError};
use strongroom_types::Tree;
use strongroom_types::proto::cosmos::tx::v1beta1::{SimulateResponse, TxRaw};

const POLICY: &[u8] = b"compute/simulation";

/// What the enclave tells a host that asks for an estimate.
fn simulate(secret: &Secret, tx: Vec<u8>) -> Result<SimulateResponse, QueryError> {
    match secret.node.call(Request::Simulate { tx }, &honest).unwrap() {
        Reply::Query(result) => {
            assert_eq!(result.height, secret.node.height());
            let outcome = result.outcome;
            outcome
                .map(|bytes| SimulateResponse::decode(bytes.as_slice()).unwrap())
                .map_err(|bytes| borsh::from_slice(&bytes).unwrap())
        }
        other => panic!("{other:?}"),
    }
}

fn gas(response: &SimulateResponse) -> u64 {
    response.gas_info.as_ref().unwrap().gas_used
}

fn open() -> Secret {
    with_contract_where(SimulationPolicy::Open)
}

/// As clients without a signature send it.
fn unsigned(tx: &[u8]) -> Vec<u8> {
    let mut raw = TxRaw::decode(tx).unwrap();
    raw.signatures = vec![vec![0; 64]];
    raw.encode_to_vec()
}

#[test]
fn where_genesis_has_no_policy_the_enclave_refuses_to_simulate_whoever_asks_and_goes_on() {
    let mut secret = with_contract();
    let tx = secret.keep("YQ==");
    let failure = failure_of(secret.node.call(Request::Simulate { tx }, &honest));
    assert_eq!(failure.code, FailureCode::SimulationRefused);
    assert_eq!(
        failure.text,
        "no policy of genesis allows contract messages that nobody decided"
    );
    assert_eq!(secret.ask(), b"begin");
}

#[test]
fn a_host_cannot_say_that_genesis_has_the_policy() {
    let mut secret = with_contract();
    let tx = secret.keep("YQ==");
    // A new enclave has to ask for it.
    secret.node.restart(1).unwrap();
    let height = secret.node.height();
    secret.node.committed(height).unwrap();
    let lie = |ask: &EnclaveRequest, answer: HostResponse| match (ask, answer) {
        (EnclaveRequest::Get { tree, key, .. }, HostResponse::Proven(mut proven))
            if *tree == Tree::Native && key == POLICY =>
        {
            assert_eq!(proven.value, None);
            proven.value = Some(vec![1, 1]);
            HostResponse::Proven(proven)
        }
        (_, answer) => answer,
    };
    let failure = failure_of(secret.node.call(Request::Simulate { tx }, &lie));
    assert_eq!(failure.code, FailureCode::Proof);
    assert_eq!(secret.node.status().stopped, Some(failure));
}

#[test]
fn an_estimate_of_a_first_call_without_a_signature_is_what_its_block_uses() {
    let mut secret = open();
    let execute = secret.keep("b25l");
    let estimate = simulate(&secret, unsigned(&execute)).unwrap();
    let made = secret.node.block(vec![execute]);
    let used = made.tx_results[0].gas_used.unsigned_abs();
    assert_eq!(made.tx_results[0].code, 0, "{}", made.tx_results[0].log);
    let off = gas(&estimate).abs_diff(used);
    assert!(off * 100 < used, "{} and {used}", gas(&estimate));
    assert_eq!(secret.ask(), b"one");

    let io = secret.node.keys.io;
    let instantiate = secret
        .user
        .instantiate(&io, &secret.wasm, "another", &message("YmVnaW4="));
    let estimate = simulate(&secret, unsigned(&instantiate)).unwrap();
    let made = secret.node.block(vec![instantiate]);
    let used = made.tx_results[0].gas_used.unsigned_abs();
    let off = gas(&estimate).abs_diff(used);
    assert!(off * 100 < used, "{} and {used}", gas(&estimate));
}

#[test]
fn nothing_of_a_simulation_stays_neither_what_it_wrote_nor_what_was_proven_for_it() {
    let mut secret = open();
    for word in ["b25l", "dHdv", "dGhyZWU="] {
        let tx = secret.keep(word);
        let before = secret.ask();
        let block = secret.node.propose(vec![tx.clone()]);
        // The same block by an enclave that was asked for nothing, and by one that was asked for estimates of it.
        let results = [false, true].map(|simulated| {
            // Neither knows more than the roots: what it asks the host for, it asks again.
            secret.node.restart(1).unwrap();
            let height = secret.node.height();
            secret.node.committed(height).unwrap();
            if simulated {
                let asks = |secret: &Secret| {
                    secret.node.asks.set(0);
                    simulate(secret, tx.clone()).unwrap();
                    secret.node.asks.get()
                };
                // The first one loads the code, too, which stays as after a query.
                let (first, second) = (asks(&secret), asks(&secret));
                assert_eq!(first, second + 1);
                assert!(second > 3, "{second}");
                assert_eq!(asks(&secret), second);
                assert_eq!(secret.ask(), before);
            }
            secret.node.execute(&block, &honest).unwrap()
        });
        let [quiet, asked] = results;
        assert_eq!(quiet, asked);
        assert_eq!(asked.tx_results[0].code, 0, "{}", asked.tx_results[0].log);
        secret.node.keep(block, &asked);
        let height = secret.node.height();
        secret.node.committed(height).unwrap();
    }
    assert_eq!(secret.ask(), b"three");
}

#[test]
fn later_sequences_are_estimated_up_to_what_a_mempool_holds_and_earlier_ones_are_refused() {
    use strongroom_chain::check::SEQUENCES_AHEAD_MAX;
    let mut secret = open();
    let next = secret.keep("YQ==");
    let later = secret.keep("YQ==");
    assert!(simulate(&secret, next.clone()).is_ok());
    assert!(simulate(&secret, later).is_ok());
    for (sequence, passes) in [
        (2 + SEQUENCES_AHEAD_MAX, true),
        (3 + SEQUENCES_AHEAD_MAX, false),
        (u64::MAX - 1, false),
    ] {
        secret.user.sequence = sequence;
        let tx = secret.keep("YQ==");
        let answer = simulate(&secret, tx);
        assert_eq!(answer.is_ok(), passes, "{sequence}: {answer:?}");
    }
    secret.node.block(vec![next.clone()]);
    let QueryError::Status { code, text } = simulate(&secret, next).unwrap_err() else {
        panic!()
    };
    assert_eq!(code, GrpcCode::Unknown);
    let expected = "account sequence mismatch, expected 3, got 2: incorrect account sequence";
    assert!(text.starts_with(expected), "{text}");
}

#[test]
fn whatever_bytes_are_simulated_the_enclave_goes_on() {
    let mut secret = open();
    let good = secret.keep("YQ==");
    let mut all = vec![Vec::new(), vec![0], vec![0xff; 100]];
    // Bits of all that a host could turn: form, signers, sequence, sealed message.
    for at in (0..good.len()).step_by(3) {
        let mut tx = good.clone();
        tx[at] ^= 1 << (at % 8);
        all.push(tx);
        all.push(good[..at].to_vec());
    }
    for tx in all {
        let reply = secret.node.call(Request::Simulate { tx }, &honest).unwrap();
        assert!(matches!(reply, Reply::Query(_)), "{reply:?}");
    }
    assert_eq!(secret.ask(), b"begin");
}
