# SPDX-License-Identifier: Apache-2.0
"""Running networks: the child process, what it says, and the client that the bench drives it with."""
