# SPDX-License-Identifier: Apache-2.0
"""A board that is reached over ssh: the agent that is sent to it, and the link to that agent."""
