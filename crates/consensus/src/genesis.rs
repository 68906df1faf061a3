//! The genesis file: the bytes as they were given, whose SHA-256 names the chain, and the document in them.
//!
//! Promises: what was read is within the limits of consensus ([`strongroom_types::genesis`]); the parts of `app_state` are
//! left to the application.

use serde::Deserialize;
use serde_json::value::RawValue;
use strongroom_types::{GenesisDoc, GenesisError, Hash, sha256};

/// A genesis file that was read and checked.
#[derive(Clone, Debug)]
pub struct GenesisFile {
    bytes: Vec<u8>,
    hash: Hash,
    insecure: bool,
    /// The document without `app_state`, which stands in the bytes.
    pub doc: GenesisDoc<()>,
}

/// What an engine reads of `app_state`.
#[derive(Deserialize)]
struct AppState {
    registration: Registration,
}

#[derive(Deserialize)]
struct Registration {
    security: String,
}

impl GenesisFile {
    /// Reads a file.
    ///
    /// # Errors
    /// [`GenesisError`] says what is wrong.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, GenesisError> {
        let mut insecure = false;
        // An application state of another form is no reason to refuse: it says nothing of its security then.
        let doc = GenesisDoc::<Option<&RawValue>>::parse(&bytes)?.try_map(|state| {
            let state = state.map(|raw| serde_json::from_str::<AppState>(raw.get()));
            insecure = matches!(state, Some(Ok(s)) if s.registration.security == "insecure");
            Ok(())
        })?;
        Ok(Self {
            hash: sha256(&bytes),
            bytes,
            insecure,
            doc,
        })
    }

    /// The file as it was given.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The genesis hash: SHA-256 of [`Self::bytes`].
    #[must_use]
    pub const fn hash(&self) -> Hash {
        self.hash
    }

    /// Whether the chain says that its machines may be insecure (`app_state.registration.security`).
    #[must_use]
    pub const fn is_insecure(&self) -> bool {
        self.insecure
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ChainState, InitChain};
    use strongroom_testdata::cometbft_bytes;
    use strongroom_types::consensus::ConsensusParams;

    fn file(app_state: &serde_json::Value) -> GenesisFile {
        let json = serde_json::json!({
            "genesis_time": "2026-01-02T03:04:05.678901234Z",
            "chain_id": "test-1",
            "app_state": app_state,
        });
        GenesisFile::parse(json.to_string().into_bytes()).unwrap()
    }

    #[test]
    fn a_file_is_hashed_as_given_and_only_the_word_makes_it_insecure() {
        let word = |word: &str| serde_json::json!({"auth": [], "registration": {"security": word}});
        let good = file(&word("insecure"));
        assert_eq!(good.hash(), sha256(good.bytes()));
        assert!(good.is_insecure());
        for other in [
            word("attested"),
            serde_json::Value::Null,
            serde_json::json!([]),
            serde_json::json!({"registration": "insecure"}),
        ] {
            assert!(!file(&other).is_insecure(), "{other}");
        }
    }

    #[test]
    fn the_first_app_hash_is_the_applications_or_else_the_documents() {
        let bytes = cometbft_bytes("single/config/genesis.json");
        let mut json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        json["app_hash"] = "AB".repeat(32).into();
        let file = GenesisFile::parse(json.to_string().into_bytes()).unwrap();
        let begin = |app_hash: Vec<u8>| {
            let init = InitChain {
                app_hash,
                ..InitChain::default()
            };
            let state = ChainState::genesis(&file, &init, 0).unwrap();
            state.app_hash().to_vec()
        };
        assert_eq!(begin(Vec::new()), [0xab; 32]);
        assert_eq!(begin(vec![1; 32]), [1; 32]);
    }

    #[test]
    fn the_recorded_files_of_the_real_cometbft_are_read() {
        for chain in ["single", "four"] {
            let bytes = cometbft_bytes(&format!("{chain}/config/genesis.json"));
            let doc = GenesisFile::parse(bytes).unwrap().doc;
            assert_eq!(doc.consensus_params, ConsensusParams::default(), "{chain}");
            assert!(!doc.validators.is_empty());
        }
    }
}
