# SPDX-License-Identifier: Apache-2.0
"""A board that is another machine: what is sent there, and the link to it."""
