import { Command, Option } from 'commander';
import { OperatorError } from '../../workers/errors.ts';
import * as registryCommands from '../registry/commands.ts';
import { type CommonOptions, newCommand, print, readId } from './common.ts';
import { withRegistry } from './registry.ts';

interface PupilOptions extends CommonOptions {
  readonly pupil: number;
  readonly entitled?: 'yes' | 'no';
  readonly active?: 'yes' | 'no';
}

export function pupilCommand(): Command {
  const pupil = new Command('pupil').description('pupils: who has left, who eats free');
  pupil.addCommand(
    newCommand('set', 'sets what is named; takes effect within 5 s')
      .requiredOption('--pupil <n>', 'pupil id', readId)
      .addOption(new Option('--entitled <yes|no>', 'free meals by entitlement').choices(['yes', 'no']))
      .addOption(new Option('--active <yes|no>', 'no: the pupil has left').choices(['yes', 'no']))
      .action(async (options: PupilOptions) => {
        const { pupil: pupilId, entitled, active } = options;
        if (entitled === undefined && active === undefined) {
          throw new OperatorError('USAGE', 'nothing is to be set', 'Give --entitled or --active.', 2);
        }
        const settings = { entitled: isYes(entitled), active: isYes(active) };
        const result = await withRegistry(options, (registry) =>
          registryCommands.setPupil(registry, pupilId, settings),
        );
        const state = `${result.active ? 'active' : 'has left'}${result.entitled ? ', free meals' : ''}`;
        print(options, result, [`pupil ${pupilId}: ${state}${result.change === null ? ' (unchanged)' : ''}`]);
      }),
  );
  return pupil;
}

function isYes(answer: 'yes' | 'no' | undefined): boolean | undefined {
  return answer === undefined ? undefined : answer === 'yes';
}
