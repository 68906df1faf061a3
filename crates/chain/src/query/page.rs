//! Pages of lists: `PageRequest` within bounds.

use super::{QueryError, QueryStop};
use crate::Ctx;
use crate::collections::Index;
use crate::types::proto::cosmos::base::query::v1beta1::{PageRequest, PageResponse};

/// Entries on a page when the request names no limit.
pub const LIMIT_DEFAULT: usize = 100;
/// The most entries on a page; a larger limit is taken as this, and the answer's `next_key` goes on.
pub const LIMIT_MAX: usize = 1_000;
/// The largest offset: every skipped entry is read. Whoever goes deeper follows `next_key`.
pub const OFFSET_MAX: u64 = 10_000;

/// A checked `PageRequest`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// First key, as an earlier page's `next_key` said.
    pub key: Option<Vec<u8>>,
    /// Number of entries to skip.
    pub offset: usize,
    /// The most entries, 1 to [`LIMIT_MAX`].
    pub limit: usize,
    /// Whether the whole list's length is wanted.
    pub count_total: bool,
    /// Whether to go downwards.
    pub reverse: bool,
}

impl Page {
    /// Checks a request; no request is the first page.
    ///
    /// # Errors
    /// gRPC 3 for key and offset at once, or an offset above [`OFFSET_MAX`].
    pub fn new(request: Option<PageRequest>) -> Result<Self, QueryStop> {
        let request = request.unwrap_or_default();
        let key = Some(request.key).filter(|key| !key.is_empty());
        if key.is_some() && request.offset > 0 {
            let text = "invalid request, either offset or key is expected, got both";
            return Err(QueryError::invalid_argument(text).into());
        }
        if request.offset > OFFSET_MAX {
            let text = format!("offset above {OFFSET_MAX}: follow next_key instead");
            return Err(QueryError::invalid_argument(text).into());
        }
        let limit = usize::try_from(request.limit).unwrap_or(LIMIT_MAX);
        Ok(Self {
            offset: usize::try_from(request.offset).unwrap_or(0),
            count_total: key.is_none() && (request.count_total || limit == 0),
            limit: if limit == 0 {
                LIMIT_DEFAULT
            } else {
                limit.min(LIMIT_MAX)
            },
            reverse: request.reverse,
            key,
        })
    }

    /// The keys of this page of an index, and the answer's page data.
    ///
    /// # Errors
    /// Out of gas or a fault.
    pub fn of_index(
        &self,
        ctx: &mut Ctx,
        index: &Index,
    ) -> Result<(Vec<Vec<u8>>, PageResponse), QueryStop> {
        let wanted = self.offset.saturating_add(self.limit).saturating_add(1);
        let mut keys = index.range(ctx, self.key.as_deref(), wanted, self.reverse)?;
        keys.drain(..self.offset.min(keys.len()));
        let next_key = if keys.len() > self.limit {
            keys.pop()
        } else {
            None
        };
        let total = if self.count_total { index.len(ctx)? } else { 0 };
        Ok((
            keys,
            PageResponse {
                next_key: next_key.unwrap_or_default(),
                total,
            },
        ))
    }

    /// The places of this page in a list of `len` entries that lies at hand, and the answer's page data. The total costs
    /// nothing here and is always told.
    ///
    /// # Errors
    /// gRPC 3 for a key that is no number.
    pub fn places(&self, len: usize) -> Result<(Vec<usize>, PageResponse), QueryStop> {
        let total = u64::try_from(len).unwrap_or(u64::MAX);
        let mut numbers = self.numbers(total)?.skip(self.offset);
        let places = numbers.by_ref().take(self.limit);
        let places = places.filter_map(|n| usize::try_from(n).ok()).collect();
        let next_key = numbers
            .next()
            .map(|n| n.to_be_bytes().to_vec())
            .unwrap_or_default();
        Ok((places, PageResponse { next_key, total }))
    }

    /// The numbers below `end` that this page walks over, in its order, from its key or offset on; unlimited, since a
    /// caller may skip some.
    ///
    /// # Errors
    /// gRPC 3 for a key that is no number.
    pub fn numbers(&self, end: u64) -> Result<Box<dyn Iterator<Item = u64>>, QueryStop> {
        let key = match &self.key {
            None => None,
            Some(bytes) => {
                let bytes: Option<[u8; 8]> = bytes.as_slice().try_into().ok();
                let bytes =
                    bytes.ok_or_else(|| QueryError::invalid_argument("invalid pagination key"))?;
                Some(u64::from_be_bytes(bytes))
            }
        };
        Ok(if self.reverse {
            let end = key.map_or(end, |key| key.saturating_add(1).min(end));
            Box::new((0..end).rev())
        } else {
            Box::new(key.unwrap_or(0)..end)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_without_limit_gets_the_first_hundred_and_the_total() {
        let page = Page::new(None).unwrap();
        assert_eq!((page.limit, page.count_total, page.offset), (100, true, 0));
    }

    #[test]
    fn limits_and_offsets_have_bounds() {
        let request = PageRequest {
            limit: u64::MAX,
            ..Default::default()
        };
        assert_eq!(Page::new(Some(request)).unwrap().limit, LIMIT_MAX);
        assert!(
            Page::new(Some(PageRequest {
                offset: OFFSET_MAX + 1,
                ..Default::default()
            }))
            .is_err()
        );
        assert!(
            Page::new(Some(PageRequest {
                offset: 1,
                key: vec![1],
                ..Default::default()
            }))
            .is_err()
        );
    }

    #[test]
    fn a_list_at_hand_is_walked_up_and_down_by_offset_and_by_key() {
        let page = |key: &[u8], offset, reverse| {
            let request = PageRequest {
                key: key.to_vec(),
                offset,
                limit: 2,
                count_total: false,
                reverse,
            };
            let (places, page) = Page::new(Some(request)).unwrap().places(5).unwrap();
            (places, page.next_key, page.total)
        };
        let key = |n: u64| n.to_be_bytes().to_vec();
        assert_eq!(page(&[], 0, false), (vec![0, 1], key(2), 5));
        assert_eq!(page(&key(2), 0, false), (vec![2, 3], key(4), 5));
        assert_eq!(page(&key(4), 0, false), (vec![4], vec![], 5));
        assert_eq!(page(&[], 4, false), (vec![4], vec![], 5));
        assert_eq!(page(&[], 0, true), (vec![4, 3], key(2), 5));
        assert_eq!(page(&key(2), 0, true), (vec![2, 1], key(0), 5));
        assert_eq!(page(&[], 9, true), (vec![], vec![], 5));
    }

    #[test]
    fn numbers_go_up_or_down_from_the_key() {
        let numbers = |key: Option<u64>, reverse| {
            let key = key.map(|k| k.to_be_bytes().to_vec());
            let page = Page {
                key,
                offset: 0,
                limit: 1,
                count_total: false,
                reverse,
            };
            page.numbers(4).unwrap().collect::<Vec<_>>()
        };
        assert_eq!(numbers(None, false), [0, 1, 2, 3]);
        assert_eq!(numbers(Some(2), false), [2, 3]);
        assert_eq!(numbers(None, true), [3, 2, 1, 0]);
        assert_eq!(numbers(Some(1), true), [1, 0]);
        assert_eq!(numbers(Some(9), true), [3, 2, 1, 0]);
    }
}
