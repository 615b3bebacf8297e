import type { Context, Hono } from 'hono';
import { z } from 'zod';
import { parameterInvalid, whyNot } from '../answer/errors.ts';
import { buildReport } from '../reports/build.ts';
import { reportNames, type ReportName } from '../reports/definitions.ts';
import { encodeReport, reportFormats } from '../reports/encode.ts';
import { languages } from '../types.ts';
import { callerOf } from './caller.ts';
import { busyRetryAfterS, reportsInFlightMax } from './limits.ts';
import type { HttpParts } from './parts.ts';
import { HttpError, notFound } from './problems.ts';
import { saidIn } from './query-routes.ts';

const id = z.coerce.number().int().min(1);

/** What a report takes, as text of an address. */
export const reportSchema = z.strictObject({
  from: z.iso.date().optional().describe('First school day; four weeks before the last one if it is not said'),
  to: z.iso.date().optional().describe('Last school day, included; today if it is not said'),
  district: id.optional().describe('One district only'),
  school: id.optional().describe('One school only'),
  class: id.optional().describe('One class only; of attendance'),
  format: z.enum(reportFormats).default('pdf'),
  lang: z.enum(languages).default('ru'),
  table: z.coerce.number().int().min(1).max(9).default(1).describe('Of CSV: which of the tables of the report'),
});

/** `GET /api/v1/report/{name}`: a file for people, of several named queries. */
export function serveReports(app: Hono, parts: HttpParts): void {
  let inFlight = 0;
  app.get('/api/v1/report/:name', async (context) => {
    const caller = await callerOf(context, parts.people);
    const name = context.req.param('name') as ReportName;
    if (!reportNames.includes(name)) throw notFound(`There are ${reportNames.join(', ')}.`);
    const { format, lang, table, ...said } = read(context);
    if (inFlight >= reportsInFlightMax) throw busy();
    inFlight += 1;
    try {
      const report = await buildReport(parts, name, caller, said);
      const { contentType, fileName, body } = await encodeReport(report, { format, language: lang, table });
      return context.body(body as Uint8Array<ArrayBuffer>, 200, {
        'Content-Type': contentType,
        'Content-Length': String(body.byteLength),
        'Content-Disposition': `attachment; filename="${fileName}"`,
        'Cache-Control': 'no-store',
      });
    } finally {
      inFlight -= 1;
    }
  });
}

function read(context: Context) {
  const result = reportSchema.safeParse(saidIn(context));
  if (!result.success) {
    const [issue] = result.error.issues;
    if (issue.path.length > 0) throw parameterInvalid(String(issue.path[0]), whyNot(issue));
    throw parameterInvalid('a parameter', `is none of ${Object.keys(reportSchema.shape).join(', ')}`);
  }
  const { format, lang, table, ...asked } = result.data;
  const said = Object.entries(asked).filter(([, value]) => value !== undefined);
  return { format, lang, table, ...Object.fromEntries(said.map(([name, value]) => [name, String(value)])) };
}

function busy(): HttpError {
  const message = `${reportsInFlightMax} reports are being made already`;
  const told = ['API_BUSY', message, 'Try again in a moment.'] as const;
  return new HttpError(503, told, { 'Retry-After': String(busyRetryAfterS) });
}
