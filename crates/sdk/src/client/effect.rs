//! What transactions have in common that would do the same: their messages with what is sealed in them opened, and their memo.
//!
//! Two calls of one contract differ in every sealed byte, since each has a nonce of its own; whoever has sealed them can tell that they are one
//! call twice.

use super::outcome::{seal_part, sealed_part};
use super::{Client, Error, Transport};
use crate::keys::Account;
use crate::message::Sealer;
use crate::types::proto::{Any, Message};

impl<T: Transport> Client<T> {
    /// A name for what these messages do, with this memo, when this account signs them: the same for messages that would do the same again.
    /// Nobody else can tell from it what they do.
    ///
    /// # Errors
    /// As [`Client::network_key`], if a message is sealed.
    pub async fn effect(
        &mut self,
        account: &Account,
        messages: &[Any],
        memo: &str,
    ) -> Result<[u8; 32], Error> {
        let is_sealed = messages.iter().any(|m| sealed_part(m).is_some());
        let sealer = match is_sealed {
            true => Some(self.sealer(account).await?),
            false => None,
        };
        Ok(effect(account, sealer.as_ref(), messages, memo))
    }
}

/// As [`Client::effect`], with what opens the messages; without it sealed ones are taken as they stand, and two that were sealed apart differ.
#[must_use]
pub fn effect(
    account: &Account,
    sealer: Option<&Sealer>,
    messages: &[Any],
    memo: &str,
) -> [u8; 32] {
    account.fingerprint(&what_is_done(sealer, messages, memo))
}

/// Opens what this message has for a contract, if `sealer` has sealed it.
#[must_use]
pub fn sealed_in(message: &Any, sealer: &Sealer) -> Option<zeroize::Zeroizing<Vec<u8>>> {
    sealer.open(&sealed_part(message)?).ok()
}

/// The messages and the memo in one: each after its length.
fn what_is_done(sealer: Option<&Sealer>, messages: &[Any], memo: &str) -> Vec<u8> {
    let mut all = Vec::new();
    let mut add = |bytes: &[u8]| {
        all.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        all.extend_from_slice(bytes);
    };
    add(memo.as_bytes());
    for message in messages {
        let opened = sealed_part(message).and_then(|wire| sealer?.open(&wire).ok());
        match opened {
            Some(plain) => add(&seal_part(message, plain.to_vec()).encode_to_vec()),
            None => add(&message.encode_to_vec()),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::secret::Secret;
    use crate::crypto::x25519::KeyPair;
    use crate::types::proto::pack;
    use crate::types::proto::secret::compute::v1beta1::MsgExecuteContract;

    #[test]
    fn the_same_call_sealed_twice_does_the_same_and_another_does_not() {
        let network = *KeyPair::from_secret(&Secret::new([7; 32])).public();
        let mine = Sealer::new([1; 32], network);
        let call = |text: &[u8], contract: u8| {
            pack(&MsgExecuteContract {
                contract: vec![contract; 20],
                msg: mine.seal(&[5; 32], text).unwrap().wire,
                ..MsgExecuteContract::default()
            })
        };
        let (first, again) = (call(b"{\"a\":1}", 2), call(b"{\"a\":1}", 2));
        assert_ne!(first, again);
        let done =
            |message: &Any, memo| what_is_done(Some(&mine), std::slice::from_ref(message), memo);
        assert_eq!(done(&first, "m"), done(&again, "m"));
        for (other, memo) in [
            (call(b"{\"a\":2}", 2), "m"),
            (call(b"{\"a\":1}", 3), "m"),
            (again.clone(), "n"),
        ] {
            assert_ne!(done(&first, "m"), done(&other, memo));
        }
        // Twice in one transaction is not once.
        let twice = what_is_done(Some(&mine), &[first.clone(), again], "m");
        assert_ne!(twice, done(&first, "m"));
        // Who cannot open it takes it as it stands.
        let stranger = Sealer::new([2; 32], network);
        let seen = what_is_done(Some(&stranger), std::slice::from_ref(&first), "m");
        assert_eq!(seen, what_is_done(None, &[first], "m"));
    }

    #[test]
    fn a_fingerprint_is_of_its_account_and_of_its_bytes() {
        let [a, b] = [1, 2].map(|byte| Account::from_bytes(&[byte; 32]).unwrap());
        assert_eq!(a.fingerprint(b"x"), a.fingerprint(b"x"));
        assert_ne!(a.fingerprint(b"x"), b.fingerprint(b"x"));
        assert_ne!(a.fingerprint(b"x"), a.fingerprint(b"y"));
    }
}
