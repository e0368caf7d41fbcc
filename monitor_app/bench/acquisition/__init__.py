# SPDX-License-Identifier: Apache-2.0
"""A thread for each instrument: reads it, times its samples, hands them to the recorder."""
