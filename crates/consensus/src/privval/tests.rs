use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fs;
use strongroom_proof::comet::PartSetHeader;

fn id(n: u8) -> BlockId {
    BlockId {
        hash: [n; 32],
        parts: PartSetHeader {
            total: 1,
            hash: [n; 32],
        },
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp { seconds, nanos: 1 }
}

struct Files {
    dir: tempfile::TempDir,
}

impl Files {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }
    fn key(&self) -> PathBuf {
        self.dir.path().join("priv_validator_key.json")
    }
    fn state(&self) -> PathBuf {
        self.dir.path().join("priv_validator_state.json")
    }
    fn create(&self) -> Signer {
        Signer::create(&self.key(), &self.state()).unwrap()
    }
    fn open(&self) -> Result<Signer, SignerError> {
        Signer::open(&self.key(), &self.state())
    }
}

#[test]
fn a_new_key_is_kept_for_its_owner_only_and_never_overwritten() {
    let files = Files::new();
    let signer = files.create();
    assert_eq!(files.open().unwrap().pubkey(), signer.pubkey());
    assert!(matches!(
        Signer::create(&files.key(), &files.state()),
        Err(SignerError::Io { .. })
    ));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(
            fs::metadata(files.key()).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    let text = format!("{signer:?}");
    assert_eq!(
        text,
        format!("Signer({})", hex::encode_upper(signer.address()))
    );
}

#[test]
fn no_second_block_of_a_height_is_signed_and_none_below_it() {
    let mut signer = Signer::in_memory(&[7; 32]);
    let first = signer.commit("c-1", 5, id(1), at(10)).unwrap();
    assert_eq!(signer.commit("c-1", 5, id(1), at(10)).unwrap(), first);
    assert_ne!(
        signer.commit("c-1", 5, id(1), at(11)).unwrap(),
        first,
        "a later time"
    );
    assert_eq!(
        signer.commit("c-1", 5, id(2), at(12)).unwrap_err().code(),
        "signer.conflict"
    );
    assert_eq!(
        signer.commit("c-1", 4, id(1), at(12)).unwrap_err().code(),
        "signer.behind"
    );
    signer.commit("c-1", 6, id(2), at(13)).unwrap();
    assert_eq!(
        signer.commit("c-1", 5, id(1), at(14)).unwrap_err().code(),
        "signer.behind"
    );
    assert_eq!(signer.last_height(), Some(6));
}

#[test]
fn what_was_signed_is_known_after_a_restart() {
    let files = Files::new();
    let mut signer = files.create();
    let commit = signer.commit("c-1", 5, id(1), at(10)).unwrap();
    signer.persist().unwrap();
    drop(signer);
    let mut signer = files.open().unwrap();
    assert_eq!(
        signer.commit("c-1", 5, id(2), at(12)).unwrap_err().code(),
        "signer.conflict"
    );
    assert_eq!(
        signer.commit("c-1", 4, id(1), at(12)).unwrap_err().code(),
        "signer.behind"
    );
    assert_eq!(signer.commit("c-1", 5, id(1), at(10)).unwrap(), commit);
    assert!(!strongroom_store::files::partial(&files.state()).exists());
}

#[test]
fn the_newest_decided_block_is_held_against_the_state() {
    let files = Files::new();
    let mut signer = files.create();
    signer.observe("c-1", None).unwrap();
    let five = signer.commit("c-1", 5, id(1), at(10)).unwrap();
    // Killed between saving the block and writing the state: the block raises the state.
    drop(signer);
    let mut signer = files.open().unwrap();
    assert_eq!(signer.last_height(), None);
    signer.observe("c-1", Some(&five)).unwrap();
    drop(signer);
    let mut signer = files.open().unwrap();
    assert_eq!(signer.last_height(), Some(5));
    assert_eq!(
        signer.commit("c-1", 5, id(2), at(12)).unwrap_err().code(),
        "signer.conflict"
    );
    // The store was emptied, set back, or exchanged.
    assert_eq!(
        signer.observe("c-1", None).unwrap_err().code(),
        "signer.behind"
    );
    let four = Commit {
        height: 4,
        ..five.clone()
    };
    assert_eq!(
        signer.observe("c-1", Some(&four)).unwrap_err().code(),
        "signer.behind"
    );
    let other = Commit {
        block_id: id(9),
        ..five.clone()
    };
    assert_eq!(
        signer.observe("c-1", Some(&other)).unwrap_err().code(),
        "signer.conflict"
    );
    signer.observe("c-1", Some(&five)).unwrap();
}

#[test]
fn a_lost_state_is_made_again_from_the_newest_block_and_never_taken_for_nothing_signed() {
    let files = Files::new();
    let mut signer = files.create();
    let seven = signer.commit("c-1", 7, id(1), at(10)).unwrap();
    signer.persist().unwrap();
    let whole = fs::read(files.state()).unwrap();
    fs::remove_file(files.state()).unwrap();
    // Without a block nobody knows what was signed.
    let mut signer = files.open().unwrap();
    assert_eq!(
        signer.commit("c-1", 8, id(2), at(11)).unwrap_err().code(),
        "signer.lost"
    );
    assert_eq!(
        signer.observe("c-1", None).unwrap_err().code(),
        "signer.lost"
    );
    assert!(!files.state().exists());
    // With one it is known.
    signer.observe("c-1", Some(&seven)).unwrap();
    assert_eq!(fs::read(files.state()).unwrap(), whole);
    assert_eq!(
        signer.commit("c-1", 7, id(2), at(11)).unwrap_err().code(),
        "signer.conflict"
    );
    // A state that was there before its key is not written over by a new key.
    fs::remove_file(files.key()).unwrap();
    assert_eq!(files.create().last_height(), Some(7));
}

#[test]
fn a_state_that_was_cut_emptied_or_edited_is_refused_and_an_older_one_is_raised() {
    let files = Files::new();
    let mut signer = files.create();
    let six = signer.commit("c-1", 6, id(1), at(9)).unwrap();
    signer.persist().unwrap();
    let older = fs::read_to_string(files.state()).unwrap();
    let seven = signer.commit("c-1", 7, id(2), at(10)).unwrap();
    signer.persist().unwrap();
    let whole = fs::read_to_string(files.state()).unwrap();
    for cut in 0..whole.len() {
        fs::write(files.state(), &whole[..cut]).unwrap();
        assert_eq!(files.open().unwrap_err().code(), "signer.file", "{cut}");
    }
    // A height that is not that of the vote would open the heights between.
    fs::write(files.state(), whole.replace("\"7\"", "\"3\"")).unwrap();
    assert_eq!(files.open().unwrap_err().code(), "signer.file");
    fs::write(files.state(), older).unwrap();
    let mut signer = files.open().unwrap();
    signer.observe("c-1", Some(&seven)).unwrap();
    assert_eq!(fs::read_to_string(files.state()).unwrap(), whole);
    // Of another chain: whatever the heights are.
    let mut signer = files.open().unwrap();
    let other = Commit { height: 9, ..six };
    assert_eq!(
        signer.observe("c-2", Some(&other)).unwrap_err().code(),
        "signer.other_chain"
    );
    assert_eq!(
        signer.commit("c-2", 9, id(3), at(11)).unwrap_err().code(),
        "signer.other_chain"
    );
}

#[test]
fn the_files_have_the_shape_of_cometbft() {
    let files = Files::new();
    let mut signer = files.create();
    signer.commit("c-1", 5, id(1), at(10)).unwrap();
    signer.persist().unwrap();
    let key: serde_json::Value = serde_json::from_slice(&fs::read(files.key()).unwrap()).unwrap();
    assert_eq!(key["pub_key"]["type"], "tendermint/PubKeyEd25519");
    assert_eq!(key["priv_key"]["type"], "tendermint/PrivKeyEd25519");
    assert_eq!(key["address"], hex::encode_upper(signer.address()));
    let state: serde_json::Value =
        serde_json::from_slice(&fs::read(files.state()).unwrap()).unwrap();
    assert_eq!(
        (&state["height"], &state["round"], &state["step"]),
        (&"5".into(), &0.into(), &3.into())
    );
    // As CometBFT writes it before anything is signed.
    fs::write(files.state(), br#"{"height":"0","round":0,"step":0}"#).unwrap();
    assert_eq!(files.open().unwrap().last_height(), None);
}

#[test]
fn broken_files_are_refused_without_a_word_of_their_content() {
    let files = Files::new();
    drop(files.create());
    let good = fs::read_to_string(files.key()).unwrap();
    let json: serde_json::Value = serde_json::from_str(&good).unwrap();
    let other = Files::new();
    drop(other.create());
    let other: serde_json::Value = serde_json::from_slice(&fs::read(other.key()).unwrap()).unwrap();
    let refused = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut json = json.clone();
        change(&mut json);
        fs::write(files.key(), json.to_string()).unwrap();
        let error = files.open().unwrap_err();
        assert_eq!(error.code(), "signer.file");
        assert!(
            !error
                .to_string()
                .contains(json["priv_key"]["value"].as_str().unwrap_or("nothing"))
        );
    };
    // Longer than the random part of the path, which the error does name.
    refused(&|j| j["priv_key"]["value"] = "not base64 at all".into());
    refused(&|j| j["priv_key"]["value"] = "AAAAAAAAAAAAAAAA".into());
    refused(&|j| j["priv_key"]["type"] = "x".into());
    refused(&|j| j["pub_key"] = other["pub_key"].clone());
    refused(&|j| j["address"] = other["address"].clone());
    refused(&|j| {
        // The secret of one pair with the public half of another.
        let half = |v: &serde_json::Value| {
            STANDARD
                .decode(v["priv_key"]["value"].as_str().unwrap())
                .unwrap()
        };
        let (a, b) = (half(j), half(&other));
        j["priv_key"]["value"] = STANDARD.encode([&a[..32], &b[32..]].concat()).into();
    });
    fs::write(files.key(), &good[..good.len() / 2]).unwrap();
    assert_eq!(files.open().unwrap_err().code(), "signer.file");
    fs::write(files.key(), vec![b' '; 70_000]).unwrap();
    assert_eq!(files.open().unwrap_err().code(), "signer.file");
    fs::write(files.key(), good).unwrap();
    for state in [
        "",
        "{}",
        r#"{"height":"5","round":0,"step":3}"#,
        r#"{"height":"5","round":0,"step":3,"signbytes":"00"}"#,
    ] {
        fs::write(files.state(), state).unwrap();
        assert_eq!(files.open().unwrap_err().code(), "signer.file", "{state}");
    }
    fs::remove_file(files.key()).unwrap();
    assert_eq!(files.open().unwrap_err().code(), "signer.io");
}
