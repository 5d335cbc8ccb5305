// Parses Mermaid files with Mermaid's own parser; ends with an error when one is none.
import { JSDOM } from 'jsdom';
import { readFileSync } from 'node:fs';

const { window } = new JSDOM(''); // the parser cleans its texts with a browser's means
globalThis.window = window;
globalThis.document = window.document;
const { default: mermaid } = await import('mermaid');
for (const file of process.argv.slice(2)) {
  await mermaid.parse(readFileSync(file, 'utf8'));
}
