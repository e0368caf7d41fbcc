# SPDX-License-Identifier: Apache-2.0
"""A board that is reached over ssh: what is sent there, and the link to it."""
