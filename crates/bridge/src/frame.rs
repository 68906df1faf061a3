//! How messages are cut: frames of at most 64 KiB, so that a long message never holds up a short one.
//!
//! Frame = `length u32 LE` (of what follows) ‖ `stream u32 LE` ‖ `flags u8` ‖ `chunk`. Flag 1 = more chunks of this
//! message follow on this stream; all other bits are zero. A chunk is never empty.

use crate::error::DoorError;
use crate::message::{Message, spec_of_head};
use crate::stream::{Lane, PerLane};

/// The most bytes of a frame, its length field included. Less than a socket holds: whoever sends one seldom waits in the middle of it until the
/// other end has read, while others wait for him.
pub const FRAME_BYTES_MAX: usize = 64 << 10;
/// Bytes before the chunk.
pub const HEAD_BYTES: usize = 9;
/// The most bytes of a chunk.
pub const CHUNK_BYTES_MAX: usize = FRAME_BYTES_MAX - HEAD_BYTES;

const MORE: u8 = 1;

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The conversation that it belongs to.
    pub stream: u32,
    /// Whether more chunks of the same message follow.
    pub more: bool,
    /// A piece of an encoded message.
    pub chunk: Vec<u8>,
}

impl Frame {
    /// The frame's bytes.
    ///
    /// # Errors
    /// [`DoorError::Frame`] if the chunk is empty or too large.
    pub fn encode(&self) -> Result<Vec<u8>, DoorError> {
        if self.chunk.is_empty() || self.chunk.len() > CHUNK_BYTES_MAX {
            return Err(DoorError::Frame("chunk empty or too large"));
        }
        let rest = self.chunk.len().saturating_add(HEAD_BYTES - 4);
        let length =
            u32::try_from(rest).map_err(|_| DoorError::Frame("chunk empty or too large"))?;
        let mut out = Vec::with_capacity(self.chunk.len().saturating_add(HEAD_BYTES));
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&self.stream.to_le_bytes());
        out.push(if self.more { MORE } else { 0 });
        out.extend_from_slice(&self.chunk);
        Ok(out)
    }

    /// Checks the length field: how many bytes follow it.
    ///
    /// # Errors
    /// [`DoorError::Frame`] if no frame has this length.
    pub fn check_length(field: [u8; 4]) -> Result<usize, DoorError> {
        let length =
            usize::try_from(u32::from_le_bytes(field)).map_err(|_| DoorError::Frame("too long"))?;
        if length <= HEAD_BYTES - 4 {
            return Err(DoorError::Frame("too short"));
        }
        if length > FRAME_BYTES_MAX - 4 {
            return Err(DoorError::Frame("too long"));
        }
        Ok(length)
    }

    /// Decodes what follows the length field.
    ///
    /// # Errors
    /// [`DoorError::Frame`] for anything that [`Frame::encode`] does not write.
    pub fn decode_rest(rest: &[u8]) -> Result<Self, DoorError> {
        let (stream, rest) = rest
            .split_first_chunk::<4>()
            .ok_or(DoorError::Frame("too short"))?;
        let (flags, chunk) = rest.split_first().ok_or(DoorError::Frame("too short"))?;
        if *flags & !MORE != 0 {
            return Err(DoorError::Frame("unknown flag"));
        }
        if chunk.is_empty() || chunk.len() > CHUNK_BYTES_MAX {
            return Err(DoorError::Frame("chunk empty or too large"));
        }
        Ok(Self {
            stream: u32::from_le_bytes(*stream),
            more: *flags == MORE,
            chunk: chunk.to_vec(),
        })
    }
}

/// Cuts an encoded message into frames.
pub fn cut(stream: u32, message: &[u8]) -> impl Iterator<Item = Frame> {
    let mut chunks = message.chunks(CHUNK_BYTES_MAX).peekable();
    std::iter::from_fn(move || {
        let chunk = chunks.next()?.to_vec();
        Some(Frame {
            stream,
            more: chunks.peek().is_some(),
            chunk,
        })
    })
}

/// Puts messages of one direction together again; holds every limit while they grow. Of each lane one message at a time
/// may be unfinished, so a lane never holds more than its longest message, and no lane takes the room of another.
#[derive(Debug, Default)]
pub struct Assembler {
    unfinished: PerLane<Option<(u32, Vec<u8>)>>,
}

impl Assembler {
    /// Takes a frame; gives the message that it completes.
    ///
    /// # Errors
    /// [`DoorError`] if the message is unknown, above its limit, or too many are unfinished. The assembler is of no
    /// use after that.
    pub fn push<M: Message>(&mut self, frame: Frame) -> Result<Option<(u32, M)>, DoorError> {
        let Some((stream, whole)) = self.push_undecoded::<M>(frame)? else {
            return Ok(None);
        };
        M::decode(&whole).map(|message| Some((stream, message)))
    }

    /// As [`Assembler::push`], for whoever decodes elsewhere: of what is given only version, kind and length are checked.
    ///
    /// # Errors
    /// The same.
    pub fn push_undecoded<M: Message>(
        &mut self,
        frame: Frame,
    ) -> Result<Option<(u32, Vec<u8>)>, DoorError> {
        let slot = self.unfinished.of_mut(Lane::of(frame.stream));
        let mut whole = match slot.take() {
            Some((stream, begun)) if stream == frame.stream => begun,
            Some(_) if frame.more => {
                return Err(DoorError::Frame("a second unfinished message on a lane"));
            }
            other => {
                // A short message goes past the long one.
                *slot = other;
                Vec::new()
            }
        };
        let length = whole.len().saturating_add(frame.chunk.len());
        let spec = spec_of_head::<M>(if whole.is_empty() {
            &frame.chunk
        } else {
            &whole
        })?;
        if length > spec.limit {
            return Err(DoorError::TooLarge {
                name: spec.name,
                limit: spec.limit,
            });
        }
        if whole.is_empty() {
            whole = frame.chunk;
        } else {
            whole.extend_from_slice(&frame.chunk);
        }
        if !frame.more {
            return Ok(Some((frame.stream, whole)));
        }
        *slot = Some((frame.stream, whole));
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{FromHost, Request};
    use crate::spec;
    use proptest::prelude::*;

    fn query(bytes: usize) -> FromHost {
        FromHost::Request(Request::Query {
            path: String::from("/p"),
            data: vec![7; bytes],
        })
    }

    fn genesis(bytes: usize) -> FromHost {
        FromHost::Request(Request::InitChain {
            genesis: vec![7; bytes],
        })
    }

    fn head_of(half: u8, kind: u8) -> Vec<u8> {
        [&crate::message::VERSION[..], &[half, kind]].concat()
    }

    #[test]
    fn a_long_message_travels_in_chunks_and_arrives_whole() {
        let message = genesis(3 * FRAME_BYTES_MAX);
        let mut assembler = Assembler::default();
        let mut frames = 0;
        for frame in cut(9, &message.encode().unwrap()) {
            let bytes = frame.encode().unwrap();
            assert!(bytes.len() <= FRAME_BYTES_MAX);
            let (length, rest) = bytes.split_first_chunk::<4>().unwrap();
            assert_eq!(Frame::check_length(*length).unwrap(), rest.len());
            frames += 1;
            if let Some((stream, got)) = assembler
                .push::<FromHost>(Frame::decode_rest(rest).unwrap())
                .unwrap()
            {
                assert_eq!((stream, frames), (9, 4));
                assert!(got == message);
                return;
            }
        }
        panic!("never complete");
    }

    #[test]
    fn messages_of_both_lanes_and_short_ones_of_the_same_may_be_mixed() {
        let (a, b, short) = (
            genesis(2 * FRAME_BYTES_MAX),
            query(2 * FRAME_BYTES_MAX + 5),
            query(3),
        );
        let (a_bytes, b_bytes) = (a.encode().unwrap(), b.encode().unwrap());
        let mut assembler = Assembler::default();
        let mut done = Vec::new();
        let execution = Lane::Execution.stream(1);
        for (x, y) in cut(execution, &a_bytes).zip(cut(2, &b_bytes)) {
            done.extend(assembler.push::<FromHost>(x).unwrap());
            done.extend(assembler.push::<FromHost>(y).unwrap());
            for frame in cut(3, &short.encode().unwrap()) {
                let (stream, got) = assembler.push::<FromHost>(frame).unwrap().unwrap();
                assert!(stream == 3 && got == short);
            }
        }
        assert!(done == vec![(execution, a), (2, b)]);
    }

    #[test]
    fn a_message_above_its_limit_is_refused_before_it_is_complete() {
        assert!(matches!(
            query(spec::QUERY_BYTES_MAX).encode(),
            Err(DoorError::TooLarge { name: "query", .. })
        ));
        let mut head = head_of(0, 6);
        head.resize(CHUNK_BYTES_MAX, 0);
        let mut assembler = Assembler::default();
        let chunk = Frame {
            stream: 1,
            more: true,
            chunk: head,
        };
        let (n, refused) = (1..100)
            .find_map(|n| Some((n, assembler.push::<FromHost>(chunk.clone()).err()?)))
            .unwrap();
        assert_eq!(n, spec::QUERY_BYTES_MAX / CHUNK_BYTES_MAX + 1);
        assert!(matches!(refused, DoorError::TooLarge { name: "query", .. }));
    }

    #[test]
    fn a_lane_holds_one_unfinished_message_and_the_other_lane_is_not_touched() {
        let begun = |stream, bytes: usize| {
            let mut chunk = head_of(0, 6);
            chunk.resize(bytes, 0);
            Frame {
                stream,
                more: true,
                chunk,
            }
        };
        for lane in [Lane::Execution, Lane::Query] {
            let mut assembler = Assembler::default();
            let (first, second) = (lane.stream(1), lane.stream(2));
            assert_eq!(
                assembler.push::<FromHost>(begun(first, CHUNK_BYTES_MAX)),
                Ok(None)
            );
            let elsewhere = lane.stream(1) ^ crate::stream::EXECUTION_STREAMS_FROM;
            assert_eq!(assembler.push::<FromHost>(begun(elsewhere, 6)), Ok(None));
            assert_eq!(
                assembler.push::<FromHost>(begun(second, 6)),
                Err(DoorError::Frame("a second unfinished message on a lane"))
            );
        }
    }

    #[test]
    fn frames_that_the_format_does_not_know_are_refused() {
        assert!(Frame::check_length(0u32.to_le_bytes()).is_err());
        assert!(Frame::check_length(5u32.to_le_bytes()).is_err());
        assert!(Frame::check_length(6u32.to_le_bytes()).is_ok());
        let most = u32::try_from(FRAME_BYTES_MAX).unwrap() - 4;
        assert!(Frame::check_length(most.to_le_bytes()).is_ok());
        assert!(Frame::check_length((most + 1).to_le_bytes()).is_err());
        assert_eq!(
            Frame::decode_rest(&[1, 0, 0, 0, 2, 9]),
            Err(DoorError::Frame("unknown flag"))
        );
        assert!(Frame::decode_rest(&[1, 0, 0, 0, 0]).is_err());
        let unknown = Frame {
            stream: 1,
            more: false,
            chunk: vec![1, 2, 3, 4, 0, 0],
        };
        assert_eq!(
            Assembler::default().push::<FromHost>(unknown),
            Err(DoorError::Version {
                theirs: [1, 2, 3, 4]
            })
        );
        let unknown = Frame {
            stream: 1,
            more: false,
            chunk: head_of(0, 200),
        };
        assert_eq!(
            Assembler::default().push::<FromHost>(unknown),
            Err(DoorError::Message("unknown kind"))
        );
        let short = Frame {
            stream: 1,
            more: true,
            chunk: head_of(0, 0)[..5].to_vec(),
        };
        assert_eq!(
            Assembler::default().push::<FromHost>(short),
            Err(DoorError::Message("shorter than its head"))
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoders_panic(rest in prop::collection::vec(any::<u8>(), 0..200), kind in 0u8..16, half in 0u8..3) {
            if let Ok(frame) = Frame::decode_rest(&rest) {
                prop_assert_eq!(&frame.encode().unwrap()[4..], &rest[..]);
                let _ = Assembler::default().push::<FromHost>(frame.clone());
                let _ = Assembler::default().push::<crate::message::FromEnclave>(frame);
            }
            let mut message = head_of(half, kind);
            message.extend_from_slice(&rest);
            if let Ok(decoded) = FromHost::decode(&message) {
                prop_assert_eq!(decoded.encode().unwrap(), message.clone());
            }
            if let Ok(decoded) = crate::message::FromEnclave::decode(&message) {
                let _ = decoded.encode().unwrap();
            }
        }
    }
}
