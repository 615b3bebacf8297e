import { Code } from '../codes.ts';
import { TapFlag } from '../kinds.ts';
import type { TapCase } from '../tap-case.ts';
import type { Rule, RuleContext } from './rule.ts';

export const foreignSchool: Rule = {
  name: 'foreign-school',
  judge: (tap, { pupils }) => (pupils.schoolId(tap.pupilRow) === tap.schoolId ? 0 : Code.scopeForeign),
  look: (tap, { pupils }) => ({ home_school: pupils.schoolId(tap.pupilRow), school: tap.schoolId }),
};

export const gate: Rule = {
  name: 'gate',
  judge: () => Code.accepted,
  look: (tap, { presence }) => ({
    last_at: presence.lastAt(tap.pupilRow),
    last_school: presence.lastSchoolId(tap.pupilRow),
    last_kind: presence.lastKind(tap.pupilRow),
  }),
};

/** PASSBACK and WRONG_PLACE of a gate tap, by the pupil's last one. They change no code. */
export function gateFlags(tap: TapCase, { presence }: RuleContext): number {
  if (tap.isDoubtful) return 0;
  const sinceMs = presence.sinceLastMs(tap.pupilRow, tap.at);
  const isPassback = presence.lastKind(tap.pupilRow) === tap.kind && sinceMs < tap.rules.passbackMs;
  const isElsewhere = presence.lastSchoolId(tap.pupilRow) !== tap.schoolId && sinceMs < tap.rules.twoPlacesMs;
  return (isPassback ? TapFlag.passback : 0) | (isElsewhere ? TapFlag.wrongPlace : 0);
}
