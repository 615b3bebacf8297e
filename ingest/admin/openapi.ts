import { z } from 'zod';
import { problemSchema } from './problem.ts';
import type { Route } from './route.ts';

type Json = Record<string, unknown>;

/** The table of routes as OpenAPI 3.1. */
export function openApiDocument(routes: readonly Route[]): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) paths[route.path] = { ...paths[route.path], [route.method]: operationOf(route) };
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tapline admin API',
      version: '1',
      description: 'What people and systems beside readers ask of a running service. Amounts are kopecks, times UTC.',
    },
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      responses: { problem: { description: 'Refused, or failed', content: jsonContent(problemSchema, 'output') } },
    },
    security: [{ token: [] }],
  };
}

function operationOf(route: Route): Json {
  const { name, summary, roles, parameters, query, body } = route;
  return {
    operationId: name,
    summary,
    description: `For ${['admin', ...roles].join(', ')}.`,
    parameters: [...parametersOf(parameters, 'path'), ...parametersOf(query, 'query')],
    ...(body === undefined ? {} : { requestBody: { required: true, content: jsonContent(body, 'input') } }),
    responses: { 200: answerOf(route), default: { $ref: '#/components/responses/problem' } },
  };
}

function answerOf(route: Route): Json {
  if (!('open' in route)) return { description: 'Done', content: jsonContent(route.response, 'output') };
  const description = 'Server-sent events; the data of each is JSON';
  return { description, content: { 'text/event-stream': { schema: schemaOf(route.event, 'output') } } };
}

/** Parameters are text that is read into values: the values are what is described. */
function parametersOf(schema: z.ZodObject | undefined, where: 'path' | 'query'): Json[] {
  if (schema === undefined) return [];
  return Object.entries(schema.shape).map(([name, value]) => ({
    name,
    in: where,
    required: !z.safeParse(value, undefined).success,
    schema: schemaOf(value as z.ZodType, 'output'),
  }));
}

function jsonContent(schema: z.ZodType, io: 'input' | 'output'): Json {
  return { 'application/json': { schema: schemaOf(schema, io) } };
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema, ...described } = z.toJSONSchema(schema, {
    io,
    override: ({ jsonSchema }) => {
      // The pattern spells out the calendar; the format says the same.
      if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
    },
  });
  void $schema;
  return described;
}
