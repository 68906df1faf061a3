use super::*;
use std::collections::BTreeMap;

/// Every file under `root`, with its content.
fn tree(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                found.insert(path.clone(), Vec::new());
                open.push(path);
            } else {
                found.insert(path.clone(), fs::read(path).unwrap());
            }
        }
    }
    found
}

/// A directory as an interrupted process may leave it: `(name, content)`, each with a file inside.
fn left(networks: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(MARKER), FORMAT).unwrap();
    for (name, content) in networks {
        let inside = dir.path().join(name).join("data");
        fs::create_dir_all(&inside).unwrap();
        fs::write(inside.join("content"), content).unwrap();
    }
    dir
}

/// What the network is after a start, and that nothing else is left.
fn after_a_start(dir: &Path) -> Option<String> {
    let home = Home::open(dir).unwrap().unwrap();
    let mut names: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let network = home
        .network()
        .map(|path| fs::read_to_string(path.join("data/content")).unwrap());
    let expected: &[&str] = if network.is_some() {
        &[LOCK, NETWORK, MARKER]
    } else {
        &[LOCK, MARKER]
    };
    assert_eq!(names, expected);
    network
}

#[test]
fn no_step_of_a_reset_is_without_a_way_on() {
    let (old, new) = (Some("old".to_owned()), Some("new".to_owned()));
    // As the steps of `prepare`, `install` and `keep` follow each other.
    type Left = &'static [(&'static str, &'static str)];
    let steps: [(Left, &Option<String>); 8] = [
        (&[(NETWORK, "old")], &old),
        (&[(NETWORK, "old"), (NEW, "half")], &old),
        (&[(NETWORK, "old"), (NEW, "new")], &old),
        (&[(PREVIOUS, "old"), (NEW, "new")], &old),
        (&[(PREVIOUS, "old"), (NETWORK, "new")], &old),
        (&[(NETWORK, "new"), (DISCARDED, "old")], &new),
        (&[(NETWORK, "new")], &new),
        // Putting back was interrupted too.
        (&[(PREVIOUS, "old"), (DISCARDED, "new")], &old),
    ];
    for (state, expected) in steps {
        let dir = left(state);
        assert_eq!(after_a_start(dir.path()), *expected, "{state:?}");
        assert_eq!(after_a_start(dir.path()), *expected, "{state:?}, again");
    }
    let dir = left(&[(NEW, "half")]);
    assert_eq!(after_a_start(dir.path()), None);
}

#[test]
fn the_steps_are_those_that_the_test_above_interrupts() {
    let dir = left(&[(NETWORK, "old")]);
    let home = Home::open(dir.path()).unwrap().unwrap();
    fs::create_dir(home.prepare().unwrap().join("data")).unwrap();
    fs::write(dir.path().join(NEW).join("data/content"), "new").unwrap();
    home.install().unwrap();
    let at = |name: &str| fs::read_to_string(dir.path().join(name).join("data/content"));
    assert_eq!(
        (at(NETWORK).unwrap(), at(PREVIOUS).unwrap()),
        ("new".to_owned(), "old".to_owned())
    );
    assert!(home.has_previous());
    home.keep().unwrap();
    drop(home);
    assert_eq!(after_a_start(dir.path()), Some("new".to_owned()));
}

#[test]
fn an_interrupted_creation_is_no_stranger() {
    let dir = tempfile::tempdir().unwrap();
    for leave in [None, Some("strongroom-home.partial")] {
        if let Some(name) = leave {
            fs::write(dir.path().join(name), "").unwrap();
        }
        assert!(Home::open(dir.path()).unwrap().is_none());
    }
    drop(Home::create(dir.path()).unwrap());
    assert_eq!(after_a_start(dir.path()), None);
}

#[test]
fn what_is_not_ours_is_neither_used_nor_touched() {
    let stranger = tempfile::tempdir().unwrap();
    fs::write(stranger.path().join("thesis.txt"), "years").unwrap();
    let other_version = left(&[(NETWORK, "old"), (PREVIOUS, "older")]);
    fs::write(other_version.path().join(MARKER), "1\n").unwrap();
    for dir in [stranger, other_version] {
        let before = tree(dir.path());
        assert!(Home::open(dir.path()).is_err());
        assert_eq!(tree(dir.path()), before);
    }
}

#[test]
fn a_directory_in_use_is_not_touched() {
    let dir = left(&[(NETWORK, "new"), (PREVIOUS, "old")]);
    let lock = File::create(dir.path().join(LOCK)).unwrap();
    lock.lock().unwrap();
    let before = tree(dir.path());
    let refused = Home::open(dir.path()).err().unwrap().to_string();
    assert!(refused.contains("in use by another process"), "{refused}");
    assert_eq!(tree(dir.path()), before);
}
