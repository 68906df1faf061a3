//! Distrust as a type: what comes from outside opens only through a check that can fail.

/// A value that nobody has checked yet. There is no way to the content but [`Untrusted::verify`].
#[derive(Clone, PartialEq, Eq)]
pub struct Untrusted<T>(T);

impl<T> Untrusted<T> {
    /// Marks `value` as unchecked.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Opens the value through `check`; what `check` returns is what the caller may use.
    ///
    /// # Errors
    /// Whatever `check` answers for content that it refuses.
    pub fn verify<U, E>(self, check: impl FnOnce(T) -> Result<U, E>) -> Result<U, E> {
        check(self.0)
    }
}

impl<T> core::fmt::Debug for Untrusted<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Untrusted(..)")
    }
}
