/**
 * Every system call that the filters name, made for real from inside, in both tiers. The numbers stand here once more, from the
 * kernel's headers, so that a slip in the launcher's tables shows.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExecutionJob } from '../../../src/sandbox/executor.js';
import { kernelReport } from '../../../src/sandbox/launcher.js';
import { ProcessExecutor } from '../../../src/sandbox/process-executor.js';
import { ISOLATING_TIERS } from '../../../src/sandbox/tiers.js';
import { AS_USER, obstacle, PYTHON, WrappedLauncher } from './users.js';

/** Name, number on x86-64, number on AArch64. */
const table = (text: string): { name: string; number: number }[] =>
  text
    .trim()
    .split(/\s+/)
    .map((row) => row.split(':'))
    .map(([name, x86, arm]) => ({ name: name!, number: Number(process.arch === 'x64' ? x86 : arm) }))
    // NaN: this architecture has no such call.
    .filter(({ number }) => !Number.isNaN(number));

const KILLED = table(`
  ptrace:101:117 process_vm_readv:310:270 process_vm_writev:311:271 pidfd_getfd:438:438 process_madvise:440:440 process_mrelease:448:448
  kcmp:312:272 mount:165:40 umount2:166:39 pivot_root:155:41 chroot:161:51 open_tree:428:428 move_mount:429:429 fsopen:430:430
  fsconfig:431:431 fsmount:432:432 fspick:433:433 mount_setattr:442:442 name_to_handle_at:303:264 open_by_handle_at:304:265
  swapon:167:224 swapoff:168:225 quotactl:179:60 quotactl_fd:443:443 unshare:272:97 setns:308:268 keyctl:250:219 add_key:248:217
  request_key:249:218 bpf:321:280 io_uring_setup:425:425 io_uring_enter:426:426 io_uring_register:427:427 userfaultfd:323:282
  perf_event_open:298:241 init_module:175:105 finit_module:313:273 delete_module:176:106 fanotify_init:300:262 clock_settime:227:112
  settimeofday:164:170 adjtimex:159:171 clock_adjtime:305:266 reboot:169:142 kexec_load:246:104 kexec_file_load:320:294 acct:163:89
  syslog:103:116 vhangup:153:58 iopl:172:- ioperm:173:- modify_ldt:154:-
`);
const REFUSED = table(`
  socket:41:198 bind:49:200 connect:42:203 listen:50:201 accept:43:202 accept4:288:242 shmget:29:194 shmat:30:196 shmctl:31:195
  semget:64:190 semop:65:193 semtimedop:220:192 semctl:66:191 msgget:68:186 msgsnd:69:189 msgrcv:70:188 msgctl:71:187 mq_open:240:180
  mq_unlink:241:181 personality:135:92 setpriority:141:140 ioprio_set:251:30 sched_setaffinity:203:122 sched_setscheduler:144:119
  sched_setparam:142:118 sched_setattr:314:274 migrate_pages:256:238 move_pages:279:239 get_robust_list:274:100 sync:162:81
  syncfs:306:267 memfd_create:319:279 memfd_secret:447:447
`);
const REFUSED_ON_THE_HOST = table(`
  chmod:90:- chown:92:- lchown:94:- utime:132:- utimes:235:- futimesat:261:- fchmod:91:52 fchmodat:268:53 fchmodat2:452:452
  fchown:93:55 fchownat:260:54 utimensat:280:88 setxattr:188:5 lsetxattr:189:6 fsetxattr:190:7 setxattrat:463:463 removexattr:197:14
  lremovexattr:198:15 fremovexattr:199:16 removexattrat:466:466 inotify_init:253:- inotify_init1:294:26 inotify_add_watch:254:27
  pidfd_send_signal:424:424
`);
/** Processes, programs and messages: what the candidate's own filter answers. */
const STARTS = [
  ...table('fork:57:- vfork:58:- clone:56:220').map((call) => ({ ...call, error: 'EAGAIN' })),
  ...table('execve:59:221 execveat:322:281 sendmsg:46:211 sendmmsg:307:269').map((call) => ({ ...call, error: 'EPERM' })),
  ...table('clone3:435:435 unknown:467:467 unknown:600:600').map((call) => ({ ...call, error: 'ENOSYS' })),
];
const [PRLIMIT, SOCKETPAIR, PRCTL, FCNTL, IOCTL, GETPID, CLONE] = table(
  'prlimit64:302:261 socketpair:53:199 prctl:157:167 fcntl:72:25 ioctl:16:29 getpid:39:172 clone:56:220',
).map(({ number }) => number) as [number, number, number, number, number, number, number];

const { landlock } = await kernelReport();

const launcher = new WrappedLauncher();
afterAll(() => {
  launcher.dispose();
});

const starters = [
  { who: 'whoever runs this', through: '', obstacle: null },
  { who: 'an ordinary user', through: AS_USER, obstacle: obstacle() },
];
const cases = ISOLATING_TIERS.flatMap((tier) => starters.map((starter) => ({ tier, ...starter })));

describe.each(cases)('in tier $tier, started by $who', ({ tier, through, obstacle: reason }) => {
  const skipped = reason !== null || (tier === 'landlock' && landlock === null);
  let executor: ProcessExecutor;
  beforeAll(async () => {
    if (skipped) return;
    launcher.wrap(through);
    executor = await ProcessExecutor.create({ workers: 2, tier, python: PYTHON });
  });
  afterAll(async () => {
    if (!skipped) await executor.dispose();
  });

  const job = (body: string): ExecutionJob => ({
    taskId: 'calls',
    prompt: '',
    entryPoint: 'f',
    test: 'assert f(1) == 2\n',
    completion: [
      'import ctypes, errno, os',
      'libc = ctypes.CDLL(None, use_errno=True)',
      'def call(*arguments):',
      '    ctypes.set_errno(0)',
      '    result = libc.syscall(*[ctypes.c_long(argument) for argument in arguments])',
      '    return result if result >= 0 else errno.errorcode[ctypes.get_errno()]',
      'def f(x):',
      ...body.split('\n').map((line) => `    ${line}`),
    ].join('\n'),
    seed: 0,
    sampleIndex: 0,
  });
  /** What the function's body returns, which JSON must be able to say. */
  const valueOf = async (body: string): Promise<unknown> => {
    const { outcome } = await executor.execute(job(body));
    if (outcome.status !== 'assertion') throw new Error(`no value: ${JSON.stringify(outcome)}`);
    return JSON.parse(outcome.assertion.returned!.replaceAll("'", '"').replaceAll('True', 'true').replaceAll('False', 'false'));
  };
  /** The answers to calls with nothing but zeros; 300 characters of an answer are kept, hence one string of few words. */
  const answers = async (calls: readonly { readonly number: number }[]): Promise<string[]> => {
    const numbers = JSON.stringify(calls.map(({ number }) => number));
    const program = job(`print(*[call(number, 0, 0, 0, 0, 0, 0) for number in ${numbers}])\nreturn x + 1`);
    const { outcome, measurements } = await executor.execute(program);
    expect(outcome).toEqual({ status: 'passed' });
    return measurements.stdout.trim().split(' ');
  };

  it.skipIf(skipped)('an escape kills the process', async () => {
    const outcomes = await Promise.all(
      KILLED.map(async ({ name, number }) => [
        name,
        (await executor.execute(job(`call(${number}, 0, 0, 0, 0, 0, 0)\nreturn x + 1`))).outcome,
      ]),
    );
    expect(outcomes).toEqual(KILLED.map(({ name }) => [name, { status: 'forbidden', signal: 'SIGSYS' }]));
  });

  it.skipIf(skipped)('so do new namespaces by clone, and calls under another architecture’s numbers', async () => {
    const forbidden = { status: 'forbidden', signal: 'SIGSYS' };
    // NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET and NEWTIME (which shares its bit with the exit signal's).
    for (const flag of [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000, 0x80]) {
      expect((await executor.execute(job(`call(${CLONE}, ${flag}, 0, 0, 0, 0)\nreturn x + 1`))).outcome).toEqual(forbidden);
    }
    if (process.arch !== 'x64') return;
    expect((await executor.execute(job(`call(${0x40000000 + GETPID})\nreturn x + 1`))).outcome).toEqual(forbidden);
    // mov eax, 20 (getpid of i386); int 0x80; ret
    const old = [
      'import mmap',
      'code = mmap.mmap(-1, 4096, prot=7)',
      'code.write(bytes([0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0xc3]))',
      'ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()',
      'return x + 1',
    ].join('\n');
    // A kernel that knows no such calls ends the process in its own way.
    expect([forbidden, { status: 'signal', signal: 'SIGSEGV' }]).toContainEqual((await executor.execute(job(old))).outcome);
  });

  it.skipIf(skipped)('what honest code may try returns an error', async () => {
    expect(await answers(REFUSED)).toEqual(REFUSED.map(() => 'EPERM'));
    expect(await answers(STARTS)).toEqual(STARTS.map(({ error }) => error));
    const more = [
      `datagrams = call(${SOCKETPAIR}, 1, 2, 0, ctypes.addressof((ctypes.c_int * 2)()))`,
      `others = call(${PRLIMIT}, 1, 7, 0, ctypes.addressof((ctypes.c_long * 2)()))`,
      // Of families whose protocol may be a module to load: INET, RDS, TIPC.
      `families = [call(${SOCKETPAIR}, family, 1, 0, ctypes.addressof((ctypes.c_int * 2)())) for family in (2, 21, 30)]`,
      'import asyncio',
      'async def one(): return await asyncio.to_thread(abs, -1)',
      'return [datagrams, others, families, asyncio.run(one())]',
    ].join('\n');
    expect(await valueOf(more)).toEqual(['EPERM', 'EPERM', ['EPERM', 'EPERM', 'EPERM'], 1]);
  });

  it.skipIf(skipped || tier !== 'landlock')('what reaches the host’s files and processes returns one, too', async () => {
    expect(await answers(REFUSED_ON_THE_HOST)).toEqual(REFUSED_ON_THE_HOST.map(() => 'EPERM'));
    const signals = table('kill:62:129 tkill:200:130 tgkill:234:131 rt_sigqueueinfo:129:138 rt_tgsigqueueinfo:297:240');
    const others = [
      `answers = [call(number, pid, pid, 0) for number in ${JSON.stringify(signals.map(({ number }) => number))} for pid in (1, 0, -1, os.getppid())]`,
      `answers += [call(${PRCTL}, 1, 0)] + [call(${FCNTL}, 1, command, 1) for command in (8, 15, 10)]`,
      `answers += [call(${IOCTL}, 1, control, 0) for control in (0x8901, 0x8902, 0x40086602, 0x40806685)]`,
      'own = [os.kill(os.getpid(), 0), call(%d, os.getpid(), os.getpid(), 0)]'.replace('%d', String(signals[2]!.number)),
      'return [sorted(set(answers[:-4])), sorted(set(answers[-4:])), own == [None, 0]]',
    ].join('\n');
    expect(await valueOf(others)).toEqual([['EPERM'], ['ENOTTY'], true]);
  });

  it.skipIf(skipped)('the process has nothing but what it needs', async () => {
    const program = [
      'def is_open(number):',
      '    try:',
      '        return os.fstat(number) is not None',
      '    except OSError:',
      '        return False',
      'header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()',
      'capabilities = libc.capget(header, sets) == 0 and not any(sets)',
      'bounded = libc.prctl(39, 0, 0, 0, 0) == 1 and libc.prctl(21, 0, 0, 0, 0) == 2',
      'dumpable = libc.prctl(3, 0, 0, 0, 0)',
      'descriptors = [number for number in range(64) if is_open(number)]',
      'session = os.getsid(0) == os.getpid() == os.getpgid(0)',
      'return [capabilities, bounded, dumpable, descriptors, session, 0 not in os.getresuid() + os.getresgid(), os.getgroups()]',
    ].join('\n');
    expect(await valueOf(program)).toEqual([
      true,
      true,
      0,
      // 3: to the judge; 4: what it says about where it is, when asked.
      [0, 1, 2, 3, 4],
      true,
      true,
      through !== '' || process.getuid?.() === 0 ? [] : expect.anything(),
    ]);
    // Addresses repeat: one worker's and another's, of the heap and a library. Where in its megabyte an object of the heap lies
    // depends on what earlier executions left free.
    const addresses =
      'import _ctypes\nhere = ctypes.c_int()\nreturn [ctypes.addressof(here) >> 20, ctypes.cast(libc.getpid, ctypes.c_void_p).value]';
    const first = await valueOf(addresses);
    expect((await executor.execute(job(`call(${KILLED[0]!.number}, 0, 0, 0, 0)`))).outcome.status).toBe('forbidden');
    expect(await valueOf(addresses)).toEqual(first);
  });

  // In the second tier the kernel counts all that an ordinary user runs: the limit cannot be applied.
  const shared = tier === 'landlock' && (through !== '' || process.getuid?.() !== 0);
  it.skipIf(skipped || shared)('its threads are counted, also where root has started it', async () => {
    const program = [
      'import threading',
      'threading.stack_size(65536)',
      'stop = threading.Event()',
      'count = 0',
      'try:',
      '    while count < 1000:',
      '        threading.Thread(target=stop.wait, daemon=True).start()',
      '        count += 1',
      'except RuntimeError:',
      '    pass',
      'stop.set()',
      'return count',
    ].join('\n');
    expect(await valueOf(program)).toBe(executor.info.limits.processes - 1);
  });
});
