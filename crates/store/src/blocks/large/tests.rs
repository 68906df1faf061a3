use super::*;
use rustix::process::{Resource, Rlimit};
use std::cell::Cell;
use std::os::fd::OwnedFd;
use std::process::Command;

/// There is room for everything.
fn room(_: u64) -> Result<()> {
    Ok(())
}

/// Bytes that no compression makes shorter.
fn noise(bytes: usize) -> Vec<u8> {
    let mut all: Vec<u8> = (0..bytes.div_ceil(32))
        .flat_map(|n| sha256(&[n.to_be_bytes(), bytes.to_be_bytes()].concat()))
        .collect();
    all.truncate(bytes);
    all
}

fn row(n: u8) -> Vec<u8> {
    (0..20_000_u32)
        .flat_map(|at| [(at >> 4) as u8, n, (at * 7) as u8])
        .collect()
}

#[test]
fn rows_are_read_at_their_places_also_by_the_next_process_which_has_a_file_of_its_own() {
    let home = tempfile::tempdir().unwrap();
    let open = || Large::open(home.path().join("large"), None).unwrap();
    let mut places = Vec::new();
    for process in 0..3 {
        let large = open();
        for n in 0..5 {
            places.push((
                large.append(&row(process * 5 + n), &room).unwrap(),
                process * 5 + n,
            ));
        }
        assert!(
            places
                .iter()
                .all(|(place, n)| large.get(place).unwrap() == row(*n))
        );
    }
    let files: Vec<_> = places.iter().map(|(place, _)| place.file).collect();
    assert_eq!(files, [[0; 5], [1; 5], [2; 5]].concat());
}

#[test]
fn a_row_that_is_tried_again_is_not_written_again() {
    let home = tempfile::tempdir().unwrap();
    let large = Large::open(home.path().to_owned(), None).unwrap();
    let (block, results) = (row(1), row(2));
    let places = [
        large.append(&block, &room).unwrap(),
        large.append(&results, &room).unwrap(),
    ];
    for _ in 0..3 {
        assert_eq!(large.append(&block, &room).unwrap(), places[0]);
        assert_eq!(large.append(&results, &room).unwrap(), places[1]);
    }
    let written = fs::metadata(path(home.path(), 0)).unwrap().len();
    assert_eq!(written, u64::from(places[0].length + places[1].length));
}

#[test]
fn what_there_is_no_room_for_is_not_begun_and_what_is_there_needs_none() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("large");
    let large = Large::open(directory.clone(), None).unwrap();
    let none = |_| {
        Err(Error::Short {
            detail: String::new(),
        })
    };
    for _ in 0..3 {
        let refused = large.append(&row(1), &none).unwrap_err();
        assert_eq!(refused.code(), "store.short");
        assert!(!directory.exists());
    }
    let asked = Cell::new(0);
    let place = large.append(&row(1), &|bytes| {
        asked.set(bytes);
        Ok(())
    });
    let place = place.unwrap();
    assert_eq!(asked.get(), u64::from(place.length));
    assert_eq!(large.append(&row(1), &none).unwrap(), place);
}

/// Puts another file in the place of the one that is written.
fn exchange(large: &Large, file: File) {
    large.writer.lock().unwrap().open.as_mut().unwrap().file = file;
}

#[test]
fn nothing_is_written_behind_a_sync_that_failed_and_a_file_without_a_row_goes() {
    let home = tempfile::tempdir().unwrap();
    let large = Large::open(home.path().to_owned(), None).unwrap();
    let first = large.append(&row(1), &room).unwrap();
    // A pipe takes the bytes, and can neither be synced nor cut.
    let pipe = || {
        let (reader, writer) = std::io::pipe().unwrap();
        (reader, File::from(OwnedFd::from(writer)))
    };
    let (_reader, broken) = pipe();
    exchange(&large, broken);
    large.append(&row(2), &room).unwrap_err();
    // The next file has no row yet.
    let (_reader, broken) = pipe();
    {
        let mut writer = large.writer.lock().unwrap();
        let open = writer.begin(home.path()).unwrap();
        assert_eq!(open.number, 1);
        writer.open = Some(open);
    }
    exchange(&large, broken);
    large.append(&row(2), &room).unwrap_err();
    assert_eq!(numbers(home.path()).unwrap(), [0]);
    let second = large.append(&row(2), &room).unwrap();
    assert_eq!((first.file, second.file), (0, 1));
    assert_eq!(large.get(&first).unwrap(), row(1));
    assert_eq!(large.get(&second).unwrap(), row(2));
}

/// Names the directory for the process with limits.
const HOME: &str = "STRONGROOM_TEST_LARGE";

/// A process of its own that runs `test`, with `limits` of the shell before it.
fn run_with_limits(directory: &Path, limits: &str, test: &str) {
    let test = format!("blocks::large::tests::{test}");
    let output = Command::new("sh")
        .args(["-c", &format!("{limits} exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &test, "--nocapture"])
        .env(HOME, directory)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{output:?}"
    );
}

/// Run by the test below in a process whose files may have 40 KiB.
#[test]
fn writes_with_files_that_may_not_grow() {
    let Some(directory) = std::env::var_os(HOME) else {
        return;
    };
    let directory = Path::new(&directory);
    let large = Large::open(directory.to_owned(), None).unwrap();
    let long = noise(41 << 10);
    let refused = |row: &[u8]| {
        for _ in 0..100 {
            large.append(row, &room).unwrap_err();
        }
    };
    refused(&long);
    assert!(numbers(directory).unwrap().is_empty());
    let first = large.append(&noise(30 << 10), &room).unwrap();
    refused(&noise(20 << 10));
    assert_eq!(numbers(directory).unwrap(), [0]);
    let length = fs::metadata(path(directory, 0)).unwrap().len();
    assert_eq!(length, u64::from(first.length), "half a row stays");
    // The file that a write failed in is as good as before.
    let second = large.append(&noise(8 << 10), &room).unwrap();
    assert_eq!((first.file, second.file), (0, 0));
    assert_eq!(large.get(&first).unwrap(), noise(30 << 10));
    assert_eq!(large.get(&second).unwrap(), noise(8 << 10));
    // With room the row goes in.
    let limit = rustix::process::getrlimit(Resource::Fsize);
    let current = limit.maximum;
    rustix::process::setrlimit(Resource::Fsize, Rlimit { current, ..limit }).unwrap();
    let third = large.append(&long, &room).unwrap();
    assert_eq!(large.get(&third).unwrap(), long);
    assert_eq!(numbers(directory).unwrap(), [0]);
}

#[test]
fn a_full_disk_leaves_no_file_for_each_try_and_room_lets_the_row_in() {
    let home = tempfile::tempdir().unwrap();
    let limits = "trap '' XFSZ; ulimit -S -f 80;";
    run_with_limits(home.path(), limits, "writes_with_files_that_may_not_grow");
}

/// Run by the test below in a process that has few descriptors.
#[test]
fn begins_with_no_descriptor_to_sync_a_directory() {
    let Some(directory) = std::env::var_os(HOME) else {
        return;
    };
    let directory = Path::new(&directory);
    let large = Large::open(directory.to_owned(), None).unwrap();
    let mut taken: Vec<_> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    // One for the file, and none for its directory.
    taken.pop();
    for _ in 0..100 {
        let refused = large.append(&row(1), &room).unwrap_err();
        assert_eq!(refused.code(), "store.short");
    }
    drop(taken);
    assert!(numbers(directory).unwrap().is_empty());
    let place = large.append(&row(1), &room).unwrap();
    assert_eq!((place.file, large.get(&place).unwrap()), (0, row(1)));
}

#[test]
fn a_file_whose_name_cannot_be_made_durable_goes_again() {
    let home = tempfile::tempdir().unwrap();
    let test = "begins_with_no_descriptor_to_sync_a_directory";
    run_with_limits(home.path(), "ulimit -n 60;", test);
}

#[test]
fn a_bit_that_turned_or_a_file_that_is_cut_or_gone_is_told() {
    let home = tempfile::tempdir().unwrap();
    let large = Large::open(home.path().to_owned(), None).unwrap();
    let place = large.append(&row(1), &room).unwrap();
    let file = path(home.path(), 0);
    let whole = fs::read(&file).unwrap();
    for at in (0..whole.len()).step_by(97) {
        let mut bent = whole.clone();
        bent[at] ^= 1;
        fs::write(&file, &bent).unwrap();
        let damaged = large.get(&place).unwrap_err();
        assert_eq!(damaged.code(), "store.damaged");
        assert!(damaged.to_string().contains(file.to_str().unwrap()));
    }
    fs::write(&file, &whole[1..]).unwrap();
    assert_eq!(large.get(&place).unwrap_err().code(), "store.damaged");
    for bent in [
        Place {
            before: u32::MAX,
            ..place
        },
        Place {
            offset: u64::MAX,
            ..place
        },
    ] {
        assert_eq!(large.get(&bent).unwrap_err().code(), "store.damaged");
    }
    fs::remove_file(&file).unwrap();
    let gone = large.get(&place).unwrap_err();
    assert_eq!(gone.code(), "store.damaged");
    assert!(gone.to_string().contains(file.to_str().unwrap()), "{gone}");
}
