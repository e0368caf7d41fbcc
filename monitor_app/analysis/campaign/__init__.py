# SPDX-License-Identifier: Apache-2.0
"""Campaigns: the cells of one or more sessions, and the paper as a campaign."""
