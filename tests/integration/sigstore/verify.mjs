// Verify Sigstore bundles with npm's @sigstore/verify: `node verify.mjs PUBLIC-KEY.pem FINGERPRINT BUNDLE...`.
// Print the name of each bundle that verifies. For the first that does not, print the error, and exit with 1.
import { createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { bundleFromJSON } from "@sigstore/bundle";
import { toSignedEntity, Verifier } from "@sigstore/verify";

const [pem, fingerprint, ...bundles] = process.argv.slice(2);
const key = { publicKey: createPublicKey(readFileSync(pem)), validFor: () => true };
const trust = {
  certificateAuthorities: [],
  timestampAuthorities: [],
  tlogs: [],
  ctlogs: [],
  publicKey: (hint) => {
    if (hint !== fingerprint) throw new Error(`the bundle names the key ${hint}`);
    return key;
  },
};
// No public log and no timestamp authority has seen the signatures.
const verifier = new Verifier(trust, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0, tsaThreshold: 0 });
for (const name of bundles) {
  try {
    verifier.verify(toSignedEntity(bundleFromJSON(JSON.parse(readFileSync(name, "utf8")))));
  } catch (error) {
    console.error(`${name}: ${error.message}`);
    process.exit(1);
  }
  console.log(name);
}
