//! Bodies that break off, dawdle or never end.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_core::Stream;
use tokio::time::{Sleep, sleep};

/// What was written before a break has to be on its way before it.
const BEFORE_BREAK: Duration = Duration::from_millis(20);

/// Half of `bytes`, then a broken connection.
pub(crate) fn cut(bytes: &Bytes) -> Body {
    let parts = VecDeque::from([bytes.slice(..bytes.len() / 2)]);
    Body::from_stream(Parts { parts, pause: BEFORE_BREAK, waiting: None, breaks: true })
}

/// `bytes` in four parts, with `pause` before each.
pub(crate) fn slow(bytes: &Bytes, pause: Duration) -> Body {
    let size = bytes.len().div_ceil(4).max(1);
    let starts = (0..bytes.len()).step_by(size);
    let parts = starts.map(|start| bytes.slice(start..(start + size).min(bytes.len()))).collect();
    Body::from_stream(Parts { parts, pause, waiting: None, breaks: false })
}

/// Spaces, which are no error in JSON, without an end.
pub(crate) fn endless() -> Body {
    Body::from_stream(Endless)
}

struct Endless;

impl Stream for Endless {
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(Some(Ok(Bytes::from_static(&[b' '; 4096]))))
    }
}

struct Parts {
    parts: VecDeque<Bytes>,
    /// Before each part, and before the break.
    pause: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
    breaks: bool,
}

impl Stream for Parts {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let pause = self.pause;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(pause)));
        std::task::ready!(waiting.as_mut().poll(context));
        self.waiting = None;
        match self.parts.pop_front() {
            Some(part) => Poll::Ready(Some(Ok(part))),
            None if self.breaks => {
                self.breaks = false;
                Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())))
            }
            None => Poll::Ready(None),
        }
    }
}
