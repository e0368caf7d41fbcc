# SPDX-License-Identifier: Apache-2.0
"""The device side of the shunt meter's protocol."""
