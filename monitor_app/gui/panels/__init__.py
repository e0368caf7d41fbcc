# SPDX-License-Identifier: Apache-2.0
"""The panels around the panes, one file each."""
