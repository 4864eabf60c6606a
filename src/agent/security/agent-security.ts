/** What keeps an agent safe, made from its configuration: identity, access and audit, the same for every port. */
import { readFileSync } from 'node:fs';
import { RuntimeError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { TlsSource } from '../../common/tls.ts';
import type { AgentConfig } from '../config/config.ts';
import { isLoopback } from '../http/loopback.ts';
import { outgoingToken, parseTokens } from '../http/tokens.ts';
import { Access } from './access.ts';
import { AuditFile, type AuditLog, auditInLog } from './audit-log.ts';
import { TlsFiles } from './tls-files.ts';

export interface AgentSecurity {
  /** Absent: plain text. */
  readonly tls?: TlsSource;
  /** Shown to other agents. */
  readonly token?: string;
  readonly access: Access;
  readonly audit: AuditLog;
}

type SecurityConfig = Pick<
  AgentConfig,
  'tokenFile' | 'tlsCa' | 'tlsCert' | 'tlsKey' | 'tlsRole' | 'auditLog' | 'host' | 'insecure'
>;

/** Throws ERR_CONFIG_INVALID. What it opens goes to `opened`. */
export function openSecurity(config: SecurityConfig, logger: Logger, opened: AsyncDisposableStack): AgentSecurity {
  const { tlsCa: ca, tlsCert: cert, tlsKey: key, auditLog } = config;
  const tls =
    cert === undefined || key === undefined
      ? undefined
      : opened.use(new TlsFiles({ paths: { cert, key, ...(ca === undefined ? {} : { ca }) }, logger }));
  const text = config.tokenFile === undefined ? undefined : readTokens(config.tokenFile);
  const token = text === undefined ? undefined : outgoingToken(text);
  const access = new Access({
    ...(text === undefined ? {} : { tokens: parseTokens(text) }),
    certificates: ca !== undefined,
    certificateRole: config.tlsRole,
  });
  const audit = auditLog === undefined ? auditInLog(logger) : opened.use(new AuditFile({ path: auditLog, logger }));
  warn(config, logger);
  return {
    access,
    audit,
    ...(tls === undefined ? {} : { tls }),
    ...(token === undefined ? {} : { token }),
  };
}

function warn({ host, insecure, tokenFile, tlsCert }: SecurityConfig, logger: Logger): void {
  if (isLoopback(host)) return;
  if (tokenFile !== undefined && tlsCert === undefined) {
    logger.warn({ host }, 'tokens and data cross the network in plain text: give --tls-cert and --tls-key');
  }
  if (insecure) logger.warn({ host }, 'started with --insecure: who reaches the ports may not be asked who they are');
}

function readTokens(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new RuntimeError(
      'ERR_CONFIG_INVALID',
      { key: 'tokenFile', reason: `${path} cannot be read` },
      { cause: error },
    );
  }
}
