# SPDX-License-Identifier: Apache-2.0
"""The session file: its tables, its writer, its reader, its pyramid of summaries."""
