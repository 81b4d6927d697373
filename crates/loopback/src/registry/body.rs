//! Bodies that break off or dawdle.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_core::Stream;
use tokio::time::{Sleep, sleep};

/// Half of `bytes`, then a broken connection.
pub(crate) fn cut(bytes: &Bytes) -> Body {
    let parts = VecDeque::from([bytes.slice(..bytes.len() / 2)]);
    Body::from_stream(Parts { parts, pause: None, waiting: None, breaks: true })
}

/// `bytes` in four parts, with `pause` before each.
pub(crate) fn slow(bytes: &Bytes, pause: Duration) -> Body {
    let size = bytes.len().div_ceil(4).max(1);
    let starts = (0..bytes.len()).step_by(size);
    let parts = starts.map(|start| bytes.slice(start..(start + size).min(bytes.len()))).collect();
    Body::from_stream(Parts { parts, pause: Some(pause), waiting: None, breaks: false })
}

struct Parts {
    parts: VecDeque<Bytes>,
    pause: Option<Duration>,
    waiting: Option<Pin<Box<Sleep>>>,
    breaks: bool,
}

impl Stream for Parts {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(pause) = self.pause {
            let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(pause)));
            std::task::ready!(waiting.as_mut().poll(context));
            self.waiting = None;
        }
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
