import { writeFileSync } from 'node:fs';
import { malformedVectors } from './malformed.ts';
import { validVectors } from './valid.ts';

/** The two published files, each as its text; one vector a line, so that a change shows as a line. */
export function vectorFiles(): ReadonlyMap<string, string> {
  return new Map([
    ['valid.json', lines(validVectors)],
    ['malformed.json', lines(malformedVectors)],
  ]);
}

function lines(vectors: readonly object[]): string {
  return `[\n${vectors.map((vector) => `  ${JSON.stringify(vector)}`).join(',\n')}\n]\n`;
}

if (import.meta.main) {
  for (const [name, text] of vectorFiles()) writeFileSync(new URL(name, import.meta.url), text);
}
