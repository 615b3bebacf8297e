import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { engineLimits } from '../limits.ts';

/** Folders and files of one embedded engine. */
export interface EnginePaths {
  readonly data: string;
  readonly configFile: string;
  readonly usersFile: string;
  readonly engineLog: string;
  readonly outputLog: string;
  readonly endpointFile: string;
  /** Exists, locked, while an engine has the folder open. */
  readonly lockFile: string;
}

/** The name of the one user who may do things over HTTP. */
export const engineUser = 'tapline';

export function enginePaths(directory: string): EnginePaths {
  const root = path.resolve(directory);
  return {
    data: path.join(root, 'store'),
    configFile: path.join(root, 'config.xml'),
    usersFile: path.join(root, 'users.xml'),
    engineLog: path.join(root, 'engine.log'),
    outputLog: path.join(root, 'engine-output.log'),
    endpointFile: path.join(root, 'endpoint.json'),
    lockFile: path.join(root, 'store', 'status'),
  };
}

/** Writes the engine's configuration; readable by the owner only, because it holds the password. */
export function writeEngineConfig(paths: EnginePaths, password: string, memoryBytesMax = defaultMemoryBytes()): void {
  mkdirSync(paths.data, { recursive: true, mode: 0o700 });
  writePrivate(paths.usersFile, usersXml(password));
  writePrivate(paths.configFile, configXml(paths, memoryBytesMax));
}

export function defaultMemoryBytes(): number {
  const share = Math.floor(os.totalmem() * engineLimits.memoryShare);
  return Math.min(engineLimits.memoryBytesMax, Math.max(engineLimits.memoryBytesMin, share));
}

function writePrivate(file: string, text: string): void {
  writeFileSync(file, text, { mode: 0o600 });
  chmodSync(file, 0o600);
}

/**
 * The engine is the only copy of its tables, so what it calls inserted must be on disk. A merge is synced too, because
 * the parts that it replaces are removed a few minutes later.
 */
function configXml(paths: EnginePaths, memoryBytesMax: number): string {
  return `<clickhouse>
  <max_server_memory_usage>${memoryBytesMax}</max_server_memory_usage>
  <mark_cache_size>${engineLimits.markCacheBytes}</mark_cache_size>
  <users_config>${escapeXml(paths.usersFile)}</users_config>
  <log-level>error</log-level>
  <logger>
    <log>${escapeXml(paths.engineLog)}</log>
    <size>${engineLimits.logBytesMax}</size>
    <count>1</count>
  </logger>
  <merge_tree>
    <fsync_after_insert>1</fsync_after_insert>
    <fsync_part_directory>1</fsync_part_directory>
    <min_rows_to_fsync_after_merge>1</min_rows_to_fsync_after_merge>
  </merge_tree>
</clickhouse>
`;
}

/**
 * The engine's own session is user \`default\` without a password and cannot be told otherwise. Anyone on the machine
 * could be that user over HTTP, and read files through it; so \`default\` may do what the session needs, and its quota is
 * spent by the session's two queries.
 */
function usersXml(password: string): string {
  const networks = '<networks><ip>127.0.0.1</ip></networks>';
  return `<clickhouse>
  <profiles><default/></profiles>
  <quotas>
    <default/>
    <spent><interval><duration>2000000000</duration><queries>2</queries></interval></spent>
  </quotas>
  <users>
    <default>
      <no_password/>${networks}<profile>default</profile><quota>spent</quota>
      <grants>
        <query>GRANT SYSTEM LISTEN ON *.*</query>
        <query>GRANT READ ON FILE</query>
        <query>GRANT CREATE TEMPORARY TABLE ON *.*</query>
      </grants>
    </default>
    <${engineUser}>
      <password>${password}</password>${networks}<profile>default</profile><quota>default</quota>
    </${engineUser}>
  </users>
</clickhouse>
`;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
