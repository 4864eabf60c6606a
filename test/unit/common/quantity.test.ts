import { describe, expect, it } from 'vitest';
import { formatBytes, formatMillicores, parseCpu, parseMemory } from '../../../src/common/quantity.ts';

describe('quantities', () => {
  it.each([
    ['500m', 500],
    ['0.5', 500],
    [2, 2000],
    [0.29, 290],
    ['.25', 250],
    ['1k', 1_000_000],
    ['100u', 1],
    ['0', 0],
    ['1e1', 10_000],
  ])('reads %s as %d millicores', (raw, millis) => {
    expect(parseCpu(raw)).toEqual({ value: millis });
  });

  it.each([
    ['3Gi', 3 * 2 ** 30],
    ['3gi', 3 * 2 ** 30],
    ['3GI', 3 * 2 ** 30],
    ['1.5Gi', 1.5 * 2 ** 30],
    ['200Mi', 200 * 2 ** 20],
    ['64Ki', 65_536],
    ['2Ti', 2 ** 41],
    ['1Pi', 2 ** 50],
    ['1Ei', 2 ** 60],
    ['1E', 1e18],
    ['200M', 2e8],
    ['1k', 1000],
    ['1G', 1e9],
    ['1T', 1e12],
    ['1e9', 1e9],
    ['2E3', 2000],
    ['134217728', 134_217_728],
    [1024, 1024],
    ['1500m', 2],
    [' 7Gi ', 7 * 2 ** 30],
  ])('reads %s as %d bytes', (raw, bytes) => {
    expect(parseMemory(raw)).toEqual({ value: bytes });
  });

  it.each([
    ['1,5Gi', /comma/],
    ['', /missing/],
    ['7Gb', /unknown unit "Gb"/],
    ['3K', /unknown unit "K"/],
    ['-1Gi', /negative/],
    ['Gi', /not a quantity/],
    ['1..5', /not a quantity/],
    ['1 Gi', /not a quantity/],
    ['NaN', /not a quantity/],
    ['Infinity', /not a quantity/],
    ['0x10', /unknown unit|not a quantity/],
    ['9e99', /out of range/],
    ['1'.repeat(5000), /out of range/],
    ['x'.repeat(5000), /…/],
  ])('refuses %s and says why', (raw, reason) => {
    const parsed = parseMemory(raw);
    expect('reason' in parsed && parsed.reason).toMatch(reason);
  });

  it('writes them for people', () => {
    expect(formatBytes(7 * 2 ** 30)).toBe('7Gi');
    expect(formatBytes(1.25 * 2 ** 20)).toBe('1.25Mi');
    expect(formatBytes(12)).toBe('12');
    expect(formatMillicores(1500)).toBe('1500m');
    expect(formatMillicores(2000)).toBe('2');
  });
});
