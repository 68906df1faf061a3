//! What may happen to a database: bits that turn, files that go, a machine without room, a process that ends anywhere.

use super::disk::Log;
use super::lists::{Holder, remove_unfinished};
use super::*;
use crate::error::EXIT_SHORT;
use crate::kv::Row;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Bound;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

mod limits;

const A: Table = Table("a");
const B: Table = Table("b");
const ALL: Range<'static> = (Bound::Unbounded, Bound::Unbounded);

const LITTLE: KvLimits = KvLimits {
    cache_bytes: 16 << 20,
    memory_bytes: 3_000,
    open_files: 64,
    compressed: &[],
    part_bytes: 16 << 10,
    scanned: &[],
    kept: &[],
};

fn open(path: &Path) -> Result<LsmKv> {
    open_on(Arc::new(Machine), path)
}

/// A process that another test starts holds the lock too, until it becomes another program.
fn open_on(disk: Arc<dyn Disk>, path: &Path) -> Result<LsmKv> {
    loop {
        match LsmKv::open_on(Arc::clone(&disk), path, &[A, B], LITTLE) {
            Err(Error::InUse { .. }) => std::thread::yield_now(),
            opened => return opened,
        }
    }
}

/// What batch `n` changes in A. It also puts `n` itself into B.
fn changes(n: u32) -> impl Iterator<Item = (Vec<u8>, Option<Vec<u8>>)> {
    (0..6).map(move |part| {
        let key = ((n * 7 + part * 13) % 90).to_be_bytes().to_vec();
        let value = vec![n as u8; 60 + (n + part) as usize % 40];
        (key, (!(n + part).is_multiple_of(5)).then_some(value))
    })
}

fn write(kv: &LsmKv, n: u32) -> Result<()> {
    let mut batch = Batch::new();
    for (key, value) in changes(n) {
        batch.set(A, key, value);
    }
    batch.put(B, b"n", n.to_be_bytes());
    kv.write(batch)
}

/// The rows of A after the batches below `end`.
fn model(end: u32) -> Vec<Row> {
    let mut rows = BTreeMap::new();
    // What is older was written over.
    for (key, value) in (end.saturating_sub(200)..end).flat_map(changes) {
        match value {
            Some(value) => rows.insert(key, value),
            None => rows.remove(&key),
        };
    }
    rows.into_iter().collect()
}

/// How many batches are there; refuses if a row cannot be read, panics if the rows are those of no number of batches.
fn batches(kv: &LsmKv) -> Result<u32> {
    let snapshot = kv.snapshot()?;
    let newest = snapshot.get(B, b"n")?;
    let end = newest.map_or(0, |n| u32::from_be_bytes(n.try_into().unwrap()) + 1);
    let rows: Result<Vec<Row>> = snapshot.rows(A, ALL)?.collect();
    assert!(rows? == model(end), "not the rows of {end} batches");
    Ok(end)
}

/// Everything under `path`, with its content.
fn files(path: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            // It may go meanwhile.
            found.insert(path.clone(), fs::read(&path).unwrap_or_default());
        }
    }
    found
}

fn is_journal(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "journal")
}

/// A database of `end` batches, as it lies there after a stop and a start.
fn closed(end: u32) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let kv = open(dir.path()).unwrap();
    for n in 0..end {
        write(&kv, n).unwrap();
    }
    let names = || files(dir.path()).into_keys().collect::<BTreeSet<_>>();
    let mut seen = names();
    loop {
        std::thread::sleep(Duration::from_millis(100));
        let now = names();
        if seen == now {
            break;
        }
        seen = now;
    }
    drop(kv);
    // Files that nobody needs any more go at a start.
    assert_eq!(batches(&open(dir.path()).unwrap()).unwrap(), end);
    dir
}

#[test]
fn a_directory_that_is_refused_is_left_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(MARKER), [70, 74, 76, 3]).unwrap();
    let before = files(dir.path());
    assert_eq!(open(dir.path()).err().unwrap().code(), "store.format");
    assert_eq!(files(dir.path()), before);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_bit_that_turned_in_any_file_is_refused_or_costs_nothing_but_the_last_batch() {
    const END: u32 = 40;
    let dir = closed(END);
    let whole = files(dir.path());
    let (mut refused, mut equal, mut shorter) = (0, 0, 0);
    for (path, bytes) in &whole {
        let name = path.strip_prefix(dir.path()).unwrap();
        // Tables have checksums of their own: one place in some is enough.
        let step = if path.parent().unwrap().ends_with("tables") && bytes.len() > 600 {
            bytes.len() / 60
        } else {
            1
        };
        for at in (0..bytes.len()).step_by(step) {
            let mut bent = bytes.clone();
            bent[at] ^= 1 << (at % 8);
            fs::write(path, &bent).unwrap();
            match open(dir.path()).and_then(|kv| batches(&kv)) {
                Ok(END) => equal += 1,
                Ok(end) => {
                    let place = format!("{}: {at}: {end}", name.display());
                    assert!(is_journal(path) && end == END - 1, "{place}");
                    shorter += 1;
                }
                Err(error) => {
                    let codes = ["store.damaged", "store.format", "store.engine"];
                    assert!(codes.contains(&error.code()), "{error}");
                    refused += 1;
                }
            }
            fs::write(path, bytes).unwrap();
        }
    }
    let counts = format!("{refused} refused, {equal} equal, {shorter} shorter");
    assert!(refused > 300 && equal > 0 && shorter > 10, "{counts}");
    assert_eq!(batches(&open(dir.path()).unwrap()).unwrap(), END);
    assert_eq!(files(dir.path()), whole, "and nothing changed meanwhile");
}

#[test]
fn a_file_that_is_gone_is_told_and_nothing_is_changed() {
    let dir = closed(40);
    for (path, bytes) in files(dir.path()) {
        let name = path.strip_prefix(dir.path()).unwrap();
        if name == Path::new(LOCK) {
            continue;
        }
        fs::remove_file(&path).unwrap();
        let before = files(dir.path());
        let error = open(dir.path()).err().expect("it is told");
        assert_eq!(error.code(), "store.damaged", "{}: {error}", name.display());
        assert_eq!(files(dir.path()), before, "{}", name.display());
        fs::write(path, bytes).unwrap();
    }
}

#[test]
fn a_journal_that_is_missing_between_others_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let kv = open(dir.path()).unwrap();
    for n in 0..3 {
        write(&kv, n).unwrap();
    }
    drop(kv);
    let journal = |number| dir.path().join(format!("{number:020}.journal"));
    fs::copy(journal(0), journal(2)).unwrap();
    let before = files(dir.path());
    assert_eq!(open(dir.path()).err().unwrap().code(), "store.damaged");
    assert_eq!(files(dir.path()), before);
}

#[test]
fn what_a_kill_left_of_a_list_that_was_never_named_goes() {
    let dir = closed(40);
    let left = dir.path().join(TABLES).join("a").join(".tmpAbC123");
    fs::write(&left, [7; 25]).unwrap();
    assert_eq!(batches(&open(dir.path()).unwrap()).unwrap(), 40);
    assert!(!left.exists());
}

/// Names the directory for a child process.
const HOME: &str = "STRONGROOM_TEST_KV";
/// How many descriptors it has.
const LEFT: &str = "STRONGROOM_TEST_KV_LEFT";

/// Run by the tests below in a process of its own: writes until it is ended, and notes what was acknowledged.
#[test]
fn writes_until_it_is_ended() {
    use std::io::Write as _;
    let Some(home) = std::env::var_os(HOME) else {
        return;
    };
    let home = Path::new(&home);
    let kv = open(home).unwrap();
    let mut acknowledged = File::create(home.with_extension("acknowledged")).unwrap();
    for n in batches(&kv).unwrap()..20_000 {
        match write(&kv, n) {
            Ok(()) => acknowledged.write_all(&n.to_be_bytes()).unwrap(),
            Err(error) => panic!("refused: {}: {error}", error.code()),
        }
    }
}

/// The child process that runs `test`, with `limits` of the shell before it.
fn child(home: &Path, limits: &str, test: &str) -> Command {
    let test = format!("kv::lsm::tests::{test}");
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("{limits} exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &test, "--nocapture"])
        .env(HOME, home)
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// Opens what a child left: all is there that was acknowledged, and it goes on.
fn check_after(home: &Path) -> u32 {
    let kv = open(home).unwrap();
    let found = batches(&kv).unwrap();
    let acknowledged = fs::read(home.with_extension("acknowledged")).unwrap_or_default();
    if let Some(newest) = acknowledged.chunks_exact(4).next_back() {
        let newest = u32::from_be_bytes(newest.try_into().unwrap());
        let sound = [newest + 1, newest + 2].contains(&found);
        assert!(sound, "{found} batches, {newest} was acknowledged");
    }
    for n in found..found + 20 {
        write(&kv, n).unwrap();
    }
    drop(kv);
    assert_eq!(batches(&open(home).unwrap()).unwrap(), found + 20);
    found
}

#[test]
fn a_kill_at_any_moment_costs_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let written = home.with_extension("acknowledged");
    for round in 0..20 {
        let mut child = child(&home, "", "writes_until_it_is_ended")
            .spawn()
            .unwrap();
        while fs::metadata(&written).map_or(0, |file| file.len()) < 4 {
            assert!(child.try_wait().unwrap().is_none(), "it writes");
        }
        std::thread::sleep(Duration::from_millis(round * 7));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(check_after(&home) > 0);
        fs::remove_file(&written).unwrap();
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn files_that_cannot_be_written_end_the_process_and_the_next_start_goes_on() {
    use std::os::unix::process::ExitStatusExt as _;
    let dir = tempfile::tempdir().unwrap();
    let mut ended = BTreeSet::new();
    for kib in [4, 7] {
        let home = dir.path().join(format!("home{kib}"));
        let limits = format!("trap '' XFSZ; ulimit -c 0; ulimit -f {};", kib * 2);
        let output = child(&home, &limits, "writes_until_it_is_ended")
            .output()
            .unwrap();
        let said = said(&output);
        assert_eq!(output.status.signal(), Some(6), "{kib} KiB: {said}");
        let cause = said.contains("strongroom: store.engine: ") && said.contains("too large");
        assert!(cause, "{said}");
        ended.extend(
            ["kv-flush", "kv-merge"]
                .into_iter()
                .filter(|name| said.contains(name)),
        );
        check_after(&home);
    }
    assert_eq!(ended.len(), 2, "{ended:?}");
}

/// Run by the test below in a process of its own: writes with so many descriptors left.
#[test]
fn writes_with_few_descriptors() {
    let (Some(home), Some(left)) = (std::env::var_os(HOME), std::env::var_os(LEFT)) else {
        return;
    };
    let kv = open(Path::new(&home)).unwrap();
    for n in 0..3 {
        write(&kv, n).unwrap();
    }
    let mut taken: Vec<_> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    taken.truncate(taken.len() - left.to_str().unwrap().parse::<usize>().unwrap());
    for n in 3..2_000 {
        if let Err(error) = write(&kv, n) {
            drop(taken);
            println!("refused: {}", error.code());
            return;
        }
    }
}

#[test]
fn want_of_means_refuses_a_batch_or_ends_the_process_with_a_status_and_a_sentence_and_loses_nothing()
 {
    let mut statuses = BTreeSet::new();
    for left in 0..8 {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        let mut command = child(&home, "ulimit -n 60;", "writes_with_few_descriptors");
        let output = command.env(LEFT, left.to_string()).output().unwrap();
        let (said, status) = (said(&output), output.status.code());
        match status {
            Some(0) => {}
            Some(8) => {
                let begin = said.find("strongroom: store.short: ").expect(&said);
                assert!(
                    said[begin..].ends_with("make room and start it again\n"),
                    "{said}"
                );
            }
            _ => panic!("{left}: {output:?}"),
        }
        statuses.extend(status);
        check_after(&home);
    }
    assert_eq!(
        statuses.into_iter().collect::<Vec<_>>(),
        [0, i32::from(EXIT_SHORT)]
    );
}

/// A machine that fails where it is told to.
struct Faulty {
    free: AtomicU64,
    /// Operations of journals until something happens.
    until: AtomicU64,
    fault: Fault,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    /// Half is written, and then what was written cannot be cut off either if `sticky`.
    Write {
        sticky: bool,
    },
    Sync {
        sticky: bool,
    },
}

impl Faulty {
    fn new(until: u64, fault: Fault) -> Arc<Self> {
        Arc::new(Self {
            free: AtomicU64::new(u64::MAX),
            until: AtomicU64::new(until),
            fault,
        })
    }

    fn set_free(&self, mib: u64) {
        self.free.store(mib << 20, Ordering::Relaxed);
    }

    /// Whether the operation fails that comes now.
    fn is_due(&self, sticky: bool) -> bool {
        let before = self.until.load(Ordering::Relaxed);
        self.until
            .store(before.saturating_sub(1), Ordering::Relaxed);
        before == 1 || sticky && before == 0
    }
}

struct FaultyLog(Box<dyn Log>, Arc<Faulty>);

impl Disk for Arc<Faulty> {
    fn free(&self, _: &Path) -> io::Result<u64> {
        Ok(self.free.load(Ordering::Relaxed))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Log>> {
        Ok(Box::new(FaultyLog(Machine.create(path)?, Arc::clone(self))))
    }
}

impl Log for FaultyLog {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.1.fault {
            Fault::Write { sticky } if self.1.is_due(sticky) => {
                self.0.append(&bytes[..bytes.len() / 2])?;
                Err(io::ErrorKind::StorageFull.into())
            }
            _ => self.0.append(bytes),
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        match self.1.fault {
            Fault::Sync { sticky } if self.1.is_due(sticky) => Err(io::Error::other("a bad disk")),
            _ => self.0.sync(),
        }
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        match self.1.fault {
            Fault::Write { sticky: true } | Fault::Sync { sticky: true } => {
                Err(io::Error::other("a bad disk"))
            }
            _ => self.0.cut(length),
        }
    }
}

#[test]
fn a_journal_that_fails_anywhere_loses_no_acknowledged_batch_and_shows_no_half_of_one() {
    let (mut went_on, mut refused) = (0, 0);
    for until in (1..34).step_by(4) {
        for fault in [false, true]
            .into_iter()
            .flat_map(|sticky| [Fault::Write { sticky }, Fault::Sync { sticky }])
        {
            let dir = tempfile::tempdir().unwrap();
            let disk = Faulty::new(until, fault);
            let kv = open_on(Arc::new(disk), dir.path()).unwrap();
            let (mut acknowledged, mut errors) = (0, 0);
            while acknowledged < 30 && errors < 4 {
                match write(&kv, acknowledged) {
                    Ok(()) => acknowledged += 1,
                    Err(_) => errors += 1,
                }
                assert_eq!(batches(&kv).unwrap(), acknowledged);
            }
            drop(kv);
            match errors {
                4 => refused += 1,
                _ => went_on += 1,
            }
            let kv = open(dir.path()).unwrap();
            let found = batches(&kv).unwrap();
            // One more: it was written, and its sync failed, and so did cutting it off.
            let more = fault == Fault::Sync { sticky: true };
            assert!(
                found == acknowledged || more && found == acknowledged + 1,
                "{until} {fault:?}"
            );
            for n in found..found + 10 {
                write(&kv, n).unwrap();
            }
            drop(kv);
            assert_eq!(batches(&open(dir.path()).unwrap()).unwrap(), found + 10);
        }
    }
    assert!(went_on >= 9 && refused >= 20, "{went_on} {refused}");
}

#[test]
fn without_room_nothing_is_written_and_writers_are_refused_until_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Faulty::new(0, Fault::None);
    let kv = open_on(Arc::new(Arc::clone(&disk)), dir.path()).unwrap();
    let mut end = 0;
    let mut fill = |kv: &LsmKv, count: u32| {
        for _ in 0..count {
            write(kv, end)?;
            end += 1;
        }
        Ok::<_, Error>(end)
    };
    fill(&kv, 40).unwrap();
    disk.set_free(63);
    assert_eq!(fill(&kv, 1).unwrap_err().code(), "store.short");
    drop(kv);
    // A start needs no room, and reads.
    let before = files(dir.path());
    let kv = open_on(Arc::new(Arc::clone(&disk)), dir.path()).unwrap();
    assert_eq!(batches(&kv).unwrap(), 40);
    assert_eq!(fill(&kv, 1).unwrap_err().code(), "store.short");
    drop(kv);
    assert!(
        files(dir.path())
            .keys()
            .all(|path| before.contains_key(path))
    );
    // Room for batches, and none for merges: files pile up, then writers are refused, at once and not for ever.
    disk.set_free(64);
    let kv = open_on(Arc::new(Arc::clone(&disk)), dir.path()).unwrap();
    let refused = loop {
        match fill(&kv, 1) {
            Ok(end) => assert!(end < 4_000, "merges have no room"),
            Err(error) => break error,
        }
    };
    assert_eq!(refused.code(), "store.short");
    let unmerged = |kv: &LsmKv| {
        kv.0.shared
            .trees
            .iter()
            .map(|tree| tree.tree.l0_run_count())
            .max()
            .unwrap()
    };
    let unmerged_max = kv.0.shared.trees[0].unmerged_max();
    assert!(unmerged(&kv) >= unmerged_max);
    disk.set_free(1_000);
    let begun = Instant::now();
    while fill(&kv, 1).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(20));
    }
    let end = fill(&kv, 100).unwrap();
    assert!(unmerged(&kv) < unmerged_max);
    assert_eq!(batches(&kv).unwrap(), end);
}

#[test]
fn a_flush_waits_for_room_and_writers_do_not() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Faulty::new(0, Fault::None);
    let kv = open_on(Arc::new(Arc::clone(&disk)), dir.path()).unwrap();
    let mut end = 0;
    // Somebody else takes the disk between the look of the writer and that of the flush.
    let shared = &kv.0.shared;
    while shared.writer().bytes < LITTLE.memory_bytes {
        write(&kv, end).unwrap();
        end += 1;
    }
    disk.set_free(0);
    shared.turn(&mut shared.writer()).unwrap();
    disk.set_free(64);
    let refused = loop {
        disk.set_free(64);
        let written = write(&kv, end);
        disk.set_free(0);
        match written {
            Ok(()) => end += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(refused.code(), "store.short");
    drop(kv);
    assert_eq!(batches(&open(dir.path()).unwrap()).unwrap(), end);
}

#[test]
fn a_merge_that_runs_out_of_room_gives_back_what_it_took_and_one_that_is_closed_ends_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Faulty::new(0, Fault::None);
    let kv = open_on(Arc::new(Arc::clone(&disk)), dir.path()).unwrap();
    let tables = dir.path().join(TABLES).join("a").join(TABLES);
    let tree = &kv.0.shared.trees[0];
    // Larger than what is read between two looks.
    for n in 0..4_u8 {
        let mut batch = Batch::new();
        for key in 0..100_u8 {
            batch.put(A, [key], vec![n; 8_000]);
        }
        kv.write(batch).unwrap();
    }
    while kv.0.shared.tasks.wait_for_files().is_err() {}
    let before = files(&tables);
    let first = tree.tree.next_table_id();
    disk.set_free(63);
    let strategy = Arc::new(lsm_tree::compaction::Leveled::default().with_l0_threshold(2));
    tree.watch.lists.take(Holder::Merge);
    assert!(tree.tree.compact(strategy.clone(), 0).is_err());
    assert!(tree.watch.has_given_up());
    assert!(files(&tables).len() > before.len());
    remove_unfinished(&tree.tree, first).unwrap();
    assert_eq!(files(&tables), before);
    // The list was let go of.
    tree.watch.lists.take(Holder::Flush);
    tree.watch.lists.give_back(Holder::Flush);
    disk.set_free(1_000);
    kv.0.shared.tasks.stop.store(true, Ordering::Relaxed);
    tree.watch.lists.take(Holder::Merge);
    assert!(tree.tree.compact(strategy.clone(), 0).is_err());
    assert!(tree.watch.has_given_up());
    kv.0.shared.tasks.stop.store(false, Ordering::Relaxed);
    tree.watch.lists.take(Holder::Merge);
    tree.tree.compact(strategy, 0).unwrap();
    tree.watch.lists.give_back(Holder::Merge);
    assert_eq!(kv.snapshot().unwrap().rows(A, ALL).unwrap().count(), 100);
}

#[test]
fn while_one_changes_the_list_of_a_trees_files_nobody_else_does() {
    let dir = tempfile::tempdir().unwrap();
    let kv = open(dir.path()).unwrap();
    let tree = &kv.0.shared.trees[0];
    let version = || tree.tree.current_version().id();
    for held in [Holder::Flush, Holder::Merge] {
        tree.watch.lists.take(held);
        let before = version();
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                let begin = batches(&kv).unwrap();
                (begin..begin + 60).for_each(|n| write(&kv, n).unwrap());
            });
            std::thread::sleep(Duration::from_millis(300));
            assert_eq!(version(), before);
            assert!(!writer.is_finished());
            tree.watch.lists.give_back(held);
        });
        assert!(version() > before + 3);
    }
}

#[test]
fn what_is_written_beside_the_database_leaves_free_what_it_keeps_free() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Faulty::new(0, Fault::None);
    let kv = open_on(Arc::new(Arc::clone(&disk)), dir.path()).unwrap();
    disk.set_free(65);
    kv.check_room(1 << 20).unwrap();
    let refused = kv.check_room((1 << 20) + 1).unwrap_err();
    assert_eq!(refused.code(), "store.short");
    assert!(refused.to_string().contains("needs 66 MiB"), "{refused}");
    assert!(kv.check_room(u64::MAX).is_err());
}

#[test]
fn a_table_that_is_scanned_has_the_same_rows_and_is_merged_more_seldom() {
    let dir = tempfile::tempdir().unwrap();
    let limits = KvLimits {
        scanned: &[A],
        ..LITTLE
    };
    let open = || LsmKv::open(dir.path(), &[A, B], limits).unwrap();
    let kv = open();
    let files = |kv: &LsmKv| {
        let trees = &kv.0.shared.trees;
        [0, 1].map(|at: usize| trees[at].tree.l0_run_count())
    };
    // Each batch names B too, so both have as many files until they are merged.
    let mut end = 0;
    loop {
        write(&kv, end).unwrap();
        end += 1;
        let [scanned, read] = files(&kv);
        // One flush puts them into files one after the other.
        if scanned > read + 8 {
            break;
        }
        assert!(end < 4_000, "nothing is merged");
    }
    for n in end..end + 1_000 {
        write(&kv, n).unwrap();
    }
    end += 1_000;
    assert!(files(&kv)[0] < kv.0.shared.trees[0].unmerged_max());
    assert_eq!(batches(&kv).unwrap(), end);
    let key = 0_u32.to_be_bytes();
    let alone = kv.snapshot().unwrap().get(A, &key).unwrap();
    let expected = model(end).into_iter().find(|(found, _)| *found == key);
    assert_eq!(alone, expected.map(|(_, value)| value));
    drop(kv);
    assert_eq!(batches(&open()).unwrap(), end);
}
