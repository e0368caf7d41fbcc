# SPDX-License-Identifier: Apache-2.0
"""Time, energy and disk of a plan, before it starts."""
