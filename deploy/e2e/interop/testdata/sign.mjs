// Signs a file with openpgp.js, detached and armored, as a reviewer would.
//
// usage: node sign.mjs MODULES KEY FILE OUT
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [modules, keyFile, file, out] = process.argv.slice(2);
const openpgp = createRequire(modules + '/')('openpgp');

const signingKeys = await openpgp.readPrivateKey({ armoredKey: readFileSync(keyFile, 'utf8') });
const message = await openpgp.createMessage({ binary: new Uint8Array(readFileSync(file)) });
// The library's line ends are those of mail; ours are line feeds.
const signature = await openpgp.sign({ message, signingKeys, detached: true });
writeFileSync(out, signature.replaceAll('\r\n', '\n'));
