// Opens an ordinary OpenPGP message with openpgp.js, which is no code of ours.
//
// usage: node open.mjs MODULES KEY MESSAGE OUT
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [modules, keyFile, messageFile, out] = process.argv.slice(2);
const openpgp = createRequire(modules + '/')('openpgp');

const decryptionKeys = await openpgp.readKey({ armoredKey: readFileSync(keyFile, 'utf8') });
const message = await openpgp.readMessage({ binaryMessage: new Uint8Array(readFileSync(messageFile)) });
const { data } = await openpgp.decrypt({ message, decryptionKeys, format: 'binary' });
writeFileSync(out, data);
