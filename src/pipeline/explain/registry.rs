//! What the registries say, some images at a time.

use std::future::Future;

use sealwright_core::{Digest, ImageRef, Limits, PinnedRef};
use sealwright_oci::Document;
use sealwright_registry::Client;
use tokio::task::JoinSet;

use super::super::evidence::{self, Stored};

/// Images that are asked about at one time: each may keep `MOST_BYTES` of bundles in memory, and registries count requests.
const AT_ONCE: usize = 4;

/// What a reference names, or why nobody knows.
pub(super) type Resolved = Result<Now, String>;

/// What a reference names now.
#[derive(Debug, Clone)]
pub(super) struct Now {
    pub(super) digest: Digest,
    /// Of an index: the images in it.
    pub(super) images: Vec<Digest>,
}

pub(super) async fn resolve(client: &Client, reference: &ImageRef) -> Resolved {
    let (pinned, descriptor, bytes) = client.resolve(reference).await.map_err(|e| e.to_string())?;
    let images = match Document::parse(&bytes, Some(&descriptor.media_type)) {
        Ok(Document::Index(index)) => index.manifests.iter().map(|image| image.digest).collect(),
        _ => vec![],
    };
    Ok(Now { digest: *pinned.digest(), images })
}

/// The bundles that are listed as referrers, in the order of the list, and what was left aside.
pub(super) async fn bundles(client: &Client, image: &PinnedRef, limits: &Limits) -> Result<Stored, String> {
    evidence::stored(client, image, limits).await.map_err(|e| e.to_string())
}

/// Does `work` for each, [`AT_ONCE`] at a time, and hands over what came of it as it comes. Work that panics hands over nothing.
pub(super) async fn side_by_side<K, V, F>(
    keys: impl IntoIterator<Item = K>,
    work: impl Fn(K) -> F,
    mut done: impl FnMut(V),
) where
    V: Send + 'static,
    F: Future<Output = V> + Send + 'static,
{
    let mut keys = keys.into_iter();
    let mut running = JoinSet::new();
    loop {
        for key in keys.by_ref().take(AT_ONCE.saturating_sub(running.len())) {
            running.spawn(work(key));
        }
        match running.join_next().await {
            Some(Ok(value)) => done(value),
            Some(Err(_)) => {}
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn all_is_done_and_never_more_than_some_at_a_time() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let work = |number: usize| {
            let (now, most) = (now.clone(), most.clone());
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                now.fetch_sub(1, Ordering::SeqCst);
                number
            }
        };
        let mut done = Vec::new();
        runtime.block_on(side_by_side(0..50, work, |number| done.push(number)));
        done.sort_unstable();
        assert_eq!(done, (0..50).collect::<Vec<_>>());
        assert_eq!(most.load(Ordering::SeqCst), AT_ONCE);
    }
}
