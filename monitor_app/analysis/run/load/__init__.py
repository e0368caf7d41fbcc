# SPDX-License-Identifier: Apache-2.0
"""What requests with arrivals of their own met: rates, waiting, energy with the gaps, the rules of scenarios."""
