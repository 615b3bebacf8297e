import { Command, Option } from 'commander';
import { OperatorError } from '../../workers/errors.ts';
import * as registryCommands from '../registry/commands.ts';
import type { Registry } from '../registry/store.ts';
import { type CommonOptions, newCommand, operate, readId } from './common.ts';
import { changeRegistry } from './registry-change.ts';

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
        const deed = {
          command: 'pupil-set',
          path: '/admin/v1/pupils',
          body: { pupil: pupilId, ...settings },
          work: (registry: Registry) => registryCommands.setPupil(registry, pupilId, settings),
        };
        await operate(options, () => changeRegistry<PupilState>(options, deed), describe);
      }),
  );
  return pupil;
}

interface PupilState {
  readonly pupil_id: number;
  readonly active: boolean;
  readonly entitled: boolean;
  readonly change: number | null;
}

function describe({ pupil_id: pupilId, active, entitled, change }: PupilState): string[] {
  const state = `${active ? 'active' : 'has left'}${entitled ? ', free meals' : ''}`;
  return [`pupil ${pupilId}: ${state}${change === null ? ' (unchanged)' : ''}`];
}

function isYes(answer: 'yes' | 'no' | undefined): boolean | undefined {
  return answer === undefined ? undefined : answer === 'yes';
}
