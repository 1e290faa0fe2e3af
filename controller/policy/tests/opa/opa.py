"""OPA's own engine (Go, as a C shared library) behind a pipe, for comparison with ours.

Reads one JSON object a line on stdin and answers each with one on stdout:

    {"load": {"modules": {"PATH": "TEXT", ...}, "data": {...}}}   -> {"ok": true}
    {"query": "data.sark.llm", "input": {...}}                    -> {"result": ...} | {"undefined": true}
    {"tests": true}                                               -> {"tests": {"NAME": true|false, ...}}
    {"bench": {"query": ..., "inputs": "FILE", "threads": 2, "seconds": 5}}
                                                                  -> {"bench": {...}}

`inputs` is a file with one JSON input a line. What goes wrong is {"error": "..."}, and the next line
is read. Modules are compiled once, at the first query; a query is prepared once and kept.

The library is the one of the PyPI package opa-golib-python-bindings, unpacked in the directory that
SARK_OPA names (`cargo xtask setup --only python`); its Python part is not used.

What the figures of `bench` include, besides the evaluation: OPA's reading of the input (JSON text in,
as ours), the writing of the result as JSON, the crossings from Python into C and Go and back, and the
freeing of the answer. `overhead_ns` is the median of the same call for a query that is a constant, on
the same inputs: what can be taken off. Each thread has an engine of its own; Python's lock is not
held inside the library. Go's own runtime threads (its garbage collection) are not limited.
"""

import ctypes
import json
import os
import sys
import threading
import time

CONSTANT = "sark.opa_bench.constant"


def library():
    root = os.environ.get("SARK_OPA")
    if not root:
        sys.exit("SARK_OPA is not set: run `cargo xtask setup --only python`, then use target/setup.env")
    lib = ctypes.CDLL(os.path.join(root, "opa_bindings", "libopabridge.so"))
    text, handle, answer = ctypes.c_char_p, ctypes.c_uint64, ctypes.c_void_p
    lib.OpaNew.restype, lib.OpaNew.argtypes = handle, []
    lib.OpaDestroy.restype, lib.OpaDestroy.argtypes = None, [handle]
    lib.OpaFreeString.restype, lib.OpaFreeString.argtypes = None, [answer]
    for name in ("OpaAddPolicy", "OpaAddData"):
        function = getattr(lib, name)
        function.restype, function.argtypes = answer, [handle, text, text]
    for name in ("OpaEvalDocument", "OpaEvalQuery"):
        function = getattr(lib, name)
        function.restype = answer
        function.argtypes = [handle, text, text, ctypes.c_int, ctypes.c_int]
    return lib


class OpaError(Exception):
    pass


class Engine:
    def __init__(self, lib, modules, data):
        self.lib = lib
        self.handle = lib.OpaNew()
        for path, source in modules.items():
            self._call(lib.OpaAddPolicy, path.encode(), source.encode())
        self._call(lib.OpaAddData, b"", _dumps(data))

    def close(self):
        self.lib.OpaDestroy(self.handle)

    def _call(self, function, *arguments):
        pointer = function(self.handle, *arguments)
        try:
            answer = json.loads(ctypes.string_at(pointer))
        finally:
            self.lib.OpaFreeString(pointer)
        if answer.get("error"):
            raise OpaError(f"{answer['error'].get('code')}: {answer['error'].get('message')}")
        return answer

    def document(self, path, value):
        """The document at `data.PATH`, as a list of none or one."""
        answer = self._call(self.lib.OpaEvalDocument, path, value, 0, 0)
        return [one["expressions"][0]["value"] for one in answer.get("result") or []]

    def query(self, text, value):
        answer = self._call(self.lib.OpaEvalQuery, text.encode(), value, 0, 0)
        return [one.get("bindings", {}) for one in answer.get("result") or []]

    def time(self, path, inputs, seconds):
        """Nanoseconds of each call, for so long."""
        evaluate, free, now = self.lib.OpaEvalDocument, self.lib.OpaFreeString, time.perf_counter_ns
        handle, taken, until = self.handle, [], now() + int(seconds * 1e9)
        while True:
            for value in inputs:
                begun = now()
                free(evaluate(handle, path, value, 0, 0))
                ended = now()
                taken.append(ended - begun)
                if ended > until:
                    return taken


def _dumps(value):
    return json.dumps(value, ensure_ascii=False).encode()


class Session:
    def __init__(self):
        self.lib = library()
        self.engine, self.modules, self.data = None, {}, {}

    def load(self, what):
        if self.engine:
            self.engine.close()
            self.engine = None
        self.modules, self.data = dict(what["modules"]), what.get("data", {})
        self.modules["sark_opa_bench.rego"] = "package sark.opa_bench\n\nconstant := true\n"
        engine = Engine(self.lib, self.modules, self.data)
        # Compiles, so that a mistake is found here.
        engine.query("true", b"")
        self.engine = engine
        return {"ok": True}

    def loaded(self):
        if not self.engine:
            raise OpaError("nothing is loaded")

    def ask(self, query, value):
        self.loaded()
        if not query.startswith("data."):
            return {"result": self.engine.query(query, _dumps(value))}
        found = self.engine.document(query.removeprefix("data.").encode(), _dumps(value))
        return {"result": found[0]} if found else {"undefined": True}

    def tests(self):
        """As `opa test`: each rule whose name begins with `test_`, passed if it is true."""
        self.loaded()
        found = {}
        for text in self.modules.values():
            # OPA's own parser says what rules there are.
            syntax = self.engine.query('module := rego.parse_module("m.rego", input)', _dumps(text))
            module = syntax[0]["module"]
            path = ".".join(part["value"] for part in module["package"]["path"][1:])
            for rule in module.get("rules", []):
                name = rule["head"]["ref"][0]["value"]
                if name.startswith("test_"):
                    found[f"{path}.{name}"] = None
        for name in found:
            answer = self.engine.document(name.encode(), b"")
            found[name] = bool(answer) and answer[0] is not False
        return {"tests": found}

    def bench(self, what):
        self.loaded()
        with open(what["inputs"], "rb") as file:
            inputs = [line for line in file.read().split(b"\n") if line]
        path, threads = what["query"].removeprefix("data.").encode(), what.get("threads", 1)
        engines = [Engine(self.lib, self.modules, self.data) for _ in range(threads)]
        results = [[] for _ in engines]
        seconds = what.get("seconds", 5)
        ready = threading.Barrier(threads + 1)

        def work(number):
            engine = engines[number]
            # What is compiled and prepared once is not what is measured.
            engine.time(path, inputs, min(1, seconds / 5))
            ready.wait()
            results[number] = engine.time(path, inputs, seconds)

        workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
        for worker in workers:
            worker.start()
        ready.wait()
        begun = time.perf_counter()
        for worker in workers:
            worker.join()
        took = time.perf_counter() - begun
        engines[0].time(CONSTANT.encode(), inputs, 0.2)
        overhead = sorted(engines[0].time(CONSTANT.encode(), inputs, 0.5))
        for engine in engines:
            engine.close()
        every = sorted(one for result in results for one in result)
        at = lambda part: every[min(len(every) - 1, int(len(every) * part))]
        return {
            "bench": {
                "threads": threads,
                "decisions": len(every),
                "per_second": round(len(every) / took),
                "p50_ns": at(0.5),
                "p99_ns": at(0.99),
                "overhead_ns": overhead[len(overhead) // 2],
                "includes": "input JSON read, result JSON written, ctypes and cgo crossings",
            }
        }


def main():
    session = Session()
    for line in sys.stdin:
        try:
            asked = json.loads(line)
            if "load" in asked:
                answer = session.load(asked["load"])
            elif "tests" in asked:
                answer = session.tests()
            elif "bench" in asked:
                answer = session.bench(asked["bench"])
            else:
                answer = session.ask(asked["query"], asked.get("input"))
        except (OpaError, KeyError, ValueError, OSError) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
