//! Where the bytes of a stopped network's home are: `cargo run -p strongroom-store --example rows -- HOME/network/data [DIRECTORY]`.
//!
//! For each table how many rows it has, and how long keys and values are. With a directory each table is written there, rows as they are: length
//! of the key (4) ‖ length of the value (4) ‖ key ‖ value, little endian.

use std::io::Write as _;
use std::ops::Bound;
use std::path::Path;
use strongroom_store::blocks::BlockStore;
use strongroom_store::kv::{Kv as _, KvLimits, LsmKv, Table};
use strongroom_store::state::TABLES;

fn main() -> anyhow::Result<()> {
    let mut words = std::env::args().skip(1);
    let Some(data) = words.next() else {
        anyhow::bail!("which data directory?");
    };
    let into = words.next();
    println!("| table | rows | keys, bytes | values, bytes | a row |\n|---|---|---|---|---|");
    for (name, tables) in [("state", TABLES), ("blocks", &BlockStore::TABLES)] {
        let kv = LsmKv::open(Path::new(&data).join(name), tables, KvLimits::default())?;
        for table in tables {
            tell(&kv, name, *table, into.as_deref())?;
        }
    }
    Ok(())
}

fn tell(kv: &LsmKv, name: &str, table: Table, into: Option<&str>) -> anyhow::Result<()> {
    let into = into.map(|into| Path::new(into).join(format!("{name}-{}", table.0)));
    let mut into = into.map(std::fs::File::create).transpose()?;
    let (mut rows, mut keys, mut values) = (0_u64, 0, 0);
    for row in kv
        .snapshot()?
        .rows(table, (Bound::Unbounded, Bound::Unbounded))?
    {
        let (key, value) = row?;
        rows += 1;
        keys += key.len() as u64;
        values += value.len() as u64;
        if let Some(file) = &mut into {
            let lengths = [key.len() as u32, value.len() as u32].map(u32::to_le_bytes);
            file.write_all(&[&lengths.concat()[..], &key, &value].concat())?;
        }
    }
    let each = (keys + values) / rows.max(1);
    println!(
        "| {name}/{} | {rows} | {keys} | {values} | {each} |",
        table.0
    );
    Ok(())
}
