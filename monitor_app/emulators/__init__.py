# SPDX-License-Identifier: Apache-2.0
"""The device side of the instruments' protocols, for use without an instrument."""
