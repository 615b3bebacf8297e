import type { Hono } from 'hono';
import { z } from 'zod';
import { namedQueries } from '../../../analytics/queries/catalogue.ts';
import type { NamedQuery } from '../../../analytics/queries/define.ts';
import { mayAsk } from '../answer/roles.ts';
import { schoolsOf } from '../answer/scope.ts';
import type { Caller, RegistryView } from '../types.ts';
import { callerOf } from './caller.ts';
import { isDay, openApiDocument } from './openapi.ts';
import type { HttpParts } from './parts.ts';

/** What there is to ask, for whom, and how. */
export function serveLook(app: Hono, { people, registry }: HttpParts): void {
  const document = JSON.stringify(openApiDocument());
  app.get('/healthz', (context) => context.json({ alive: true }));
  app.get('/api/v1/openapi.json', (context) => {
    return context.body(document, 200, { 'Content-Type': 'application/json; charset=utf-8' });
  });
  app.get('/api/v1/queries', async (context) => {
    const caller = await callerOf(context, people);
    context.header('Cache-Control', 'no-store');
    return context.json({ queries: namedQueries.filter((query) => mayAsk(caller.role, query)).map(describe) });
  });
  app.get('/api/v1/scope', async (context) => {
    const caller = await callerOf(context, people);
    context.header('Cache-Control', 'no-store');
    return context.json(await scopeOf(caller, registry));
  });
}

function describe({ name, subject, summary, source, parameters, columns }: NamedQuery) {
  return {
    name,
    subject,
    summary,
    source,
    parameters: Object.entries(parameters.shape).map(([key, schema]) => ({
      name: key,
      required: !isDay(key) && !z.safeParse(schema, undefined).success,
    })),
    columns: Object.entries(columns).map(([key, { kind, isNullable, about }]) => {
      return { name: key, kind, nullable: isNullable, about };
    }),
  };
}

/** Classes for those who see pupils or groups of them; the canteen and the operator have none. */
async function scopeOf(caller: Caller, registry: RegistryView) {
  const schools = schoolsOf(caller, await registry.schools());
  const districtIds = new Set(schools.map(({ districtId }) => districtId));
  const hasClasses = caller.role !== 'canteen' && caller.role !== 'operator';
  const classes = hasClasses ? await Promise.all(schools.map(({ schoolId }) => registry.classes(schoolId))) : [];
  return {
    districts: (await registry.districts())
      .filter(({ districtId }) => districtIds.has(districtId))
      .map(({ districtId, name }) => ({ district: districtId, name })),
    schools: schools.map(({ schoolId, districtId, name, timeZone }) => {
      return { school: schoolId, district: districtId, name, time_zone: timeZone };
    }),
    classes: classes.flatMap((ofSchool, index) =>
      ofSchool
        .filter(({ classId }) => caller.classId === null || classId === caller.classId)
        .map(({ classId, name, shift }) => ({ class: classId, school: schools[index].schoolId, name, shift })),
    ),
  };
}
