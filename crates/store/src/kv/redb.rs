//! `Kv` on redb, a copy-on-write B-tree: the second implementation, against which the first is tested.

use super::{Batch, Kv, KvLimits, Range, Rows, Snapshot, Table};
use crate::error::{Error, Result};
use redb::{Database, ReadOnlyTable, ReadableDatabase as _, TableDefinition};
use std::path::Path;
use std::sync::Arc;

type OpenTable = ReadOnlyTable<&'static [u8], &'static [u8]>;

const fn definition(table: Table) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
    TableDefinition::new(table.0)
}

/// A redb database. Clones share it.
#[derive(Clone)]
pub struct RedbKv {
    database: Arc<Database>,
    tables: Arc<[Table]>,
}

impl RedbKv {
    /// Opens or makes the database in the file `path` with exactly these tables.
    ///
    /// # Errors
    /// If the file cannot be used, is damaged, or is open elsewhere.
    pub fn open(path: impl AsRef<Path>, tables: &[Table], limits: KvLimits) -> Result<Self> {
        let cache_bytes = usize::try_from(limits.cache_bytes).unwrap_or(usize::MAX);
        let database = Database::builder()
            .set_cache_size(cache_bytes)
            .create(path)
            .map_err(Error::engine)?;
        let transaction = database.begin_write().map_err(Error::engine)?;
        for table in tables {
            transaction
                .open_table(definition(*table))
                .map_err(Error::engine)?;
        }
        transaction.commit().map_err(Error::engine)?;
        Ok(Self {
            database: Arc::new(database),
            tables: tables.into(),
        })
    }
}

impl Kv for RedbKv {
    fn snapshot(&self) -> Result<Arc<dyn Snapshot>> {
        let transaction = self.database.begin_read().map_err(Error::engine)?;
        let tables = self.tables.iter().map(|table| {
            Ok((
                *table,
                transaction
                    .open_table(definition(*table))
                    .map_err(Error::engine)?,
            ))
        });
        Ok(Arc::new(RedbSnapshot {
            tables: tables.collect::<Result<_>>()?,
        }))
    }

    fn write(&self, batch: Batch) -> Result<()> {
        let mut transaction = self.database.begin_write().map_err(Error::engine)?;
        // Without it a crash costs a walk over the whole file at the next open.
        transaction.set_quick_repair(true);
        for name in self.tables.iter() {
            let mut table = transaction
                .open_table(definition(*name))
                .map_err(Error::engine)?;
            for change in batch.0.iter().filter(|change| change.table == *name) {
                let key = change.key.as_slice();
                match &change.value {
                    Some(value) => table.insert(key, value.as_slice()).map(drop),
                    None => table.remove(key).map(drop),
                }
                .map_err(Error::engine)?;
            }
        }
        if let Some(change) = batch
            .0
            .iter()
            .find(|change| !self.tables.contains(&change.table))
        {
            return Err(Error::engine(format!("no table {}", change.table.0)));
        }
        transaction.commit().map_err(Error::engine)
    }
}

struct RedbSnapshot {
    tables: Vec<(Table, OpenTable)>,
}

impl RedbSnapshot {
    fn table(&self, table: Table) -> Result<&OpenTable> {
        let found = self.tables.iter().find(|(name, _)| *name == table);
        found
            .map(|(_, table)| table)
            .ok_or_else(|| Error::engine(format!("no table {}", table.0)))
    }
}

impl Snapshot for RedbSnapshot {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let value = self.table(table)?.get(key).map_err(Error::engine)?;
        Ok(value.map(|value| value.value().to_vec()))
    }

    fn rows(&self, table: Table, range: Range<'_>) -> Result<Rows<'_>> {
        let rows = self
            .table(table)?
            .range::<&[u8]>(range)
            .map_err(Error::engine)?;
        Ok(Box::new(rows.map(|row| {
            let (key, value) = row.map_err(Error::engine)?;
            Ok((key.value().to_vec(), value.value().to_vec()))
        })))
    }
}
