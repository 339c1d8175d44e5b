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


def _step_4(promise: str) -> Requirement:
    return Requirement(promise, "step 4")


def _step_5(promise: str) -> Requirement:
    return Requirement(promise, "step 5")


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
    "sandbox:tiers:probe": _sandbox("a probe says which tier is in force, and why no higher one"),
    "sandbox:tiers:minimum": _sandbox("below the minimum tier nothing runs"),
    "sandbox:tiers:enforced": _sandbox("the mandatory tier's filter, limits and user are in force"),
    "sandbox:tiers:no-fallback": _sandbox(
        "where tool code cannot be confined nothing runs; the error names the container image"
    ),
    "sandbox:tiers:recorded": _sandbox("every rollout records the tier that was in force"),
    "sandbox:unsafe": _sandbox(
        "running unconfined is asked for, said loudly and refused for training data"
    ),
    "sandbox:containers": _sandbox("it works in a container with Docker's default profile"),
    "sandbox:never-void": _sandbox("no sequence of calls makes an episode void"),
    "sandbox:state:digest": _sandbox("equal states have equal digests, others do not"),
    "sandbox:state:difference": _sandbox("what a session changed can be had as data"),
    "sandbox:state:rows-only": _sandbox("tool code changes rows, not schema or connection"),
    "sandbox:large-world": _sandbox(
        "300,000 rows can be read, sorted and changed under the filter"
    ),
    "sandbox:remote:authenticated": _sandbox(
        "a worker and its clients prove that they know a token"
    ),
    "sandbox:remote:multiplexed": _sandbox("one connection holds many sessions"),
    "sandbox:remote:lost-worker": _sandbox("a lost worker means a replay on another"),
    "sandbox:recovery:checked": _sandbox("a rebuilt state that differs is told with both digests"),
    "sandbox:hibernation": _sandbox("sessions that idle give up their process and come back"),
    "sandbox:branches": _sandbox("any interleaving of branches equals the serial runs"),
    "sandbox:branches:released": _sandbox("a released snapshot frees its memory"),
    "sandbox:branches:live": _sandbox(
        "a live branch equals one by replay, and is taken where it can be, if it was asked for"
    ),
    "sandbox:branches:no-other-forks": _sandbox(
        "tool code cannot fork: one fork for each branch that the host asks for, and no other"
    ),
    "sandbox:deterministic:restarts": _sandbox(
        "replies and digests are the same in every process of every fork server"
    ),
    "sandbox:isolation-proof": _sandbox("interleaved sessions are checked against serial ones"),
    "sandbox:conformance": _sandbox("one suite that every implementation passes"),
    "sandbox:attacks": _sandbox("hostile tools are contained on every tier, or only they die"),
    "sandbox:attacks:secrets": _sandbox("no secret of the host is in a process that it starts"),
    "sandbox:replies:fuzzed": _sandbox("no bytes of a session raise in the host"),
    "sandbox:guest-alone": _sandbox("the confined side imports the standard library only"),
    "sandbox:refused-code:line": _sandbox("refused code is a finding with file, line and reason"),
    "sandbox:never-imported": _sandbox("no command imports a bundle's code into its own process"),
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
    "variants:long-context": _step_3(
        "a row is looked for in a reply of 8,000 characters or more, and no small reply gives it"
    ),
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
    "synth:final-answers": _step_3("on request the last message must state the answer"),
    "synth:resume": _step_3("a killed synthesis goes on and ends with the same bytes"),
    "synth:second-oracle": _step_3("every gold answer agrees with a second, separate oracle"),
    "synth:natural-words": _step_3("questions of undescribed tables read as people write them"),
    # bad input
    "input:missing-file": _issue("a missing file is one clear message"),
    "input:empty-table": _issue("an empty table is one clear message"),
    "input:no-key": _issue("a table without a usable key is one clear message"),
    "input:ragged": _issue("ragged rows are named by file and line"),
    "input:encoding": _issue("bad encoding is named by file and line"),
    # sources
    "sources:typed-files": _step_3("Parquet and JSON files become tables; what is wrong is named"),
    "sources:address": _step_3("PostgreSQL and MySQL are read by address, keys and types included"),
    "sources:address-secrets": _step_3("no password of an address is in a bundle or message"),
    "sources:extra": _step_3("without the extra `db` CSV is read, and the rest names the extra"),
    "sources:offline": _step_3("what reads a file can open no other file and no address"),
    "sources:exclude": _step_3("what is excluded is never in the world; misspelt names are told"),
    "sources:mask": _step_3("masked values become pseudonyms that keep types and references"),
    "sources:sample": _step_3("large tables are cut by the seed, and references stay whole"),
    "sources:row-numbers": _step_3("a table without a key is used by row number, with a notice"),
    "sources:bad-rows": _step_3("each kind of bad row in CSV files is named or kept as text"),
    "sources:shipped": _step_3("four real data sets ship, licensed and reproducible by script"),
    # authors
    "authors:typed": _step_4("a request ends in an object of its model or in a typed error"),
    "authors:parsing": _step_4("replies are read without guessing: what leaves a doubt is refused"),
    "authors:repair": _step_4(
        "a bad reply goes back with what is wrong, a bounded number of times"
    ),
    "authors:votes": _step_4("votes are independent, and one that could not be had is none"),
    "authors:prompts": _step_4("prompts are versioned files in two languages, strictly filled in"),
    "authors:cache": _step_4("what was accepted is never paid for again, and has the same bytes"),
    "authors:resume": _step_4("a killed run loses at most the requests under way"),
    "authors:ledger": _step_4("the ledger agrees to the token with what the server counted"),
    "authors:budget": _step_4("nothing is sent once the budget is spent"),
    "authors:endpoint": _step_4("any OpenAI-compatible endpoint will do, with schemas or without"),
    "authors:concurrency": _step_4("no more requests are under way than allowed"),
    "authors:faults": _step_4("every fault of a server ends in an object or a typed error"),
    "authors:key": _step_4("the API key is sent and written nowhere"),
    "authors:transcripts": _step_4("transcripts replay replies, good and bad, to the same end"),
    "authors:server": _step_4("a local server plays transcripts to the real client over HTTP"),
    "authors:options": _step_4("every verb that asks a model takes the same options"),
    # questions with a model
    "stages:isolated": _step_4("what goes wrong with one item rejects it and no other"),
    "stages:resume": _step_4("a killed stage goes on and ends with the same bytes"),
    "stages:bad-replies": _step_4("each bad reply is caught at its stage, and sent back"),
    "stages:calibration": _step_4("seeded defects tell precision and recall by dimension"),
    "stages:fail-closed": _step_4("a judgement that could not be had counts against"),
    "stages:flat": _step_4("memory does not grow with the number of items"),
    "stages:http": _step_4("faults on the way change neither lines nor the count of tokens"),
    "stages:modes": _step_4("questions, contexts, fields and taxonomies become sub-questions"),
    "stages:only": _step_4("each stage runs alone on what the one before has left"),
    "stages:questions": _step_4("real questions pass all stages with replies that ship"),
    "stages:seeds": _step_4("seeds of ASTRA and taxonomies are read as they are"),
    "stages:ordered": _step_4("lines come in the order of the input, however many are under way"),
    # docs
    "docs:readme": _issue("the README's commands and example run as written"),
    "docs:other-clients": _issue("other MCP clients can play by the commands in docs/"),
    "bench:figures": _issue("`make bench` writes each figure beside its floor"),
    # gates
    "gates:argument-sensitivity": _step_3(
        "a tool that does not use what it is asked is rejected; the rate is told per tool"
    ),
    "gates:data-flow": _step_3(
        "a parent that does not matter to its child, or that enumeration replaces, is found"
    ),
    "gates:floor-and-ceiling": _step_3(
        "the gold earns 1, silence 0, and players that know nothing next to nothing"
    ),
    "gates:wrong-solutions": _step_3(
        "ten wrong solutions of each task run and earn less than the gold by a tenth"
    ),
    "gates:alternative-solutions": _step_3(
        "what is as right as the gold earns as much; what is not accepted can be added"
    ),
    "solvers:graded": _step_3("solvers of graded strength see the prompt and the tools alone"),
    "difficulty:measured": _step_3(
        "difficulty is measured by named solvers and recorded; a band chooses tasks"
    ),
    "gates:schema": _step_3("schemas, signatures and replies agree"),
    "gates:static": _step_3("tool code that depends on anything hidden is found"),
    "gates:replay": _step_3("gold earns everything in fresh processes, byte for byte"),
    "gates:leak": _step_3("gold that can be read without work is found"),
    "gates:exploits": _step_3("what is sent to cheat is refused or is plain data"),
    "gates:isolation": _step_3("hidden state and unstated order are found"),
    "gates:near_duplicates": _step_3("tasks that ask the same are found, the mix is reported"),
    "gates:fail-closed": _step_3("a gate that cannot be decided has failed"),
    "gates:release": _step_3("nothing that fails is released; rejects are told with reasons"),
    "gates:report": _step_3("`arena check` writes report.json and a page that stands by itself"),
    # questions
    # other words
    "reword:same": _step_4("a rewrite that drops or adds a constraint is refused by rule"),
    "reword:bundle": _step_4("a bundle's questions come in other words; else the original stays"),
    "reword:private": _step_4("values of rows go to a model only when they may"),
    # worlds
    "worlds:shared": _step_4("instances of one field share one world, and none spoils another's"),
    "worlds:bad-data": _step_4("rows without a source and queries that prove nothing are refused"),
    "worlds:bad-tools": _step_4("tools that break, cheat or know answers are seen before release"),
    "worlds:bad-calls": _step_4("calls that are not about the question are sent back"),
    "worlds:blind": _step_4("who writes code sees no answer, no row and no fact"),
    "worlds:repair": _step_4("what went wrong when code ran goes back to its author, bounded"),
    "worlds:merge": _step_4("a merged tool answers every member's call and no other"),
    "worlds:shipped": _step_4("all shipped questions and seeds become tasks that pass all gates"),
    "worlds:gates": _step_4("what fails a gate is left out with its reason, and nothing else"),
    "worlds:resume": _step_4("a run that goes on grows the same worlds"),
    "qa:structure": _step_4("the structure of a decomposition is decided by code, and strictly"),
    "qa:formats": _step_4("nine formats of questions are told apart and read into one form"),
    "qa:dirty": _step_4("human decompositions become graphs; what is dirty is named"),
    "qa:programs": _step_4("programs are read without running them and held to their answers"),
    "qa:import": _step_4("no record is lost; equal files give equal bytes; a cut run goes on"),
    "qa:shipped": _step_4("extracts of three data sets ship, licensed and cut by script"),
    "qa:environments": _step_4("questions with programs become environments that pass all gates"),
    "qa:facts": _step_4("triples and shorthand steps become chains of look-ups"),
    "qa:topologies": _step_4("questions give tasks of all four topologies"),
    "qa:shared-world": _step_4("all questions of a source share one world with its other rows"),
    "qa:shortest": _step_4("no program shorter than the gold exists with the tools on offer"),
    "qa:reference": _step_4("gold is computed apart from the tools and held to what is stated"),
    "qa:tools-blind": _step_4("tools of questions are written without sight of any question"),
    "qa:reasons": _step_4("each instance that becomes no task is listed with its reason"),
    "qa:chinese": _step_4("Chinese questions give Chinese tasks; translations are marked"),
    # documents of APIs
    "api:model": _step_4("a model writes operations that no rule covers, held to the document"),
    "api:schemas": _step_4("tools of an API take and give what the document's operations do"),
    "api:coverage": _step_4("each operation is a tool or is listed with a reason"),
    "api:rows": _step_4("rows of an API are made up, seeded, and their references hold"),
    "api:oracle": _step_4("gold earns 1 on every released task of an API"),
    "api:gates": _step_4("environments of APIs pass all release gates"),
    "api:deterministic": _step_4("equal documents and seeds give equal bundles"),
    "api:tool-list": _step_4("a pulled MCP tool list becomes an environment, too"),
    "api:errors": _step_4("a bad document or pattern is told with what was expected"),
    "qa:variants": _step_4("questions give variants of every kind, proved by execution"),
    "qa:deterministic": _step_4("equal instances and seed give equal bundles, also after a stop"),
    # the gateway
    "gateway:wrap": _step_5("any MCP server, over stdio or HTTP, becomes an environment"),
    "gateway:joint": _step_5("external and synthesized environments serve one task"),
    "gateway:allowed": _step_5("no external server is started or reached unless it was allowed"),
    "gateway:no-void": _step_5("calls that bring an external server down void no episode"),
    "gateway:http": _step_5("a server over HTTP is wrapped and called, its replies are bounded"),
    "gateway:disturbed": _step_5("faults, delays and mixings work on external environments"),
    "gateway:rollout": _step_5("agents of the command line play external environments, too"),
    "gateway:replay": _step_5("recorded episodes of an external server are played offline again"),
    # the host and its control plane
    # the agent plane
    "agent:extensions": _step_5("others add to a server what no episode notices"),
    "agent:addresses": _step_5("a suite's member, a phase, an environment: each has its address"),
    "agent:phases": _step_5("clients that believe cache hints never see a stale list of tools"),
    "agent:annotations": _step_5("hints about a tool are derived from its code, reading is proved"),
    "agent:pages": _step_5("long lists of tools come in pages, whose cursors are for one list"),
    "agent:task": _step_5("a generic host reads the current task as a prompt and a resource"),
    "agent:progress": _step_5("who asks for progress of a slow tool gets it while the tool runs"),
    "agent:cancel": _step_5("a cancelled call leaves no trace, is charged and never solves"),
    "agent:elicitation": _step_5("clients that can ask their user are asked for what is lacking"),
    "agent:bad-input": _step_5("whatever comes in is answered, and no other episode notices"),
    "agent:nothing-told": _step_5("no method tells gold, rewards, other episodes or paths"),
    "servers:branch": _step_5("a branch has the state, log, streams and budget of its origin"),
    "servers:environments": _step_5("environments come, are replaced and go while others play"),
    "servers:drain": _step_5("a draining server opens nothing, ends what is in progress, says so"),
    "servers:full": _step_5("a full server answers 429 or 503 with Retry-After, never hangs"),
    "servers:roles": _step_5("collectors play and score; only operators change what is served"),
    "servers:eviction": _step_5("environment servers start on demand and end when idle"),
    "servers:init": _step_5("`arena init` scaffolds an environment that passes every gate"),
    "servers:seal": _step_5("`arena seal` tells a mistake with its place, or writes the digests"),
    "servers:migrate": _step_5("`arena migrate` brings older formats up and keeps the original"),
    "servers:metrics": _step_5("Prometheus metrics tell of episodes, calls and sessions"),
    "servers:traces": _step_5("traces join control request, MCP call, sandbox call and state"),
    # emission
    "emission:folder": _step_5("an emitted folder installs and serves with an index alone"),
    "emission:equal": _step_5("equal environments give equal emitted bytes, the wheel included"),
    "emission:foreign": _step_5("emission never overwrites what it did not write"),
    "emission:compose": _step_5("a compose file is hardened, without secrets, valid for v1 and v2"),
    "emission:left-out": _step_5("a service per environment leaves suites' tasks out and says so"),
    "emission:kubernetes": _step_5("manifests are hardened and part the planes by network policy"),
    "emission:registry": _step_5("server.json describes the image for the MCP registry"),
    "agent-side:no-gold": _step_5("no file of an agent-side bundle tells what decides a reward"),
    "agent-side:left-out": _step_5("tasks that cannot be told without gold are left out, listed"),
    "agent-side:verdict": _step_5("a journal played beside the agent earns what a live one earns"),
    "agent-side:unscored": _step_5("a server without gold plays, and says that it cannot score"),
    # tool mixings
    "mixing:distractors": _step_5("tools of other environments are live, and solve nothing"),
    "mixing:withheld": _step_5("tools are withheld that neither gold nor an alternative needs"),
    "mixing:renamed": _step_5("agents read new names everywhere, the log has the true ones"),
    "mixing:latency": _step_5("replies are late by seed, outside of what a tool may take"),
    "mixing:budget": _step_5("a budget given at opening is kept, bounded and recorded"),
    "mixing:replay": _step_5("a record tells its mixing, and the same calls get the same replies"),
    "mixing:opening": _step_5("HTTP, stdio and the command line open episodes with a mixing"),
    # interoperability
    "interop:tools": _step_5(
        "what these tests need is installed once, or it is said that it cannot be"
    ),
    "control:contract": _step_5("the control plane keeps its own OpenAPI document"),
    "interop:third-party": _step_5("clients of others play to reward 1.0 over HTTP and stdio"),
    "interop:inspector": _step_5("the MCP Inspector finds no fault with any environment"),
    "interop:generic": _step_5("every environment passes what MCP asks of any server"),
    "interop:conformance": _step_5("all that MCP requires of a server passes, in both generations"),
    "interop:client": _step_5("the harness's MCP session passes what applies to a client of tools"),
    # the starter suite and containers
    "suite:folders": _step_5("a folder of bundles and suites is served, inspected, checked whole"),
    "suite:starter": _step_5("verified environments of several kinds ship, with licences"),
    "suite:played": _step_5("all that ships is played to reward 1.0 over HTTP"),
    "containers:compose": _step_5("composed containers are confined and score as a local run does"),
    "containers:loss": _step_5("a container killed in an episode makes it void; the run goes on"),
    "suite:deterministic": _step_5("`make suite` gives the same bytes of the same data"),
}
