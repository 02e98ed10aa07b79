// Verifies a detached signature with openpgp.js, and fails unless it is good.
//
// usage: node verify.mjs MODULES KEY SIGNATURE FILE
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [modules, keyFile, signatureFile, file] = process.argv.slice(2);
const openpgp = createRequire(modules + '/')('openpgp');

const verificationKeys = await openpgp.readKey({ armoredKey: readFileSync(keyFile, 'utf8') });
const signature = await openpgp.readSignature({ armoredSignature: readFileSync(signatureFile, 'utf8') });
const message = await openpgp.createMessage({ binary: new Uint8Array(readFileSync(file)) });
const { signatures } = await openpgp.verify({ message, signature, verificationKeys });
await signatures[0].verified;
