# SPDX-License-Identifier: Apache-2.0
"""The networks, their weights, and the library that most of them come from."""
