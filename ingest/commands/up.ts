import type { Command } from 'commander';
import pino from 'pino';
import { readConfig, settings } from '../config.ts';
import { startService } from '../main.ts';
import { type CommonOptions, newCommand } from './common.ts';

/** `up`: the service until SIGTERM or SIGINT. */
export function upCommand(): Command {
  const command = newCommand('up', 'runs the service until SIGTERM, then drains and stops');
  for (const { flag, help, variable } of Object.values(settings)) command.option(flag, `${help} [${variable}]`);
  return command.action(async (options: CommonOptions & Record<string, string | undefined>) => {
    const config = readConfig(options, process.env);
    // Logs go to standard error: standard output is for the one line that says where to reach the service.
    const log = pino({ level: config.logLevel, base: null }, pino.destination(2));
    const { service, address } = await startService(config, log, options.data);
    const { url, stream, dashboardsUrl: dashboards } = address;
    const isJson = (options as CommonOptions).json === true;
    const line = isJson
      ? JSON.stringify({ ready: true, url, stream, dashboards, pid: process.pid })
      : `ready ${url} ${stream} ${dashboards}`;
    process.stdout.write(`${line}\n`);
    await untilTold();
    await service.stop();
  });
}

/** Resolves at the first SIGTERM or SIGINT; a second one ends the process at once: nothing acknowledged is lost by it. */
function untilTold(): Promise<void> {
  return new Promise((resolve) => {
    let isTold = false;
    const told = () => {
      if (isTold) process.exit(130);
      isTold = true;
      resolve();
    };
    process.on('SIGTERM', told);
    process.on('SIGINT', told);
  });
}
