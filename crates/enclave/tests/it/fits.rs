//! What the state machine may ask for and give away fits the door: else a block could be decided that nobody can execute.

use strongroom_bridge::spec;
use strongroom_chain::block::OUTPUT_BYTES_MAX;
use strongroom_chain::ctx::NATIVE_KEY_BYTES_MAX;
use strongroom_chain::modules::compute::limits::{
    CODE_BYTES_MAX, MSG_BYTES_MAX, STORAGE_VALUE_BYTES_MAX,
};
use strongroom_crypto::state::record_len;
use strongroom_proof::ics23::ENTRY_BYTES_MAX;
use strongroom_proof::light::BLOCK_BYTES_MAX;
use strongroom_proof::tree::{DEPTH_MAX, PROOF_BYTES_MAX};

/// Heads, tags, lengths, a few numbers and hashes.
const AROUND: usize = 1 << 10;

#[test]
fn every_key_and_value_of_the_state_fits_an_ask_and_its_answer() {
    // Records beside the message of the history are far smaller.
    for value in [record_len(STORAGE_VALUE_BYTES_MAX), MSG_BYTES_MAX] {
        assert!(value + PROOF_BYTES_MAX + AROUND <= spec::PROVEN_BYTES_MAX);
    }
    let get = spec::FROM_ENCLAVE.iter().find(|s| s.name == "get").unwrap();
    assert!(NATIVE_KEY_BYTES_MAX + AROUND <= get.limit);
    const { assert!(CODE_BYTES_MAX + AROUND <= spec::CODE_BYTES_MAX) };
}

#[test]
fn the_proof_that_a_key_is_absent_has_room_for_the_longest_neighbours() {
    // A step of a path: two domains, a hash, and what protobuf puts around them.
    const PATH: usize = DEPTH_MAX * 64;
    const NEIGHBOUR: usize = MSG_BYTES_MAX + NATIVE_KEY_BYTES_MAX + PATH + AROUND;
    assert!(record_len(STORAGE_VALUE_BYTES_MAX) <= MSG_BYTES_MAX);
    const { assert!(2 * NEIGHBOUR + NATIVE_KEY_BYTES_MAX + AROUND <= ENTRY_BYTES_MAX) };
}

#[test]
fn the_fullest_block_fits_its_reply() {
    // Errors of transactions that do not decode, and what the ante chain tells and writes, are not refused; four times the
    // transactions' own bytes are more than they can be.
    let rest = 4 * BLOCK_BYTES_MAX;
    assert!(OUTPUT_BYTES_MAX + rest + AROUND <= spec::BLOCK_RESULT_BYTES_MAX);
}
