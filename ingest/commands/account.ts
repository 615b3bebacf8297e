import type { Command } from 'commander';
import { purseNames } from '../../workers/ledger/kinds.ts';
import type { Account } from '../admin/routes-account.ts';
import { type CommonOptions, connect, newCommand, print, readId, roubles } from './common.ts';

export function accountCommand(): Command {
  return newCommand('account', 'what a pupil has and may, as the ledger has it now')
    .requiredOption('--pupil <n>', 'pupil id', readId)
    .action(async (options: CommonOptions & { pupil: number }) => {
      const account = await connect(options).call<Account>('GET', `/admin/v1/account/${options.pupil}`);
      print(options, account, describe(account));
    });
}

function describe(account: Account): string[] {
  const { active, entitled, debt_kop: debtKop, forbidden_items: items, entitlements_taken: taken } = account;
  const state = `${active ? 'active' : 'has left'}${entitled ? ', free meals' : ''}`;
  return [
    `pupil ${account.pupil}, school ${account.school}, class ${account.class}, shift ${account.shift}: ${state}`,
    ...purseNames.map((name) => describePurse(account, name)),
    ...(debtKop > 0 ? [`  owes ${roubles(debtKop)} for rides`] : []),
    ...(taken.length > 0 ? [`  free meals taken on ${account.day}: window ${taken.join(', ')}`] : []),
    ...(items.length > 0 ? [`  may not have items ${items.join(', ')}`] : []),
    ...account.reservations.map(
      ({ school, locker, from, to }) => `  locker ${locker} of school ${school}, from ${from} to ${to}`,
    ),
    ...account.movements.map(
      ({ at, cause, kop, debit, credit }) => `  ${at}  ${cause}  ${roubles(kop)}  ${debit} → ${credit}`,
    ),
  ];
}

function describePurse(account: Account, name: (typeof purseNames)[number]): string {
  const { purses_kop, spent_kop, limits_kop, rules_limits_kop, day } = account;
  const own = limits_kop[name];
  const limit = own === 'default' ? rules_limits_kop[name] : own;
  const limitText = `${limit === null ? 'none' : roubles(limit)}${own === 'default' ? '' : ' (its own)'}`;
  return `  ${name}: ${roubles(purses_kop[name])}, ${roubles(spent_kop[name])} spent on ${day}, daily limit ${limitText}`;
}
