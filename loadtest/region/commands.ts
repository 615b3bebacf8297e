import type { Pupil } from './model.ts';

/** One line of `commands.ndjson`: what an operator does by the command line before the first day. */
export interface PlannedCommand {
  readonly args: readonly string[];
}

/** Commands for what no import file says of a pupil. */
export function commandsFor({ pupilId, active, forbidden, limitsKop }: Pupil): PlannedCommand[] {
  const pupil = ['--pupil', String(pupilId)];
  const left = active ? [] : [['pupil', 'set', ...pupil, '--active', 'no']];
  const items = forbidden.map((ref) => ['limit', ...pupil, '--item', String(ref), '--forbid']);
  const limits = Object.entries(limitsKop).map(([purse, kop]) => {
    return ['limit', ...pupil, '--purse', purse, '--kop', kop === null ? 'none' : String(kop)];
  });
  return [...left, ...items, ...limits].map((args) => ({ args }));
}
