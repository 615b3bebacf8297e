import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { openApiDocument } from './openapi.ts';
import type { Route } from './route.ts';
import { adminRoutes } from './routes.ts';

interface Operation {
  readonly operationId: string;
  readonly parameters: readonly { name: string; in: string; required: boolean; schema: object }[];
  readonly requestBody?: { content: { 'application/json': { schema: object } } };
  readonly responses: Record<string, { content: Record<string, { schema: object }> }>;
}

const document = JSON.parse(JSON.stringify(openApiDocument(adminRoutes))) as {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
};
const operationOf = ({ path, method }: Route) => document.paths[path][method];
const bracesOf = (path: string) => [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);

test('openapi.json is what the table says (write it anew: see write-openapi.ts)', () => {
  const file = readFileSync(new URL('openapi.json', import.meta.url), 'utf8');
  expect(JSON.parse(file)).toEqual(document);
  expect(document.openapi).toBe('3.1.0');
});

test('names and paths are told once, and the path names its parameters in their order', () => {
  expect(new Set(adminRoutes.map(({ name }) => name)).size).toBe(adminRoutes.length);
  expect(new Set(adminRoutes.map(({ path, method }) => `${method} ${path}`)).size).toBe(adminRoutes.length);
  for (const { path, parameters } of adminRoutes) {
    expect(Object.keys(parameters?.shape ?? {}), path).toEqual(bracesOf(path));
  }
  expect(Object.values(document.paths).flatMap((path) => Object.keys(path))).toHaveLength(adminRoutes.length);
});

test.each(adminRoutes.map((route) => [route.name, route] as const))('%s is described whole', (name, route) => {
  const operation = operationOf(route);
  expect(operation.operationId).toBe(name);
  const parameters = operation.parameters.map((one) => [one.in, one.name, one.required]);
  expect(parameters).toEqual([
    ...bracesOf(route.path).map((parameter) => ['path', parameter, true]),
    ...Object.entries(route.query?.shape ?? {}).map(([key, schema]) => {
      return ['query', key, !(schema instanceof z.ZodOptional)];
    }),
  ]);
  const body = operation.requestBody?.content['application/json'].schema;
  expect(body === undefined).toBe(route.body === undefined);
  // What the schema of the body refuses, the description refuses, too: no key beside those declared.
  if (body !== undefined) expect(body).toMatchObject({ type: 'object', additionalProperties: false });
  const answer = Object.values(operation.responses['200'].content)[0].schema;
  expect(Object.keys(answer).length).toBeGreaterThan(0);
});
