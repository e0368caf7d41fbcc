# SPDX-License-Identifier: Apache-2.0
"""A board over ssh: the link to it, the clock of the link, and the agent that is sent there.

The messages are those of docs/agent-protocol.md. Only `agent` runs on the board; everything else runs on this computer.
"""
