import { z } from 'zod';
import { namedQueries } from '../../../analytics/queries/catalogue.ts';
import { cellSchema } from '../../../analytics/queries/columns.ts';
import type { NamedQuery } from '../../../analytics/queries/define.ts';
import { hiddenText } from '../formats/cells.ts';
import { contentTypes } from '../formats/encode.ts';
import { reportNames, reports } from '../reports/definitions.ts';
import { problemSchema } from './problems.ts';
import { lookSchema } from './query-routes.ts';
import { reportSchema } from './report-routes.ts';
import { loginSchema, meSchema } from './session-routes.ts';

type Json = Record<string, unknown>;

const id = z.int().min(1);
const scopeSchema = z.strictObject({
  districts: z.array(z.strictObject({ district: id, name: z.string() })),
  schools: z.array(z.strictObject({ school: id, district: id, name: z.string(), time_zone: z.string() })),
  classes: z.array(z.strictObject({ class: id, school: id, name: z.string(), shift: z.int() })),
});
const queriesSchema = z.strictObject({
  queries: z.array(
    z.strictObject({
      name: z.string(),
      subject: z.string(),
      summary: z.string(),
      source: z.enum(['derived', 'live', 'service']),
      parameters: z.array(z.strictObject({ name: z.string(), required: z.boolean() })),
      columns: z.array(
        z.strictObject({ name: z.string(), kind: z.string(), nullable: z.boolean(), about: z.string() }),
      ),
    }),
  ),
});

/** What every question takes beside its own parameters. */
const everyQuestion = z.object({
  district: id.optional().describe('One district only'),
  school: id.optional().describe('One school only'),
  ...lookSchema.shape,
});
const ofPupils = z.object({
  reason: z.string().min(10).optional().describe('Why, for the audit; a district must say'),
});

/** The API as OpenAPI 3.1: one path for each named query, from the schemas that it is held to. */
export function openApiDocument(): Json {
  const questions = namedQueries.map((query) => [`/api/v1/query/${query.name}`, { get: questionOf(query) }] as const);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tapline dashboards API',
      version: '1',
      description: 'Answers about attendance, money and readers. Amounts are kopecks, times UTC, days of the school.',
    },
    paths: { ...fixedPaths(), ...reportPaths(), ...Object.fromEntries(questions) },
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer' },
        session: { type: 'apiKey', in: 'cookie', name: 'tapline_session' },
      },
      responses: { problem: { description: 'Refused, or failed', content: jsonContent(problemSchema) } },
    },
    security: [{ session: [] }, { token: [] }],
  };
}

function fixedPaths(): Json {
  return {
    '/healthz': {
      get: operation('health', 'Whether the server is alive', z.strictObject({ alive: z.boolean() }), true),
    },
    '/api/v1/login': {
      post: {
        ...operation('login', 'Signs in; the answer sets the session cookie', meSchema, true),
        requestBody: { required: true, content: jsonContent(loginSchema) },
      },
    },
    '/api/v1/logout': {
      post: operation('logout', 'Ends the session', z.strictObject({ signed_out: z.boolean() }), true),
    },
    '/api/v1/me': { get: operation('me', 'Who is signed in', meSchema) },
    '/api/v1/scope': { get: operation('scope', 'Districts, schools and classes that the caller may see', scopeSchema) },
    '/api/v1/queries': { get: operation('queries', 'What the caller may ask', queriesSchema) },
    '/api/v1/openapi.json': { get: operation('openapi', 'This document', z.looseObject({}), true) },
  };
}

const binary = { schema: { type: 'string', format: 'binary' } };

function reportPaths(): Json {
  const files = ['application/pdf', 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 'text/csv'];
  const paths = reportNames.map((name) => {
    const operationId = `report_${name}`;
    const get = {
      ...operation(operationId, `${reports[name].title.en}: a report as a file`, z.looseObject({})),
      tags: ['report'],
      parameters: Object.entries(reportSchema.shape).map(([key, schema]) =>
        parameterOf(key, schema as z.ZodType, true),
      ),
      responses: {
        200: { description: 'Done', content: Object.fromEntries(files.map((type) => [type, binary])) },
        default: { $ref: '#/components/responses/problem' },
      },
    };
    return [`/api/v1/report/${name}`, { get }] as const;
  });
  return Object.fromEntries(paths);
}

function operation(operationId: string, summary: string, answer: z.ZodType, isOpen = false): Json {
  return {
    operationId,
    summary,
    ...(isOpen ? { security: [] } : {}),
    responses: {
      200: { description: 'Done', content: jsonContent(answer) },
      default: { $ref: '#/components/responses/problem' },
    },
  };
}

function questionOf(query: NamedQuery): Json {
  const { name, summary, subject, disclosure, parameters } = query;
  const own = Object.entries(parameters.shape).map(([key, schema]) =>
    parameterOf(key, schema as z.ZodType, isDay(key)),
  );
  const oneDay = 'from' in parameters.shape ? [parameterOf('day', z.iso.date().describe('from and to'), true)] : [];
  const common = Object.entries(everyQuestion.shape).map(([key, schema]) => parameterOf(key, schema, true));
  const why = disclosure.about === 'pupils' ? [parameterOf('reason', ofPupils.shape.reason, true)] : [];
  const { json, ...files } = contentTypes;
  void json;
  const content = {
    ...jsonContent(answerOf(query)),
    ...Object.fromEntries(Object.values(files).map((type) => [type.split(';')[0], binary])),
  };
  return {
    operationId: name,
    summary,
    responses: {
      200: { description: 'Done', content },
      304: { description: 'What If-None-Match names has not changed' },
      default: { $ref: '#/components/responses/problem' },
    },
    tags: [subject],
    parameters: [...own, ...oneDay, ...common, ...why],
  };
}

/** Days have defaults; what else has none must be said. */
export function isDay(name: string): boolean {
  return ['day', 'from', 'to'].includes(name);
}

function parameterOf(name: string, schema: z.ZodType, hasDefault: boolean): Json {
  const required = !hasDefault && !z.safeParse(schema, undefined).success;
  return { name, in: 'query', required, schema: schemaOf(schema) };
}

/** Columns as declared; names are joined beside the ids for those who may see them, hence further ones. */
function answerOf({ columns, disclosure }: NamedQuery): z.ZodType {
  const hidden = z.enum([hiddenText.small, hiddenText.beside]);
  const cells = Object.entries(columns).map(([name, column]) => {
    const cell = cellSchema(column);
    return [name, disclosure.about === 'groups' ? z.union([cell, hidden]).describe(column.about) : cell];
  });
  return z.strictObject({
    query: z.string(),
    parameters: z.record(z.string(), z.union([z.string(), z.number()])),
    as_of: z.iso.datetime().nullable(),
    revision: z.string(),
    coverage_pct: z.number().nullable(),
    rules_version: z.int(),
    time_zone: z.string().nullable(),
    hidden_groups: z.int(),
    columns: z.array(z.strictObject({ name: z.string(), kind: z.string(), nullable: z.boolean(), about: z.string() })),
    rows: z.array(z.looseObject(Object.fromEntries(cells) as Record<string, z.ZodType>)),
    row_count: z.int(),
  });
}

function jsonContent(schema: z.ZodType): Json {
  return { 'application/json': { schema: schemaOf(schema) } };
}

function schemaOf(schema: z.ZodType): Json {
  const { $schema, ...described } = z.toJSONSchema(schema, {
    io: 'output',
    override: ({ jsonSchema }) => {
      // The pattern spells out the calendar; the format says the same.
      if (jsonSchema.format === 'date-time' || jsonSchema.format === 'date') delete jsonSchema.pattern;
    },
  });
  void $schema;
  return described;
}
