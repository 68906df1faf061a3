//! Messages to contracts and their outputs on the wire, both sides (encryption.md 4 and 5).
//!
//! Input: `nonce(32) ‖ user public key(32) ‖ AES-SIV(tx key, AD = [""], hex(code hash) ‖ message)`, with
//! `tx key = HKDF(X25519(user, network) ‖ nonce)`. Every output field is sealed under the same key on its own.
//!
//! Ours: plaintext messages and low-order user keys are refused; the hash in front of the message is lower-case hex
//! when written and either case when read.

use crate::bound;
use crate::{
    aead::{self, WIRE_AD},
    error::Error,
    exchanges::Exchanges,
    kdf,
    secret::Secret,
    x25519::KeyPair,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Bytes in front of the ciphertext: nonce and user public key.
pub const HEADER_LEN: usize = 64;
/// Bytes of the code hash in front of the message: 64 hex characters.
pub const CODE_HASH_LEN: usize = 64;
/// The shortest message that can open: header, tag, code hash. (The reference takes 82 bytes and then fails.)
pub const INPUT_LEN_MIN: usize = HEADER_LEN + aead::OVERHEAD + CODE_HASH_LEN;

/// The associated data of what is kept for the sender but never was a message: it does not open under
/// [`aead::WIRE_AD`], so nobody can send it as one.
const KEPT_AD: &[&[u8]] = &[b"strongroom/v1/kept"];

/// The key of one message and of everything that answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxKey(Secret<32>);

impl TxKey {
    /// The key from a raw X25519 secret and the message's nonce.
    #[must_use]
    pub fn derive(shared: &Secret<32>, nonce: &[u8; 32]) -> Self {
        Self(kdf::hkdf(&[shared.expose(), nonce], &[]))
    }

    /// Seals one field.
    ///
    /// # Errors
    /// None in practice.
    pub fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, Error> {
        aead::seal(&self.0, WIRE_AD, plain)
    }

    /// Opens one field.
    ///
    /// # Errors
    /// [`Error::DoesNotOpen`].
    pub fn open(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        aead::open(&self.0, WIRE_AD, sealed)
    }

    /// Seals what the chain keeps for the sender to read (the message by which a contract made a contract). Everyone sees
    /// nonce and public key of the transaction: under [`TxKey::seal`] it would be an input that anyone could send.
    ///
    /// # Errors
    /// None in practice.
    pub fn seal_kept(&self, plain: &[u8]) -> Result<Vec<u8>, Error> {
        aead::seal(&self.0, KEPT_AD, plain)
    }

    /// Opens what [`TxKey::seal_kept`] made.
    ///
    /// # Errors
    /// [`Error::DoesNotOpen`], also for inputs and outputs.
    pub fn open_kept(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        aead::open(&self.0, KEPT_AD, sealed)
    }

    /// Output data, and a query's answer: base64 *text* of the bytes, sealed.
    ///
    /// # Errors
    /// None in practice.
    pub fn seal_data(&self, data: &[u8]) -> Result<Vec<u8>, Error> {
        self.seal(Zeroizing::new(STANDARD.encode(data)).as_bytes())
    }

    /// Opens output data or a query's answer.
    ///
    /// # Errors
    /// [`Error::DoesNotOpen`], [`Error::Content`] if no base64 is in it.
    pub fn open_data(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let text = self.open(sealed)?;
        STANDARD
            .decode(&*text)
            .map(Zeroizing::new)
            .map_err(|_| Error::Content)
    }

    /// An attribute's key or value, or an error's text: base64 of the sealed text.
    ///
    /// # Errors
    /// None in practice.
    pub fn seal_text(&self, text: &str) -> Result<String, Error> {
        Ok(STANDARD.encode(self.seal(text.as_bytes())?))
    }

    /// Opens an attribute's key or value, or an error's text.
    ///
    /// # Errors
    /// [`Error::DoesNotOpen`] if it is not sealed under this key (then it is to be shown as it stands),
    /// [`Error::Content`] if it is not UTF-8.
    pub fn open_text(&self, sealed: &str) -> Result<String, Error> {
        let sealed = STANDARD.decode(sealed).map_err(|_| Error::DoesNotOpen)?;
        let plain = self.open(&sealed)?;
        core::str::from_utf8(&plain)
            .map(str::to_owned)
            .map_err(|_| Error::Content)
    }
}

/// The client's side: seals `message` for the network key; the key opens what comes back.
///
/// `nonce` is 32 fresh random bytes: used twice, equal messages show.
///
/// # Errors
/// [`Error::LowOrder`] if `network` is no key to seal for.
pub fn seal_input(
    user: &KeyPair,
    network: &[u8; 32],
    nonce: &[u8; 32],
    code_hash: &[u8; 32],
    message: &[u8],
) -> Result<(Vec<u8>, TxKey), Error> {
    let key = TxKey::derive(&user.shared(network)?, nonce);
    let plain = Zeroizing::new([hex::encode(code_hash).as_bytes(), message].concat());
    let sealed = key.seal(&plain)?;
    Ok(([nonce.as_slice(), user.public(), &sealed].concat(), key))
}

/// An opened message; its content is never printed.
#[derive(Clone)]
pub struct Input {
    /// The key of its outputs.
    pub key: TxKey,
    /// The nonce that the sender chose.
    pub nonce: [u8; 32],
    /// The sender's X25519 public key.
    pub user_public: [u8; 32],
    /// The hash of the code that the sender means to run.
    pub code_hash: [u8; 32],
    /// Whom the sender bound the message to ([`crate::bound::Binding::digest`]), if it did.
    pub binding: Option<[u8; 32]>,
    /// Code hash as text, the binding if there is one, then the message.
    plain: Zeroizing<Vec<u8>>,
}

impl Input {
    /// The message for the contract.
    #[must_use]
    pub fn message(&self) -> &[u8] {
        let head = match self.binding {
            Some(_) => CODE_HASH_LEN.saturating_add(bound::HEAD_BYTES),
            None => CODE_HASH_LEN,
        };
        self.plain.get(head..).unwrap_or_default()
    }
}

impl core::fmt::Debug for Input {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Input(..)")
    }
}

/// The enclave's side: opens a message with the first network key that fits, newest first. `known` remembers the key exchanges of senders.
///
/// # Errors
/// [`Error::TooShort`], [`Error::LowOrder`], [`Error::DoesNotOpen`] if no key fits, [`Error::Content`] if no code
/// hash stands in front, or half a binding. Clients see one text for all of them.
pub fn open_input<'a>(
    networks: impl IntoIterator<Item = &'a KeyPair>,
    known: &Exchanges,
    wire: &[u8],
) -> Result<Input, Error> {
    let Wire {
        nonce,
        user_public,
        sealed,
    } = split(wire)?;
    for network in networks {
        let shared = match known.find(network.public(), &user_public) {
            Some(shared) => shared,
            None => Arc::new(network.shared(&user_public)?),
        };
        let key = TxKey::derive(&shared, &nonce);
        if let Ok(plain) = key.open(sealed) {
            known.remember(network.public(), &user_public, shared);
            let code_hash = code_hash_of(&plain)?;
            let message = plain.get(CODE_HASH_LEN..).unwrap_or_default();
            let (binding, _) = bound::split(message).ok_or(Error::Content)?;
            return Ok(Input {
                key,
                nonce,
                user_public,
                code_hash,
                binding,
                plain,
            });
        }
    }
    Err(Error::DoesNotOpen)
}

/// The client's side again: the key of a message that this user sent (to read an old transaction).
///
/// # Errors
/// [`Error::TooShort`], [`Error::OtherRecipient`] if another user sent it, [`Error::LowOrder`].
pub fn key_of_input(user: &KeyPair, network: &[u8; 32], wire: &[u8]) -> Result<TxKey, Error> {
    let Wire {
        nonce, user_public, ..
    } = split(wire)?;
    if &user_public != user.public() {
        return Err(Error::OtherRecipient);
    }
    Ok(TxKey::derive(&user.shared(network)?, &nonce))
}

struct Wire<'a> {
    nonce: [u8; 32],
    user_public: [u8; 32],
    sealed: &'a [u8],
}

fn split(wire: &[u8]) -> Result<Wire<'_>, Error> {
    if wire.len() < INPUT_LEN_MIN {
        return Err(Error::TooShort);
    }
    let (nonce, rest) = wire.split_first_chunk::<32>().ok_or(Error::TooShort)?;
    let (user, sealed) = rest.split_first_chunk::<32>().ok_or(Error::TooShort)?;
    Ok(Wire {
        nonce: *nonce,
        user_public: *user,
        sealed,
    })
}

fn code_hash_of(plain: &[u8]) -> Result<[u8; 32], Error> {
    let mut hash = [0; 32];
    hex::decode_to_slice(plain.get(..CODE_HASH_LEN).ok_or(Error::Content)?, &mut hash)
        .map_err(|_| Error::Content)?;
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pair(text: &str) -> KeyPair {
        KeyPair::from_secret(&Secret::new(hex::decode(text).unwrap().try_into().unwrap()))
    }

    /// Keys and nonce of encryption.md 11.
    fn network() -> KeyPair {
        pair("4c15d54bed8f505b012694e728f55de58e4822ac71c3e3dbd3a60bb7e4d765c0")
    }

    fn user() -> KeyPair {
        pair("404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f")
    }

    fn nonce() -> [u8; 32] {
        core::array::from_fn(|i| 0x60 + u8::try_from(i).unwrap())
    }

    fn sealed() -> (Vec<u8>, TxKey) {
        seal_input(
            &user(),
            network().public(),
            &nonce(),
            &[0xaa; 32],
            br#"{"ping":{}}"#,
        )
        .unwrap()
    }

    #[test]
    fn the_golden_vectors_hold() {
        assert_eq!(
            hex::encode(network().public()),
            "4dddea937c30a0887010cbac5f57b28b956c955329c578747ecb25b5d9b90b0a"
        );
        assert_eq!(
            hex::encode(user().public()),
            "79a631eede1bf9c98f12032cdeadd0e7a079398fc786b88cc846ec89af85a51a"
        );
        let shared = user().shared(network().public()).unwrap();
        assert_eq!(
            hex::encode(shared.expose()),
            "3061fde2272cedf1ee39247dec9674966a5b55e7d1a4f0b97cc81ba4b101983e"
        );
        let (wire, key) = sealed();
        assert_eq!(
            hex::encode(key.0.expose()),
            "0ba94438eb68bae04c2a64bbe141379dd7d6a2fdab52eadc08e1375d20222ba2"
        );
        assert_eq!(wire[..32], nonce());
        assert_eq!(wire[32..64], *user().public());
        assert_eq!(
            hex::encode(&wire[64..]),
            "43734c81bb6b2221929fc6ebc6bfb8ea500f6aff11c04326353dd93264a994a959012272f0f1e15e9e366e096dfa0194554dd4c7\
             c5acadd56894807ce9d0cf4e271bf59ff0c67b542bdda590e14b4e30270ae9fc996417005352a2"
        );
        let plain = [hex::encode([0xaa; 32]).as_bytes(), br#"{"ping":{}}"#].concat();
        let without_ad = aead::seal(&key.0, &[], &plain).unwrap();
        assert_eq!(
            hex::encode(&without_ad[..16]),
            "2bdfb203106c2bd92bedafdbc7fd7d4d"
        );
        assert_eq!(
            hex::encode(key.seal_data(b"hello").unwrap()),
            "f6bcfa2768b08249af7eca6f4ac508773b50fab69fcc8b97"
        );
        assert_eq!(key.seal_text("k").unwrap(), "Gc7RLCU0yekWlHhH1XTVHG0=");
        let zero = TxKey::derive(&Secret::new([0; 32]), &[0; 32]);
        assert_eq!(
            hex::encode(zero.0.expose()),
            "433101c62c022f10bfac5f334e86ac7dd80fe34fdc565852509e1f1c1aa76d2b"
        );
    }

    #[test]
    fn the_enclave_opens_what_the_client_sealed() {
        let (wire, key) = sealed();
        let input = open_input([&network()], &Exchanges::default(), &wire).unwrap();
        assert_eq!(
            (input.message(), input.code_hash),
            (br#"{"ping":{}}"#.as_slice(), [0xaa; 32])
        );
        assert_eq!(
            (input.key.clone(), input.nonce, input.user_public),
            (key, nonce(), *user().public())
        );
        assert_eq!(
            key_of_input(&user(), network().public(), &wire),
            Ok(input.key)
        );
        assert_eq!(
            key_of_input(&network(), network().public(), &wire),
            Err(Error::OtherRecipient)
        );
    }

    #[test]
    fn an_older_network_key_opens_within_the_list() {
        let newer = KeyPair::from_secret(&Secret::new([1; 32]));
        let (wire, _) = sealed();
        assert_eq!(
            open_input([&newer], &Exchanges::default(), &wire).unwrap_err(),
            Error::DoesNotOpen
        );
        assert!(open_input([&newer, &network()], &Exchanges::default(), &wire).is_ok());
        assert_eq!(
            open_input([], &Exchanges::default(), &wire).unwrap_err(),
            Error::DoesNotOpen
        );
    }

    #[test]
    fn plaintext_short_and_low_order_messages_are_refused() {
        let refused =
            |wire: &[u8]| open_input([&network()], &Exchanges::default(), wire).unwrap_err();
        assert_eq!(refused(b""), Error::TooShort);
        assert_eq!(refused(&sealed().0[..INPUT_LEN_MIN - 1]), Error::TooShort);
        assert_eq!(refused(br#"{"increment":{}}"#), Error::TooShort);
        assert_eq!(refused(&[b'{'; 400]), Error::DoesNotOpen);
        let mut low = sealed().0;
        low[32..64].fill(0);
        assert_eq!(refused(&low), Error::LowOrder);
        // What the reference accepts: sealed under the key that everybody can compute.
        let known = TxKey::derive(&Secret::new([0; 32]), &[0; 32]);
        let body = known
            .seal(&[hex::encode([0xaa; 32]).as_bytes(), b"{}".as_slice()].concat())
            .unwrap();
        assert_eq!(
            refused(&[&[0; 64], body.as_slice()].concat()),
            Error::LowOrder
        );
    }

    #[test]
    fn what_is_kept_for_the_sender_never_opens_as_an_input_or_an_output() {
        let (wire, key) = sealed();
        let plain = [hex::encode([0xaa; 32]).as_bytes(), b"{}".as_slice()].concat();
        let kept = key.seal_kept(&plain).unwrap();
        assert_eq!(*key.open_kept(&kept).unwrap(), plain);
        // Nonce and public key are public: whoever puts them in front still has no message.
        let forged = [&wire[..HEADER_LEN], &kept].concat();
        assert_eq!(
            open_input([&network()], &Exchanges::default(), &forged).unwrap_err(),
            Error::DoesNotOpen
        );
        assert_eq!(key.open(&kept), Err(Error::DoesNotOpen));
        assert_eq!(key.open_kept(&wire[HEADER_LEN..]), Err(Error::DoesNotOpen));
        // Sealed as an input, it would be one.
        let input = [&wire[..HEADER_LEN], &key.seal(&plain).unwrap()].concat();
        assert!(open_input([&network()], &Exchanges::default(), &input).is_ok());
    }

    #[test]
    fn a_message_without_code_hash_is_refused() {
        let key = sealed().1;
        let body = key.seal(&[b'x'; 70]).unwrap();
        let wire = [nonce().as_slice(), user().public(), &body].concat();
        assert_eq!(
            open_input([&network()], &Exchanges::default(), &wire).unwrap_err(),
            Error::Content
        );
        let upper = key.seal(hex::encode_upper([0xaa; 32]).as_bytes()).unwrap();
        let wire = [nonce().as_slice(), user().public(), &upper].concat();
        let input = open_input([&network()], &Exchanges::default(), &wire).unwrap();
        assert_eq!(
            (input.code_hash, input.message()),
            ([0xaa; 32], b"".as_slice())
        );
    }

    #[test]
    fn an_empty_answer_is_empty_on_both_sides() {
        let key = sealed().1;
        assert_eq!(
            key.open_data(&key.seal_data(b"").unwrap()).unwrap().len(),
            0
        );
        assert_eq!(key.open_text("not base64!"), Err(Error::DoesNotOpen));
        assert_eq!(
            key.open_data(&key.seal(b"not base64!").unwrap()),
            Err(Error::Content)
        );
        assert_eq!(
            key.open_text(&STANDARD.encode(key.seal(&[0xff]).unwrap())),
            Err(Error::Content)
        );
    }

    proptest! {
        #[test]
        fn no_changed_bit_of_a_message_opens(bit in any::<proptest::sample::Index>()) {
            let mut wire = sealed().0;
            let at = bit.index(wire.len() * 8);
            wire[at / 8] ^= 1 << (at % 8);
            // The top bit of an X25519 public key is ignored by definition: the same key, the same message.
            prop_assert_eq!(open_input([&network()], &Exchanges::default(), &wire).is_ok(), at == 64 * 8 - 1);
        }

        #[test]
        fn outputs_return_to_the_client(data in proptest::collection::vec(any::<u8>(), 0..99), text in ".{0,40}") {
            let key = sealed().1;
            prop_assert_eq!(&*key.open_data(&key.seal_data(&data).unwrap()).unwrap(), &data);
            prop_assert_eq!(key.open_text(&key.seal_text(&text).unwrap()).unwrap(), text);
        }

        #[test]
        fn arbitrary_messages_never_open(wire in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(open_input([&network()], &Exchanges::default(), &wire).is_err());
        }
    }
}
