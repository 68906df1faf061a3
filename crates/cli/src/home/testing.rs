//! A home for the tests of snapshots and dumps.

use super::Home;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// A home with a network of two files.
pub(super) fn home(directory: &Path) -> Home {
    let home = Home::create(directory).unwrap();
    let new = home.prepare().unwrap();
    fs::create_dir_all(new.join("data/empty")).unwrap();
    fs::create_dir(new.join("config")).unwrap();
    fs::write(new.join("data/state"), [7; 100_000]).unwrap();
    fs::write(new.join("config/key"), "secret").unwrap();
    fs::set_permissions(new.join("config/key"), fs::Permissions::from_mode(0o600)).unwrap();
    home.install().unwrap();
    home.keep().unwrap();
    home
}

pub(super) fn state(home: &Home) -> Vec<u8> {
    fs::read(home.network().unwrap().join("data/state")).unwrap()
}
