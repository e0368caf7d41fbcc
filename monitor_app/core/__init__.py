# SPDX-License-Identifier: Apache-2.0
"""Values that every package uses: samples, runs, time, profiles, errors."""
