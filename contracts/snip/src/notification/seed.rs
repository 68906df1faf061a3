//! Seeds: what an account and the contract share, from which ids and keys of notifications are made.
//!
//! The first comes from the contract's secret, and a query tells it to its account. `update_seed` sets another, which whoever knows
//! that secret cannot foresee: the hash of a signature by the account's key over the seed before.

use chacha20poly1305::aead::{Aead, KeyInit, Payload as Sealed};
use chacha20poly1305::ChaCha20Poly1305;
use cosmwasm_std::{Addr, Api, Binary, CanonicalAddr, Env, StdError, StdResult, Storage};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use permit::{sign_document, PermitSignature};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use storage::Map;

use super::{Values, NONCE_BYTES, PLAINTEXT_BYTES, SECRET, SEED_BYTES};

/// Account → the seed that it set.
static SEEDS: Map<Binary> = Map::new("notification_seeds");

/// What an account's notifications are made with.
pub struct Seed(pub(super) [u8; SEED_BYTES]);

/// What an account signs to have another seed. Of its fields, clients may also send those that the contract knows itself: they are ignored.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct SignedDoc {
    /// What is signed.
    pub params: SeedParams,
    /// By whom.
    pub signature: PermitSignature,
}

/// What is signed, but for the contract's address and the seed before.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct SeedParams {
    /// Part of what is signed; not compared with the chain's name, as in permits.
    pub chain_id: String,
}

/// The seed of an account.
pub fn seed(storage: &dyn Storage, api: &dyn Api, account: &Addr) -> StdResult<Seed> {
    if let Some(own) = SEEDS.get(storage, &[account.as_bytes()])? {
        let own = own.as_slice().try_into();
        return own
            .map(Seed)
            .map_err(|_| StdError::generic_err("a seed of another length"));
    }
    let secret = SECRET.load(storage)?;
    let address = api.addr_canonicalize(account.as_str())?;
    let mut seed = [0; SEED_BYTES];
    Hkdf::<Sha256>::new(None, &secret)
        .expand(&address, &mut seed)
        .map_err(|_| StdError::generic_err("no seed for notifications"))?;
    Ok(Seed(seed))
}

/// Gives an account another seed. Refuses what the account did not sign, and what it signed over another seed than the present one, or
/// for another contract.
pub fn update_seed(
    storage: &mut dyn Storage,
    api: &dyn Api,
    env: &Env,
    account: &Addr,
    doc: &SignedDoc,
) -> StdResult<Seed> {
    let own = api.addr_canonicalize(account.as_str())?;
    update(storage, api, env, account, &own, doc)
}

/// The same, with the account's address in bytes: the library's mock of the chain has none of 20.
fn update(
    storage: &mut dyn Storage,
    api: &dyn Api,
    env: &Env,
    account: &Addr,
    own: &CanonicalAddr,
    doc: &SignedDoc,
) -> StdResult<Seed> {
    #[derive(Serialize)]
    struct Content<'a> {
        contract: &'a str,
        previous_seed: String,
    }
    let content = Content {
        contract: env.contract.address.as_str(),
        previous_seed: seed(storage, api, account)?.to_binary().to_base64(),
    };
    let document = sign_document(&doc.params.chain_id, "notification_seed", &content)?;
    if doc.signature.signer(api, &document).as_ref() != Some(own) {
        return Err(StdError::generic_err(
            "Failed to verify signatures for the given document",
        ));
    }
    let new = Seed(Sha256::digest(doc.signature.signature.as_slice()).into());
    SEEDS.set(storage, &[account.as_bytes()], &new.to_binary())?;
    Ok(new)
}

impl Seed {
    /// As queries tell it.
    #[must_use]
    pub fn to_binary(&self) -> Binary {
        Binary::from(self.0)
    }

    /// The id of the notification of a channel in a transaction.
    pub fn id(&self, channel: &str, tx_hash: &str) -> StdResult<Binary> {
        let mac = <Hmac<Sha256> as Mac>::new_from_slice(&self.0);
        let mut mac = mac.map_err(|_| StdError::generic_err("no id of a notification"))?;
        mac.update(channel.as_bytes());
        mac.update(b":");
        mac.update(tx_hash.as_bytes());
        Ok(Binary::from(mac.finalize().into_bytes().as_slice()))
    }

    pub(super) fn seal(
        &self,
        channel: &str,
        env: &Env,
        tx_hash: &str,
        values: Values,
    ) -> StdResult<Binary> {
        let refused = || StdError::generic_err("a notification that cannot be sealed");
        let mut plaintext = values.0;
        if plaintext.len() > PLAINTEXT_BYTES {
            return Err(refused());
        }
        plaintext.resize(PLAINTEXT_BYTES, 0);
        let mut nonce = [0; NONCE_BYTES];
        let channel_hash = Sha256::digest(channel);
        for ((byte, of_channel), of_hash) in
            nonce.iter_mut().zip(channel_hash).zip(hex_bytes(tx_hash))
        {
            *byte = of_channel ^ of_hash?;
        }
        let aad = format!("{}:{tx_hash}", env.block.height);
        let sealed = Sealed {
            msg: &plaintext,
            aad: aad.as_bytes(),
        };
        let cipher = ChaCha20Poly1305::new(&self.0.into());
        let bytes = cipher.encrypt(&nonce.into(), sealed);
        Ok(Binary::from(bytes.map_err(|_| refused())?))
    }
}

/// The bytes of a hash in hex.
fn hex_bytes(hex: &str) -> impl Iterator<Item = StdResult<u8>> + '_ {
    hex.as_bytes().chunks(2).map(|pair| {
        let text = std::str::from_utf8(pair).ok();
        let byte = text.and_then(|text| u8::from_str_radix(text, 16).ok());
        byte.ok_or_else(|| StdError::generic_err("a hash that is not hex"))
    })
}

#[cfg(test)]
mod tests {
    use cosmwasm_std::testing::{mock_env, MockApi, MockStorage};
    use permit::PubKey;

    use super::*;

    /// A private key, and the public one that belongs to it: the curve's base point, as SEC 2 has it.
    const KEY: [u8; 32] = {
        let mut one = [0; 32];
        one[31] = 1;
        one
    };
    const PUBLIC_KEY: &str = "Anm+Zn753LusVaBilc6HCwcCm/zbLc4o2VnygVsW+BeY";

    fn signed(previous: &Seed, contract: &str, kind: &str) -> SignedDoc {
        let seed = previous.to_binary();
        let document = format!(
            r#"{{"account_number":"0","chain_id":"any","fee":{{"amount":[{{"amount":"0","denom":"uscrt"}}],"gas":"1"}},"memo":"","msgs":[{{"type":"{kind}","value":{{"contract":"{contract}","previous_seed":"{seed}"}}}}],"sequence":"0"}}"#
        );
        let signature = MockApi::default().secp256k1_sign(document.as_bytes(), &KEY);
        SignedDoc {
            params: SeedParams {
                chain_id: "any".into(),
            },
            signature: PermitSignature {
                pub_key: PubKey {
                    r#type: "tendermint/PubKeySecp256k1".into(),
                    value: Binary::from_base64(PUBLIC_KEY).unwrap(),
                },
                signature: Binary(signature.unwrap()),
            },
        }
    }

    #[test]
    fn a_seed_is_changed_by_its_account_over_the_seed_before_and_by_nothing_else() {
        let (api, env) = (MockApi::default(), mock_env());
        let mut storage = MockStorage::new();
        super::super::begin(&mut storage, &env, b"entropy").unwrap();
        let alice = Addr::unchecked("alice");
        let first = seed(&storage, &api, &alice).unwrap();
        let doc = signed(&first, env.contract.address.as_str(), "notification_seed");
        // The address that belongs to the key.
        let own: StdResult<Vec<u8>> =
            hex_bytes("751e76e8199196d454941c45d1b3a323f1433bd6").collect();
        let own = CanonicalAddr(Binary(own.unwrap()));
        let mut update = |own: &CanonicalAddr, doc: &SignedDoc| {
            update(&mut storage, &api, &env, &alice, own, doc)
        };

        let nobody = CanonicalAddr(Binary(vec![7; 20]));
        let mut broken = doc.clone();
        broken.signature.signature.0.truncate(63);
        for (who, doc) in [
            (&nobody, &doc),
            (&own, &broken),
            (&own, &signed(&first, "another", "notification_seed")),
            (
                &own,
                &signed(&first, env.contract.address.as_str(), "query_permit"),
            ),
            (
                &own,
                &signed(
                    &Seed([0; 32]),
                    env.contract.address.as_str(),
                    "notification_seed",
                ),
            ),
        ] {
            assert!(update(who, doc).is_err());
        }
        let second = update(&own, &doc).unwrap();
        assert_ne!(second.0, first.0);
        let expected: [u8; 32] = Sha256::digest(doc.signature.signature.as_slice()).into();
        assert_eq!(second.0, expected);
        // The same document once more: the seed before is another now.
        assert!(update(&own, &doc).is_err());
        assert_eq!(seed(&storage, &api, &alice).unwrap().0, expected);
    }
}
