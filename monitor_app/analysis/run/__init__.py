# SPDX-License-Identifier: Apache-2.0
"""One run: what it needs is read once, then latency, energy, steadiness and warnings are computed from it."""
