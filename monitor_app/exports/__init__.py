# SPDX-License-Identifier: Apache-2.0
"""A session as files for others: tables and pictures."""
