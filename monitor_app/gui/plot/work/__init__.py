# SPDX-License-Identifier: Apache-2.0
"""What a program of the user's did, as coloured and named spans above the traces."""
