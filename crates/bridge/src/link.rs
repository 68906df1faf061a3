//! What carries frames: two channels within a process, or a socket between two.

use crate::error::DoorError;
use crate::frame::Frame;
use std::sync::mpsc;

/// Frames that a channel of the in-process link holds before its sender waits.
const IN_FLIGHT_FRAMES: usize = 64;

/// The sending half of a link.
pub trait Sink: Send {
    /// Sends a frame; waits while the link is full.
    ///
    /// # Errors
    /// [`DoorError::Closed`] if the other end is gone.
    fn send(&mut self, frame: Frame) -> Result<(), DoorError>;
}

/// The receiving half of a link.
pub trait Source: Send {
    /// Waits for a frame.
    ///
    /// # Errors
    /// [`DoorError::Closed`] if the other end is gone, [`DoorError::Frame`] if it sent something else.
    fn receive(&mut self) -> Result<Frame, DoorError>;
}

/// One end of a link.
pub struct Link {
    /// To the other end.
    pub sink: Box<dyn Sink>,
    /// From the other end.
    pub source: Box<dyn Source>,
}

/// The two ends of a link within this process.
#[must_use]
pub fn in_process() -> (Link, Link) {
    let (there, from_here) = mpsc::sync_channel(IN_FLIGHT_FRAMES);
    let (here, from_there) = mpsc::sync_channel(IN_FLIGHT_FRAMES);
    let a = Link {
        sink: Box::new(ChannelSink(there)),
        source: Box::new(ChannelSource(from_there)),
    };
    let b = Link {
        sink: Box::new(ChannelSink(here)),
        source: Box::new(ChannelSource(from_here)),
    };
    (a, b)
}

fn gone() -> DoorError {
    DoorError::Closed(String::from("the other end is gone"))
}

struct ChannelSink(mpsc::SyncSender<Frame>);

impl Sink for ChannelSink {
    fn send(&mut self, frame: Frame) -> Result<(), DoorError> {
        self.0.send(frame).map_err(|_| gone())
    }
}

struct ChannelSource(mpsc::Receiver<Frame>);

impl Source for ChannelSource {
    fn receive(&mut self) -> Result<Frame, DoorError> {
        self.0.recv().map_err(|_| gone())
    }
}

#[cfg(unix)]
mod socket {
    use super::{Link, Sink, Source, gone};
    use crate::error::DoorError;
    use crate::frame::Frame;
    use std::io::{ErrorKind, Read as _, Write as _};
    use std::net::Shutdown;
    use std::os::unix::net::UnixStream;

    impl Link {
        /// A link over one end of a socket pair.
        ///
        /// # Errors
        /// [`DoorError::Closed`] if the descriptor cannot be duplicated.
        pub fn over(socket: UnixStream) -> Result<Self, DoorError> {
            let reader = socket
                .try_clone()
                .map_err(|e| DoorError::Closed(e.to_string()))?;
            Ok(Self::over_halves(reader, socket))
        }

        /// A link over two descriptors of the same socket, for a process that may make no new ones.
        #[must_use]
        pub fn over_halves(reader: UnixStream, writer: UnixStream) -> Self {
            Self {
                sink: Box::new(SocketSink(writer)),
                source: Box::new(SocketSource(reader)),
            }
        }
    }

    fn io_error(e: &std::io::Error) -> DoorError {
        match e.kind() {
            ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => gone(),
            _ => DoorError::Closed(e.to_string()),
        }
    }

    struct SocketSink(UnixStream);

    impl Sink for SocketSink {
        fn send(&mut self, frame: Frame) -> Result<(), DoorError> {
            self.0.write_all(&frame.encode()?).map_err(|e| io_error(&e))
        }
    }

    impl Drop for SocketSink {
        /// The other end learns at once, and so does our own reader, which holds a duplicate.
        fn drop(&mut self) {
            let _ = self.0.shutdown(Shutdown::Both);
        }
    }

    struct SocketSource(UnixStream);

    impl Source for SocketSource {
        fn receive(&mut self) -> Result<Frame, DoorError> {
            let mut field = [0; 4];
            self.0.read_exact(&mut field).map_err(|e| io_error(&e))?;
            let mut rest = vec![0; Frame::check_length(field)?];
            self.0.read_exact(&mut rest).map_err(|e| io_error(&e))?;
            Frame::decode_rest(&rest)
        }
    }
}
