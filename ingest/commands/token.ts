import { Command, Option } from 'commander';
import { issueToken, listTokens, revokeToken, type Role, roles, type TokenView } from '../registry/tokens.ts';
import { type CommonOptions, newCommand, print, readId } from './common.ts';
import { withRegistry } from './registry.ts';
import { auditedHere } from './registry-change.ts';

interface TokenOptions extends CommonOptions {
  readonly name: string;
  readonly role: Role;
  readonly school?: number;
}

export function tokenCommand(): Command {
  const token = new Command('token').description('tokens of people and programs that administer: issue, revoke, list');
  token.addCommand(
    newCommand('issue', 'makes a token and prints it, this once')
      .requiredOption('--name <text>', 'who it is for; shown in the audit, never given again')
      .addOption(new Option('--role <role>', 'what it may do').choices(roles).makeOptionMandatory())
      .option('--school <n>', 'the one school that it is good for; without it the region', readId)
      .action(async (options: TokenOptions) => {
        const { name, role, school: schoolId = null } = options;
        const identity = { name, role, schoolId };
        const secret = await withRegistry(options, (registry) => {
          const issue = () => issueToken(registry, identity, Date.now());
          return auditedHere(registry, 'token-issue', identity, issue, () => ({ ok: true, outcome: identity }));
        });
        print(options, { ...identity, token: secret }, [secret]);
      }),
  );
  token.addCommand(
    newCommand('revoke', 'makes a token useless, for good')
      .requiredOption('--name <text>', 'as it was issued')
      .action(async (options: TokenOptions) => {
        const view = await withRegistry(options, (registry) => {
          const revoke = () => revokeToken(registry, options.name, Date.now());
          return auditedHere(registry, 'token-revoke', { name: options.name }, revoke);
        });
        print(options, view, [describe(view)]);
      }),
  );
  token.addCommand(
    newCommand('list', 'all tokens, without their secrets').action(async (options: CommonOptions) => {
      const tokens = await withRegistry(options, listTokens);
      print(options, tokens, tokens.map(describe));
    }),
  );
  return token;
}

function describe({ name, role, schoolId, revokedAt }: TokenView): string {
  const scope = schoolId === null ? 'region' : `school ${schoolId}`;
  return `${name}\t${role}\t${scope}\t${revokedAt === null ? 'good' : 'revoked'}`;
}
