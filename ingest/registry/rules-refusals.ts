import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import type { RulesDocument } from '../../workers/ledger/rule-set.ts';
import { Fault } from './fields.ts';
import { refusalPathCharactersMax } from './limits.ts';
import { rulesSchema } from './rules-schema.ts';

/** A place in the document, such as `schools.101.meal.windows[1].to`, and what is wrong there. */
export interface RulesRefusal {
  readonly path: string;
  readonly fault: Fault;
}

/** The document, or all that is wrong with its form. Which districts and schools there are is not looked at. */
export function checkRules(value: unknown): RulesDocument | RulesRefusal[] {
  const result = rulesSchema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const { issues } = result.error;
  return issues.filter((issue, place) => !isSameBound(issue, issues[place - 1])).flatMap(refusalsOf);
}

type Path = readonly PropertyKey[];
type Issue = z.core.$ZodIssue;

/** A number may break two bounds, ours and that of whole numbers: one is enough to hear of. */
function isSameBound(issue: Issue, before: Issue | undefined): boolean {
  return issue.code.startsWith('too_') && issue.code === before?.code && isDeepStrictEqual(issue.path, before.path);
}

function refusalsOf(issue: Issue): RulesRefusal[] {
  if (issue.code !== 'unrecognized_keys') return [{ path: pathText(issue.path), fault: faultOf(issue) }];
  const fault = new Fault('KEY', 'is not known here');
  return issue.keys.map((key) => ({ path: pathText([...issue.path, key]), fault }));
}

function faultOf(issue: Issue): Fault {
  switch (issue.code) {
    case 'invalid_type':
      return new Fault('TYPE', issue.input === undefined ? 'is missing' : `must be ${typeNames[issue.expected]}`);
    case 'too_small':
      return new Fault('RANGE', `must be at least ${issue.minimum}${units[issue.origin] ?? ''}`);
    case 'too_big':
      return new Fault('RANGE', `must not exceed ${issue.maximum}${units[issue.origin] ?? ''}`);
    case 'invalid_value':
      return new Fault('VALUE', `must be one of ${issue.values.join(', ')}`);
    case 'invalid_key':
      return new Fault('KEY', issue.issues[0].message);
    case 'custom':
      return new Fault(String(issue.params?.code ?? 'VALUE'), issue.message);
    case 'invalid_format':
    case 'invalid_union':
    case 'invalid_element':
    case 'not_multiple_of':
    case 'unrecognized_keys':
      return new Fault('VALUE', issue.message);
  }
}

const typeNames: Partial<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list of two',
  object: 'an object',
  record: 'an object',
};

const units: Partial<Record<string, string>> = { array: ' elements', string: ' characters' };

/** Keys that are no plain words are written as JSON, so that the path stays one printable line. */
export function pathText(path: Path): string {
  const text = path.map((key) => {
    if (typeof key === 'number') return `[${key}]`;
    return /^[\w-]+$/.test(String(key)) ? `.${String(key)}` : `[${JSON.stringify(key)}]`;
  });
  return text.join('').replace(/^\./, '').slice(0, refusalPathCharactersMax);
}
