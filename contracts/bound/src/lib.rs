//! Whether the message that a contract handles is *bound*: sealed together with its sender and this contract, so that nobody can copy
//! it out of the mempool and send it in another name. Messages of other contracts are. A library for contracts.
//!
//! On a chain that does not know the question a contract that asks it is refused when it is stored.

/// Whether nobody but `info.sender` can have sent this message to this contract. Always false in queries and replies: ask in the
/// entry point that was called.
#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code)] // An import of the host, with no parameters and a number as its answer.
pub fn message_is_bound() -> bool {
    extern "C" {
        fn message_bound() -> u32;
    }
    unsafe { message_bound() == 1 }
}

/// Outside a chain nothing binds a message.
#[cfg(not(target_arch = "wasm32"))]
pub fn message_is_bound() -> bool {
    false
}
