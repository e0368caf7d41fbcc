# SPDX-License-Identifier: Apache-2.0
"""Pure functions on what a session holds: run results, swing, intervals. No Qt, no writing."""
