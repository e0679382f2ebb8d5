/** src/engine/addon-types.ts against the addon itself: the same exports, methods and fields, no more and no fewer. */
import fs from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { addon } from '../../src/engine/addon.js';
import type { NativeEvent } from '../../src/engine/addon-types.js';
import { read, root } from './project.js';
import { PLAIN_SAMPLING } from '../../src/decoding/strategy.js';

const parse = (name: string) => ts.createSourceFile(name, read(`src/engine/${name}`), ts.ScriptTarget.ES2022, true);
const source = parse('addon-types.ts');
const types = parse('types.ts');

/** Names of the members of an interface, sorted. */
function members(name: string, file = source): string[] {
  const found = file.statements.find((node): node is ts.InterfaceDeclaration => ts.isInterfaceDeclaration(node) && node.name.text === name);
  if (!found) throw new Error(`${file.fileName} has no interface ${name}`);
  return found.members.map((member) => (member.name as ts.Identifier).text).sort();
}

const keys = (value: object) => Object.keys(value).sort();

describe('addon-types.ts', () => {
  const native = addon();

  it('names the exports', () => {
    expect(keys(native)).toEqual(members('Addon'));
  });

  it("names NativeModel's methods", () => {
    const methods = Object.getOwnPropertyNames(native.NativeModel.prototype).filter((name) => name !== 'constructor');
    expect(methods.sort()).toEqual(members('NativeModel'));
  });

  it('names the fields of the reports and of hook points', () => {
    expect(keys(native.engineReport())).toEqual(members('NativeEngineReport'));
    const report = native.deviceReport();
    expect(keys(report)).toEqual(members('NativeDeviceReport'));
    for (const device of report.devices) expect(keys(device)).toEqual(members('NativeDevice'));
    for (const kernel of report.kernels) expect(keys(kernel)).toEqual(['function', 'op', 'type']);
    expect(report.usable).toBe(report.refused === null);
    expect(keys(native.hookPoints(1)[0]!)).toEqual(['dimensions', 'name']);
    const asked = { dtype: 'float32', device: 'cpu', memoryBytes: 1 << 26, samples: 1, promptTokens: 1, newTokens: 1 } as const;
    expect(keys(native.memoryPlan({ ...asked, folder: path.join(root, 'tests/golden/tiny-gpt2') }))).toEqual(members('NativePlan'));
  });

  it('names the fields of every event', async () => {
    const events: NativeEvent[] = [];
    const until = (type: NativeEvent['type']) =>
      new Promise<void>((resolve) => {
        const look = () => (events.some((event) => event.type === type) ? resolve() : setTimeout(look, 5));
        look();
      });
    const options = { dtype: 'float32', device: 'cpu', threads: 1, memoryBytes: 0, vocabulary: null } as const;
    const model = new native.NativeModel({ ...options, folder: path.join(root, 'tests/golden/tiny-gpt2') }, (batch) =>
      events.push(...batch),
    );
    const group = { promptBytes: new Uint8Array(), heal: new Uint8Array(), key: 1n, sampling: PLAIN_SAMPLING };
    const request = {
      ...group,
      prompt: Int32Array.of(1),
      sampleIndices: Uint32Array.of(0),
      maxNewTokens: 1,
      stopPolicy: 'eos' as const,
      stopStrings: [],
    };
    model.generate([request], 0);
    model.check([request], 0);
    model.activations(Int32Array.of(1), ['logits']);
    model.activations(Int32Array.of(1), ['no such hook']);
    await until('failed');
    model.generate([{ ...request, sampleIndices: new Uint32Array(10_000), maxNewTokens: 60 }], 1);
    model.stop();
    await until('stopped');
    const broken = new native.NativeModel({ ...options, folder: path.join(root, 'no such folder') }, (batch) => events.push(...batch));
    await until('loadFailed');
    broken.stop();

    const of = <T extends NativeEvent['type']>(type: T) => events.find((event): event is NativeEvent & { type: T } => event.type === type)!;
    expect(keys(of('loaded'))).toEqual([...members('NativeInfo'), 'type'].sort());
    expect(keys(of('sample').sample)).toEqual(members('NativeSample'));
    expect(keys(of('activations').activations[0]!)).toEqual(members('NativeActivation'));
    for (const type of ['failed', 'loadFailed'] as const) expect(keys(of(type).error)).toEqual(members('NativeFault'));
    for (const type of ['done', 'cancelled'] as const) expect(keys(of(type))).toEqual(['job', 'type']);
    expect(keys(of('planned'))).toEqual([...members('RunPlan', types), 'job', 'type'].sort());
    expect(keys(of('stopped'))).toEqual(['type']);
  });

  it('reads every field of its arguments', () => {
    const code = fs
      .readdirSync(path.join(root, 'native/binding'))
      .filter((name) => name.endsWith('.cc'))
      .map((name) => read(`native/binding/${name}`))
      .join('\n');
    for (const name of ['NativeModelOptions', 'NativeGroup', 'NativePlanOptions'])
      for (const field of members(name)) expect(code).toContain(`Get("${field}")`);
  });
});
