//! What each import of a running call answers (contract-abi.md section 5): price first, then regions, then the work.

use strongroom_crypto::imports::{self as crypto, CallError, bls12_381 as bls, stock};

use super::CallMode;
use super::call::{Answer, Call, Stopped};
use crate::entry::Generation;
use crate::error::{HostFault, Trap};
use crate::host::{Charged, Host, Range};
use crate::imports::sections::{self, sections};
use crate::imports::{Import, PARAMS_MAX, address};
use crate::{gas, limits};

/// Orders of an iteration, as contracts write them.
const ASCENDING: u32 = 1;
const DESCENDING: u32 = 2;
const NO_ORDER: &str = "an order of iteration is neither 1 nor 2";

/// A key and its value.
type Entry = (Vec<u8>, Vec<u8>);

impl Call {
    /// Answers one call of an import.
    pub(super) fn import(
        &mut self,
        import: Import,
        args: [u32; PARAMS_MAX],
        host: &mut dyn Host,
    ) -> Result<Answer, Stopped> {
        let [a, b, c, d] = args;
        match import {
            Import::DbRead => self.db_read(a, host),
            Import::DbWrite => self.db_write(a, b, host),
            Import::DbRemove => self.db_remove(a, host),
            Import::DbScan => self.db_scan(a, b, c, host),
            Import::DbNext => {
                let entry = self.db_next(a, host)?;
                let (key, value) = entry.unwrap_or_default();
                let bytes = match self.info.generation {
                    Generation::V010 => [value, sections::of(&[&key])].concat(),
                    Generation::V1 => sections::of(&[&key, &value]),
                };
                Ok(Answer::Region(bytes))
            }
            Import::DbNextKey => {
                let key = self.next_key(a, host)?;
                Ok(key.map_or(Answer::Value(0), Answer::Region))
            }
            Import::DbNextValue => {
                let entry = self.db_next(a, host)?;
                Ok(entry.map_or(Answer::Value(0), |(_, value)| Answer::Region(value)))
            }
            Import::QueryChain => {
                self.charge(gas::HOST_CALL)?;
                Ok(Answer::Query(self.take(a, limits::QUERY_BYTES_MAX)?))
            }
            Import::Debug | Import::DebugPrint => {
                self.charge(gas::HOST_CALL)?;
                Ok(Answer::Value(0))
            }
            Import::MessageBound => {
                self.charge(gas::HOST_CALL)?;
                Ok(Answer::Value(self.bound.into()))
            }
            Import::Abort => Err(self.abort(a)?.into()),
            Import::AddrCanonicalize => self.address(a, Some(b), address::canonicalize),
            Import::CanonicalizeAddress => self.address(a, Some(b), address::canonicalize_trimmed),
            Import::AddrHumanize | Import::HumanizeAddress => {
                self.address(a, Some(b), |canonical| {
                    address::humanize(canonical).map(String::into_bytes)
                })
            }
            Import::AddrValidate => self.address(a, None, |human| {
                address::validate(human).map(|()| Vec::new())
            }),
            Import::Secp256k1Verify => {
                self.charge(gas::SECP256K1_VERIFY)?;
                let [hash, signature, key] = self.take_three(a, b, c)?;
                Ok(verdict(if self.info.stock {
                    stock::secp256k1_verify(&hash, &signature, &key)
                } else {
                    crypto::secp256k1_verify(&hash, &signature, &key)
                }))
            }
            Import::Secp256k1RecoverPubkey => {
                self.charge(gas::SECP256K1_RECOVER)?;
                let [hash, signature] = self.take_two(a, b)?;
                Ok(if self.info.stock {
                    region_or_code(stock::secp256k1_recover_pubkey(&hash, &signature, c))
                } else {
                    region_or_code(crypto::secp256k1_recover_pubkey(&hash, &signature, c))
                })
            }
            Import::Secp256r1Verify => {
                self.charge(gas::SECP256R1_VERIFY)?;
                let [hash, signature, key] = self.take_three(a, b, c)?;
                Ok(verdict(stock::secp256r1_verify(&hash, &signature, &key)))
            }
            Import::Secp256r1RecoverPubkey => {
                self.charge(gas::SECP256R1_RECOVER)?;
                let [hash, signature] = self.take_two(a, b)?;
                let key = stock::secp256r1_recover_pubkey(&hash, &signature, c);
                Ok(region_or_code(key))
            }
            Import::Bls12381AggregateG1 => {
                self.charge(gas::HOST_CALL)?;
                let each = gas::BLS12_381_AGGREGATE_G1_EACH;
                let points = self.take_points(a, bls::G1_BYTES, each)?;
                self.point_or_code(b, bls::bls12_381_aggregate_g1(&points))
            }
            Import::Bls12381AggregateG2 => {
                self.charge(gas::HOST_CALL)?;
                let each = gas::BLS12_381_AGGREGATE_G2_EACH;
                let points = self.take_points(a, bls::G2_BYTES, each)?;
                self.point_or_code(b, bls::bls12_381_aggregate_g2(&points))
            }
            Import::Bls12381PairingEquality => self.pairing_equality(args),
            Import::Bls12381HashToG1 => {
                self.charge(gas::BLS12_381_HASH_TO_G1)?;
                let (message, tag) = self.take_to_hash(b, c)?;
                self.point_or_code(d, bls::bls12_381_hash_to_g1(a, &message, &tag))
            }
            Import::Bls12381HashToG2 => {
                self.charge(gas::BLS12_381_HASH_TO_G2)?;
                let (message, tag) = self.take_to_hash(b, c)?;
                self.point_or_code(d, bls::bls12_381_hash_to_g2(a, &message, &tag))
            }
            Import::Secp256k1Sign => {
                self.charge(gas::SECP256K1_SIGN)?;
                let (message, key) = self.take_to_sign(a, b)?;
                Ok(region_or_code(crypto::secp256k1_sign(&message, &key)))
            }
            Import::Ed25519Sign => {
                self.charge(gas::ED25519_SIGN)?;
                let (message, seed) = self.take_to_sign(a, b)?;
                Ok(region_or_code(crypto::ed25519_sign(&message, &seed)))
            }
            Import::Ed25519Verify => {
                self.charge(gas::ED25519_VERIFY)?;
                let [message, signature, key] = self.take_three(a, b, c)?;
                self.charge_bytes(message.len(), gas::HASH_BYTE)?;
                Ok(verdict(crypto::ed25519_verify(&message, &signature, &key)))
            }
            Import::Ed25519BatchVerify => self.batch(a, b, c),
            Import::DcapQuoteVerify => {
                // No verifier of real quotes yet: an error for every quote, never "verified".
                self.charge(gas::DCAP_QUOTE_VERIFY)?;
                Ok(region_or_code::<0>(Err(CallError::Generic)))
            }
            Import::GasEvaporate => {
                let wish = u64::from(a).saturating_mul(gas::WASM_GAS_PER_SDK_GAS);
                self.charge(wish.max(gas::GAS_EVAPORATE_MIN))?;
                self.charge_what_has_begun()?;
                Ok(Answer::Value(0))
            }
            Import::CheckGas => {
                self.charge(gas::CHECK_GAS)?;
                let sdk = self
                    .gas_used()
                    .checked_div(gas::WASM_GAS_PER_SDK_GAS)
                    .unwrap_or(0);
                Ok(Answer::Value(sdk.max(1)))
            }
        }
    }

    fn db_read(&mut self, key: u32, host: &mut dyn Host) -> Result<Answer, Stopped> {
        self.charge(gas::HOST_CALL)?;
        let key = self.take(key, limits::KEY_BYTES_MAX)?;
        let charged = host.read(&key, self.gas_left())?;
        Ok(self.pay(charged)?.map_or(Answer::Value(0), Answer::Region))
    }

    fn db_write(&mut self, key: u32, value: u32, host: &mut dyn Host) -> Result<Answer, Stopped> {
        self.charge(gas::HOST_CALL)?;
        self.writable()?;
        let key = self.take(key, limits::KEY_BYTES_MAX)?;
        let value = self.take(value, limits::VALUE_BYTES_MAX)?;
        let charged = host.write(&key, &value, self.gas_left())?;
        self.pay(charged)?;
        Ok(Answer::Value(0))
    }

    fn db_remove(&mut self, key: u32, host: &mut dyn Host) -> Result<Answer, Stopped> {
        self.charge(gas::HOST_CALL)?;
        self.writable()?;
        let key = self.take(key, limits::KEY_BYTES_MAX)?;
        let charged = host.remove(&key, self.gas_left())?;
        self.pay(charged)?;
        Ok(Answer::Value(0))
    }

    /// A null pointer is no bound.
    fn db_scan(
        &mut self,
        start: u32,
        end: u32,
        order: u32,
        host: &mut dyn Host,
    ) -> Result<Answer, Stopped> {
        self.charge(gas::HOST_CALL)?;
        let mut bound = |at: u32| match at {
            0 => Ok(None),
            at => self.take(at, limits::KEY_BYTES_MAX).map(Some),
        };
        let (start, end) = (bound(start)?, bound(end)?);
        let descending = match order {
            ASCENDING => false,
            DESCENDING => true,
            _ => return Err(Trap::Storage(NO_ORDER).into()),
        };
        let range = Range {
            start,
            end,
            descending,
        };
        let charged = host.scan(range, self.gas_left())?;
        Ok(Answer::Value(self.pay(charged)?.into()))
    }

    fn next_key(&mut self, iterator: u32, host: &mut dyn Host) -> Result<Option<Vec<u8>>, Stopped> {
        self.charge(gas::HOST_CALL)?;
        let charged = host.next_key(iterator, self.gas_left())?;
        Ok(self.pay(charged)?)
    }

    /// A step of an iterator with its value, which is read and paid for like any other.
    fn db_next(&mut self, iterator: u32, host: &mut dyn Host) -> Result<Option<Entry>, Stopped> {
        let Some(key) = self.next_key(iterator, host)? else {
            return Ok(None);
        };
        let charged = host.read(&key, self.gas_left())?;
        match self.pay(charged)? {
            Some(value) => Ok(Some((key, value))),
            None => Err(HostFault("a key of an iterator without a value".into()).into()),
        }
    }

    fn writable(&self) -> Result<(), Trap> {
        if self.mode == CallMode::Query {
            Err(Trap::WriteInQuery)
        } else {
            Ok(())
        }
    }

    fn pay<T>(&mut self, charged: Charged<T>) -> Result<T, Trap> {
        match charged {
            Charged::Done { value, gas } => self.charge(gas).map(|()| value),
            Charged::OutOfGas => {
                self.guest.set_gas(-1);
                Err(Trap::OutOfGas)
            }
            Charged::Refused(text) => Err(Trap::Storage(text)),
        }
    }

    /// Converts an address into the region `dest`, if there is one; answers 0 or a region with the error's text.
    fn address(
        &mut self,
        source: u32,
        dest: Option<u32>,
        convert: impl Fn(&[u8]) -> Result<Vec<u8>, String>,
    ) -> Result<Answer, Stopped> {
        self.charge(gas::ADDRESS)?;
        let region = self.guest.read_region(source, usize::MAX, 0)?;
        let length = region.ok_or(Trap::MemoryRead)?.length;
        if length > limits::ADDRESS_BYTES_MAX {
            return Ok(Answer::Region(address::TOO_LONG.as_bytes().to_vec()));
        }
        let source = self.take(source, limits::ADDRESS_BYTES_MAX)?;
        match convert(&source) {
            Ok(bytes) => {
                if let Some(dest) = dest {
                    self.fill(dest, &bytes)?;
                }
                Ok(Answer::Value(0))
            }
            Err(text) => Ok(Answer::Region(text.into_bytes())),
        }
    }

    fn take_three(&mut self, a: u32, b: u32, c: u32) -> Result<[Vec<u8>; 3], Stopped> {
        let most = limits::CRYPTO_MESSAGE_BYTES_MAX;
        Ok([
            self.take(a, most)?,
            self.take(b, most)?,
            self.take(c, most)?,
        ])
    }

    fn take_two(&mut self, a: u32, b: u32) -> Result<[Vec<u8>; 2], Stopped> {
        let most = limits::CRYPTO_MESSAGE_BYTES_MAX;
        Ok([self.take(a, most)?, self.take(b, most)?])
    }

    /// A list of points of `bytes` bytes, each of which is paid for.
    fn take_points(&mut self, list: u32, bytes: usize, each: u64) -> Result<Vec<u8>, Stopped> {
        let list = self.take(list, limits::CRYPTO_MESSAGE_BYTES_MAX)?;
        self.charge_bytes(list.len().div_ceil(bytes), each)?;
        Ok(list)
    }

    fn pairing_equality(&mut self, args: [u32; PARAMS_MAX]) -> Result<Answer, Stopped> {
        self.charge(gas::BLS12_381_PAIRING)?;
        let [ps, qs, r, s] = args;
        let ps = self.take_points(ps, bls::G1_BYTES, gas::BLS12_381_PAIRING_EACH)?;
        let [qs, r] = self.take_two(qs, r)?;
        let s = self.take(s, limits::CRYPTO_MESSAGE_BYTES_MAX)?;
        let equal = bls::bls12_381_pairing_equality(&ps, &qs, &r, &s);
        Ok(verdict(equal))
    }

    /// A message and a tag, their hashing paid for. The tag is hashed once for each block of output, or once alone if it is long.
    fn take_to_hash(&mut self, message: u32, tag: u32) -> Result<(Vec<u8>, Vec<u8>), Stopped> {
        let message = self.take(message, limits::CRYPTO_MESSAGE_BYTES_MAX)?;
        let tag = self.take(tag, limits::HASH_TAG_BYTES_MAX)?;
        self.charge_bytes(message.len().saturating_add(tag.len()), gas::HASH_BYTE)?;
        Ok((message, tag))
    }

    /// Fills the region `dest` with a point and answers 0, or answers the error's code.
    fn point_or_code<const N: usize>(
        &mut self,
        dest: u32,
        point: Result<[u8; N], CallError>,
    ) -> Result<Answer, Stopped> {
        match point {
            Ok(point) => {
                self.fill(dest, &point)?;
                Ok(Answer::Value(0))
            }
            Err(error) => Ok(Answer::Value(error.code().into())),
        }
    }

    /// A message, its hashing paid for, and a key.
    fn take_to_sign(
        &mut self,
        message: u32,
        key: u32,
    ) -> Result<(Vec<u8>, zeroize::Zeroizing<Vec<u8>>), Stopped> {
        let message = self.take(message, limits::CRYPTO_MESSAGE_BYTES_MAX)?;
        let key = zeroize::Zeroizing::new(self.take(key, limits::CRYPTO_MESSAGE_BYTES_MAX)?);
        self.charge_bytes(message.len(), gas::HASH_BYTE)?;
        Ok((message, key))
    }

    fn batch(&mut self, messages: u32, signatures: u32, keys: u32) -> Result<Answer, Stopped> {
        self.charge(gas::HOST_CALL)?;
        let [messages, signatures, keys] = self.take_three(messages, signatures, keys)?;
        let lists = sections(&messages, limits::BATCH_MAX)
            .zip(sections(&signatures, limits::BATCH_MAX))
            .zip(sections(&keys, limits::BATCH_MAX));
        // Lists that are no sections cannot be read; lists that do not go together are the contract's to handle.
        let ((messages, signatures), keys) = lists.ok_or(Trap::MemoryRead)?;
        let count = u64::try_from(signatures.len()).unwrap_or(u64::MAX);
        self.charge(
            gas::ED25519_BATCH.saturating_add(count.saturating_mul(gas::ED25519_BATCH_EACH)),
        )?;
        // One message for all is hashed once for each signature.
        let hashed = match messages.as_slice() {
            [one] => one.len().saturating_mul(signatures.len()),
            many => many.iter().map(|m| m.len()).fold(0, usize::saturating_add),
        };
        self.charge_bytes(hashed, gas::HASH_BYTE)?;
        Ok(verdict(crypto::ed25519_batch_verify(
            &messages,
            &signatures,
            &keys,
        )))
    }

    /// The trap of `abort`, with as much of the message as we keep.
    fn abort(&mut self, message: u32) -> Result<Trap, Stopped> {
        self.charge(gas::HOST_CALL)?;
        let mut message = self.take(message, limits::RESULT_BYTES_MAX)?;
        message.truncate(limits::ABORT_BYTES_MAX);
        let text = match core::str::from_utf8(&message) {
            Ok(text) => text.to_owned(),
            // A cut within a character, or bytes that are no text: keep what is.
            Err(e) => message
                .get(..e.valid_up_to())
                .map(String::from_utf8_lossy)
                .unwrap_or_default()
                .into_owned(),
        };
        Ok(Trap::Abort(text))
    }
}

/// 0 for valid, 1 for invalid, or the error's code.
fn verdict(verified: Result<bool, CallError>) -> Answer {
    Answer::Value(verified.map_or_else(|e| u64::from(e.code()), |valid| u64::from(!valid)))
}

/// A region in the low half, or the error code in the high half.
fn region_or_code<const N: usize>(answer: Result<[u8; N], CallError>) -> Answer {
    match answer {
        Ok(bytes) => Answer::Region(bytes.to_vec()),
        Err(error) => Answer::Value(u64::from(error.code()).wrapping_shl(u32::BITS)),
    }
}
