use super::*;
use crate::crypto::ShareTarget;
use crate::crypto::io::Input;
use crate::modules::compute::testing_price;
use crate::types::Tree;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Two live epochs, 2 and 1. A raw key is the epoch and the contract's own key; a record is the value and the height.
#[derive(Default)]
struct TwoEpochs {
    sealed: RefCell<Vec<Vec<u8>>>,
}

fn raw(epoch: u8, key: &[u8]) -> Vec<u8> {
    [&[epoch], key].concat()
}

impl Secrets for TwoEpochs {
    fn open_input(&self, _: &[u8]) -> Result<Input, SecretsError> {
        Err(SecretsError::Closed)
    }

    fn storage_keys(&self, _: &Address, key: &[u8]) -> Result<Vec<Vec<u8>>, SecretsError> {
        Ok(vec![raw(2, key), raw(1, key)])
    }

    fn seal_value(
        &self,
        _: &Address,
        key: &[u8],
        height: Height,
        value: &[u8],
    ) -> Result<Vec<u8>, SecretsError> {
        self.sealed.borrow_mut().push(key.to_vec());
        Ok([value, &height.to_be_bytes()].concat())
    }

    fn open_value(&self, _: &Address, _: &[u8], record: &[u8]) -> Result<Bytes, SecretsError> {
        let (value, _) = record
            .split_at_checked(record.len() - 8)
            .ok_or(SecretsError::Corrupt)?;
        Ok(Bytes::from(value))
    }

    fn random(&self, _: &Hash, _: &Address, _: u32, _: u32) -> Result<[u8; 32], SecretsError> {
        Ok([0; 32])
    }

    fn share_seeds(&self, _: &ShareTarget) -> Result<Vec<u8>, SecretsError> {
        Err(SecretsError::NotHere)
    }

    fn possession(&self, _: &ShareTarget) -> Result<[u8; 32], SecretsError> {
        Err(SecretsError::NotHere)
    }
}

/// Records in the contract tree; counts what is read.
#[derive(Default)]
struct Records {
    records: BTreeMap<Vec<u8>, Vec<u8>>,
    reads: RefCell<Vec<Vec<u8>>>,
}

impl StateRead for Records {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        assert_eq!(tree, Tree::Contract);
        self.reads.borrow_mut().push(key.to_vec());
        Ok(self.records.get(key).map(|r| Bytes::from(r.as_slice())))
    }
}

fn contract() -> Address {
    Address::from_bytes(&[7; 20]).unwrap()
}

fn slot(key: &[u8]) -> Slot {
    Slot::Contract(contract(), key.into())
}

fn record(value: &[u8]) -> Vec<u8> {
    [value, &1_u64.to_be_bytes()].concat()
}

#[test]
fn reads_try_live_epochs_newest_first_and_prove_and_open_a_value_once_per_block() {
    let mut base = Records::default();
    base.records.insert(raw(1, b"old"), record(b"from epoch 1"));
    base.records.insert(raw(2, b"new"), record(b"from epoch 2"));
    let secrets = TwoEpochs::default();
    let mut state = State::new(&base, &secrets, Overlay::default());
    for _ in 0..3 {
        assert_eq!(
            state.get(&slot(b"new")).unwrap().as_deref(),
            Some(&b"from epoch 2"[..])
        );
        assert_eq!(
            state.get(&slot(b"old")).unwrap().as_deref(),
            Some(&b"from epoch 1"[..])
        );
        assert_eq!(state.get(&slot(b"none")).unwrap(), None);
    }
    let asked = [
        raw(2, b"new"),
        raw(2, b"old"),
        raw(1, b"old"),
        raw(2, b"none"),
        raw(1, b"none"),
    ];
    assert_eq!(*base.reads.borrow(), asked);
}

#[test]
fn gas_does_not_see_in_which_epoch_a_value_lies() {
    let mut base = Records::default();
    base.records.insert(raw(1, b"a"), record(b"same length"));
    base.records.insert(raw(2, b"b"), record(b"as this one"));
    let secrets = TwoEpochs::default();
    let mut state = State::new(&base, &secrets, Overlay::default());
    let address = contract();
    let mut price = |key: &[u8]| testing_price(&mut state, &address, key);
    let (old, new) = (price(b"a"), price(b"b"));
    assert_eq!(old, new);
    // Nor whether it was read before.
    assert_eq!(price(b"a"), old);
}

#[test]
fn a_value_that_is_written_again_moves_to_the_newest_epoch_and_leaves_no_old_record() {
    let mut base = Records::default();
    base.records.insert(raw(1, b"kept"), record(b"x"));
    base.records.insert(raw(1, b"moved"), record(b"x"));
    base.records.insert(raw(1, b"gone"), record(b"x"));
    let secrets = TwoEpochs::default();
    let mut state = State::new(&base, &secrets, Overlay::default());
    state.get(&slot(b"kept")).unwrap();
    state.put(slot(b"moved"), Some(Bytes::from(&b"y"[..])));
    state.put(slot(b"gone"), None);
    let writes = state.into_write_set(9).unwrap().0;
    let expected = BTreeMap::from([
        (
            (Tree::Contract, raw(2, b"moved")),
            Some([&b"y"[..], &9_u64.to_be_bytes()].concat()),
        ),
        ((Tree::Contract, raw(1, b"moved")), None),
        ((Tree::Contract, raw(2, b"gone")), None),
        ((Tree::Contract, raw(1, b"gone")), None),
    ]);
    assert_eq!(writes, expected);
}

#[test]
fn a_value_is_sealed_once_per_block_however_often_it_was_written_and_in_key_order() {
    let base = Records::default();
    let secrets = TwoEpochs::default();
    let mut state = State::new(&base, &secrets, Overlay::default());
    for key in [&b"c"[..], b"a", b"b", b"a", b"c"] {
        state.put(slot(key), Some(Bytes::from(key)));
        let _ = state.overlay.end_tx();
    }
    state.into_write_set(1).unwrap();
    assert_eq!(
        *secrets.sealed.borrow(),
        [b"a".to_vec(), b"b".to_vec(), b"c".to_vec()]
    );
}

#[test]
fn contract_data_cannot_be_written_where_there_are_no_secrets() {
    let base = Records::default();
    let mut state = State::new(&base, &crate::NoSecrets, Overlay::default());
    assert!(matches!(state.get(&slot(b"k")), Err(Fault::Broken(_))));
    state.put(slot(b"k"), Some(Bytes::from(&b"v"[..])));
    assert!(matches!(state.into_write_set(1), Err(Fault::Broken(_))));
}
