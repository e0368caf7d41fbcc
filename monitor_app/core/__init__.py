# SPDX-License-Identifier: Apache-2.0
"""Values everyone speaks: samples, runs, time, profiles, errors."""
