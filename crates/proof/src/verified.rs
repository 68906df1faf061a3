//! `Verified<T>`: a value that a check of this crate has accepted.
//!
//! Promises: outside this crate there is no way to make one, so that who holds one knows that the check happened.

/// A checked `T`. Made only inside `proof`; read through `Deref`, opened with [`Verified::into_inner`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    /// Only for the code that has just done the check.
    #[allow(dead_code, reason = "made by the light client")]
    pub(crate) const fn new(value: T) -> Self {
        Self(value)
    }

    /// Gives up the mark and returns the value.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> core::ops::Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> AsRef<T> for Verified<T> {
    fn as_ref(&self) -> &T {
        &self.0
    }
}
