//! The tags of older cosign versions: nothing that is there is lost, whoever writes.

use std::collections::BTreeMap;

use sealwright_core::Digest;
use sealwright_loopback::registry::{Effect, Fault};
use sealwright_oci::{Descriptor, media_type};
use sealwright_registry::{LegacyTag, RegistryError};
use serde_json::{Value, json};

use crate::fixture::{REPOSITORY, client, image, registry_with, stored};

const LAYER: &str = "application/vnd.dsse.envelope.v1+json";

fn layer(content: &str, annotation: &str) -> Descriptor {
    let mut layer = Descriptor::of(LAYER, content.as_bytes());
    layer.annotations = BTreeMap::from([("signature".to_owned(), annotation.to_owned())]);
    layer
}

#[tokio::test]
async fn layers_are_added_and_those_that_are_there_are_kept() {
    let registry = registry_with(|_| {});
    let (image, client) = (image(), client());
    let pinned = stored(&registry, &image, None);
    assert_eq!(client.legacy_layers(&pinned, LegacyTag::Attestations).await.expect("none"), []);
    // The same payload signed twice is two layers.
    let layers = [layer("a", "1"), layer("a", "2"), layer("b", "1")];
    for added in layers.iter().chain(&layers) {
        let content = if added.digest == Digest::of(b"a") { "a" } else { "b" };
        client
            .add_legacy_layers(&pinned, LegacyTag::Attestations, &[(added.clone(), content.as_bytes().to_vec())])
            .await
            .expect("added");
    }
    assert_eq!(client.legacy_layers(&pinned, LegacyTag::Attestations).await.expect("three"), layers);
    assert_eq!(client.legacy_layers(&pinned, LegacyTag::Signatures).await.expect("none"), []);
    let tag = format!("sha256-{}.att", pinned.digest().hex());
    let manifest = registry.manifests(REPOSITORY).into_iter().find(|m| m.digest == registry.tags(REPOSITORY)[&tag]);
    let manifest = manifest.expect("the manifest").json();
    assert_eq!(manifest["config"]["mediaType"], media_type::CONFIG);
}

#[tokio::test]
async fn what_another_tool_wrote_keeps_its_kind_and_its_words() {
    let registry = registry_with(|_| {});
    let (image, client) = (image(), client());
    let pinned = stored(&registry, &image, None);
    let kind = "application/vnd.docker.distribution.manifest.v2+json";
    let config_type = "application/vnd.docker.container.image.v1+json";
    registry.put_blob(REPOSITORY, b"{}".to_vec());
    registry.put_blob(REPOSITORY, b"theirs".to_vec());
    let manifest = json!({
        "schemaVersion": 2, "mediaType": kind, "config": Descriptor::of(config_type, b"{}"),
        "layers": [layer("theirs", "x")], "annotations": { "who": "them" },
    });
    let tag = format!("sha256-{}.sig", pinned.digest().hex());
    registry.put_manifest(REPOSITORY, Some(&tag), kind, manifest.to_string());
    client
        .add_legacy_layers(&pinned, LegacyTag::Signatures, &[(layer("ours", "y"), b"ours".to_vec())])
        .await
        .expect("added");
    let found = registry.manifests(REPOSITORY).into_iter().find(|m| m.digest == registry.tags(REPOSITORY)[&tag]);
    let found = found.expect("the manifest");
    let json: Value = found.json();
    assert_eq!((found.media_type.as_str(), json["mediaType"].as_str()), (kind, Some(kind)));
    assert_eq!((&json["annotations"]["who"], &json["config"]["mediaType"]), (&json!("them"), &json!(config_type)));
    let layers = client.legacy_layers(&pinned, LegacyTag::Signatures).await.expect("two");
    assert_eq!(layers, [layer("theirs", "x"), layer("ours", "y")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_update_is_noticed_and_repaired_or_told() {
    let registry = registry_with(|_| {});
    let (image, client) = (image(), client());
    let pinned = stored(&registry, &image, None);
    registry.fault(Fault { times: 2, ..Fault::once("PUT", "/manifests/sha256-", Effect::LoseTag) });
    client
        .add_legacy_layers(&pinned, LegacyTag::Signatures, &[(layer("a", "1"), b"a".to_vec())])
        .await
        .expect("the third time");
    assert_eq!(client.legacy_layers(&pinned, LegacyTag::Signatures).await.expect("one"), [layer("a", "1")]);
    registry.fault(Fault::always("PUT", "/manifests/sha256-", Effect::LoseTag));
    let error = client.add_legacy_layers(&pinned, LegacyTag::Signatures, &[(layer("b", "1"), b"b".to_vec())]).await;
    assert!(matches!(error, Err(RegistryError::LostUpdate { attempts: 8, .. })), "{error:?}");
}

#[tokio::test]
async fn a_tag_that_is_no_manifest_is_never_replaced() {
    let registry = registry_with(|_| {});
    let (image, client) = (image(), client());
    let pinned = stored(&registry, &image, None);
    let index = json!({ "schemaVersion": 2, "mediaType": media_type::INDEX, "manifests": [] }).to_string();
    let tag = format!("sha256-{}.att", pinned.digest().hex());
    let before = registry.put_manifest(REPOSITORY, Some(&tag), media_type::INDEX, index);
    let error = client.add_legacy_layers(&pinned, LegacyTag::Attestations, &[(layer("a", "1"), b"a".to_vec())]).await;
    assert!(matches!(error, Err(RegistryError::Protocol { .. })), "{error:?}");
    assert!(client.legacy_layers(&pinned, LegacyTag::Attestations).await.is_err());
    assert_eq!(registry.tags(REPOSITORY)[&tag], before);
}
