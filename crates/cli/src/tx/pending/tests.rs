use super::fate::WRONG_SEQUENCE;
use super::history::Block;
use super::*;
use crate::keyring;
use std::os::unix::fs::PermissionsExt as _;

/// An account with a keyring of its own.
struct Scene {
    keyring: Keyring,
    address: Address,
    _directory: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self {
            keyring: Keyring::new(&keyring::Args::at(directory.path())).unwrap(),
            address: Address::from_bytes(&[7; 20]).unwrap(),
            _directory: directory,
        }
    }

    /// What the account has pending on a chain.
    fn on(&self, chain: &str) -> anyhow::Result<Pending> {
        Pending::open(&self.keyring, &self.address, chain)
    }

    /// With these marks on the chain `test-1`.
    fn marked(&self, marks: &[(&str, u64, &str)]) -> Pending {
        let mut pending = self.on("test-1").unwrap();
        for (hash, sequence, effect) in marks {
            pending.mark(mark(hash, *sequence, effect)).unwrap();
        }
        pending
    }
}

fn mark(hash: &str, sequence: u64, effect: &str) -> Mark {
    Mark {
        txhash: hash.to_owned(),
        sequence,
        timeout_height: 9,
        effect: effect.to_owned(),
        awaited: true,
        history: vec![Block {
            height: 1,
            hash: "00".repeat(32),
        }],
    }
}

#[test]
fn what_is_marked_is_there_for_the_next_command_and_for_its_owners_eyes() {
    let scene = Scene::new();
    let pending = scene.marked(&[("A", 3, "e"), ("B", 3, "e"), ("C", 4, "e")]);
    let path = pending.path.clone();
    drop(pending);
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(scene.on("test-2").unwrap().marks().is_empty());
    let mut pending = scene.on("test-1").unwrap();
    assert_eq!(pending.marks().len(), 3);
    assert_eq!(
        all(&scene.keyring).unwrap().into_values().next(),
        Some((scene.address.clone(), "test-1".to_owned()))
    );
    // One of a sequence is in a block: of the others none can be.
    pending.forget_sequence(3).unwrap();
    assert_eq!(pending.marks(), [mark("C", 4, "e")]);
    pending.forget("C").unwrap();
    assert!(!path.exists());
}

#[test]
fn a_transaction_that_came_behind_another_of_its_sequence_says_nothing_of_that_one() {
    use strongroom_sdk::keys::Account;
    use strongroom_sdk::tx::TxBuilder;
    use strongroom_types::proto::cosmos::bank::v1beta1::MsgSend;
    let tx = TxBuilder::new("test-1").message(&MsgSend::default());
    let account = Account::from_bytes(&[1; 32]).unwrap();
    let raw = tx.gas(1).sign(&account, 0, 3).unwrap();
    let ended = |code, proven| Included {
        hash: "B".to_owned(),
        height: 5,
        tx: raw.clone(),
        result: strongroom_types::ExecTxResult {
            code,
            ..Default::default()
        },
        proven,
    };
    for (code, left) in [(0, 0), (5, 0), (WRONG_SEQUENCE, 1)] {
        let scene = Scene::new();
        let mut pending = scene.marked(&[("A", 3, "pay"), ("B", 3, "pay")]);
        let included = ended(code, Proven::Result);
        assert_eq!(send::sequence(&included.tx), Some(3));
        pending.ended(&included).unwrap();
        assert_eq!(pending.marks().len(), left, "{code}");
    }
    assert!(!has_used_sequence(&ended(0, Proven::Block)));
}

#[test]
fn the_same_is_not_signed_again_but_with_the_same_sequence() {
    let scene = Scene::new();
    let pending = scene.marked(&[("A", 3, "pay")]);
    pending.check("pay", 3, false).unwrap();
    pending.check("other", 4, false).unwrap();
    pending.check("pay", 4, true).unwrap();
    let error = pending.check("pay", 4, false).unwrap_err().to_string();
    assert!(
        error.starts_with("tx.pending: a transaction with sequence 3 may still be included until height 9, and does the same (A)"),
        "{error}"
    );
}

#[test]
fn accounts_do_not_wait_for_each_other() {
    let scene = Scene::new();
    let other = Address::from_bytes(&[8; 20]).unwrap();
    let first = scene.on("test-1").unwrap();
    let (opened, opens) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let others = [(&other, "test-1"), (&scene.address, "test-2")];
            let _held = others.map(|(a, chain)| Pending::open(&scene.keyring, a, chain).unwrap());
            opened.send("others").unwrap();
            let _own = scene.on("test-1").unwrap();
            opened.send("own").unwrap();
        });
        let wait = std::time::Duration::from_secs(10);
        assert_eq!(opens.recv_timeout(wait), Ok("others"));
        assert!(opens.try_recv().is_err(), "who signs is alone");
        drop(first);
        assert_eq!(opens.recv_timeout(wait), Ok("own"));
    });
}

#[test]
fn marks_of_before_are_read_and_a_broadcast_is_waited_for() {
    let scene = Scene::new();
    let pending = scene.marked(&[("A", 3, "pay")]);
    let path = pending.path.clone();
    drop(pending);
    fs::write(
        &path,
        r#"{"format":"strongroom-pending/v1","marks":[{"txhash":"B","sequence":4,"timeout_height":0,"effect":"e","awaited":false}]}"#,
    )
    .unwrap();
    let mut pending = scene.on("test-1").unwrap();
    pending.awaited("nothing").unwrap();
    assert!(!pending.marks()[0].awaited);
    pending.awaited("B").unwrap();
    drop(pending);
    let pending = scene.on("test-1").unwrap();
    assert!(pending.marks()[0].awaited && pending.marks()[0].history.is_empty());
}

#[test]
fn a_file_that_cannot_be_read_stops_whoever_would_sign() {
    let scene = Scene::new();
    let pending = scene.marked(&[("A", 3, "pay")]);
    let path = pending.path.clone();
    drop(pending);
    for broken in ["", "{}", r#"{"format":"strongroom-pending/v2","marks":[]}"#] {
        fs::write(&path, broken).unwrap();
        let error = scene.on("test-1").map(|_| ()).unwrap_err();
        assert!(
            crate::output::in_one_line(&error).contains("tx.pending_file: "),
            "{broken}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), broken);
    }
    for chain in ["", "../x", "a/b", "a\0"] {
        assert!(scene.on(chain).is_err(), "{chain:?}");
    }
}

#[test]
fn there_is_an_end_to_what_may_be_pending() {
    let scene = Scene::new();
    let mut pending = scene.on("test-1").unwrap();
    for n in 0..MARKS_MAX as u64 {
        pending.mark(mark(&n.to_string(), n, "e")).unwrap();
    }
    let error = pending
        .mark(mark("one more", 99, "e"))
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("tx.pending_many:"), "{error}");
    assert_eq!(pending.marks().len(), MARKS_MAX);
}
