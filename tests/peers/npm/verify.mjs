// Verifies a bundle about an image as an npm client does: with a trusted root, and a public key or an identity.
// Arguments: --bundle FILE --digest sha256:HEX --root FILE, then --key FILE, or --identity SAN --issuer URL.

import { createHash, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { bundleFromJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';

const text = { type: 'string' };
const options = { bundle: text, digest: text, root: text, key: text, identity: text, issuer: text };
const { values } = parseArgs({ options });
const json = (file) => JSON.parse(readFileSync(file, 'utf8'));

const keys = values.key && (() => ({
  publicKey: createPublicKey(readFileSync(values.key)),
  validFor: () => true,
}));
const root = values.root ? TrustedRoot.fromJSON(json(values.root)) : TrustedRoot.fromJSON({});
const logged = values.root ? 1 : 0;
const thresholds = { tlogThreshold: logged, timestampThreshold: logged, ctlogThreshold: values.key ? 0 : 1 };
const verifier = new Verifier(toTrustMaterial(root, keys || undefined), thresholds);
const bundle = bundleFromJSON(json(values.bundle));
const policy = values.identity && {
  subjectAlternativeName: `^${values.identity.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`,
  extensions: { issuer: values.issuer },
};
verifier.verify(toSignedEntity(bundle), policy || undefined);

// The library leaves it to its caller what a statement is about.
const statement = JSON.parse(bundle.content.dsseEnvelope.payload.toString('utf8'));
const [algorithm, hex] = values.digest.split(':');
if (!statement.subject.some((subject) => subject.digest[algorithm] === hex)) {
  throw new Error(`the statement is not about ${values.digest}`);
}
console.log(createHash('sha256').update(bundle.content.dsseEnvelope.payload).digest('hex'));
