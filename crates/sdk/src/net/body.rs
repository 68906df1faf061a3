//! A request on its way, in pieces, so that somebody can be told how much of it is gone.

use core::convert::Infallible;
use core::pin::Pin;
use core::task::{Context, Poll};
use hyper::body::{Body, Bytes, Frame, SizeHint};

/// How large the pieces are. A request of one piece is not told of.
const PIECE_BYTES: usize = 128 << 10;

pub(super) struct Upload {
    whole: Bytes,
    sent: usize,
    progress: Option<fn(usize, usize)>,
}

impl Upload {
    pub(super) fn new(whole: Bytes, progress: Option<fn(usize, usize)>) -> Self {
        let progress = progress.filter(|_| whole.len() > PIECE_BYTES);
        Self {
            whole,
            sent: 0,
            progress,
        }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        let end = this.sent.saturating_add(PIECE_BYTES).min(this.whole.len());
        if end == this.sent {
            return Poll::Ready(None);
        }
        let piece = this.whole.slice(this.sent..end);
        this.sent = end;
        if let Some(progress) = this.progress {
            progress(end, this.whole.len());
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.whole.len().saturating_sub(self.sent) as u64)
    }
}
