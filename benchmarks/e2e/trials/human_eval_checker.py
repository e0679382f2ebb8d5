"""One trial of ../sandbox-vs-human-eval.mjs: HumanEval's canonical solutions the way openai/human-eval checks samples.

Written from what human_eval/execution.py and evaluation.py do at commit 12d15a0 (2025), as that package cannot be assumed to be
installed, and ships with its `exec` commented out. What costs time is the same: for each sample a `multiprocessing.Manager`, a
`Process` that is forked off, a temporary folder, the guard that takes functions away, captured output, a timer by SIGALRM, one
`exec` of prompt + completion + test + call; and a ThreadPoolExecutor around it. It isolates nothing.

Arguments: the data set (HumanEval.jsonl.gz), workers, how many times over. Prints {"seconds", "passed", "cpuSeconds"} as JSON.
"""

import concurrent.futures
import contextlib
import faulthandler
import gzip
import io
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

TIMEOUT = 3.0
TAKEN_FROM_OS = (
    "kill system putenv remove removedirs rmdir fchdir setuid fork forkpty killpg rename renames truncate replace unlink fchmod "
    "fchown chmod chown chroot lchflags lchmod lchown getcwd chdir"
).split()
TAKEN_MODULES = ("ipdb", "joblib", "resource", "psutil", "tkinter")


class TimedOut(Exception):
    pass


class WriteOnly(io.StringIO):
    def read(self, *_, **__):
        raise OSError

    readline = readlines = read

    def readable(self):
        return False


class RedirectStdin(contextlib._RedirectStream):
    _stream = "stdin"


@contextlib.contextmanager
def captured():
    stream = WriteOnly()
    with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream), RedirectStdin(stream):
        yield


@contextlib.contextmanager
def timed(seconds):
    def ring(number, frame):
        raise TimedOut("Timed out!")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def temporary_folder():
    with tempfile.TemporaryDirectory() as folder:
        before = os.getcwd()
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


def guard():
    faulthandler.disable()
    import builtins

    builtins.exit = builtins.quit = builtins.help = None
    os.environ["OMP_NUM_THREADS"] = "1"
    for name in TAKEN_FROM_OS:
        setattr(os, name, None)
    shutil.rmtree = shutil.move = shutil.chown = None
    subprocess.Popen = None
    for name in TAKEN_MODULES:
        sys.modules[name] = None


def execute(problem, completion, result):
    with temporary_folder():
        needed = shutil.rmtree, os.rmdir, os.chdir
        guard()
        program = "%s%s\n%s\ncheck(%s)" % (problem["prompt"], completion, problem["test"], problem["entry_point"])
        try:
            with captured(), timed(TIMEOUT):
                exec(program, {})
            result.append("passed")
        except TimedOut:
            result.append("timed out")
        except BaseException as error:
            result.append("failed: %s" % error)
        shutil.rmtree, os.rmdir, os.chdir = needed


def check(problem, completion):
    manager = multiprocessing.Manager()
    result = manager.list()
    process = multiprocessing.Process(target=execute, args=(problem, completion, result))
    process.start()
    process.join(timeout=TIMEOUT + 1)
    if process.is_alive():
        process.terminate()
        process.join()
    return (result[0] if result else "timed out") == "passed"


def main():
    with gzip.open(sys.argv[1], "rt") as lines:
        problems = [json.loads(line) for line in lines]
    samples = problems * int(sys.argv[3])
    start = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(max_workers=int(sys.argv[2])) as pool:
        futures = [pool.submit(check, problem, problem["canonical_solution"]) for problem in samples]
        passed = sum(future.result() for future in concurrent.futures.as_completed(futures))
    seconds = time.perf_counter() - start
    # Managers are waited for when they are collected, so that their time counts here.
    times = os.times()
    print(json.dumps({"seconds": seconds, "passed": passed, "cpuSeconds": sum(times[:4])}))


main()
