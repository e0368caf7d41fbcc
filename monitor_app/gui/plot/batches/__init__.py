# SPDX-License-Identifier: Apache-2.0
"""Batches as spans in the traces, and the card of the one under the mouse."""
