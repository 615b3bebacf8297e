import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { z } from 'zod';
import { namedQueries } from '../../../analytics/queries/catalogue.ts';
import { contentTypes } from '../formats/encode.ts';
import { openApiDocument } from './openapi.ts';

interface Operation {
  readonly operationId: string;
  readonly responses: Record<string, { readonly content?: object }>;
  readonly parameters?: readonly { readonly name: string; readonly required: boolean }[];
}

const document = JSON.parse(JSON.stringify(openApiDocument())) as {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
};

test('openapi.json is what the schemas say (write it anew: see write-openapi.ts)', () => {
  const file = readFileSync(new URL('../openapi.json', import.meta.url), 'utf8');
  expect(JSON.parse(file)).toEqual(document);
  expect(document.openapi).toBe('3.1.0');
});

test('every format of an answer is told', () => {
  const { responses } = document.paths['/api/v1/query/overview_today'].get;
  expect(Object.keys(responses['200'].content!)).toEqual(Object.values(contentTypes).map((type) => type.split(';')[0]));
  expect(responses['304']).toBeDefined();
});

test('every named query has its path, its own parameters and those of every question, each told once', () => {
  for (const { name, parameters } of namedQueries) {
    const { operationId, parameters: told = [] } = document.paths[`/api/v1/query/${name}`].get;
    const names = told.map((one) => one.name);
    expect(operationId).toBe(name);
    expect(new Set(names).size, name).toBe(names.length);
    expect(names).toEqual(expect.arrayContaining([...Object.keys(parameters.shape), 'district', 'school', 'format']));
    // Days have defaults; what else has none must be said.
    const needed = Object.entries(parameters.shape).filter(
      ([, schema]) => !(schema as z.ZodType).safeParse(undefined).success,
    );
    const required = told.filter((one) => one.required).map((one) => one.name);
    expect(required, name).toEqual(needed.map(([key]) => key).filter((key) => !['day', 'from', 'to'].includes(key)));
  }
});
