//! A connection that waits for room before it reads on, and ends when its peer does not read.

use super::budget::Meter;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Sleep, sleep};

type Room = Pin<Box<dyn Future<Output = Option<OwnedSemaphorePermit>> + Send>>;

/// See the module. Holds its place among the connections of its server.
pub(super) struct Connection {
    stream: TcpStream,
    meter: Arc<Meter>,
    /// What it waits for before it reads on.
    room: Option<Room>,
    answer_waits: Duration,
    /// Runs from the first write that did not go through until everything is written.
    unread: Option<Pin<Box<Sleep>>>,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    pub(super) fn new(
        stream: TcpStream,
        meter: Arc<Meter>,
        answer_waits: Duration,
        place: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            stream,
            meter,
            room: None,
            answer_waits,
            unread: None,
            _place: place,
        }
    }

    /// Passes on what a write gave, unless the peer has let the node wait too long.
    fn watch<T>(
        &mut self,
        written: Poll<io::Result<T>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() && self.unread.is_none() {
            return written;
        }
        let waits = self.answer_waits;
        let unread = self.unread.get_or_insert_with(|| Box::pin(sleep(waits)));
        match unread.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => written,
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if let Some(room) = &mut self.room {
                let places = ready!(room.as_mut().poll(cx));
                self.room = None;
                if let Some(places) = places {
                    self.meter.put(places);
                }
            }
            match self.meter.owed() {
                Some(room) => self.room = Some(Box::pin(room)),
                None => break,
            }
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        self.meter.add(buf.filled().len().saturating_sub(before));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.watch(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.watch(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Called when nothing is left to write: the peer has taken it all.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.unread = None;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
