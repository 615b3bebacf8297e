export { accountName, flagNames } from './explain/names.ts';
