import { Command } from 'commander';
import type { InsideSchool, OfflineSchool } from '../admin/routes-live.ts';
import { type CommonOptions, connect, newCommand, print, readId, roubles } from './common.ts';

interface LiveOptions extends CommonOptions {
  readonly school: number;
  readonly names?: boolean;
}

export function liveCommand(): Command {
  return new Command('live')
    .description('a school as it is now, without ClickHouse: who is inside, which readers are away')
    .addCommand(insideCommand())
    .addCommand(offlineCommand());
}

function insideCommand(): Command {
  return newCommand('inside', 'who is inside a school now, and which gates cannot tell')
    .requiredOption('--school <n>', 'school id', readId)
    .option('--names', 'with the names of the registry')
    .action(async (options: LiveOptions) => {
      const path = `/admin/v1/live/inside/${options.school}${options.names === true ? '?names=true' : ''}`;
      const answer = await connect(options).call<InsideSchool>('GET', path);
      print(options, answer, describeInside(answer));
    });
}

function describeInside({ school, at, inside, pupils, earlier, gates_away: gates }: InsideSchool): string[] {
  return [
    ...pupils.map((one) => {
      const name = one.last_name === undefined ? '' : `\t${one.last_name} ${one.first_name}\t${one.class_name}`;
      return `pupil ${one.pupil}\tclass ${one.class}\tsince ${one.since}${one.doubtful_clock ? ' (doubtful clock)' : ''}${name}`;
    }),
    `school ${school} at ${at}: ${inside} inside`,
    ...(earlier > 0 ? [`${earlier} more went in on an earlier day and were never seen to go out`] : []),
    ...gates.map(
      ({ reader, place, condition, since }) =>
        `gate ${reader} (${place}) is ${condition.replace('_', ' ')}${since === null ? '' : ` since ${since}`}: what went through it is not known`,
    ),
  ];
}

function offlineCommand(): Command {
  return newCommand('offline', 'the readers of a school: which are away, what they hold, what they sold unasked')
    .requiredOption('--school <n>', 'school id', readId)
    .action(async (options: LiveOptions) => {
      const answer = await connect(options).call<OfflineSchool>('GET', `/admin/v1/live/offline/${options.school}`);
      print(options, answer, describeOffline(answer));
    });
}

function describeOffline({ school, at, readers, away, today, yesterday }: OfflineSchool): string[] {
  return [
    ...readers.map((one) => {
      const seen = one.last_seen === null ? '' : `, seen ${one.last_seen}`;
      const queue = (one.queued ?? 0) > 0 ? `, ${one.queued} taps queued since ${one.oldest}` : '';
      return `reader ${one.reader} (${one.place}, ${one.kinds.join(' ')}): ${one.condition}${seen}${queue}${told('; today ', one.today)}`;
    }),
    `school ${school} at ${at}: ${away} of ${readers.length} readers may hold taps`,
    ...[told('sold offline today: ', today), told('sold offline yesterday: ', yesterday)].filter((line) => line !== ''),
  ];
}

function told(
  label: string,
  { n, kop, unverified_n: unverifiedN, unverified_kop: unverifiedKop }: OfflineSchool['today'],
) {
  return n === 0 ? '' : `${label}${n}, ${roubles(kop)}, of these unverified ${unverifiedN}, ${roubles(unverifiedKop)}`;
}
