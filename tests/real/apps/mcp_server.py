"""An MCP server. usage: mcp_server.py streamable-http|sse PORT (at /mcp, or /sse and /messages/)"""
import asyncio
import sys

from mcp.server import MCPServer

server = MCPServer("tools")


@server.tool()
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


@server.tool()
async def slow(seconds: float) -> str:
    """Answers after a while."""
    await asyncio.sleep(seconds)
    return "done"


server.run(sys.argv[1], host="127.0.0.1", port=int(sys.argv[2]))
