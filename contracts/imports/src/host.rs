//! The calls themselves.
#![allow(unsafe_code, reason = "imports of the host are C functions")]

use crate::{Answer, Call, Hex};

extern "C" {
    fn db_read(key: u32) -> u32;
    fn db_write(key: u32, value: u32);
    fn db_remove(key: u32);
    fn db_scan(start: u32, end: u32, order: u32) -> u32;
    fn db_next(iterator: u32) -> u32;
    fn query_chain(request: u32) -> u32;
    fn secp256k1_verify(hash: u32, signature: u32, key: u32) -> u32;
    fn secp256k1_recover_pubkey(hash: u32, signature: u32, parity: u32) -> u64;
    fn ed25519_verify(message: u32, signature: u32, key: u32) -> u32;
    fn ed25519_batch_verify(messages: u32, signatures: u32, keys: u32) -> u32;
    fn secp256k1_sign(message: u32, key: u32) -> u64;
    fn ed25519_sign(message: u32, seed: u32) -> u64;
}

#[cfg(feature = "v1")]
extern "C" {
    fn db_next_key(iterator: u32) -> u32;
    fn db_next_value(iterator: u32) -> u32;
    fn addr_canonicalize(human: u32, to: u32) -> u32;
    fn addr_humanize(canonical: u32, to: u32) -> u32;
    fn addr_validate(human: u32) -> u32;
    fn debug(message: u32);
    fn secp256r1_verify(hash: u32, signature: u32, key: u32) -> u32;
    fn secp256r1_recover_pubkey(hash: u32, signature: u32, parity: u32) -> u64;
    fn bls12_381_aggregate_g1(points: u32, to: u32) -> u32;
    fn bls12_381_aggregate_g2(points: u32, to: u32) -> u32;
    fn bls12_381_pairing_equality(ps: u32, qs: u32, r: u32, s: u32) -> u32;
    fn bls12_381_hash_to_g1(function: u32, message: u32, tag: u32, to: u32) -> u32;
    fn bls12_381_hash_to_g2(function: u32, message: u32, tag: u32, to: u32) -> u32;
    fn dcap_quote_verify(quote: u32, collateral: u32) -> u64;
    fn gas_evaporate(gas: u32) -> u32;
    fn check_gas() -> u64;
    fn abort(message: u32);
    fn message_bound() -> u32;
}

#[cfg(feature = "v010")]
extern "C" {
    fn canonicalize_address(human: u32, to: u32) -> u32;
    fn humanize_address(canonical: u32, to: u32) -> u32;
    fn debug_print(message: u32);
}

/// A piece of memory as the host reads and fills it.
#[repr(C)]
struct Region {
    offset: u32,
    capacity: u32,
    length: u32,
}

/// Bytes that live as long as the host may look at them.
struct Given {
    region: Region,
    bytes: Vec<u8>,
}

impl Given {
    fn bytes(bytes: Hex) -> Self {
        let bytes = bytes.0;
        let length = bytes.len() as u32;
        let region = Region {
            offset: bytes.as_ptr() as u32,
            capacity: length,
            length,
        };
        Self { region, bytes }
    }

    /// Room for an answer.
    fn room(capacity: u32) -> Self {
        let mut given = Self::bytes(Hex(vec![0; capacity as usize]));
        given.region.length = 0;
        given
    }

    /// Items as a batch carries them: each followed by its length, big-endian.
    fn list(items: Vec<Hex>) -> Self {
        let item = |item: Hex| [item.0.as_slice(), &(item.0.len() as u32).to_be_bytes()].concat();
        Self::bytes(Hex(items.into_iter().flat_map(item).collect()))
    }

    fn at(&self) -> u32 {
        core::ptr::from_ref(&self.region) as u32
    }

    /// What the host put there.
    fn filled(mut self) -> Hex {
        // SAFETY: the region is ours and alive; the host may have changed its length since.
        let length = unsafe { core::ptr::read_volatile(&raw const self.region.length) };
        self.bytes.truncate(length as usize);
        Hex(self.bytes)
    }
}

/// The bytes of a region that the host has made; nothing for no region.
fn made(region: u32) -> Option<Hex> {
    if region == 0 {
        return None;
    }
    // SAFETY: the host fills a region that `allocate` gave, and it is never freed.
    let bytes = unsafe {
        let region = &*(region as *const Region);
        core::slice::from_raw_parts(region.offset as *const u8, region.length as usize)
    };
    Some(Hex(bytes.to_vec()))
}

fn number(value: u32) -> Answer {
    Answer {
        value,
        ..Answer::default()
    }
}

fn region(region: u32) -> Answer {
    Answer {
        bytes: made(region),
        ..Answer::default()
    }
}

/// A region in the low half, or an error in the high one.
fn region_or_error(both: u64) -> Answer {
    let error = (both >> 32) as u32;
    let bytes = if error == 0 { made(both as u32) } else { None };
    Answer {
        value: 0,
        error,
        bytes,
    }
}

/// What was put in the region, or the region of an error.
fn put(error: u32, to: Given) -> Answer {
    match made(error) {
        None => Answer {
            bytes: Some(to.filled()),
            ..Answer::default()
        },
        text => Answer {
            value: 0,
            error: 1,
            bytes: text,
        },
    }
}

/// Asks.
pub(crate) fn ask(call: Call) -> Answer {
    let given = Given::bytes;
    // SAFETY: each argument is a region that lives until the call returns, no region, or a number.
    unsafe {
        match call {
            Call::DbRead { key } => region(db_read(given(key).at())),
            Call::DbWrite { key, value } => {
                db_write(given(key).at(), given(value).at());
                Answer::default()
            }
            Call::DbRemove { key } => {
                db_remove(given(key).at());
                Answer::default()
            }
            Call::DbScan { start, end, order } => {
                let (start, end) = (start.map(given), end.map(given));
                let at = |bound: &Option<Given>| bound.as_ref().map_or(0, Given::at);
                number(db_scan(at(&start), at(&end), order))
            }
            Call::DbNext { iterator } => region(db_next(iterator)),
            Call::QueryChain { request } => region(query_chain(given(request).at())),
            Call::Secp256k1Verify {
                hash,
                signature,
                key,
            } => number(secp256k1_verify(
                given(hash).at(),
                given(signature).at(),
                given(key).at(),
            )),
            Call::Secp256k1RecoverPubkey {
                hash,
                signature,
                parity,
            } => region_or_error(secp256k1_recover_pubkey(
                given(hash).at(),
                given(signature).at(),
                parity,
            )),
            Call::Ed25519Verify {
                message,
                signature,
                key,
            } => number(ed25519_verify(
                given(message).at(),
                given(signature).at(),
                given(key).at(),
            )),
            Call::Ed25519BatchVerify {
                messages,
                signatures,
                keys,
            } => {
                let lists = [messages, signatures, keys].map(Given::list);
                number(ed25519_batch_verify(
                    lists[0].at(),
                    lists[1].at(),
                    lists[2].at(),
                ))
            }
            Call::Secp256k1Sign { message, key } => {
                region_or_error(secp256k1_sign(given(message).at(), given(key).at()))
            }
            Call::Ed25519Sign { message, seed } => {
                region_or_error(ed25519_sign(given(message).at(), given(seed).at()))
            }
            #[cfg(feature = "v1")]
            call => ask_v1(call),
            #[cfg(all(feature = "v010", not(feature = "v1")))]
            call => ask_v010(call),
        }
    }
}

/// What answers a point of BLS12-381 in a region, or the code of an error.
#[cfg(feature = "v1")]
fn point(call: Call) -> Answer {
    let given = Given::bytes;
    // SAFETY: as in `ask`.
    let (error, to) = unsafe {
        match call {
            Call::Bls12381AggregateG1 { points, room } => {
                let to = Given::room(room);
                (bls12_381_aggregate_g1(given(points).at(), to.at()), to)
            }
            Call::Bls12381AggregateG2 { points, room } => {
                let to = Given::room(room);
                (bls12_381_aggregate_g2(given(points).at(), to.at()), to)
            }
            Call::Bls12381HashToG1 {
                function,
                message,
                tag,
                room,
            } => {
                let (to, message, tag) = (Given::room(room), given(message), given(tag));
                (
                    bls12_381_hash_to_g1(function, message.at(), tag.at(), to.at()),
                    to,
                )
            }
            Call::Bls12381HashToG2 {
                function,
                message,
                tag,
                room,
            } => {
                let (to, message, tag) = (Given::room(room), given(message), given(tag));
                (
                    bls12_381_hash_to_g2(function, message.at(), tag.at(), to.at()),
                    to,
                )
            }
            _ => return Answer::default(),
        }
    };
    let bytes = (error == 0).then(|| to.filled());
    Answer {
        value: 0,
        error,
        bytes,
    }
}

#[cfg(feature = "v1")]
fn ask_v1(call: Call) -> Answer {
    let given = Given::bytes;
    // SAFETY: as in `ask`.
    unsafe {
        match call {
            Call::DbNextKey { iterator } => region(db_next_key(iterator)),
            Call::DbNextValue { iterator } => region(db_next_value(iterator)),
            Call::AddrCanonicalize { human, room } => {
                let to = Given::room(room);
                put(addr_canonicalize(given(human).at(), to.at()), to)
            }
            Call::AddrHumanize { canonical, room } => {
                let to = Given::room(room);
                put(addr_humanize(given(canonical).at(), to.at()), to)
            }
            Call::AddrValidate { human } => match made(addr_validate(given(human).at())) {
                None => Answer::default(),
                text => Answer {
                    value: 0,
                    error: 1,
                    bytes: text,
                },
            },
            Call::Debug { message } => {
                debug(given(message).at());
                Answer::default()
            }
            call @ (Call::Bls12381AggregateG1 { .. }
            | Call::Bls12381AggregateG2 { .. }
            | Call::Bls12381HashToG1 { .. }
            | Call::Bls12381HashToG2 { .. }) => point(call),
            Call::Bls12381PairingEquality { ps, qs, r, s } => {
                let [ps, qs, r, s] = [ps, qs, r, s].map(given);
                number(bls12_381_pairing_equality(ps.at(), qs.at(), r.at(), s.at()))
            }
            Call::Secp256r1Verify {
                hash,
                signature,
                key,
            } => number(secp256r1_verify(
                given(hash).at(),
                given(signature).at(),
                given(key).at(),
            )),
            Call::Secp256r1RecoverPubkey {
                hash,
                signature,
                parity,
            } => region_or_error(secp256r1_recover_pubkey(
                given(hash).at(),
                given(signature).at(),
                parity,
            )),
            Call::DcapQuoteVerify { quote, collateral } => {
                let both = dcap_quote_verify(given(quote).at(), given(collateral).at());
                Answer {
                    value: both as u32,
                    error: (both >> 32) as u32,
                    bytes: None,
                }
            }
            Call::GasEvaporate { gas } => number(gas_evaporate(gas)),
            Call::CheckGas {} => number(check_gas() as u32),
            Call::Abort { message } => {
                abort(given(message).at());
                Answer::default()
            }
            Call::MessageBound {} => number(message_bound()),
            _ => Answer::default(),
        }
    }
}

#[cfg(all(feature = "v010", not(feature = "v1")))]
fn ask_v010(call: Call) -> Answer {
    let given = Given::bytes;
    // SAFETY: as in `ask`.
    unsafe {
        match call {
            Call::CanonicalizeAddress { human, room } => {
                let to = Given::room(room);
                put(canonicalize_address(given(human).at(), to.at()), to)
            }
            Call::HumanizeAddress { canonical, room } => {
                let to = Given::room(room);
                put(humanize_address(given(canonical).at(), to.at()), to)
            }
            Call::DebugPrint { message } => {
                debug_print(given(message).at());
                Answer::default()
            }
            _ => Answer::default(),
        }
    }
}
