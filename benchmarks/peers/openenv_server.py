"""The echo tool on OpenEnv's own server; runs in the peers' virtual environment only."""

import sys

import uvicorn
from fastmcp import FastMCP
from openenv.core.env_server import create_app
from openenv.core.env_server.mcp_environment import MCPEnvironment
from openenv.core.env_server.mcp_types import CallToolAction, CallToolObservation
from openenv.core.env_server.types import Observation, State


class EchoEnvironment(MCPEnvironment):
    """An environment with one tool."""

    SUPPORTS_CONCURRENT_SESSIONS = True

    def __init__(self):
        server = FastMCP("echo")

        @server.tool
        def echo(text: str) -> dict:
            """Return the text."""
            return {"text": text}

        super().__init__(server)
        self._state = State(episode_id="e", step_count=0)

    def reset(self, seed=None, episode_id=None, **_):
        return Observation(done=False, reward=0.0)

    def _step_impl(self, action, timeout_s=None, **_):
        raise ValueError("only tools are called here")

    @property
    def state(self):
        return self._state


app = create_app(
    EchoEnvironment,
    CallToolAction,
    CallToolObservation,
    env_name="echo",
    max_concurrent_envs=64,
)

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error")
