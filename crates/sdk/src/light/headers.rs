//! Headers that were proven already: what is proven next goes on from them, and none is asked for twice.
//!
//! Promises: each follows from the trusted point by the checks of [`follow`], whatever the node says; what fails leaves the others as they are. Refuses: another
//! header at the height of one that was proven, or a history that does not go on from it. A *lower* header is proven from the trusted point and not shown to
//! be an ancestor of those that are kept: signers of two histories could tell both to a client, until the kept ones are given up. [`Headers::new`] begins anew.

use super::{Call, Error, Path, Question, Terms, Trusted, above, follow, light_block, value_under};
use crate::types::Height;
use serde_json::Value;
use strongroom_proof::comet::Header;

/// Headers that are kept. Whoever waits needs two, of a block and of the next one; a node behind a balancer may be some blocks behind another.
const KEPT_MAX: usize = 8;

/// A trusted point, and the newest of the headers that were proven from it.
#[derive(Clone, Debug)]
pub struct Headers {
    first: Trusted,
    /// Heights rise. At most [`KEPT_MAX`].
    kept: Vec<(Header, Trusted)>,
}

impl Headers {
    /// Nothing is proven but the point itself.
    #[must_use]
    pub const fn new(first: Trusted) -> Self {
        Self {
            first,
            kept: Vec::new(),
        }
    }

    /// The chain of the trusted point.
    #[must_use]
    pub fn chain_id(&self) -> &str {
        self.first.chain_id()
    }

    /// The header at a height, and the same as a point to go on from.
    ///
    /// # Errors
    /// As [`follow`].
    pub async fn at(
        &mut self,
        height: Height,
        terms: &Terms,
        mut ask: impl AsyncFnMut(&Call) -> Result<Value, String>,
    ) -> Result<&(Header, Trusted), Error> {
        let place = match self.place(height) {
            Ok(place) => {
                // A node that has stopped there is not believed for ever.
                if let (Some(clock), Some((_, point))) = (&terms.clock, self.kept.get(place)) {
                    point.check_age(clock)?;
                }
                place
            }
            Err(place) => {
                let nearest = place.checked_sub(1).and_then(|n| self.kept.get(n));
                let nearest = nearest.map_or(&self.first, |(_, point)| point);
                let Path { end, mut blocks } = follow(nearest, height, terms, &mut ask).await?;
                let header = match blocks.pop() {
                    Some(block) => block.header,
                    // The trusted header itself.
                    None => light_block(height, &mut ask).await?.header,
                };
                if Some(header.hash()) != end.hash() {
                    return Err(strongroom_proof::Error::Root.into());
                }
                self.keep(place, (header, end))
            }
        };
        // It was found or put there.
        self.kept.get(place).ok_or(Error::TooNew(height))
    }

    /// Asks for a value, and checks it: the height of the state that it is from, and the value.
    ///
    /// # Errors
    /// As [`super::value`].
    pub async fn value(
        &mut self,
        terms: &Terms,
        question: &Question,
        mut ask: impl AsyncFnMut(&Call) -> Result<Value, String>,
    ) -> Result<(Height, Option<Vec<u8>>), Error> {
        let (height, above) = above(question, &mut ask).await?;
        let (_, end) = self.at(above, terms, &mut ask).await?;
        let (value, _) = value_under(end, height, question, &mut ask).await?;
        Ok((height, value))
    }

    fn place(&self, height: Height) -> Result<usize, usize> {
        self.kept
            .binary_search_by_key(&height, |(header, _)| header.height)
    }

    /// Keeps a header at its place; gives the place. Of too many the oldest of the others goes.
    fn keep(&mut self, place: usize, header: (Header, Trusted)) -> usize {
        self.kept.insert(place, header);
        if self.kept.len() <= KEPT_MAX {
            return place;
        }
        self.kept.remove(usize::from(place == 0));
        place.saturating_sub(1)
    }
}
