# SPDX-License-Identifier: Apache-2.0
"""The sheet New: a profile put together, and started."""
