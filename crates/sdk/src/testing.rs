//! What the tests of this crate share.

use core::pin::pin;
use core::task::{Context, Poll, Waker};

/// The outcome of work that waits for nobody.
pub(crate) fn ready<T>(work: impl Future<Output = T>) -> T {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("it waits"),
    }
}
