// Attests an image and attaches the bundle as GitHub's attest action does, with the same parts.
// Arguments: --image NAME --digest sha256:HEX --token FILE --config FILE --predicate FILE --type URI.

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { bundleToJSON } from '@sigstore/bundle';
import { attachArtifactToImage } from '@sigstore/oci';
import { DSSEBundleBuilder, FulcioSigner, RekorWitness, TSAWitness } from '@sigstore/sign';

const text = { type: 'string' };
const options = { image: text, digest: text, token: text, config: text, predicate: text, type: text };
const { values } = parseArgs({ options });
const json = (file) => JSON.parse(readFileSync(file, 'utf8'));

const config = json(values.config);
const token = readFileSync(values.token, 'utf8').trim();
const [algorithm, hex] = values.digest.split(':');
const statement = {
  _type: 'https://in-toto.io/Statement/v1',
  subject: [{ name: values.image, digest: { [algorithm]: hex } }],
  predicateType: values.type,
  predicate: json(values.predicate),
};

const signer = new FulcioSigner({
  fulcioBaseURL: config.caUrls[0].url,
  identityProvider: { getToken: async () => token },
});
const log = config.rekorTlogUrls[0];
const witnesses = [new RekorWitness({
  rekorBaseURL: log.url,
  majorApiVersion: log.majorApiVersion,
  entryType: log.majorApiVersion === 1 ? 'dsse' : undefined,
})];
for (const authority of config.tsaUrls ?? []) {
  witnesses.push(new TSAWitness({ tsaBaseURL: authority.url }));
}
const builder = new DSSEBundleBuilder({ signer, witnesses });
const bundle = await builder.create({
  type: 'application/vnd.in-toto+json',
  data: Buffer.from(JSON.stringify(statement)),
});
const artifact = await attachArtifactToImage({
  imageName: values.image,
  imageDigest: values.digest,
  artifact: Buffer.from(JSON.stringify(bundleToJSON(bundle))),
  mediaType: bundle.mediaType,
  credentials: undefined,
  annotations: {
    'dev.sigstore.bundle.content': 'dsse-envelope',
    'dev.sigstore.bundle.predicateType': values.type,
  },
});
console.log(artifact.digest);
