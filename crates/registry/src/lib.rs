//! Distribution-spec client: resolve, blobs, manifests, referrers.
