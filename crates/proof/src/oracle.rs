//! For tests only: the `jmt` crate as an independent opinion on roots, and keys whose hashes lie side by side.

use jmt::storage::{LeafNode, Node, NodeKey, TreeReader};
use jmt::{KeyHash, OwnedValue, Version};
use std::collections::BTreeMap;

/// A value set or removed at the place that a key hashes to.
pub(crate) type Change = ([u8; 32], Option<Vec<u8>>);

/// A tree of the `jmt` crate.
#[derive(Default)]
pub(crate) struct Oracle {
    nodes: BTreeMap<NodeKey, Node>,
    values: BTreeMap<(KeyHash, Version), Option<OwnedValue>>,
    version: Version,
}

impl TreeReader for Oracle {
    fn get_node_option(&self, node_key: &NodeKey) -> anyhow::Result<Option<Node>> {
        Ok(self.nodes.get(node_key).cloned())
    }

    fn get_value_option(
        &self,
        max_version: Version,
        key_hash: KeyHash,
    ) -> anyhow::Result<Option<OwnedValue>> {
        let mut versions = self
            .values
            .range((key_hash, 0)..=(key_hash, max_version))
            .rev();
        Ok(versions.next().and_then(|(_, value)| value.clone()))
    }

    fn get_rightmost_leaf(&self) -> anyhow::Result<Option<(NodeKey, LeafNode)>> {
        anyhow::bail!("only for restoring")
    }
}

impl Oracle {
    /// Applies `changes` (several to one key: the last counts) and answers the root.
    pub(crate) fn apply(&mut self, changes: &[Change]) -> [u8; 32] {
        let tree = jmt::Sha256Jmt::new(self);
        let set: BTreeMap<KeyHash, Option<OwnedValue>> = changes
            .iter()
            .map(|(key, value)| (KeyHash(*key), value.clone()))
            .collect();
        let (root, batch) = tree.put_value_set(set, self.version).unwrap();
        self.nodes.extend(
            batch
                .node_batch
                .nodes()
                .iter()
                .map(|(k, v)| (k.clone(), v.clone())),
        );
        for ((version, key), value) in batch.node_batch.values() {
            self.values.insert((*key, *version), value.clone());
        }
        self.version += 1;
        root.0
    }
}

/// Histories over keys that share from 0 to 255 bits.
pub(crate) mod histories {
    use super::Change;
    use proptest::prelude::*;

    /// Key hashes, many of them neighbours at every depth.
    pub(crate) fn keys(count: usize) -> impl Strategy<Value = Vec<[u8; 32]>> {
        let bases = prop::array::uniform2(any::<[u8; 32]>());
        let key = (
            0usize..3,
            any::<[u8; 32]>(),
            prop::collection::vec(0usize..256, 0..3),
        );
        (bases, prop::collection::vec(key, 1..=count)).prop_map(|(bases, keys)| {
            let keys = keys
                .into_iter()
                .map(|(base, random, flips)| match bases.get(base) {
                    None => random,
                    Some(base) => flips.iter().fold(*base, |mut key, flip| {
                        key[flip / 8] ^= 0x80 >> (flip % 8);
                        key
                    }),
                });
            let mut keys: Vec<_> = keys.collect();
            keys.sort_unstable();
            keys.dedup();
            keys
        })
    }

    /// Keys, and blocks of inserts, updates, removals and inserts again.
    pub(crate) fn blocks(
        key_count: usize,
        block_count: usize,
        writes: usize,
    ) -> impl Strategy<Value = (Vec<[u8; 32]>, Vec<Vec<Change>>)> {
        // Two of five writes remove, so that trees also shrink and collapse.
        let write = (any::<prop::sample::Index>(), 0u8..5, any::<u8>());
        let block = prop::collection::vec(write, 1..=writes);
        (
            keys(key_count),
            prop::collection::vec(block, 1..=block_count),
        )
            .prop_map(|(keys, blocks)| {
                let block = |writes: Vec<(prop::sample::Index, u8, u8)>| {
                    writes
                        .into_iter()
                        .map(|(at, kind, byte)| {
                            (keys[at.index(keys.len())], (kind > 1).then(|| vec![byte]))
                        })
                        .collect()
                };
                let blocks = blocks.into_iter().map(block).collect();
                (keys, blocks)
            })
    }
}
