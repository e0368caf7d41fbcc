# SPDX-License-Identifier: Apache-2.0
"""The agent that is sent to a board: standard library alone, Python 3.6 and later, installs nothing.

It runs from memory under another name than here and imports nothing else of this program
(docs/decisions/0030-an-agent-that-installs-nothing.md, docs/agent-protocol.md).
"""
