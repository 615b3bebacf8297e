import { Fault, readId } from './fields.ts';
import type { Registry, RegistryTransaction } from './store.ts';
import { readJsonFile } from './json-file.ts';
import { rulesFileBytesMax } from './limits.ts';
import { newFileReport, refuse, refuseAt, type FileReport } from './report.ts';
import { storeRules } from './rules.ts';
import { checkRules, pathText } from './rules-refusals.ts';

export const rulesFile = 'rules.json';

/**
 * Imports the rules as one document: taken whole, as the next version, or not at all. `rows` is 1 where the file is JSON;
 * the document is added, changed or unchanged, and `version` is the one in force afterwards.
 */
export async function importRules(registry: Registry, path: string, nowMs: number): Promise<FileReport> {
  const report = newFileReport(rulesFile);
  const read = await readJsonFile(path, rulesFileBytesMax);
  if ('fault' in read) {
    const { line, column, fault } = read;
    refuse(report, line, column === null ? null : `${column}`, fault);
    return report;
  }
  report.rows = 1;
  const checked = checkRules(read.value);
  const refusals = Array.isArray(checked) ? checked : [];
  for (const refusal of refusals) refuseAt(report, refusal.path, refusal.fault);
  await registry.transaction(async (transaction) => {
    await refuseUnknown(transaction, report, read.value);
    if (report.refusedCount > 0 || Array.isArray(checked)) return;
    const { version, isNew } = await storeRules(transaction, checked, nowMs);
    report[!isNew ? 'unchanged' : version === 2 ? 'added' : 'changed'] = 1;
    report.version = version;
  });
  return report;
}

/** Layers of districts and schools that are not stored, also where the document is refused for something else. */
async function refuseUnknown(transaction: RegistryTransaction, report: FileReport, document: unknown): Promise<void> {
  const { districts, schools } = Object(document) as Record<string, unknown>;
  const storedDistricts = await transaction.selectFrom('district').select('district_id as id').execute();
  refuseLayers(report, 'districts', districts, storedDistricts);
  const storedSchools = await transaction.selectFrom('school').select('school_id as id').execute();
  refuseLayers(report, 'schools', schools, storedSchools);
}

function refuseLayers(
  report: FileReport,
  name: 'districts' | 'schools',
  layers: unknown,
  stored: readonly { id: number }[],
): void {
  if (typeof layers !== 'object' || layers === null || Array.isArray(layers)) return;
  const known = new Set(stored.map(({ id }) => id));
  for (const key of Object.keys(layers)) {
    const id = readId(key);
    if (id instanceof Fault || known.has(id)) continue;
    refuseAt(report, pathText([name, key]), new Fault('REFERENCE', `no ${name.slice(0, -1)} with this id is stored`));
  }
}
