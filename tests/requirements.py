"""The promises: what a user can rely on, by id. Every id has a test that is marked with it.

`source` names where the promise was made.
"""

from typing import NamedTuple


class Requirement(NamedTuple):
    """One promise."""

    promise: str
    source: str


def _issue(promise: str) -> Requirement:
    return Requirement(promise, "step 1")


def _sandbox(promise: str) -> Requirement:
    return Requirement(promise, "step 2")


def _step_3(promise: str) -> Requirement:
    return Requirement(promise, "step 3")


REQUIREMENTS: dict[str, Requirement] = {
    # the two commands
    "demo:one-command": _issue("`arena demo` goes from real data to scored rollouts by itself"),
    "demo:json": _issue("`arena demo --json` prints the figures per agent in a fixed form"),
    "demo:oracle-one-noop-zero": _issue(
        "in the demo the oracle earns 1.0 on every task, noop exactly 0.0, random far below"
    ),
    "demo:tables": _issue("the shipped flights cut is small, licensed and reproducible by script"),
    # packaging
    "layout:one-namespace": _issue("five roots make one namespace without `__init__.py`"),
    "layout:one-way-imports": _issue("imports point one way, and the sandbox knows no MCP"),
    "layout:extras": _issue("each part declares what it needs under an extra of its name"),
    # core
    "core:canonical:one-spelling": _issue("a JSON value has one canonical byte string"),
    "core:randomness:keyed": _issue("random streams are keyed by seed and name, not by order"),
    "core:reward:bounds": _issue("the reward is in [0, 1] for every log"),
    "core:reward:gold-is-one": _issue("the gold calls earn exactly 1.0"),
    "core:reward:monotone": _issue("wasted calls never raise the reward, solving never lowers it"),
    "core:reward:astra-mode": _issue("mode `astra` reproduces the paper's containment rule"),
    # command line
    "cli:help": _issue("every verb is listed, and its `--help` shows an example"),
    "cli:exit-codes": _issue("exit codes: 1 findings, 2 misuse, 130 interrupted; one line"),
    "cli:missing-extra": _issue("a verb whose part is not installed names the extra to install"),
    # sandbox
    "sandbox:clean-environment": _issue("tool code sees no environment, no files, one descriptor"),
    "sandbox:one-child-per-session": _issue("sessions are processes of their own and isolated"),
    "sandbox:limits": _issue("memory, CPU, file and reply limits hold"),
    "sandbox:deadline": _issue("a call that outlives its deadline is killed, the rest goes on"),
    "sandbox:deterministic": _issue("clock, randomness and hash order are the same on every run"),
    "sandbox:failures": _issue("tool failures are exactly the three that tool code raises itself"),
    "sandbox:no-trace": _issue("a call that fails leaves no trace in the world"),
    "sandbox:no-orphans": _issue("no process outlives its host"),
    "sandbox:refused-code": _issue("code that does not parse or lacks a tool is refused unrun"),
    "sandbox:recovery": _issue("a broken call is retried once in a fresh, replayed session"),
    "sandbox:branches:live": _sandbox(
        "a live branch equals one by replay, and is taken where it can be, if it was asked for"
    ),
    "sandbox:branches:no-other-forks": _sandbox(
        "tool code cannot fork: one fork for each branch that the host asks for, and no other"
    ),
    # servers
    "bundle:deterministic": _issue("equal inputs make equal bundle bytes"),
    "bundle:digest": _issue("a bundle whose digest does not match is refused by file name"),
    "servers:both-generations": _issue("current and older MCP clients work on the same address"),
    "servers:episodes-by-address": _issue("episodes are named in the address and isolated"),
    "servers:arguments": _issue("arguments that break the schema get one clear message"),
    "servers:no-leak": _issue("gold, paths and tracebacks never reach the agent or a list"),
    "servers:stdio": _issue("`server.py` is an MCP server bound to one episode"),
    "servers:journal": _issue("each call is journaled before its reply; a kill loses nothing"),
    "servers:control": _issue("the control plane lists, opens, closes and gives verdicts"),
    "servers:token": _issue("the control plane refuses a missing or wrong token"),
    "servers:port-in-use": _issue("a port in use is one clear message"),
    "servers:unknown-task": _issue("an unknown task or environment is one clear message"),
    "servers:tool-breaks": _issue("a tool that raises, hangs or returns no JSON breaks no run"),
    "servers:inspect": _issue("`arena inspect` shows tools, tasks and digests"),
    # episodes
    "episodes:reply": _step_3(
        "a reply ends the turn; the user answers by rule; logged like a call"
    ),
    "episodes:phases": _step_3("the tools on offer follow the turn; withheld names are not told"),
    "episodes:mixing": _step_3("a task that names its tools offers no others"),
    "episodes:elicitation": _step_3("the user is asked for what a call lacks, where allowed"),
    "episodes:faults": _step_3("injected faults follow the schedule, cost nothing, solve nothing"),
    "episodes:states": _step_3("a call that wrote is logged with the state that it left"),
    "episodes:suites": _step_3("suites keep the promises of bundles"),
    "episodes:joint": _step_3("an episode over several bundles has one log and one verdict"),
    "episodes:silence": _step_3("silence earns nothing on every variant"),
    "episodes:gold": _step_3("the gold program earns everything on every variant"),
    "episodes:same-replies": _step_3("the same messages always get the same replies"),
    "episodes:harmless": _step_3(
        "needless questions, harm and forbidden calls never raise a reward"
    ),
    # client
    "client:void-never-scored": _issue("a void episode is recorded and never has a reward"),
    "client:agents": _issue("oracle, random and noop play through MCP; random's calls are valid"),
    "client:both-transports": _issue("HTTP and stdio give the same calls and verdict"),
    "client:resume": _issue("a run that was cut off resumes without playing anything twice"),
    "client:store": _issue("a rollout file is never left with a broken line, nor lost"),
    "client:rescore": _issue("stored rollouts can be scored again from the record alone"),
    "client:report": _issue("`arena report` shows the figures per agent, also as JSON"),
    "client:deterministic": _issue("the same run twice gives the same rollouts but for times"),
    # synthesis
    "synth:table": _issue("`arena synth table` makes an environment without a language model"),
    "synth:keys": _issue("keys and foreign keys are declared or found by value inclusion"),
    "synth:tools-readable": _issue("generated tools are typed Python whose schemas fit the code"),
    "synth:tasks": _issue("at least 100 multi-hop tasks of several sub-questions, branches too"),
    "synth:no-leak": _issue("no question states its own answer or an intermediate one"),
    "synth:data-flow": _issue("a parent's value matters to its child"),
    "synth:replay": _issue("gold is replayed three times in fresh processes, byte for byte"),
    "synth:deterministic": _issue("same source and seed, same bundle bytes"),
    "synth:tools-related": _step_3("rows are listed by what they refer to"),
    "synth:tools-group": _step_3("rows are grouped with figures, in a total order"),
    "synth:tools-compare": _step_3("two rows are compared by numbers and dates"),
    "synth:tools-dates": _step_3("days are counted, and rows found around a day"),
    "synth:tools-distance": _step_3("rows with coordinates have distances and neighbours"),
    "synth:tools-create": _step_3("new rows get deterministic keys; wrong ones are refused"),
    "synth:tools-update": _step_3("an update changes what is given and refuses to change none"),
    "synth:tools-status": _step_3("a status changes by allowed steps only"),
    "synth:tools-cancel": _step_3("what is cancelled follows the steps of its status"),
    "synth:tools-transfer": _step_3("rows change parents; moved amounts keep their sum"),
    "synth:tools-evidence": _step_3("only tables that call for it get tools that write"),
    "synth:tools-number": _step_3("the number of tools is bounded, in whole families"),
    "synth:tools-valid-never-breaks": _step_3("no arguments that fit a schema break a tool"),
    # variants
    "variants:missing-function": _step_3(
        "withheld tools are all by which a bounded search by execution reaches the answer"
    ),
    "variants:missing-parameter": _step_3(
        "a value is left out only where two values lead to different outcomes, both stored"
    ),
    "variants:elicitation": _step_3("the host can ask the user for what a call lacks"),
    "variants:distractors": _step_3(
        "tools of other environments come in bands of similarity, and none solves"
    ),
    "variants:faults": _step_3("a seeded share of calls fails, and a retry succeeds"),
    "suites:cross-server": _step_3("joint tasks hand a value from one environment to another"),
    "suites:distractors": _step_3("tasks of one member come with tools of the others"),
    "suites:joint-verdict": _step_3("one verdict over all environments; harm in any of them costs"),
    "suites:deterministic": _step_3("same bundles and seed, same suite bytes"),
    "synth:topologies": _step_3("all four topologies, 1 to 8 sub-questions, a mix to choose"),
    "synth:splits": _step_3("splits share no entity and no pattern, and the report proves it"),
    "synth:resume": _step_3("a killed synthesis goes on and ends with the same bytes"),
    "synth:second-oracle": _step_3("every gold answer agrees with a second, separate oracle"),
    "synth:natural-words": _step_3("questions of undescribed tables read as people write them"),
    # bad input
    "input:missing-file": _issue("a missing file is one clear message"),
    "input:empty-table": _issue("an empty table is one clear message"),
    "input:no-key": _issue("a table without a usable key is one clear message"),
    "input:ragged": _issue("ragged rows are named by file and line"),
    "input:encoding": _issue("bad encoding is named by file and line"),
    # docs
    "docs:readme": _issue("the README's commands and example run as written"),
    "docs:other-clients": _issue("other MCP clients can play by the commands in docs/"),
    "bench:figures": _issue("`make bench` writes each figure beside its floor"),
}
