import fs from 'node:fs';
import { Command, Option } from 'commander';
import { checkPassword, generatePassword } from '../registry/passwords.ts';
import * as users from '../registry/users.ts';
import { type CommonOptions, newCommand, print, readId, usage } from './common.ts';
import { withRegistry } from './registry.ts';
import { auditedHere } from './registry-change.ts';

interface SecretOptions extends CommonOptions {
  readonly name: string;
  readonly passwordFile?: string;
  readonly token?: boolean;
}

interface AddOptions extends SecretOptions {
  readonly role: users.UserRole;
  readonly district?: number;
  readonly school?: number;
  readonly class?: number;
}

/** What a user signs in with; what was made here is shown, this once. */
interface Secret {
  readonly user: users.UserView;
  readonly shown: { readonly password?: string; readonly token?: string };
}

export function userCommand(): Command {
  const user = new Command('user').description('who may look at the dashboards: add, password, remove, list');
  user.addCommand(addCommand());
  user.addCommand(passwordCommand());
  user.addCommand(
    newCommand('remove', 'ends a user, its sessions and its token, at once')
      .requiredOption('--name <text>', 'as it was added')
      .action(async (options: CommonOptions & { readonly name: string }) => {
        const { name } = options;
        const view = await withRegistry(options, (registry) =>
          auditedHere(registry, 'user-remove', { name }, () => users.removeUser(registry, name)),
        );
        print(options, view, [describe(view)]);
      }),
  );
  user.addCommand(
    newCommand('list', 'all users, without their secrets').action(async (options: CommonOptions) => {
      const views = await withRegistry(options, users.listUsers);
      print(options, views, views.map(describe));
    }),
  );
  return user;
}

function addCommand(): Command {
  return withSecretOptions(
    newCommand('add', 'makes a user; without --password-file and --token a password is made and printed'),
  )
    .requiredOption('--name <text>', 'what the user signs in as; shown in the audit')
    .addOption(new Option('--role <role>', 'what it may see').choices(users.userRoles).makeOptionMandatory())
    .option('--district <n>', 'for the role district', readId)
    .option('--school <n>', 'for the roles school and canteen; operator may have one', readId)
    .option('--class <n>', 'for the role class', readId)
    .action(async (options: AddOptions) => {
      const { name, role, district: districtId = null, school: schoolId = null, class: classId = null } = options;
      const identity = { name, role, districtId, schoolId, classId };
      const password = givenPassword(options);
      await withRegistry(options, async (registry) => {
        const outcomeOf = ({ user }: Secret) => ({ ok: true, outcome: user });
        const { kept, shown } = await makeSecret(options, password);
        const add = async () => ({ user: await users.addUser(registry, identity, Date.now(), kept), shown });
        tell(options, await auditedHere(registry, 'user-add', identity, add, outcomeOf));
      });
    });
}

function passwordCommand(): Command {
  return withSecretOptions(
    newCommand('password', 'gives a user a new password, or with --token a new token; ends its sessions'),
  )
    .requiredOption('--name <text>', 'as it was added')
    .action(async (options: SecretOptions) => {
      const { name } = options;
      const password = givenPassword(options);
      await withRegistry(options, async (registry) => {
        const outcomeOf = ({ user }: Secret) => ({ ok: true, outcome: user });
        const { kept, shown } = await makeSecret(options, password);
        const give = async () => ({ user: await users.setSecret(registry, name, kept), shown });
        tell(options, await auditedHere(registry, 'user-password', { name }, give, outcomeOf));
      });
    });
}

function withSecretOptions(command: Command): Command {
  return command
    .option('--password-file <file>', 'takes the password from the first line of a file, or of standard input: -')
    .option('--token', 'for a script: makes a token and prints it, this once');
}

/** Read and checked before anything is changed. */
function givenPassword({ passwordFile, token }: SecretOptions): string | undefined {
  if (passwordFile === undefined) return undefined;
  if (token === true) throw usage('--password-file and --token do not go together', 'Leave one away.');
  const password = fs.readFileSync(passwordFile === '-' ? 0 : passwordFile, 'utf8').split(/\r?\n/, 1)[0];
  checkPassword(password);
  return password;
}

/** What is kept, and what is shown of it, this once. */
async function makeSecret({ token }: SecretOptions, given?: string) {
  if (token === true) {
    const made = users.newToken();
    return { kept: made.kept, shown: { token: made.token } };
  }
  const password = given ?? generatePassword();
  return { kept: await users.keptPassword(password), shown: given === undefined ? { password } : {} };
}

function tell(options: CommonOptions, { user, shown }: Secret): void {
  print(options, { ...user, ...shown }, [shown.password ?? shown.token ?? describe(user)]);
}

function describe({ name, role, districtId, schoolId, classId, signsInWith }: users.UserView): string {
  const scope =
    (classId !== null && `class ${classId}`) ||
    (schoolId !== null && `school ${schoolId}`) ||
    (districtId !== null && `district ${districtId}`) ||
    'region';
  return `${name}\t${role}\t${scope}\t${signsInWith}`;
}
